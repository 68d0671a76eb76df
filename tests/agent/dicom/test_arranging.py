"""Masks, crops and turns: bound to a size, and told in the object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from objects_support import WHOSE, faults, object_of, request
from passerelle.dicom.ahead import prepare
from passerelle.errors import EncodingError
from pictures_support import COLUMNS, ROWS, colours, decoded, deep, encoded, greys, written
from video_support import TIMED, frames_as_jpegs

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (COLUMNS, ROWS)
MASK = {"masks": ({"size": SIZE, "boxes": ((4, 2, 10, 5), (60, 40, 4, 8))},)}
CROP = {"crop": ({"size": SIZE, "box": (8, 4, 20, 30)},)}


def turned(**how: object) -> dict[str, Any]:
    return {"orientation": ({"size": SIZE, **how},)}


def masked(samples: Any) -> Any:  # noqa: ANN401 - any array
    samples = samples.copy()
    samples[2:7, 4:14] = 0
    samples[40:48, 60:64] = 0
    return samples


@pytest.mark.parametrize("samples", [colours(), greys(), deep()], ids=["colour", "grey", "deep"])
def test_what_is_masked_is_black_and_all_else_as_it_was(tmp_path: Path, samples: Any) -> None:  # noqa: ANN401
    media = written(tmp_path, "a.png", encoded(samples, "PNG"))

    read = object_of(media, tmp_path / "out", **MASK)

    assert (read.pixel_array == masked(samples)).all()
    assert list(read.ImageType) == ["DERIVED", "PRIMARY"]
    assert read.DerivationDescription == "made black in 2 areas of burned-in text"


@pytest.mark.parametrize(
    "sop_class", ["SecondaryCapture", "Ultrasound", "VLEndoscopic", "VLPhotographic"]
)
def test_a_masked_jpeg_is_stored_without_a_further_loss_and_stays_lossy(
    tmp_path: Path, sop_class: str
) -> None:
    data = encoded(colours(), "JPEG")

    read = object_of(
        written(tmp_path, "a.jpg", data), tmp_path / "out", sop_class=sop_class, **MASK
    )

    assert (read.pixel_array == masked(decoded(data))).all()
    assert read.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.80"
    assert (read.LossyImageCompression, read.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert faults(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def test_every_frame_of_a_clip_is_masked(tmp_path: Path) -> None:
    jpegs = frames_as_jpegs(3)
    media = written(tmp_path, "a.mjpeg", b"".join(jpegs))

    read = object_of(media, tmp_path / "out", TIMED, sop_class="Ultrasound", **MASK)

    assert (read.pixel_array == np.stack([masked(decoded(jpeg)) for jpeg in jpegs])).all()
    assert faults(tmp_path / "out" / f"tmp.{read.SOPInstanceUID}.dcm") == []


def test_what_is_cropped_is_gone(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))

    read = object_of(media, tmp_path / "out", **CROP)

    assert (read.pixel_array == colours()[4:34, 8:28]).all()
    assert "cropped to 20 x 30 pixels from column 8, row 4" in read.DerivationDescription


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"rotate": 90}, np.rot90(colours(), -1)),
        ({"rotate": 180}, colours()[::-1, ::-1]),
        ({"rotate": 270}, np.rot90(colours())),
        ({"flip": "horizontal"}, colours()[:, ::-1]),
        ({"flip": "vertical"}, colours()[::-1]),
        ({"rotate": 90, "flip": "horizontal"}, np.rot90(colours(), -1)[:, ::-1]),
    ],
)
def test_a_picture_is_turned_clockwise_and_then_flipped(
    tmp_path: Path,
    how: dict[str, object],
    expected: Any,  # noqa: ANN401 - an array
) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))

    read = object_of(media, tmp_path / "out", **turned(**how))

    assert (read.pixel_array == expected).all()


def test_mask_crop_and_turn_come_in_this_order(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))

    read = object_of(media, tmp_path / "out", **MASK, **CROP, **turned(rotate=90))

    assert (read.pixel_array == np.rot90(masked(colours())[4:34, 8:28], -1)).all()


def test_a_picture_on_its_side_has_its_spacing_on_its_side(tmp_path: Path) -> None:
    said = {**WHOSE, "PixelAspectRatio": [16, 15]}
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))

    upright = object_of(media, tmp_path / "out", said, **turned(rotate=180))
    sideways = object_of(media, tmp_path / "out", said, **turned(rotate=90))

    assert list(upright.PixelAspectRatio) == [16, 15]
    assert list(sideways.PixelAspectRatio) == [15, 16]


@pytest.mark.parametrize("key", [MASK, CROP, turned(rotate=90)], ids=["masks", "crop", "turn"])
@pytest.mark.parametrize("name", ["a.png", "a.mjpeg"])
def test_another_size_is_refused_and_never_scaled(
    tmp_path: Path, key: dict[str, Any], name: str
) -> None:
    kind = "PNG" if name == "a.png" else "JPEG"
    media = written(tmp_path, name, encoded(colours()[:40], kind))

    with pytest.raises(EncodingError, match="is for pictures of 64 x 48; this one has 64 x 40"):
        object_of(media, tmp_path / "out", TIMED, **key)


def test_each_size_has_its_own_mask(tmp_path: Path) -> None:
    other = {"size": (COLUMNS, 40), "boxes": ((0, 0, 2, 2),)}
    media = written(tmp_path, "a.png", encoded(greys()[:40], "PNG"))

    read = object_of(media, tmp_path / "out", masks=(*MASK["masks"], other))

    assert not read.pixel_array[:2, :2].any()
    assert (read.pixel_array[2:] == greys()[2:40]).all()


@pytest.mark.parametrize(("covers", "expected"), [(True, "NO"), (False, None)])
def test_nothing_is_burned_in_only_where_the_profile_vouches_for_it(
    tmp_path: Path,
    *,
    covers: bool,
    expected: str | None,
) -> None:
    mask = {**MASK["masks"][0], "covers_all_text": covers}
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))

    read = object_of(media, tmp_path / "out", masks=(mask,))

    assert read.get("BurnedInAnnotation") == expected


def test_the_rest_of_the_image_type_stays(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    said = {"ImageType": ["ORIGINAL", "PRIMARY", "", "0001"]}

    read = object_of(media, tmp_path / "out", sop_class="Ultrasound", attributes=said, **CROP)

    assert list(read.ImageType) == ["DERIVED", "PRIMARY", "", "0001"]


def test_what_was_read_ahead_for_one_mask_never_serves_another(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    prepare(request(media, tmp_path))  # without a mask, as before somebody wrote one

    read = object_of(media, tmp_path / "out", **MASK)

    assert (read.pixel_array == masked(colours())).all()
