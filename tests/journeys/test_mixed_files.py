"""Two hundred mixed files in a folder become two hundred proven objects in a real Orthanc."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from journey_support import Box, dicom_destination
from mixed_files import MixedFile, mixed_files
from peers_support import Orthanc
from support import free_port, peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

#: Of pydicom's own files those that are valid objects, in syntaxes that Orthanc takes.
PART10 = (
    "CT_small.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle.dcm",
    "examples_overlay.dcm",
)


@pytest.mark.parametrize("count", [200])
def test_two_hundred_mixed_files_arrive_proven_and_pixel_identical(
    tmp_path: Path, count: int
) -> None:
    report_port = free_port()
    with Orthanc(tmp_path / "orthanc", report_port) as orthanc:
        destination = dicom_destination(
            orthanc.port, ae_title=orthanc.ae_title, report_port=report_port
        )
        box = Box(tmp_path / "box", destination)
        files = {f"P{number:03}": file for number, file in enumerate(mixed_files(count))}
        part10 = dict(_part10_files())
        box.start()
        try:
            for patient_id, file in files.items():
                box.drop(file.name, file.content, {"PatientID": patient_id, "PatientName": "Doe^J"})
            for uid, content in part10.items():
                box.drop(f"{uid}.dcm", content)
            expected = len(files) + len(part10)
            wait_until(lambda: committed(box) >= expected, timeout_s=240, every_s=0.5)
            status = box.status()
        finally:
            box.stop()
        assert status["deliveries"] == {
            **dict.fromkeys(status["deliveries"], 0),
            "COMMITTED": expected,
        }
        assert status["healthy"], status["problems"]
        assert orthanc.count() == expected
        assert len(set(orthanc.sop_instance_uids())) == expected
        faults = [
            fault for path in fetched(orthanc, tmp_path) for fault in _faults(path, files, part10)
        ]
    assert faults == []


def committed(box: Box) -> int:
    count: int = box.status().get("deliveries", {}).get("COMMITTED", 0)
    return count


def fetched(orthanc: Orthanc, folder: Path) -> Iterator[Path]:
    """Every object, as Orthanc gives it back."""
    for instance in orthanc.rest("/instances"):
        address = f"http://127.0.0.1:{orthanc.http_port}/instances/{instance}/file"
        path = folder / f"{instance}.dcm"
        with urllib.request.urlopen(address, timeout=30) as answer:
            path.write_bytes(answer.read())
        yield path


def _part10_files() -> Iterator[tuple[str, bytes]]:
    for name in PART10:
        path = Path(pydicom.__file__).parent / "data" / "test_files" / name
        yield str(dcmread(path, stop_before_pixels=True).SOPInstanceUID), path.read_bytes()


def _faults(path: Path, files: dict[str, MixedFile], part10: dict[str, bytes]) -> Iterator[str]:
    dataset = dcmread(path)
    name = str(dataset.SOPInstanceUID)
    if name in part10:
        if _data_set(path.read_bytes()) != _data_set(part10[name]):
            yield f"{name}: not the device's own data set"
        return
    source = files[dataset.PatientID]
    told = subprocess.run([peer("dciodvfy"), path], capture_output=True, text=True, check=False)
    errors = [line for line in told.stderr.splitlines() if line.startswith("Error")]
    if errors or told.returncode < 0 or not told.stderr:
        yield f"{source.name}: dciodvfy: {errors or told}"
    if source.is_verbatim:
        (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
        if frame.rstrip(b"\0") != source.content.rstrip(b"\0"):
            yield f"{source.name}: not the device's own bit stream"
    elif not _equal(_decoded(path), source.frames):
        yield f"{source.name}: other pixels"


def _data_set(part10: bytes) -> bytes:
    """What follows the file meta group, which C-STORE does not carry (PS3.10 7.1)."""
    group_length = int.from_bytes(part10[140:144], "little")
    # Orthanc 1.10.1 mends the value representation of compressed pixel data.
    return part10[144 + group_length :].replace(b"\xe0\x7f\x10\0OW", b"\xe0\x7f\x10\0OB")


def _equal(frames: NDArray[Any], expected: list[NDArray[Any]]) -> bool:
    return len(frames) == len(expected) and all(map(np.array_equal, frames, expected))


def _decoded(path: Path) -> NDArray[Any]:
    """The frames as GDCM decodes them, not the library that encoded them."""
    raw = path.with_suffix(".raw.dcm")
    subprocess.run([peer("gdcmconv"), "--raw", path, raw], check=True, capture_output=True)
    dataset = dcmread(raw)
    kind = np.uint8 if dataset.BitsAllocated == 8 else np.uint16
    pixels = np.frombuffer(dataset.PixelData, kind)
    shape: tuple[int, ...] = (
        int(dataset.get("NumberOfFrames", 1)),
        dataset.Rows,
        dataset.Columns,
    )
    if dataset.SamplesPerPixel == 3:
        shape = (*shape, 3)
    size = int(np.prod(shape))
    if dataset.get("PlanarConfiguration"):
        planes = pixels[:size].reshape((shape[0], 3, *shape[1:3]))
        return np.moveaxis(planes, 1, -1)
    return pixels[:size].reshape(shape)
