"""Keys and certificates for TLS between two ends of a bench, made when it runs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.process import program

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """One authority, and a key and certificate of each end."""

    authority: Path
    server: tuple[Path, Path]  #: key, certificate
    client: tuple[Path, Path]


def certificates(folder: Path) -> Certificates:
    """An authority of our own, and both ends' certificates by it.

    Raises:
        Absent: openssl is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, authority = folder / "ca.key", folder / "ca.pem"
    _openssl("req", "-x509", "-days", "2", *_new(authority_key), "-subj", "/CN=Bench authority",
             "-out", authority)  # fmt: skip

    names = folder / "names.cnf"
    names.write_text("subjectAltName = IP:127.0.0.1, DNS:localhost\n")
    sign = ("x509", "-req", "-days", "2", "-CA", authority, "-CAkey", authority_key)

    def signed(name: str) -> tuple[Path, Path]:
        key, request, certificate = (folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        _openssl("req", *_new(key), "-subj", f"/CN={name}", "-out", request)
        _openssl(*sign, "-CAcreateserial", "-extfile", names, "-in", request, "-out", certificate)
        return key, certificate

    return Certificates(authority, signed("server"), signed("client"))


def _new(key: Path) -> tuple[str | Path, ...]:
    return ("-newkey", "rsa:2048", "-nodes", "-keyout", key)


def _openssl(*arguments: str | Path) -> None:
    command = [program("openssl"), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
