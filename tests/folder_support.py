"""A folder source on a clock of the test's own, and whole files of every kind it knows."""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from passerelle.sources.folder import FolderSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle.model import Acquisition, Fingerprint


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class RealClock(Clock):
    """Goes on by itself."""

    def __call__(self) -> float:
        return time.monotonic()


@contextmanager
def plain_user() -> Iterator[Path]:
    """A folder of a user who may not read everything, even where the tests run as root."""
    is_root = os.name == "posix" and os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        if is_root:
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            if is_root:
                os.seteuid(0)


class Memory:
    """Remembers in the process."""

    def __init__(self) -> None:
        self.known: set[tuple[str, str, Fingerprint]] = set()

    def remembers(self, source: str, name: str, fingerprint: Fingerprint) -> bool:
        return (source, name, fingerprint) in self.known

    def remember(self, source: str, name: str, fingerprint: Fingerprint) -> None:
        self.known.add((source, name, fingerprint))


class Desk:
    """A folder, the source that watches it, and the archive that its originals go to."""

    def __init__(self, tmp_path: Path, clock: Clock | None = None, **settings: Any) -> None:  # noqa: ANN401 - a source's own
        self.folder = tmp_path / "export"
        self.folder.mkdir(exist_ok=True)
        self.archive = tmp_path / "archive"
        self.archive.mkdir(exist_ok=True)
        self.clock = clock or Clock()
        self.memory = Memory()
        self.settings = {"sidecar_wait_s": 0.0, **settings}
        self.source = self.restarted()

    def restarted(self) -> FolderSource:
        """Another source on the same folder, as after a restart of the agent."""
        self.source = FolderSource(
            "export",
            self.folder,
            archive=self.to_archive,
            memory=self.memory,
            clock=self.clock,
            wall_clock=lambda: 1.5e9,
            **self.settings,
        )
        return self.source

    def to_archive(self, path: Path) -> None:
        path.rename(self.archive / path.name)

    def drop(self, name: str, data: bytes = b"anything", mtime: float | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
        return path

    def drop_sidecar(self, name: str, patient_id: str = "0042") -> Path:
        return self.drop(name, json.dumps({"PatientID": patient_id}).encode())

    def look(self, after_s: float = 0.0) -> list[Acquisition]:
        """What is offered after a while."""
        self.clock.now += after_s
        return list(self.source.ready())

    def settled(self, after_s: float = 2.0) -> list[Acquisition]:
        """What is offered once what lies there now has stood still."""
        return [*self.look(), *self.look(after_s)]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


def picture(form: str, **options: object) -> bytes:
    """A picture whose noise no codec makes small."""
    noise = np.random.default_rng(7).integers(0, 255, (64, 48, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, form, **options)
    return file.getvalue()


def jpeg_with_thumbnail() -> bytes:
    """A JPEG whose EXIF holds another one, whole with its end of image."""
    whole, thumbnail = picture("JPEG"), picture("JPEG", quality=10)
    segment = b"Exif\0\0" + thumbnail
    return whole[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + whole[2:]


def part10(syntax: str = ExplicitVRLittleEndian) -> bytes:
    """A DICOM file with a sequence of each form of length and, if the syntax has it, fragments."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "2.25.1"
    dataset.PatientID = "0042"
    for keyword, undefined in (
        ("OtherPatientIDsSequence", True),
        ("ReferencedStudySequence", False),
    ):
        below = Dataset()
        below.PatientID = "43"
        deeper = Dataset()
        deeper.CodeValue = "1"
        below.PurposeOfReferenceCodeSequence = [deeper]
        setattr(dataset, keyword, [below])
        dataset[keyword].is_undefined_length = undefined
        below["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
        below.is_undefined_length_sequence_item = undefined
    frames = [bytes(range(250)), bytes(100)]
    compressed = syntax == JPEGLSLossless
    dataset.PixelData = encapsulate(frames) if compressed else b"".join(frames)
    dataset["PixelData"].VR = "OB" if compressed else "OW"
    dataset["PixelData"].is_undefined_length = compressed
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def whole_files() -> dict[str, bytes]:
    """One file of every kind whose end can be told, by name."""
    several = [Image.new("L", (40, 30), level) for level in (10, 20, 30)]
    pages = io.BytesIO()
    several[0].save(pages, "TIFF", save_all=True, append_images=several[1:])
    return {
        "a.png": picture("PNG"),
        "a.jpg": picture("JPEG"),
        "progressive.jpg": picture("JPEG", progressive=True),
        "thumbnail.jpg": jpeg_with_thumbnail(),
        "a.gif": picture("GIF"),
        "a.bmp": picture("BMP"),
        "a.tif": picture("TIFF"),
        "big.tif": picture("TIFF", big_tiff=True),
        "lzw.tif": picture("TIFF", compression="tiff_lzw"),
        "pages.tif": pages.getvalue(),
        "a.pdf": picture("PDF"),
        "explicit.dcm": part10(ExplicitVRLittleEndian),
        "implicit.dcm": part10(ImplicitVRLittleEndian),
        "big.dcm": part10(ExplicitVRBigEndian),
        "fragments.dcm": part10(JPEGLSLossless),
    }


def deflated() -> bytes:
    return part10(DeflatedExplicitVRLittleEndian)
