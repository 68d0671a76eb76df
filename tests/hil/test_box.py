"""The emulated box: what its kernel, its devices and the agent in it do, as figures."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw
from pydicom import dcmread
from pydicom.encaps import generate_frames

from hil.build import TOOLS
from hil.machine import Box
from passerelle.dimse.archive import Archive
from support import free_port, need

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the emulated box is Linux's")
FRAMES = 60
BAD_SIGNALS = {"no signal": "NO_SIGNAL", "no lock": "UNSTABLE", "out of range": "UNSTABLE"}


def report(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        print(f"| {name} | {value} |")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    need(*TOOLS)
    return Box(tmp_path)


@contextmanager
def device(name: str, *arguments: object) -> Iterator[None]:
    """A USB device on a port of this machine."""
    command = [sys.executable, "-m", f"hil.devices.{name}", *(str(one) for one in arguments)]
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tests) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@contextmanager
def webcam(folder: Path, port: int) -> Iterator[list[bytes]]:
    """A camera, and its frames."""
    folder.mkdir()
    frames = []
    for number in range(FRAMES):
        picture = Image.radial_gradient("L").resize((1280, 720)).convert("RGB")
        ImageDraw.Draw(picture).text((40 + 15 * number, 40 + 8 * number), f"frame {number}")
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90, subsampling=1)
        (folder / f"{number:03}.jpg").write_bytes(file.getvalue())
        frames.append(file.getvalue())
    with device("webcam", port, folder):
        yield frames


@pytest.mark.parametrize(
    "is_timed", [False, pytest.param(True, marks=pytest.mark.campaign)], ids=["gate", "timed"]
)
def test_a_camera_in_the_box_reaches_the_archive_byte_for_byte(
    box: Box, tmp_path: Path, *, is_timed: bool
) -> None:
    port = free_port()
    archive = Archive(folder=tmp_path / "archive", reporting="same")
    archive.start()
    try:
        with webcam(tmp_path / "frames", port) as frames:
            box.ports = (port, archive.port)
            box.asked = {"webcam": port, "archive": archive.port, "count": FRAMES}
            told = box.boot("camera", timeout_s=400)
        figures = told.figures("camera")
        report(figures)
        came = []
        for path in archive.folder.glob("*.dcm"):
            dataset = dcmread(path)
            assert (dataset.PatientID, str(dataset.PatientName)) == ("00042", "Müller^Jörg")
            (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
            came.append(frame.removesuffix(b"\0") if frame.endswith(b"\xd9\0") else frame)
    finally:
        archive.stop()
    identical = sum(frame in frames for frame in came)
    print(f"| frames byte for byte at the archive | {identical} of {FRAMES} |")
    assert identical == len(came) == FRAMES
    assert figures["format"] == "MJPG 1280x720"
    assert figures["truncated"] == 0
    if is_timed:  # on a machine that does nothing else
        assert figures["frames a second"] >= 25
        assert figures["good again after s"] <= 10
    assert (figures["problems"], figures["stopped"]) == ([], 0)


@pytest.mark.campaign
def test_every_fault_of_a_kernel_driver_ends_in_the_right_state(box: Box) -> None:
    figures = box.boot("vivid", timeout_s=300).figures("vivid")
    report(figures)
    assert figures["listed"] == ["vivid"]
    for pixels, told in figures["formats"].items():
        assert told.startswith("5 frames"), pixels
        assert "640x360" in told, pixels
    assert figures["pal"] == {
        "came": True,
        "size": [720, 576],
        "field": "top first",
        "aspect": [15, 16],
        "rate": 25.0,
        "signal": "locked",
    }
    assert figures["damaged"]["damaged"] == 1
    assert figures["dropped"]["missing"] > 0
    assert figures["streamon_error"].endswith("then frames")
    for fault in ("fatal_error", "disconnect"):
        states = figures[fault]["states"]
        assert states[:3] == ["UNSTABLE", "OK", "NO_DEVICE"], fault
        assert states[-1] == "OK", fault
    for name, state in BAD_SIGNALS.items():
        told = figures["signals"][name]
        assert state in told["states"], name
        assert told["stored while bad"] == 0, name
        assert told["told after s"] < 1, name
        assert told["ok at the end"], name


@pytest.mark.campaign
def test_no_short_contact_and_no_press_of_a_pedal_is_missed(box: Box) -> None:
    port, count = free_port(), 20
    with device("buttons", port, count):
        box.ports = (port,)
        box.asked = {"buttons": port}
        figures = box.boot("buttons", timeout_s=150).figures("buttons")
    report(figures)
    assert figures["gone"] == []
    assert figures["contacts of 5 ms seen"] == count
    assert figures["presses of the pedal seen"] == count


@pytest.mark.campaign
def test_nothing_is_lost_behind_a_line_that_loses(box: Box, tmp_path: Path) -> None:
    count = 30
    archive = Archive(folder=tmp_path / "archive", reporting="same")
    archive.start()
    try:
        share = tmp_path / "share"
        share.mkdir()
        picture = Image.radial_gradient("L").resize((1280, 720)).convert("RGB")
        picture.save(share / "picture.jpg", quality=90)
        box.ports = (archive.port,)
        box.asked = {"archive": archive.port, "count": count}
        figures = box.boot("network", timeout_s=260).figures("network")
    finally:
        archive.stop()
    report(figures)
    patients = sorted(dcmread(path).PatientID for path in archive.folder.glob("*.dcm"))
    print(f"| at the archive | {len(patients)} of {count} |")
    assert patients == sorted(f"P{number}" for number in range(count))
    assert len(archive.arrivals) == len(set(archive.arrivals)), "sent twice"
    assert (figures["problems"], figures["stopped"]) == ([], 0)
