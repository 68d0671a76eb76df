"""What was worked on ahead of time is what would have been made, or it is not used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread

from objects_support import WHOSE, request
from passerelle.dicom import ahead, codecs, reading
from passerelle.dicom.ahead import prepare
from passerelle.dicom.build import wrap
from passerelle.errors import EncodingError
from pictures_support import colours, deep, encoded, greys, written

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_read", ahead._Shelf(1 << 20))  # noqa: SLF001 - the worker's own
    monkeypatch.setattr(ahead, "_encoded", ahead._Shelf(1 << 20))  # noqa: SLF001


def asked(media: Path, **profile: object) -> dict[str, Any]:
    into = media.parent / "into"
    into.mkdir(exist_ok=True)
    return request(media, into, WHOSE, **profile)


def objects(body: dict[str, Any]) -> Iterator[bytes]:
    for made in wrap(body)["instances"]:
        yield Path(made["file"]).read_bytes()
        Path(made["file"]).unlink()


@pytest.mark.parametrize(
    ("name", "data", "profile"),
    [
        ("a.png", encoded(colours(), "PNG"), {}),
        ("a.png", encoded(deep(), "PNG"), {}),
        ("a.tif", encoded(greys(), "TIFF"), {"sop_class": "Ultrasound"}),
        ("a.png", encoded(colours(), "PNG"), {"compression": ("RLELossless",)}),
    ],
)
def test_the_object_is_the_same_and_nothing_is_done_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    data: bytes,
    profile: dict[str, object],
) -> None:
    body = asked(written(tmp_path, name, data), **profile)
    unprepared = list(objects(body))
    prepare(body)
    monkeypatch.setattr(codecs, "encode", None)
    monkeypatch.setattr(reading, "read", None)
    assert list(objects(body)) == unprepared
    with pytest.raises(TypeError):
        wrap(body)  # what was made was given out, and is not kept


def test_another_picture_in_its_place_is_the_one_that_is_wrapped(tmp_path: Path) -> None:
    media = written(tmp_path, "a.png", encoded(colours(), "PNG"))
    prepare(asked(media))
    media.write_bytes(encoded(colours()[::-1], "PNG"))
    (made,) = wrap(asked(media))["instances"]
    assert (dcmread(made["file"]).pixel_array == colours()[::-1]).all()


def test_the_same_samples_of_another_depth_are_another_frame(tmp_path: Path) -> None:
    eight = colours()[..., 0].copy()
    prepare(asked(written(tmp_path, "eight.png", encoded(eight, "PNG"))))
    sixteen = eight.view("<u2")
    (made,) = wrap(asked(written(tmp_path, "sixteen.png", encoded(sixteen, "PNG"))))["instances"]
    assert (dcmread(made["file"]).pixel_array == sixteen).all()


def test_what_cannot_be_read_yet_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    whole = encoded(colours(), "PNG")
    media = written(tmp_path, "a.png", whole[: len(whole) // 2])
    with pytest.raises(EncodingError):
        prepare(asked(media))
    media.write_bytes(whole)
    assert len(list(objects(asked(media)))) == 1


def test_a_jpeg_that_stays_as_it_is_needs_no_room(tmp_path: Path) -> None:
    body = asked(written(tmp_path, "a.jpg", encoded(colours(), "JPEG")))
    prepare(body)
    assert not ahead._encoded  # noqa: SLF001 - the worker's own


def test_only_so_much_waits_and_the_oldest_goes_first() -> None:
    shelf = ahead._Shelf[str](10)  # noqa: SLF001 - the worker's own
    shelf.put("a", "first", 4)
    shelf.put("b", "second", 4)
    shelf.put("b", "again", 5)
    assert shelf.taken("a") == "first"
    shelf.put("c", "third", 6)
    assert (shelf.taken("b"), shelf.taken("c")) == (None, "third")
    assert not shelf
