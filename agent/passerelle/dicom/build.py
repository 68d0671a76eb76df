"""Makes DICOM objects of an acquisition: the one function that the worker calls to wrap."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from passerelle.dicom import (
    ahead,
    classes,
    codecs,
    document,
    modules,
    part10,
    passthrough,
    pixels,
    single_bit,
    video,
)
from passerelle.dicom.coding import EXPLICIT, NATIVE
from passerelle.dicom.media import unchanged
from passerelle.dicom.reading import kind
from passerelle.dicom.request import Made, Wrapping, answer
from passerelle.dicom.timing import timed
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydicom.dataset import Dataset

    from passerelle.dicom.classes import SopClass
    from passerelle.dicom.coding import FrameShape
    from passerelle.dicom.part10 import Written
    from passerelle.dicom.picture import Picture


def wrap(body: Mapping[str, Any]) -> dict[str, Any]:
    """Make the instances of one acquisition; the same request always gives the same bytes.

    Raises:
        EncodingError: It cannot become DICOM.
        IdentityError: What was said of it cannot be right, or not enough was said.
        Changed: It is not, or did not stay, what was hashed.
        SpoolFull: There is no room for its instances.
    """
    wrapping = Wrapping.from_json(body)
    made: list[Made] = []
    with _all_or_none(made), unchanged(wrapping.media, wrapping.sha256):
        match kind(wrapping.media, wrapping.profile):
            case "part10":
                instance, notes = passthrough.keep(wrapping)
                made.append(instance)
            case "pdf":
                made.append(document.encapsulate(wrapping))
                notes = ()
            case "video":
                instance, notes = video.encapsulate(wrapping)
                made.append(instance)
            case "picture":
                read = ahead.read(wrapping.media, wrapping.sha256, wrapping.profile)
                pictures = [timed(wrapping, picture) for picture in read]
                made.extend(_of_pictures(wrapping, pictures))
                notes = tuple(dict.fromkeys(note for one in pictures for note in one.notes))
    return answer(made, notes)


@contextmanager
def _all_or_none(made: list[Made]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for instance in made:
            instance.file.unlink(missing_ok=True)
        raise


def _of_pictures(wrapping: Wrapping, pictures: list[Picture]) -> Iterator[Made]:
    for number, picture in enumerate(_instances(wrapping, pictures)):
        yield instance_of(wrapping, picture, number)


def _instances(wrapping: Wrapping, pictures: list[Picture]) -> Iterator[Picture]:
    for picture in pictures:
        if picture.frame_count > 1 and classes.is_single(wrapping.profile.sop_class, picture):
            for frame in picture.frames():
                yield replace(picture, frame_count=1, frames=partial(iter, (frame,)))
        else:
            yield picture


def instance_of(wrapping: Wrapping, picture: Picture, number: int) -> Made:
    """One instance of a picture.

    Raises:
        EncodingError: The SOP Class cannot hold it, or its file is damaged.
        IdentityError: What was said of it cannot be right, or not enough was said.
        SpoolFull: There is no room.
    """
    sop_class = _sop_class(wrapping, picture)
    picture = sop_class.fitting(picture)
    dataset = modules.said(wrapping, picture.attributes)
    if picture.is_turned:
        pixels.turn_spacing(dataset)
    profile = wrapping.profile
    modality = profile.modality or sop_class.modality or wrapping.equipment["modality"]
    modules.complete(dataset, wrapping, sop_class_uid=sop_class.uid, modality=modality)
    dataset.InstanceNumber = str(dataset.InstanceNumber + number)
    dataset.SOPInstanceUID = wrapping.origin.uid(number)
    sop_class.check(dataset, picture)
    sop_class.fill(dataset, picture)
    syntax, written = _stored(wrapping, dataset, picture)
    return Made.of(dataset, syntax, written, number)


def _sop_class(wrapping: Wrapping, picture: Picture) -> SopClass:
    name = wrapping.profile.sop_class
    if name == "EncapsulatedPDF":
        msg = f"profile {wrapping.profile.name}: takes PDF documents; this is {picture.format}"
        raise EncodingError(msg)
    return classes.sop_class(name, picture)


def _stored(wrapping: Wrapping, dataset: Dataset, picture: Picture) -> tuple[str, Written]:
    """Write it in the first transfer syntax whose codec gives back the same picture."""
    shape = pixels.shape_of(picture)
    file = wrapping.into / f"tmp.{dataset.SOPInstanceUID}.dcm"
    fault = EncodingError("picture: no transfer syntax can hold this picture")
    for syntax in _syntaxes(wrapping, picture, shape):
        pixels.describe(dataset, picture, syntax)
        try:
            return syntax, part10.write(file, dataset, syntax, _bulk(picture, shape, syntax))
        except codecs.Unsuitable as unsuitable:
            fault = EncodingError(str(unsuitable))
    raise fault


def _syntaxes(wrapping: Wrapping, picture: Picture, shape: FrameShape) -> Iterable[str]:
    if picture.verbatim_syntax:
        return [picture.verbatim_syntax]
    if shape.bits_allocated == 1:
        return [EXPLICIT]  # no codec here holds single bits
    return codecs.candidates(wrapping.profile.compression, shape)


def _bulk(picture: Picture, shape: FrameShape, syntax: str) -> part10.Native | part10.Encapsulated:
    if shape.bits_allocated == 1:
        blocks = single_bit.packed(picture.frames(), shape.rows * shape.columns)
        size = single_bit.size(shape.rows * shape.columns * picture.frame_count)
        return part10.Native(blocks=blocks, size=size, vr="OB")
    encoded = _encoded(picture, shape, syntax)
    if syntax not in NATIVE:
        return part10.Encapsulated(
            frames=encoded,
            count=picture.frame_count,
            largest=codecs.largest(shape),
            together=picture.verbatim_bytes,
        )
    vr = "OB" if shape.bits_allocated == 8 else "OW"  # noqa: PLR2004 - PS3.5 A.2
    return part10.Native(blocks=encoded, size=shape.size * picture.frame_count, vr=vr)


def _encoded(picture: Picture, shape: FrameShape, syntax: str) -> Iterator[bytes]:
    for frame in picture.frames():
        if isinstance(frame, bytes):
            yield frame
        else:
            yield ahead.encode(frame, shape, syntax)
