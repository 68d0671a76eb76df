"""What a picture's file says of its making, as DICOM attributes; its position is left out."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from PIL import ExifTags, Image

from passerelle.dicom.decoding import translated
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from passerelle.model import Value

_Tag = ExifTags.Base
_LO: Final = 64  # characters (PS3.5 table 6.2-1)
_DATE: Final = re.compile(r"(\d{4})[:\-](\d\d)[:\-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")
_DATES: Final = (
    (_Tag.DateTimeOriginal, _Tag.SubsecTimeOriginal, _Tag.OffsetTimeOriginal),
    (_Tag.DateTimeDigitized, _Tag.SubsecTimeDigitized, _Tag.OffsetTimeDigitized),
)
_CREATED: Final = (_Tag.DateTime, _Tag.SubsecTime, _Tag.OffsetTime)
_UPRIGHT: Final = 1
_HUGE: Final = 1e9  # no exposure, aperture or length is
_ORIENTATIONS: Final = range(1, 9)
_ICC_HEADER: Final = 128
_ICC_SPACES: Final = {b"GRAY": 1, b"RGB ": 3}


class Exif:
    """The EXIF tags of one file; damaged ones are as good as absent."""

    def __init__(self, tags: Image.Exif, *, is_scan: bool = False) -> None:
        """The tags as Pillow reads them.

        Args:
            tags: Of the open file.
            is_scan: In plain TIFF DateTime is when the picture was made; EXIF uses it for when
                the file was last changed.
        """
        self._dates = (*_DATES, _CREATED) if is_scan else _DATES
        self._tags: dict[int, object] = dict(tags)
        self._tags.update(tags.get_ifd(ExifTags.IFD.Exif))

    @classmethod
    def parse(cls, tiff: bytes) -> Exif:
        """From the TIFF structure that JPEG, PNG and others embed."""
        tags = Image.Exif()
        try:
            with translated("EXIF"):
                tags.load(b"Exif\0\0" + tiff)
                return cls(tags)
        except EncodingError:
            return cls(Image.Exif())

    @property
    def orientation(self) -> int:
        """How the picture has to be turned, 1 (not at all) to 8."""
        value = self._tags.get(_Tag.Orientation)
        return value if isinstance(value, int) and value in _ORIENTATIONS else _UPRIGHT

    def attributes(self) -> dict[str, Value]:
        """The attributes that DICOM has a place for in any object."""
        said = {
            "Manufacturer": self._text(_Tag.Make),
            "ManufacturerModelName": self._text(_Tag.Model),
            "DeviceSerialNumber": self._text(_Tag.BodySerialNumber),
            "SoftwareVersions": self._text(_Tag.Software),
            "AcquisitionDateTime": self._taken(),
        }
        return {keyword: value for keyword, value in said.items() if value}

    def photographic(self) -> dict[str, Value]:
        """The attributes of the VL Photographic Acquisition Module (PS3.3 C.8.12.15)."""
        found: dict[str, Value] = {}
        for tag, (keyword, converted) in _PHOTOGRAPHIC.items():
            value = converted(self._tags.get(tag))
            if value is not None:
                found[keyword] = value
        return found

    def _text(self, tag: int) -> str:
        value = self._tags.get(tag)
        return clean(value) if isinstance(value, str | bytes) else ""

    def _taken(self) -> str:
        """When the picture was taken, as DT (PS3.5 table 6.2-1)."""
        for date, fraction, offset in self._dates:
            if found := _DATE.match(self._text(date)):
                digits = "".join(found.groups())
                if _exists(digits):
                    return digits + _fraction(self._text(fraction)) + _zone(self._text(offset))
        return ""


def clean(text: str | bytes) -> str:
    """Text of a file as a value of LO: one line, no backslash, not too long."""
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    decoded = decoded.partition("\0")[0].replace("\\", "/").replace("\ufffd", "")
    return " ".join("".join(c if c.isprintable() else " " for c in decoded).split())[:_LO].strip()


def icc_profile(profile: object, *, samples: int) -> tuple[bytes | None, str]:
    """The ICC profile if it fits such a picture, else why not (PS3.3 C.11.15)."""
    if not isinstance(profile, bytes) or not profile:
        return None, ""
    if len(profile) < _ICC_HEADER or profile[36:40] != b"acsp":
        return None, "its ICC profile is damaged and was left out"
    if int.from_bytes(profile[:4], "big") != len(profile):
        return None, "its ICC profile is damaged and was left out"
    if _ICC_SPACES.get(profile[16:20]) != samples:
        return None, "its ICC profile is of another colour space and was left out"
    return profile, ""


def _exists(digits: str) -> bool:
    date, time = digits[:8], digits[8:]
    try:
        dt.datetime.fromisoformat(f"{date}T{time}")
    except ValueError:
        return False
    return True


def _fraction(text: str) -> str:
    return f".{text[:6]}" if text.isascii() and text.isdigit() else ""


def _zone(text: str) -> str:
    found = _OFFSET.fullmatch(text)
    return "".join(found.groups()) if found else ""


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if 0 < number < _HUGE else None


def _decimal(value: object) -> Value | None:
    number = _number(value)
    return None if number is None else f"{number:.6g}"


def _whole(value: object) -> Value | None:
    first = value[0] if isinstance(value, tuple) and value else value
    number = _number(first)
    return None if number is None else int(number)


_PHOTOGRAPHIC: Final[Mapping[int, tuple[str, Callable[[object], Value | None]]]] = {
    _Tag.ExposureTime: ("ExposureTimeInSeconds", _decimal),
    _Tag.FNumber: ("FNumber", _decimal),
    _Tag.ISOSpeedRatings: ("PhotographicSensitivity", _whole),
    _Tag.FocalLength: ("FocalLength", _decimal),
    _Tag.FocalLengthIn35mmFilm: ("FocalLengthIn35mmFilm", _whole),
    _Tag.ExposureProgram: ("ExposureProgram", _whole),
    _Tag.MeteringMode: ("MeteringMode", _whole),
    _Tag.LightSource: ("LightSource", _whole),
}
