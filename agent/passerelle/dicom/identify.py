"""What was said of an acquisition, checked word by word, as DICOM elements."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from typing import TYPE_CHECKING, Final, NoReturn

from pydicom import config
from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_dict, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat, validate_value

from passerelle.errors import IdentityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passerelle.model import Value

_IMAGE_GROUP: Final = 0x0028
#: What may be said of group 0028; the rest describes the samples, which only we know.
_SAYABLE: Final = frozenset(
    {
        "PixelSpacing",
        "PixelSpacingCalibrationType",
        "PixelSpacingCalibrationDescription",
        "PixelAspectRatio",
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "LossyImageCompressionMethod",
        "BurnedInAnnotation",
        "RecognizableVisualFeatures",
        "PixelIntensityRelationship",
        "PixelIntensityRelationshipSign",
        "QualityControlImage",
        "WindowCenter",
        "WindowWidth",
        "WindowCenterWidthExplanation",
    }
)
_OURS: Final = frozenset(
    {"SOPClassUID", "SOPInstanceUID", "SpecificCharacterSet", "EncapsulatedDocument"}
)
_OUR_GROUPS: Final = frozenset({0x0000, 0x0002, 0x0004, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE})
_BINARY: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN", "AT"})
_WHOLE: Final = frozenset({"US", "SS", "UL", "SL", "UV", "SV"})
_REAL: Final = frozenset({"FL", "FD"})
_NUMBER_TEXT: Final = frozenset({"DS", "IS"})
_PARAGRAPH: Final = frozenset({"LT", "ST", "UT"})  # may hold lines and backslashes
_PN_COMPONENTS: Final = 5
_DATE: Final = re.compile(r"\d{8}")
_FORMS: Final = {"DA": "a date as YYYYMMDD", "TM": "a time as HHMMSS", "AS": "an age as 042Y"}

#: How ophthalmic devices name an eye, in the terms of PS3.3 C.7.3.1 and C.8.17.
_EYES: Final = {"OD": "R", "OS": "L", "OU": "B"}
_TERMS: Final[Mapping[str, frozenset[str]]] = {
    "PatientSex": frozenset({"M", "F", "O"}),
    "Laterality": frozenset({"R", "L"}),
    "ImageLaterality": frozenset({"R", "L", "U", "B"}),
    "BurnedInAnnotation": frozenset({"YES", "NO"}),
    "RecognizableVisualFeatures": frozenset({"YES", "NO"}),
    "LossyImageCompression": frozenset({"00", "01"}),
}


def elements(attributes: Mapping[str, Value], part: str = "identity") -> Dataset:
    """The attributes as elements; nothing is passed over or mended.

    Args:
        attributes: DICOM keyword to value.
        part: Who said so, for messages.

    Raises:
        IdentityError: A keyword is unknown or not to be said, or a value does not fit its value
            representation (PS3.5 6.2). The text holds the keyword and the fault, never a value.
    """
    dataset = Dataset()
    for keyword, value in attributes.items():
        tag = _tag(keyword, part)
        try:
            fitting = _fitting(keyword, dictionary_VR(tag), dictionary_VM(tag), value)
        except _Unfit as unfit:
            msg = f"{part}: {keyword} {unfit}"
            raise IdentityError(msg) from None  # the library's text quotes the value
        setattr(dataset, keyword, fitting)
    return dataset


class _Unfit(Exception):
    """Why a value cannot stand for its keyword."""


def _unfit(why: str) -> NoReturn:
    raise _Unfit(why) from None


def _tag(keyword: str, part: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        msg = f"{part}: {_shown(keyword)} is no DICOM keyword{_suggestion(keyword)}"
        raise IdentityError(msg)
    group = tag >> 16
    is_ours = keyword in _OURS or group in _OUR_GROUPS
    if is_ours or (group == _IMAGE_GROUP and keyword not in _SAYABLE):
        msg = f"{part}: {keyword} is not to be given; it is taken from the file itself"
        raise IdentityError(msg)
    return tag


def _shown(keyword: str) -> str:
    # What is no keyword may be a value that slipped into the key's place.
    is_word = keyword.isascii() and keyword.isalpha() and keyword[:1].isupper()
    return keyword if is_word and len(keyword) <= 64 else "a key"  # noqa: PLR2004 - the longest there are


def _suggestion(keyword: str) -> str:
    folded = {known.casefold(): known for known in keyword_dict}
    near = difflib.get_close_matches(keyword.casefold(), folded, n=1)
    return f"; did you mean {folded[near[0]]}?" if near else ""


def _fitting(keyword: str, vr: str, multiplicity: str, value: Value) -> object:
    if vr in _BINARY:
        _unfit("cannot be said as text")
    values = value if isinstance(value, list) else [value]
    _check_count(len(values), multiplicity)
    fitting = [_single(keyword, vr.partition(" ")[0], one) for one in values]
    return fitting if isinstance(value, list) else fitting[0]


def _check_count(count: int, multiplicity: str) -> None:
    lowest, _, highest = multiplicity.partition("-")
    if count < int(lowest):
        _unfit(f"takes at least {lowest} values")
    most = highest or lowest
    if most.isdigit() and count > int(most):
        _unfit("takes one value" if most == "1" else f"takes at most {most} values")


def _single(keyword: str, vr: str, value: str | float) -> object:
    if vr in _WHOLE or vr in _REAL:
        return _number(vr, value)
    if vr in _NUMBER_TEXT and not isinstance(value, str):
        value = str(DSfloat(value, auto_format=True)) if vr == "DS" else str(value)
    if not isinstance(value, str):
        _unfit("must be text in quotes: leading zeros are part of it")
    text = _EYES.get(value, value) if keyword.endswith("Laterality") else value.strip(" ")
    _check_characters(vr, text)
    if vr == "PN":
        _check_name(text)
    _valid(vr, text)
    if vr == "DA":
        _check_date(text)
    if text and text not in _TERMS.get(keyword, {text}):
        _unfit(f"must be one of {', '.join(sorted(_TERMS[keyword]))}")
    return text


def _number(vr: str, value: str | float) -> int | float:
    try:
        number = float(value) if vr in _REAL else int(str(value))
    except ValueError:
        _unfit("is no number" if vr in _REAL else "is no whole number")
    _valid(vr, number)
    return number


def _valid(vr: str, value: str | float) -> None:
    try:
        validate_value(vr, value, config.RAISE)
    except ValueError:
        # The library's own words say what a length may be, but quote the value otherwise.
        _unfit(f"is not {_FORMS[vr]}" if vr in _FORMS else f"does not fit ({vr}, PS3.5 6.2)")


def _check_characters(vr: str, text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        _unfit("holds bytes that are no text")
    if vr in _PARAGRAPH:
        allowed = "\r\n\t\f"
    else:
        allowed = ""
        if "\\" in text:
            _unfit("holds a backslash, which separates values; use a list")
    if any((c < " " or "\x7f" <= c < "\xa0") and c not in allowed for c in text):
        _unfit("holds control characters")


def _check_name(text: str) -> None:
    if any(group.count("^") >= _PN_COMPONENTS for group in text.split("=")):
        _unfit("has more than five parts between ^")


def _check_date(text: str) -> None:
    if not text:
        return
    if not _DATE.fullmatch(text):  # a range is for queries
        _unfit("is not a date as YYYYMMDD")
    try:
        dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        _unfit("is no day of the calendar")
