from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from objects_support import WHOSE, faults, request
from passerelle.dicom.build import wrap
from passerelle.errors import Changed, EncodingError, IdentityError
from passerelle.model import Origin
from pictures_support import colours, decoded, deep, encoded, greys, written

if TYPE_CHECKING:
    from pathlib import Path


def into(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(exist_ok=True)
    return folder


def wrapped(tmp_path: Path, name: str, data: bytes, **profile: object) -> list[dict[str, Any]]:
    media = written(tmp_path, name, data)
    answer = wrap(request(media, into(tmp_path), WHOSE, **profile))
    return list(answer["instances"])


def pages(*frames: np.ndarray, kind: str = "TIFF", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    images = [Image.fromarray(frame) for frame in frames]
    return encoded(frames[0], kind, save_all=True, append_images=images[1:], **options)


@pytest.mark.parametrize("sop_class", ["SecondaryCapture", "Ultrasound", "VLPhotographic"])
@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_picture_file_becomes_an_object_with_its_samples(
    tmp_path: Path, kind: str, sop_class: str
) -> None:
    (made,) = wrapped(tmp_path, "a.x", encoded(colours(), kind), sop_class=sop_class)

    assert (dcmread(made["file"]).pixel_array == colours()).all()
    assert faults(into(tmp_path) / f"tmp.{made['sop_instance_uid']}.dcm") == []


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("sop_class", ["SecondaryCapture", "Ultrasound", "VLEndoscopic"])
def test_a_baseline_jpeg_is_kept_byte_for_byte(
    tmp_path: Path, sop_class: str, subsampling: int
) -> None:
    data = encoded(colours(), "JPEG", subsampling=subsampling)

    (made,) = wrapped(tmp_path, "a.jpg", data, sop_class=sop_class)

    (frame,) = generate_frames(dcmread(made["file"]).PixelData, number_of_frames=1)
    assert frame[: len(data)] == data
    assert made["transfer_syntax_uid"] == "1.2.840.10008.1.2.4.50"
    assert faults(into(tmp_path) / f"tmp.{made['sop_instance_uid']}.dcm") == []


def test_a_progressive_jpeg_is_stored_without_a_further_loss(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG", progressive=True)

    (made,) = wrapped(tmp_path, "a.jpg", data)

    read = dcmread(made["file"])
    assert (read.pixel_array == decoded(data)).all()
    assert read.LossyImageCompression == "01"
    assert read.LossyImageCompressionRatio > 1


def test_the_same_request_always_gives_the_same_bytes(tmp_path: Path) -> None:
    data = pages(deep(), 65535 - deep())
    first = wrapped(tmp_path, "a.tif", data)
    bytes_before = (into(tmp_path) / f"tmp.{first[0]['sop_instance_uid']}.dcm").read_bytes()

    again = wrapped(tmp_path, "a.tif", data)

    assert again == first
    assert (tmp_path / "spool" / f"tmp.{first[0]['sop_instance_uid']}.dcm").read_bytes() == (
        bytes_before
    )


def test_another_process_gives_the_same_bytes_too(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    body = request(media, into(tmp_path), WHOSE)
    here = wrap(body)["instances"][0]["sha256"]
    program = (
        "import json, sys; from passerelle.dicom.build import wrap;"
        "print(wrap(json.load(sys.stdin))['instances'][0]['sha256'])"
    )

    there = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(body),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PATH": ""},
    ).stdout.strip()

    assert there == here


def test_the_answer_tells_of_the_file_as_it_lies_there(tmp_path: Path) -> None:
    (made,) = wrapped(tmp_path, "a.png", encoded(greys(), "PNG"))

    data = (tmp_path / "spool" / f"tmp.{made['sop_instance_uid']}.dcm").read_bytes()
    read = dcmread(made["file"])
    assert (made["sha256"], made["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    assert made["study_instance_uid"] == read.StudyInstanceUID
    assert made["series_instance_uid"] == read.SeriesInstanceUID
    assert made["sop_class_uid"] == read.SOPClassUID


def test_instances_are_numbered_and_take_the_uids_of_their_origin(tmp_path: Path) -> None:
    data = pages(colours(), 255 - colours())
    media = written(tmp_path, "a.tif", data)
    body = request(media, into(tmp_path), WHOSE, sop_class="VLMicroscopic")

    instances = wrap(body)["instances"]

    origin = Origin(**body["origin"])
    assert [one["number"] for one in instances] == [0, 1]
    assert [one["sop_instance_uid"] for one in instances] == [origin.uid(0), origin.uid(1)]
    assert [dcmread(one["file"]).InstanceNumber for one in instances] == [7, 8]
    assert (dcmread(instances[1]["file"]).pixel_array == 255 - colours()).all()


def test_pages_of_one_size_become_one_multi_frame_capture(tmp_path: Path) -> None:
    (made,) = wrapped(tmp_path, "a.tif", pages(deep(), 65535 - deep()))

    read = dcmread(made["file"])
    assert (read.pixel_array == np.stack([deep(), 65535 - deep()])).all()


def test_pages_of_several_sizes_become_instances_of_one_series(tmp_path: Path) -> None:
    made = wrapped(tmp_path, "a.tif", pages(greys(), np.ascontiguousarray(greys()[:20])))

    assert len(made) == 2
    assert len({one["series_instance_uid"] for one in made}) == 1
    assert [dcmread(one["file"]).Rows for one in made] == [48, 20]


def test_a_moving_gif_of_an_endoscope_still_moves(tmp_path: Path) -> None:
    data = pages(colours(), 255 - colours(), kind="GIF", duration=[40, 80])

    (made,) = wrapped(tmp_path, "a.gif", data, sop_class="VLEndoscopic")

    read = dcmread(made["file"])
    assert read.SOPClassUID == "1.2.840.10008.5.1.4.1.1.77.1.1.1"
    assert list(read.FrameTimeVector) == [0, 40]


def test_what_the_reader_noted_is_told_once(tmp_path: Path) -> None:
    clear = np.dstack([colours(), greys()])
    media = written(tmp_path, "a.png", encoded(clear, "PNG"))

    answer = wrap(request(media, into(tmp_path), WHOSE))

    assert answer["notes"] == ["transparent parts are shown on black"]


def test_a_file_that_is_not_the_hashed_one_leaves_nothing(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    body = request(media, into(tmp_path), WHOSE)
    media.write_bytes(encoded(greys(), "PNG"))

    with pytest.raises(Changed):
        wrap(body)

    assert not list(into(tmp_path).iterdir())


def test_a_file_cut_off_at_its_last_page_leaves_nothing(tmp_path: Path) -> None:
    data = pages(colours(), 255 - colours(), compression="tiff_deflate")
    broken = data[: len(data) // 2] + b"\0" * 40 + data[len(data) // 2 + 40 :]

    with pytest.raises(EncodingError):
        wrapped(tmp_path, "a.tif", broken, sop_class="VLMicroscopic")

    assert not list(into(tmp_path).iterdir())


def test_an_identity_that_cannot_be_leaves_nothing(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    attributes = {**WHOSE, "PatientBirthDte": "19700131"}

    with pytest.raises(IdentityError, match="did you mean PatientBirthDate"):
        wrap(request(media, into(tmp_path), attributes))

    assert not list(into(tmp_path).iterdir())


def test_a_picture_is_no_document(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="profile test: takes PDF documents; this is PNG"):
        wrapped(tmp_path, "a.png", encoded(colours(), "PNG"), sop_class="EncapsulatedPDF")


_MEASURE = """
import json, sys
from pathlib import Path
from passerelle.dicom.build import wrap
def peak():
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))
small, large = json.load(sys.stdin)
wrap(small)
before = peak()
wrap(large)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("compression", ["JPEGLSLossless", "None"])
def test_a_long_multi_frame_takes_no_more_memory_than_a_short_one(
    tmp_path: Path, compression: str
) -> None:
    raw = {"rows": 512, "columns": 512, "bits_allocated": 16, "frame_time_ms": 40.0}
    bodies = []
    for frames in (4, 200):  # 2 MB and 100 MB
        media = written(tmp_path, f"{frames}.raw", bytes(512 * 512 * 2 * frames))
        profile = {"raw": raw, "compression": (compression,)}
        bodies.append(request(media, into(tmp_path), WHOSE, **profile))

    grown_kb = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        input=json.dumps(bodies),
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert int(grown_kb) < 8_000
