"""Pixels worked on before they are asked for, while their file settles.

What a file's bytes are read to, and its samples are encoded to, depends on nothing else but the
profile: neither whose it is nor when it is wrapped plays a part. So both are kept under digests,
of the file and of the samples; one that changed in the meantime has others. Each is given out once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import numpy as np

from passerelle.dicom import classes, codecs, pixels, reading
from passerelle.dicom.coding import NATIVE
from passerelle.dicom.media import open_media, unchanged
from passerelle.dicom.request import profile_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from passerelle.dicom.coding import FrameShape
    from passerelle.dicom.picture import Picture, Samples
    from passerelle.profile import Profile

_READ_BYTES: Final = 32 << 20  #: of samples, of pictures that were read
_ENCODED_BYTES: Final = 32 << 20
_WORTH_BYTES: Final = 64 << 20  #: of samples; a longer sequence has no memory to wait in

_Made = TypeVar("_Made")


class _Shelf(Generic[_Made]):
    """What waits to be asked for; the oldest goes first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._made: OrderedDict[Hashable, tuple[_Made, int]] = OrderedDict()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._made)

    def put(self, key: Hashable, made: _Made, size: int) -> None:
        self.taken(key)
        self._made[key] = made, size
        self._size += size
        while self._size > self._limit:
            self.taken(next(iter(self._made)))

    def taken(self, key: Hashable) -> _Made | None:
        made, size = self._made.pop(key, (None, 0))
        self._size -= size
        return made


_read: _Shelf[list[Picture]] = _Shelf(_READ_BYTES)
_encoded: _Shelf[bytes] = _Shelf(_ENCODED_BYTES)


def read(media: Path, sha256: str, profile: Profile) -> list[Picture]:
    """What `reading.read` gives, and raises; at once where it was read ahead of time."""
    return _read.taken(_file_key(media, sha256, profile)) or reading.read(media, profile)


def encode(frame: Samples, shape: FrameShape, syntax: str) -> bytes:
    """What `codecs.encode` gives, and raises; at once where it was made ahead of time."""
    if not _encoded or syntax in NATIVE:
        return codecs.encode(frame, shape, syntax)
    key = _frame_key(frame, shape, syntax)
    return _encoded.taken(key) or codecs.encode(frame, shape, syntax)


def prepare(body: Mapping[str, Any]) -> dict[str, Any]:
    """Read a file and encode its frames as `wrap` will want them, as far as there is memory.

    Raises:
        EncodingError: It cannot become DICOM, or not yet.
        Changed: It cannot be read, or changed meanwhile.
    """
    media, profile = Path(body["media"]), profile_of(body["profile"])
    if reading.kind(media, profile) == "picture":
        with open_media(media) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with unchanged(media, sha256):
            pictures = reading.read(media, profile)
            for picture in pictures:
                sop_class = classes.sop_class(profile.sop_class, picture)
                _encode_ahead(sop_class.fitting(picture), profile)
        if all(picture.frame_count == 1 for picture in pictures):  # others are read frame by frame
            size = sum(pixels.shape_of(picture).size for picture in pictures)
            _read.put(_file_key(media, sha256, profile), pictures, size)
    return {}


def _encode_ahead(picture: Picture, profile: Profile) -> None:
    shape = pixels.shape_of(picture)
    syntax = next(codecs.candidates(profile.compression, shape))
    is_worth_it = shape.size * picture.frame_count <= _WORTH_BYTES
    if picture.verbatim_syntax or shape.bits_allocated == 1 or syntax in NATIVE or not is_worth_it:
        return
    for frame in picture.frames():
        if not isinstance(frame, bytes):
            encoded = codecs.encode(frame, shape, syntax)
            _encoded.put(_frame_key(frame, shape, syntax), encoded, len(encoded))


def _file_key(media: Path, sha256: str, profile: Profile) -> Hashable:
    return media, sha256, repr(profile)


def _frame_key(frame: Samples, shape: FrameShape, syntax: str) -> Hashable:
    digest = hashlib.sha256(np.ascontiguousarray(frame).data).digest()
    return digest, frame.shape, frame.dtype.str, shape, syntax
