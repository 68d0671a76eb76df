"""Keys and certificates, made by openssl when they are asked for."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support import peer

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A key and its certificate."""

    key: Path
    certificate: Path


class Authority:
    """Signs whatever it is asked to."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        subject = ("-subj", f"/CN={name}", "-days", "2")
        _openssl("req", "-x509", *subject, *_new(self.key), "-out", self.certificate)

    def signed(self, name: str, names: str = "IP:127.0.0.1,DNS:localhost") -> Pair:
        """A certificate for these subject alternative names."""
        key, request, certificate = (
            self._folder / f"{name}.{end}" for end in ("key", "csr", "pem")
        )
        extension = self._folder / f"{name}.cnf"
        extension.write_text(f"subjectAltName = {names}\n")
        _openssl("req", *_new(key), "-subj", f"/CN={name}", "-out", request)
        by = ("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2")
        extended = ("-extfile", extension)
        _openssl("x509", "-req", *by, *extended, "-in", request, "-out", certificate)
        return Pair(key, certificate)


def storescp_options(authority: Authority, server: Pair) -> tuple[str, ...]:
    """What makes a `storescp` speak TLS, and want a certificate of its client."""
    return ("+tls", str(server.key), str(server.certificate), "+cf", str(authority.certificate))


def orthanc_settings(authority: Authority, server: Pair) -> dict[str, Any]:
    """What makes an Orthanc speak TLS, and want a certificate of its client."""
    return {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(server.certificate),
        "DicomTlsPrivateKey": str(server.key),
        "DicomTlsTrustedCertificates": str(authority.certificate),
    }


def _new(key: Path) -> tuple[str | Path, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key)


def _openssl(*arguments: str | Path) -> None:
    command = [peer("openssl"), *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
