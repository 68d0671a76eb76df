"""Real archives as subprocesses: Orthanc and DCMTK's servers, started as an operator would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from support import PEER_PATH, free_port, peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AGENT_AET = "AGENT"


class Server:
    """A peer's process; `kill` it and `start` it again on the same port and folder."""

    ae_title = "ARCHIVE"
    environment: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> Self:
        self._process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": PEER_PATH, **self.environment},
        )
        wait_until(self.is_up, timeout_s=30)
        return self

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def is_up(self) -> bool:
        return self._process is not None and _listens(self.port, self._process.pid)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def node(self, **settings: object) -> dict[str, Any]:
        """The node of a request to the peer child."""
        known = {
            "host": "127.0.0.1",
            "port": self.port,
            "ae_title": self.ae_title,
            "calling_ae_title": AGENT_AET,
        }
        return {**known, **settings}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class Orthanc(Server):
    """Storage, query and commitment; reports go to `commit_port`, where AGENT listens."""

    ae_title = "ORTHANC"

    def __init__(self, folder: Path, commit_port: int = 9, **settings: object) -> None:
        super().__init__(folder)
        self.http_port = free_port()
        configuration = {
            "Name": "Archive",
            "StorageDirectory": "db",
            "IndexDirectory": "db",
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "HttpPort": self.http_port,
            "DicomAet": self.ae_title,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowFind": True,
            "DicomModalities": {"agent": [AGENT_AET, "127.0.0.1", commit_port]},
            **settings,
        }
        (folder / "orthanc.json").write_text(json.dumps(configuration))

    def command(self) -> list[str]:
        return [peer("Orthanc"), "orthanc.json"]

    def is_up(self) -> bool:
        try:
            self.rest("/system")
        except OSError:
            return False
        return super().is_up()

    def rest(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        data = None if body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{self.http_port}{path}"
        with urllib.request.urlopen(address, data, timeout=10) as answer:
            return json.load(answer)

    def count(self) -> int:
        """How many instances it has."""
        count: int = self.rest("/statistics")["CountInstances"]
        return count

    def sop_instance_uids(self) -> list[str]:
        return [
            instance["MainDicomTags"]["SOPInstanceUID"]
            for instance in self.rest("/instances?expand")
        ]


class Storescp(Server):
    """DCMTK's storescp: one file an arrival, bytes as received; by default uncompressed only."""

    ae_title = "STORESCP"

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self._options = options

    def command(self) -> list[str]:
        return [
            peer("storescp"),
            *("-aet", self.ae_title, "+uf", "+B", "-od", str(self.folder)),
            *self._options,
            str(self.port),
        ]

    def received(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.suffix != ".part"]


class Dcmqrscp(Server):
    """DCMTK's dcmqrscp: storage and query."""

    ae_title = "QRSCP"

    def command(self) -> list[str]:
        database = self.folder / "db"
        database.mkdir(exist_ok=True)
        (self.folder / "dcmqrscp.cfg").write_text(
            f"NetworkTCPPort = {self.port}\n"
            "MaxPDUSize = 16384\nMaxAssociations = 16\n"
            "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\n{self.ae_title} {database} RW (200, 1024mb) ANY\nAETable END\n"
        )
        return [peer("dcmqrscp"), "-c", "dcmqrscp.cfg"]


def _listens(port: int, pid: int) -> bool:
    """Whether somebody listens where it runs, without connecting: some peers count connections."""
    wanted = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as lines:  # noqa: PTH123 - not a file on a disk
            for line in lines:
                _, local, _, state, *_ = line.split()
                if local.endswith(wanted) and state == "0A":
                    return True
    return False


SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def instance(
    folder: Path, number: int = 1, *, kilobytes: int = 10, syntax: str = "1.2.840.10008.1.2.1"
) -> dict[str, Any]:
    """A Part 10 file of an invented patient, as the body of a store request."""
    rows = kilobytes
    dataset = Dataset()
    dataset.SOPClassUID = SECONDARY_CAPTURE
    dataset.SOPInstanceUID = f"2.25.1000.{number}"
    dataset.StudyInstanceUID = "2.25.1"
    dataset.SeriesInstanceUID = "2.25.10"
    dataset.PatientID = "TEST-1"
    dataset.PatientName = "Invented^Patient"
    dataset.Modality = "OT"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, 1024
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    pixels = bytes(range(256)) * 4 * rows
    encapsulated = syntax not in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")
    dataset.PixelData = encapsulate([pixels]) if encapsulated else pixels
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    path = folder / f"{number}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return {
        "file": str(path),
        "sop_class_uid": SECONDARY_CAPTURE,
        "sop_instance_uid": dataset.SOPInstanceUID,
        "study_instance_uid": dataset.StudyInstanceUID,
        "series_instance_uid": dataset.SeriesInstanceUID,
        "transfer_syntax_uid": syntax,
        "size": path.stat().st_size,
        "alternatives": [],
    }


def large_instance(folder: Path, megabytes: int) -> dict[str, Any]:
    """One whose data set ends with this many zero bytes that take no room on the disk."""
    body = instance(folder, 999)
    with open(body["file"], "r+b") as file:  # noqa: PTH123 - read and written
        content = file.read()
        at = content.rindex(b"\xe0\x7f\x10\x00OB\0\0") + 8
        file.seek(at)
        file.write((megabytes << 20).to_bytes(4, "little"))
        file.truncate(at + 4)
        file.truncate(at + 4 + (megabytes << 20))
    return body


@contextmanager
def embedded_archive(
    folder: Path, *, reporting: str = "new", report_to: str = ""
) -> Iterator[dict[str, Any]]:
    """The embedded archive as the process that the demo runs; gives its node."""
    arguments = ["--folder", str(folder), "--reporting", reporting, "--report-to", report_to]
    with subprocess.Popen(
        [sys.executable, "-m", "passerelle.dimse.archive", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline().split()[1])
        yield {
            "host": "127.0.0.1",
            "port": port,
            "ae_title": "ARCHIVE",
            "calling_ae_title": AGENT_AET,
        }
        process.stdin.close()
        process.wait(10)
