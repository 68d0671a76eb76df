"""The archives that senders are measured against: stock ones, and two without Nagle."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from bench.process import program
from peers_support import Orthanc, Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.certificates import Certificates

NO_NAGLE = {"TCP_NODELAY": "1"}


class StockStorescp(Server):
    """DCMTK's storescp with nothing but where to put what it receives, bytes as they came."""

    ae_title = "STORESCP"

    def __init__(
        self,
        folder: Path,
        *options: str,
        tls: Certificates | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self._program = [*within, program("storescp")]
        super().__init__(folder / "received")
        self._options = [*options]
        if tls:
            key, certificate = tls.server
            self._options += ["+tls", str(key), str(certificate), "+cf", str(tls.authority)]

    def command(self) -> list[str]:
        place = ["+B", "-od", str(self.folder)]
        return [*self._program, *place, *self._options, str(self.port)]

    def emptied(self) -> None:
        """Forget what was received."""
        for path in self.folder.iterdir():
            path.unlink()


class NodelayStorescp(StockStorescp):
    """The same without Nagle."""

    environment = NO_NAGLE


class Sink(Server):
    """Receives and forgets."""

    ae_title = "SINK"

    def __init__(self, folder: Path, *, tls: Certificates | None = None) -> None:
        super().__init__(folder / "sink")
        self._tls: list[str] = []
        if tls:
            key, certificate = tls.server
            self._tls = [str(certificate), str(key), str(tls.authority)]

    def command(self) -> list[str]:
        script = Path(__file__).with_name("sink.py")
        return [sys.executable, "-I", str(script), str(self.port), *self._tls]

    def emptied(self) -> None:
        """It keeps nothing."""


class StockOrthanc(Orthanc):
    """Orthanc without plugins, as installed but for ports, folders and whom it may answer."""

    def __init__(
        self, folder: Path, commit_port: int = 9, *, tls: Certificates | None = None
    ) -> None:
        program("Orthanc")
        encrypted: dict[str, Any] = {}
        if tls:
            key, certificate = tls.server
            encrypted = {
                "DicomTlsEnabled": True,
                "DicomTlsCertificate": str(certificate),
                "DicomTlsPrivateKey": str(key),
                "DicomTlsTrustedCertificates": str(tls.authority),
            }
        super().__init__(folder / "orthanc", commit_port, DicomCheckCalledAet=False, **encrypted)

    def emptied(self) -> None:
        """Forget what was received: an instance that is here already is not stored again."""
        for patient in self.rest("/patients"):
            address = f"http://127.0.0.1:{self.http_port}/patients/{patient}"
            with urlopen(Request(address, method="DELETE"), timeout=60):
                pass


Receiver = StockStorescp | Sink | StockOrthanc
