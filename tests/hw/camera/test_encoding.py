"""Clips become H.264 that any player shows and DICOM has a transfer syntax for."""

from __future__ import annotations

import json
import subprocess
from array import array
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from camera_support import GREY, MJPG, down, frame, jpeg
from passerelle_hw.camera import folder
from passerelle_hw.camera.encoding import Encoding, NotEncoded, encoders
from passerelle_hw.camera.wish import ClipBegun, ClipEnded
from passerelle_hw.camera.writing import ClipFile
from support import need, peer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle_hw.camera.frame import Format
    from passerelle_hw.camera.writing import Taken

_EVEN = (0.0, *[40.0] * 49)


@pytest.fixture(autouse=True)
def _ffmpeg() -> None:
    need("ffmpeg", "ffprobe")


def _taken(into: Path, times: tuple[float, ...] = _EVEN, given: Format = MJPG) -> Taken:
    def shown(number: int) -> bytes:
        if given.pixels == "MJPG":
            return jpeg(number, given.columns, given.rows)
        return bytes([4 * number % 256]) * given.stride * given.rows

    at_s, all_frames = 100.0, []
    for number, since_ms in enumerate(times):
        at_s += since_ms / 1000
        all_frames.append(frame(at_s, number, given, shown(number)))
    clip = ClipFile(into, ClipBegun(down(100.0), all_frames[0]))
    for one in all_frames[1:]:
        clip.add(one)
    return clip.finish(ClipEnded("", times, 0), lambda at_s: at_s)


def _stream(file: Path) -> dict[str, Any]:
    command = [
        peer("ffprobe"), "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(file)
    ]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True).stdout
    (stream,) = json.loads(told)["streams"]
    return dict(stream)


def test_a_clip_of_jpegs_becomes_h264_of_high_profile_frame_for_frame(tmp_path: Path) -> None:
    taken = _taken(tmp_path)
    captured = Encoding().encode(taken)
    stream = _stream(captured.file)
    assert (stream["codec_name"], stream["profile"], stream["level"]) == ("h264", "High", 41)
    assert (stream["pix_fmt"], stream["color_range"]) == ("yuv420p", "tv")
    assert (stream["width"], stream["height"]) == (captured.columns, captured.rows) == (64, 48)
    assert stream["avg_frame_rate"] == stream["r_frame_rate"] == "25/1"
    assert int(stream["nb_read_frames"]) == captured.frames == 50
    assert captured.frame_times_ms == _EVEN
    assert captured.lossy
    data = captured.file.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "it does not start fast"
    assert folder.left_behind(tmp_path) == [captured], "the clip as it was taken is still there"


def test_the_time_stays_true_where_frames_are_missing(tmp_path: Path) -> None:
    captured = Encoding().encode(_taken(tmp_path, (0.0, *[40.0] * 9, 440.0, *[40.0] * 9)))
    assert captured.frames == 30
    assert float(_stream(captured.file)["duration"]) == pytest.approx(30 / 25)


def test_grey_pictures_keep_their_shades(tmp_path: Path) -> None:
    captured = Encoding().encode(_taken(tmp_path, given=GREY))
    command = [
        peer("ffmpeg"), "-v", "error", "-i", str(captured.file), "-f", "rawvideo",
        "-pix_fmt", "gray", "-vf", "scale=out_range=full", "-",
    ]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True).stdout
    pictures = np.frombuffer(told, np.uint8).reshape(50, 48, 64)
    assert [int(one.mean().round()) for one in pictures] == pytest.approx(
        [4 * number % 256 for number in range(50)], abs=2
    )


def test_colours_of_a_jpeg_are_those_of_the_video(tmp_path: Path) -> None:
    given = replace(MJPG, columns=1280, rows=720)
    taken = _taken(tmp_path, (0.0, 40.0), given)
    captured = Encoding().encode(taken)
    assert _stream(captured.file)["color_space"] == "bt709"
    command = [
        peer("ffmpeg"), "-v", "error", "-i", str(captured.file), "-frames:v", "1",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    ]  # fmt: skip
    told = subprocess.run(command, check=True, capture_output=True).stdout
    seen = np.frombuffer(told, np.uint8).reshape(720, 1280, 3).astype(int)
    (tmp_path / "first.jpg").write_bytes(jpeg(0, 1280, 720))
    with Image.open(tmp_path / "first.jpg") as image:
        meant = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(seen - meant).mean() < 3


def test_a_line_too_many_is_kept_beside_a_black_one(tmp_path: Path) -> None:
    given = replace(MJPG, columns=63, rows=47, pixel_aspect=(11, 12))
    captured = Encoding().encode(_taken(tmp_path, given=given))
    stream = _stream(captured.file)
    assert (stream["width"], stream["height"]) == (captured.columns, captured.rows) == (64, 48)
    assert stream["sample_aspect_ratio"] == "12:11"


@pytest.mark.parametrize(
    ("columns", "rows", "step_ms", "level"),
    [(1920, 1080, 33.3667, 41), (1920, 1080, 16.683, 42), (1280, 720, 16.683, 41)],
)
def test_the_level_is_the_least_that_dicom_has(
    columns: int, rows: int, step_ms: float, level: int, tmp_path: Path
) -> None:
    given = replace(MJPG, columns=columns, rows=rows, rate=1000 / step_ms)
    captured = Encoding().encode(_taken(tmp_path, (0.0, step_ms, step_ms), given))
    assert _stream(captured.file)["level"] == level
    assert captured.frame_times_ms[1] == pytest.approx(step_ms, abs=0.01)


def test_what_is_beyond_every_level_stays_as_it_was_taken(tmp_path: Path) -> None:
    taken = _taken(tmp_path, (0.0, 20.0), replace(MJPG, columns=3840, rows=2160))
    with pytest.raises(NotEncoded, match=r"3840 x 2160 at 50\.00/s is beyond"):
        Encoding().encode(taken)
    assert folder.left_behind(tmp_path) == [taken.captured]


def test_a_frame_that_ffmpeg_cannot_decode_is_never_left_out_silently(tmp_path: Path) -> None:
    taken = _taken(tmp_path)
    data = bytearray(taken.captured.file.read_bytes())
    at, size = taken.offsets[20], taken.sizes[20]
    data[at : at + size] = bytes(size)
    taken.captured.file.write_bytes(data)
    with pytest.raises(NotEncoded, match=r"49 of 50 frames"):
        Encoding().encode(taken)
    assert taken.captured.file.exists()
    assert not list(tmp_path.glob("*.mp4*"))


def test_an_encoder_is_stopped_at_once_and_the_clip_stays(tmp_path: Path) -> None:
    encoding = Encoding()
    taken = _taken(tmp_path, (0.0, *[33.4] * 5), replace(MJPG, columns=1920, rows=1080))
    long = replace(
        taken,
        captured=replace(taken.captured, frame_times_ms=taken.captured.frame_times_ms * 1000),
        offsets=array("Q", list(taken.offsets) * 1000),
        sizes=array("Q", list(taken.sizes) * 1000),
    )
    why: list[str] = []

    def encode() -> None:
        try:
            encoding.encode(long)
        except NotEncoded as reason:
            why.append(str(reason))

    thread = Thread(target=encode)
    thread.start()
    wait_until(lambda: list(tmp_path.glob("*.mp4.part")))
    encoding.stop()
    thread.join(5)
    assert why
    assert "the capture was stopped" in why[0]
    assert folder.left_behind(tmp_path) == [taken.captured]


def test_an_encoder_that_hangs_is_ended(tmp_path: Path) -> None:
    encoding = Encoding()
    taken = _taken(tmp_path)
    encoding.look_after(1e9)  # nothing is being encoded
    encoding.stop()
    with pytest.raises(NotEncoded, match="stopped"):
        encoding.encode(taken)


def test_this_machine_has_an_encoder() -> None:
    assert "libx264" in encoders()
