"""Gives a stored object another transfer syntax without losing anything."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from passerelle.dicom import codecs, jpeg, part10
from passerelle.dicom.codecs import Unsuitable
from passerelle.dicom.coding import IMPLICIT, JPEG_BASELINE, NATIVE, VIDEO
from passerelle.dicom.reidentify import SIGNATURES
from passerelle.dicom.stored import BIG_ENDIAN, Stored, open_stored, understood
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydicom.dataset import Dataset

    from passerelle.dicom.part10 import Written

_JPEG: Final = frozenset({JPEG_BASELINE, "1.2.840.10008.1.2.4.51"})
_REVERSIBLE: Final = frozenset({"YBR_RCT", "YBR_ICT"})
_COLOURS: Final = frozenset({"RGB", "MONOCHROME1", "MONOCHROME2"})
_OFFSETS: Final = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_BYTE: Final = 8


@understood()
def transcode(body: Mapping[str, Any]) -> dict[str, Any]:
    """Write the object in the first of `syntaxes` that can hold it.

    Its UIDs stay, and what it says of an earlier loss too (PS3.4 B.4.1.4 asks for lossless here).

    Raises:
        EncodingError: None of them can hold it, or it is damaged.
        SpoolFull: There is no room.
    """
    stored = open_stored(Path(body["file"]))
    target = Path(body["into"]) / f"tmp.{stored.header.SOPInstanceUID}.dcm"
    faults = []
    for syntax in body["syntaxes"]:
        try:
            _transcoded(stored, syntax, target)
        except Unsuitable as unsuitable:
            faults.append(str(unsuitable))
        else:
            return {"file": str(target), "transfer_syntax_uid": syntax}
    msg = f"transcoding: {faults[-1] if faults else 'no transfer syntax is accepted'}"
    raise EncodingError(msg)


def _transcoded(stored: Stored, syntax: str, target: Path) -> Written:
    header = stored.header[:]  # its own elements: the next syntax begins anew
    for keyword in SIGNATURES:  # over bytes that are no longer there (PS3.15 C)
        header.pop(keyword, None)
    if stored.pixels is None:
        if syntax not in NATIVE:
            _unsuitable(f"{syntax} is for pixel data, and the object has none")
        return part10.write(target, header, syntax, None)
    if stored.syntax in NATIVE and syntax in NATIVE:
        return part10.write(target, header, syntax, _as_it_is(stored, syntax))
    return part10.write(target, header, syntax, _recoded(stored, header, syntax))


def _as_it_is(stored: Stored, syntax: str) -> part10.Native:
    vr = "OW" if syntax == IMPLICIT or stored.header.BitsAllocated > _BYTE else "OB"
    size = stored.pixels.size if stored.pixels else 0
    return part10.Native(blocks=stored.raw_pixels(), size=size, vr=vr)


def _recoded(stored: Stored, header: Dataset, syntax: str) -> part10.Native | part10.Encapsulated:
    """Decode each frame and encode it anew; the header tells what they become."""
    _check(stored, syntax)
    shape, count = stored.shape, stored.frame_count
    for keyword in _OFFSETS:
        header.pop(keyword, None)
    if shape.samples > 1:
        header.PlanarConfiguration = 0
        colour = "RGB" if _is_rgb_once_decoded(stored) else header.PhotometricInterpretation
        header.PhotometricInterpretation = codecs.photometric(syntax, colour)
    frames = _frames(stored)
    if syntax in NATIVE:
        blocks = (codecs.encode(frame, shape, syntax) for frame in frames)
        vr = "OB" if shape.bits_allocated == _BYTE else "OW"
        return part10.Native(blocks=blocks, size=shape.size * count, vr=vr)
    encoded = (codecs.encode(frame, shape, syntax) for frame in frames)
    return part10.Encapsulated(frames=encoded, count=count, largest=codecs.largest(shape))


def _unsuitable(why: str) -> NoReturn:
    raise Unsuitable(why)


def _is_rgb_once_decoded(stored: Stored) -> bool:
    """Whether decoding gives red, green and blue, whatever lay in the stream."""
    native = stored.header.PhotometricInterpretation
    return native in _REVERSIBLE or (native.startswith("YBR") and stored.syntax in _JPEG)


def _check(stored: Stored, syntax: str) -> None:
    header, shape = stored.header, stored.shape
    if stored.syntax in VIDEO:
        _unsuitable("video can only be sent as it is")
    if stored.syntax == BIG_ENDIAN or shape.bits_allocated not in (8, 16):
        _unsuitable("pixel data of this kind can only be sent as they are")
    is_signed = header.get("PixelRepresentation", 0) == 1
    if syntax not in NATIVE and (is_signed or not codecs.can_encode(syntax, shape)):
        _unsuitable(f"{syntax} cannot hold its pixel data, or there is no encoder here")
    if header.PhotometricInterpretation == "YBR_FULL_422" and stored.syntax not in _JPEG:
        _unsuitable("its subsampled colour can only be sent as it is")


def _check_colours(stored: Stored, encoded: bytes) -> None:
    """See that a JPEG decoder will take the stream for what the object says that it is."""
    if stored.syntax not in _JPEG or stored.shape.samples == 1:
        return
    is_rgb = stored.header.PhotometricInterpretation == "RGB"
    if (jpeg.parse(encoded).photometric == "RGB") != is_rgb:
        _unsuitable("its colours are not what its JPEG stream says, so it can only be sent as is")


def _frames(stored: Stored) -> Iterator[np.ndarray[Any, Any]]:
    shape = stored.shape
    if stored.syntax not in NATIVE:
        for encoded in stored.frames():
            _check_colours(stored, encoded)
            yield codecs.decode(encoded, shape, stored.syntax)
        return
    planar = shape.samples > 1 and stored.header.get("PlanarConfiguration") == 1
    for frame in _cut(stored.raw_pixels(), shape.size, stored.frame_count):
        samples = np.frombuffer(frame, dtype=shape.dtype)
        if planar:
            planes = samples.reshape(shape.samples, shape.rows, shape.columns)
            yield planes.transpose(1, 2, 0)
        else:
            yield samples.reshape(shape.dimensions)


def _cut(blocks: Iterator[bytes], size: int, count: int) -> Iterator[bytes]:
    """Frames of one size from blocks of any."""
    pending = bytearray()
    for block in blocks:
        pending += block
        while count and len(pending) >= size:
            yield bytes(memoryview(pending)[:size])
            del pending[:size]
            count -= 1
