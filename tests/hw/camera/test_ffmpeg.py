"""Cameras behind ffmpeg: frames as they are, an end that is told, and no process left behind."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from camera_support import jpeg
from passerelle_hw.camera.ffmpeg import FfmpegCamera, open_camera
from passerelle_hw.camera.ffmpeg_input import arguments, seen_in
from passerelle_hw.camera.ffmpeg_program import without_credentials
from passerelle_hw.camera.frame import CameraGone, Frame, SourceChanged, Wanted
from support import need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY = Wanted()


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    need("ffmpeg")


@contextlib.contextmanager
def _camera(device: str, wanted: Wanted = _ANY) -> Iterator[FfmpegCamera]:
    camera = open_camera(device, wanted)
    try:
        yield camera
    finally:
        camera.close()
        assert not _runs(camera.pid)


def _frames(camera: FfmpegCamera) -> Iterator[Frame]:
    while True:
        frame = camera.read(5)
        assert frame is not None
        yield frame


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def test_jpegs_are_passed_on_byte_for_byte(tmp_path: Path) -> None:
    pictures = [jpeg(number) for number in range(20)]
    (tmp_path / "a b.mjpeg").write_bytes(b"".join(pictures))
    began = time.monotonic()
    with _camera(f"file:{tmp_path}/a b.mjpeg?once", Wanted(rate=100)) as camera:
        shown = list(islice(_frames(camera), 20))
        with pytest.raises(CameraGone, match="ended"):
            camera.read(5)
    assert [frame.data for frame in shown] == pictures
    assert [frame.sequence for frame in shown] == list(range(20))
    assert {frame.format for frame in shown} == {camera.format}
    assert (camera.format.pixels, camera.format.columns, camera.format.rows) == ("MJPG", 64, 48)
    times = [frame.at_s for frame in shown]
    assert began < times[0] <= times[-1] < time.monotonic()
    assert times == sorted(times)


def test_a_file_is_shown_again_and_again(tmp_path: Path) -> None:
    pictures = [jpeg(number) for number in range(4)]
    (tmp_path / "a.mjpeg").write_bytes(b"".join(pictures))
    with _camera(f"file:{tmp_path}/a.mjpeg", Wanted(rate=100)) as camera:
        assert [frame.data for frame in islice(_frames(camera), 10)] == (pictures * 3)[:10]


@pytest.mark.parametrize(
    ("graph", "wanted", "pixels", "size"),
    [
        ("testsrc2=size=32x24:rate=50,format=yuv420p", None, "NV12", 32 * 24 * 3 // 2),
        ("testsrc2=size=32x24:rate=50,format=yuv422p", None, "YUYV", 32 * 24 * 2),
        ("testsrc2=size=31x24:rate=50,format=rgb24", None, "RGB3", 31 * 24 * 3),
        ("testsrc2=size=31x24:rate=50,format=yuv444p", None, "RGB3", 31 * 24 * 3),
        ("testsrc2=size=32x24:rate=50,format=gray", None, "GREY", 32 * 24),
        ("testsrc2=size=32x24:rate=50,format=gray12", None, "Y12", 32 * 24 * 2),
        ("testsrc2=size=32x24:rate=50,format=rgb24", "GREY", "GREY", 32 * 24),
        ("testsrc2=size=32x24:rate=50,format=rgb24", "MJPG", "RGB3", 32 * 24 * 3),
    ],
)
def test_what_is_not_jpeg_is_decoded_to_what_loses_nothing(
    graph: str, wanted: str | None, pixels: str, size: int
) -> None:
    with _camera(f"lavfi:{graph}", Wanted(pixels=wanted)) as camera:  # type: ignore[arg-type]
        frame = next(_frames(camera))
    assert camera.format.pixels == pixels
    assert camera.format.rate == 50
    assert len(frame.data) == size


@pytest.mark.parametrize(
    ("pixels", "value"), [("gray", 200), ("gray16le", 0xABCD), ("gray10le", 1000)]
)
def test_grey_values_arrive_as_they_are(pixels: str, value: int) -> None:
    width = 1 if pixels == "gray" else 2
    graph = f"nullsrc=size=16x16:rate=50,format={pixels},geq=lum={value}"
    with _camera(f"lavfi:{graph}") as camera:
        data = next(_frames(camera)).data
    assert data == value.to_bytes(width, "little") * 256


def test_white_of_video_is_white_where_grey_is_asked_for() -> None:
    graph = "color=white:size=16x16:rate=50,format=yuv420p"
    with _camera(f"lavfi:{graph}", Wanted(pixels="GREY")) as camera:
        assert set(next(_frames(camera)).data) == {255}
        assert camera.format.full_range


def test_samples_of_video_arrive_as_they_are() -> None:
    graph = "color=white:size=16x16:rate=50,format=yuv420p"
    with _camera(f"lavfi:{graph}") as camera:
        data = next(_frames(camera)).data
    assert data == bytes([235]) * 256 + bytes([128]) * 128
    assert not camera.format.full_range


def test_the_shape_of_a_pixel_is_told() -> None:
    with _camera("lavfi:testsrc2=size=32x24:rate=50,setsar=16/15") as camera:
        assert camera.format.pixel_aspect == (15, 16)


def test_another_size_on_the_way_is_a_change_of_the_source(tmp_path: Path) -> None:
    pictures = [jpeg(number) for number in range(3)] + [jpeg(1, 32, 16)]
    (tmp_path / "a.mjpeg").write_bytes(b"".join(pictures))
    with _camera(f"file:{tmp_path}/a.mjpeg?once", Wanted(rate=100)) as camera:
        assert len(list(islice(_frames(camera), 3))) == 3
        with pytest.raises(SourceChanged, match="32 x 16"):
            camera.read(5)


def test_another_size_of_what_is_decoded_is_a_change_of_the_source(tmp_path: Path) -> None:
    for number, size in enumerate(("32x24", "64x48")):
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=50"]
        part = tmp_path / f"{number}.ts"
        subprocess.run(
            [*command, "-frames:v", "5", "-c:v", "mpeg2video", "-f", "mpegts", str(part)],
            check=True,
        )
    video = tmp_path / "a.ts"
    video.write_bytes((tmp_path / "0.ts").read_bytes() + (tmp_path / "1.ts").read_bytes())
    with _camera(f"file:{video}?once") as camera:
        first = [next(_frames(camera))]
        with pytest.raises(SourceChanged, match="not of 32 x 24"):
            first.extend(_frames(camera))
    assert {len(frame.data) for frame in first} == {32 * 24 * 3 // 2}


def test_what_nobody_fetches_is_dropped_and_leaves_a_gap() -> None:
    with _camera("lavfi:testsrc2=size=32x24:rate=200") as camera:
        first = next(_frames(camera))
        time.sleep(0.5)
        shown = [first, *islice(_frames(camera), 30)]
    gaps = [b.sequence - a.sequence for a, b in pairwise(shown)]
    assert max(gaps) > 20
    assert min(gaps) == 1


def test_a_camera_that_stalls_is_ended_and_says_so() -> None:
    camera = FfmpegCamera("lavfi:testsrc2=size=32x24:rate=50", _ANY, stall_s=0.5)
    next(_frames(camera))
    os.kill(camera.pid, signal.SIGSTOP)
    with pytest.raises(CameraGone, match=r"no frame for \d s"):
        wait_until(lambda: camera.read(0.1) and False)
    assert not _runs(camera.pid)
    camera.close()


def test_no_ffmpeg_stays_when_the_process_that_started_it_is_killed() -> None:
    program = (
        "import sys\n"
        "from passerelle_hw.camera.ffmpeg import open_camera\n"
        "from passerelle_hw.camera.frame import Wanted\n"
        "camera = open_camera('lavfi:testsrc2=size=32x24:rate=50', Wanted())\n"
        "print(camera.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    assert _runs(pid)
    process.kill()
    process.communicate()
    wait_until(lambda: not _runs(pid))


@pytest.mark.parametrize(
    ("device", "why"),
    [
        ("rtsp://someone:secret@127.0.0.1:{port}/stream?token=secret", "refused"),
        ("http://someone:secret@127.0.0.1:{port}/?token=secret", "refused"),
        ("file:/nowhere/a.mjpeg", "No such file"),
        ("lavfi:nonsense=1", "nonsense"),
        ("front camera", "no camera that is known"),
    ],
)
def test_what_cannot_be_opened_says_why_without_its_credentials(device: str, why: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(CameraGone, match=why) as gone:
            open_camera(device.format(port=port), _ANY)
    assert "secret" not in str(gone.value)
    assert "someone" not in str(gone.value)


def test_a_stream_over_http_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.mjpeg").write_bytes(b"".join(jpeg(number) for number in range(30)))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with _camera(f"http://127.0.0.1:{server.server_port}/a.mjpeg") as camera:
            assert next(_frames(camera)).data == jpeg(0)
        server.shutdown()
        thread.join()


def test_windows_names_and_sizes_are_asked_for_as_directshow_has_them() -> None:
    wanted = Wanted(columns=1280, rows=720, rate=30)
    asked = ["-f", "dshow", "-video_size", "1280x720", "-framerate", "30"]
    assert arguments("dshow:USB Video", wanted) == [*asked, "-i", "video=USB Video"]
    assert arguments("dshow:video=USB Video", wanted) == [*asked, "-i", "video=USB Video"]


_JPEG = """
Input #0
  Stream #0:0: Video: mjpeg (Baseline), yuvj422p(pc, bt470bg/unknown/unknown), 1280x720 \
[SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 25 tbn
"""
_H264 = """
  Stream #0:0: Audio: aac, 48000 Hz
  Stream #0:1[0x100](eng): Video: h264 (High) ([27][0][0][0] / 0x001B), \
yuv420p(tv, bt709, top first), 1920x1080, 29.97 fps, 29.97 tbr, 90k tbn
"""
_YUYV = """
  Stream #0:0, 0, 1/10000000: Video: rawvideo (YUY2 / 0x32595559), yuyv422(tv), 640x480, \
30 fps, 30 tbr, 10000k tbn
"""


@pytest.mark.parametrize(
    ("told", "facts"),
    [
        (_JPEG, ("mjpeg", "yuvj422p", True, "progressive", 25.0)),
        (_H264, ("h264", "yuv420p", False, "top first", 29.97)),
        (_YUYV, ("rawvideo", "yuyv422", False, "progressive", 30.0)),
    ],
)
def test_what_ffmpeg_says_of_a_stream_is_understood(told: str, facts: tuple[object, ...]) -> None:
    seen = seen_in(told.splitlines())
    assert seen is not None
    assert (seen.codec, seen.pixels, seen.full_range, seen.field, seen.rate) == facts


def test_sound_alone_is_no_camera() -> None:
    assert seen_in(["Input #0", "  Stream #0:0: Audio: aac, 48000 Hz"]) is None


def test_credentials_are_taken_out_of_any_text() -> None:
    told = without_credentials("cannot open 'rtsp://a:b@h:554/x?p=q' nor http://h/y?z, a@b.c")
    assert told == "cannot open 'rtsp://h:554/x nor http://h/y a@b.c"
