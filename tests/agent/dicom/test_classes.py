from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread

from objects_support import ASKED, WHOSE, faults, made_of, picture, verbatim, wrapping
from passerelle.dicom.build import instance_of
from passerelle.dicom.classes import SINGLE
from passerelle.errors import EncodingError, IdentityError
from pictures_support import colours, deep, encoded, greys

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.dicom.picture import Picture

COLOUR, GREY, DEEP = picture(colours()), picture(greys()), picture(deep(12), bits_stored=12)
TIMES = (40.0, 40.0, 40.0)


def jpeg(subsampling: int) -> Picture:
    data = encoded(colours(), "JPEG", subsampling=subsampling)
    return verbatim(data, colours(), "YBR_FULL_422")


#: A picture of each kind; every class takes it, or says why not.
PICTURES: dict[str, Picture] = {
    "grey": GREY,
    "deep": DEEP,
    "colour": COLOUR,
    "jpeg 4:4:4": jpeg(0),
    "jpeg 4:2:2": jpeg(1),
    "jpeg 4:2:0": jpeg(2),
    "jpeg grey": verbatim(encoded(greys(), "JPEG"), greys(), "MONOCHROME2"),
    "jpeg rgb": verbatim(encoded(colours(), "JPEG", keep_rgb=True), colours(), "RGB"),
    "grey pages": picture(greys(), 255 - greys()),
    "deep pages": picture(deep(), deep()),
    "colour pages": picture(colours(), 255 - colours()),
    "grey in time": picture(greys(), greys(), greys(), frame_times_ms=TIMES),
    "deep in time": picture(deep(), deep(), deep(), frame_times_ms=TIMES),
    "colour in time": picture(*[colours()] * 3, frame_times_ms=(40.0, 80.0, 20.0)),
    "signed": picture(deep(), rescale_intercept=-32768),
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("sop_class", SINGLE)
def test_dciodvfy_finds_no_error_in_any_class_of_any_picture(
    tmp_path: Path, sop_class: str, kind: str
) -> None:
    shown = PICTURES[kind]
    if shown.frame_count > 1 and not shown.frame_times_ms and sop_class != "SecondaryCapture":
        return  # one instance a page, as below
    if _is_refused(sop_class, shown):
        with pytest.raises(EncodingError, match=r"holds grey pictures only|has no place for"):
            made_of(tmp_path, shown, sop_class)
    else:
        assert faults(made_of(tmp_path, shown, sop_class).file) == []


def _is_refused(sop_class: str, shown: Picture) -> bool:
    is_capture = shown.frame_count > 1 and not sop_class.startswith(("Ultra", "Oph"))
    if sop_class == "SecondaryCapture" or is_capture:
        return False
    is_deep = shown.bits_allocated == 16
    match sop_class:
        case "DX":
            return shown.samples == 3 or shown.rescale_intercept != 0
        case "CR":
            return shown.samples == 3
        case "Ophthalmic16":
            return not is_deep
        case _:
            return is_deep


@pytest.mark.parametrize(
    ("sop_class", "kind", "uid"),
    [
        ("SecondaryCapture", "grey", "7"),
        ("SecondaryCapture", "grey pages", "7.2"),
        ("SecondaryCapture", "deep pages", "7.3"),
        ("SecondaryCapture", "colour pages", "7.4"),
        ("Ultrasound", "colour", "6.1"),
        ("Ultrasound", "colour in time", "3.1"),
        ("VLEndoscopic", "colour", "77.1.1"),
        ("VLEndoscopic", "colour in time", "77.1.1.1"),
        ("VLEndoscopic", "deep in time", "7.3"),
        ("VLMicroscopic", "colour", "77.1.2"),
        ("VLPhotographic", "jpeg 4:2:0", "77.1.4"),
        ("Ophthalmic8", "colour", "77.1.5.1"),
        ("Ophthalmic8", "colour in time", "77.1.5.1"),
        ("Ophthalmic16", "deep", "77.1.5.2"),
        ("DX", "deep", "1.1"),
        ("CR", "deep", "1"),
        ("CR", "deep in time", "7.3"),
    ],
)
def test_a_picture_becomes_its_class(tmp_path: Path, sop_class: str, kind: str, uid: str) -> None:
    made = made_of(tmp_path, PICTURES[kind], sop_class)

    assert made.sop_class_uid == f"1.2.840.10008.5.1.4.1.1.{uid}"


@pytest.mark.parametrize(
    ("sop_class", "missing"),
    [
        ("Ophthalmic8", "ImageLaterality"),
        ("DX", "ImageLaterality, PatientOrientation, ImagerPixelSpacing"),
    ],
)
def test_what_must_not_be_guessed_is_asked_for(
    tmp_path: Path, sop_class: str, missing: str
) -> None:
    with pytest.raises(IdentityError, match=f"{missing} must be said"):
        instance_of(wrapping(tmp_path, WHOSE, sop_class=sop_class), GREY, 0)


def test_a_profile_may_say_it_for_all(tmp_path: Path) -> None:
    profile = {"sop_class": "Ophthalmic8", "attributes": {"ImageLaterality": "R"}}

    made = instance_of(wrapping(tmp_path, WHOSE, **profile), GREY, 0)

    assert dcmread(made.file).ImageLaterality == "R"


def test_a_radiograph_without_a_window_shows_every_value(tmp_path: Path) -> None:
    read = dcmread(made_of(tmp_path, DEEP, "DX").file)

    assert (read.WindowCenter, read.WindowWidth) == (2048, 4096)


def test_the_class_gives_the_modality_and_the_profile_may_say_otherwise(tmp_path: Path) -> None:
    plain = dcmread(made_of(tmp_path / "a", COLOUR, "VLEndoscopic").file)
    said = dcmread(made_of(tmp_path / "b", COLOUR, "Ultrasound", modality="IVUS").file)
    capture = dcmread(made_of(tmp_path / "c", COLOUR).file)

    assert (plain.Modality, said.Modality, capture.Modality) == ("ES", "IVUS", "OT")


@pytest.mark.parametrize("sop_class", ["VLEndoscopic", "Ultrasound"])
def test_sixteen_bits_are_never_made_eight(tmp_path: Path, sop_class: str) -> None:
    with pytest.raises(EncodingError, match="SecondaryCapture has"):
        made_of(tmp_path, DEEP, sop_class)


def test_everything_asked_of_a_class_is_one_of_its_attributes() -> None:
    for name, sop_class in SINGLE.items():
        assert set(sop_class.asks) <= set(ASKED.get(name, {}))


def _frames(read: Any) -> np.ndarray:  # noqa: ANN401 - pydicom's data set
    return np.asarray(read.pixel_array)


@pytest.mark.parametrize("kind", ["grey", "deep", "colour", "colour pages", "deep in time"])
def test_the_samples_are_those_of_the_picture(tmp_path: Path, kind: str) -> None:
    shown = PICTURES[kind]

    read = dcmread(made_of(tmp_path, shown).file)

    wanted = np.stack([np.asarray(frame) for frame in shown.frames()])
    assert (_frames(read).reshape(wanted.shape) == wanted).all()
