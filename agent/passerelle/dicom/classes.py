"""The SOP Classes we make: which one a picture becomes, and what each asks for beside pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from passerelle.dicom import pixels
from passerelle.dicom.modules import code, default, is_said
from passerelle.dicom.ophthalmic import ophthalmic
from passerelle.errors import EncodingError, IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import Dataset

    from passerelle.dicom.picture import Picture
    from passerelle.profile import SopClassName

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_BYTE: Final = 8
_ELSEWHERE: Final = "a profile with sop_class SecondaryCapture has"


@dataclass(frozen=True, slots=True, kw_only=True)
class SopClass:
    """One SOP Class (PS3.4 B.5): what it may hold and what its IOD asks for."""

    name: str
    uid: str
    fill: Callable[[Dataset, Picture], None]
    modality: str | None = None  #: the only one its IOD allows
    samples: tuple[int, ...] = (1, 3)
    bits_allocated: tuple[int, ...] = (8, 16)
    only_bits_stored: int | None = None  #: what fewer bits are told as
    takes_rgb_jpeg: bool = False  #: its IOD knows lossy JPEG of red, green and blue
    takes_intercept: bool = True  #: has a place for what signed samples became
    asks: tuple[str, ...] = ()  #: Type 1 attributes that only a person or a profile can know

    def fitting(self, picture: Picture) -> Picture:
        """The picture in a form that the IOD knows; its samples stay what they are."""
        if self.bits_allocated == (1,):
            picture = replace(picture, bits_allocated=1, bits_stored=1)
        if self.only_bits_stored and picture.bits_stored < self.only_bits_stored:
            picture = replace(picture, bits_stored=self.only_bits_stored)
        if picture.photometric == "RGB" and picture.verbatim_syntax and not self.takes_rgb_jpeg:
            picture = pixels.decoded(picture)
        return picture

    def check(self, dataset: Dataset, picture: Picture) -> None:
        """See that the picture and what was said of it fit.

        Raises:
            EncodingError: It cannot hold such a picture.
            IdentityError: Something is missing that must not be guessed.
        """
        if picture.samples not in self.samples:
            msg = f"{self.name}: holds grey pictures only, and this one has colour"
            raise EncodingError(msg)
        if picture.bits_allocated not in self.bits_allocated:
            bits = picture.bits_allocated
            msg = f"{self.name}: has no place for samples of {bits} bits; {_ELSEWHERE}"
            raise EncodingError(msg)
        if picture.rescale_intercept and not self.takes_intercept:
            msg = f"{self.name}: has no place for signed samples; {_ELSEWHERE}"
            raise EncodingError(msg)
        missing = [keyword for keyword in self.asks if not is_said(dataset, keyword)]
        if missing:
            msg = f"{self.name}: {', '.join(missing)} must be said, in the sidecar or the profile"
            raise IdentityError(msg)


def sop_class(name: SopClassName, picture: Picture) -> SopClass:
    """What a picture becomes.

    Several frames take the multi-frame form of their class. Where it has none, those with times
    become a multi-frame Secondary Capture, so that they still play; those without are pages, and
    `is_single` tells the caller to make an instance of each.
    """
    if picture.frame_count == 1 or is_single(name, picture):
        return SINGLE[name]
    if name in VIDEO and picture.bits_allocated == _BYTE:
        return VIDEO[name]
    if name in _MULTI_FRAME:
        return _MULTI_FRAME[name]
    if picture.samples > 1:
        return MULTI_FRAME_TRUE_COLOR
    if picture.is_bilevel:
        return MULTI_FRAME_SINGLE_BIT
    return MULTI_FRAME_BYTE if picture.bits_allocated == _BYTE else MULTI_FRAME_WORD


def is_single(name: SopClassName, picture: Picture) -> bool:
    """Whether each frame becomes an instance of its own."""
    is_timed = picture.is_clip or picture.frame_times_ms
    return name != "SecondaryCapture" and not is_timed


def _secondary_capture(dataset: Dataset, _picture: Picture) -> None:
    """SC Equipment (PS3.3 C.8.6.1), General Image (C.7.6.1)."""
    default(dataset, "ConversionType", "DI")  # through a digital interface
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PatientOrientation", "")


def _multi_frame_capture(dataset: Dataset, picture: Picture) -> None:
    """SC Equipment, SC Multi-frame Image and Vector (PS3.3 C.8.6.1, C.8.6.3, C.8.6.4)."""
    _secondary_capture(dataset, picture)
    default(dataset, "BurnedInAnnotation", "YES")  # Type 1: nobody looked, so there may be some
    pixels.in_frames(dataset, picture)
    if picture.samples == 1 and picture.bits_stored > 1:
        dataset.PresentationLUTShape = "IDENTITY"
        pixels.rescale(dataset, picture.rescale_intercept)


def _ultrasound(dataset: Dataset, _picture: Picture) -> None:
    """US Image (PS3.3 C.8.5.6)."""
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PatientOrientation", "")


def _ultrasound_multi_frame(dataset: Dataset, picture: Picture) -> None:
    """US Image, Multi-frame and Cine (PS3.3 C.8.5.6, C.7.6.6, C.7.6.5)."""
    _ultrasound(dataset, picture)
    pixels.in_frames(dataset, picture)


def _visible_light(dataset: Dataset, _picture: Picture) -> None:
    """VL Image (PS3.3 C.8.12.1), Acquisition Context (C.7.6.14)."""
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PatientOrientation", "")
    default(dataset, "AcquisitionContextSequence", [])


def _visible_light_video(dataset: Dataset, picture: Picture) -> None:
    """VL Image, Multi-frame and Cine (PS3.3 C.8.12.1, C.7.6.6, C.7.6.5).

    A video must name a region of the body; where the profile names none, it is the whole.
    """
    _visible_light(dataset, picture)
    if not is_said(dataset, "AnatomicRegionSequence"):
        dataset.AnatomicRegionSequence = [code("38266002", "SCT", "Entire body")]
        if not is_said(dataset, "Laterality"):
            dataset.pop("Laterality", None)  # 2C: it is no paired part
    pixels.in_frames(dataset, picture)


def _radiograph(dataset: Dataset, picture: Picture) -> None:
    """DX Series, Anatomy, Image, Detector (PS3.3 C.8.11.1 to C.8.11.4), for presentation."""
    default(dataset, "PresentationIntentType", "FOR PRESENTATION")
    default(dataset, "AnatomicRegionSequence", [])
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PixelIntensityRelationship", "LOG")
    default(dataset, "PixelIntensityRelationshipSign", -1)
    default(dataset, "DetectorType", None)
    default(dataset, "BurnedInAnnotation", "YES")
    default(dataset, "AcquisitionContextSequence", [])
    dataset.PresentationLUTShape = "IDENTITY"
    pixels.rescale(dataset, picture.rescale_intercept)
    width = 1 << picture.bits_stored  # every value, when nobody chose a window (PS3.3 C.11.2)
    default(dataset, "WindowCenter", str(width // 2 + picture.rescale_intercept))
    default(dataset, "WindowWidth", str(width))


def _computed_radiograph(dataset: Dataset, _picture: Picture) -> None:
    """CR Series and CR Image (PS3.3 C.8.1.1, C.8.1.2)."""
    default(dataset, "BodyPartExamined", "")
    default(dataset, "ViewPosition", "")
    default(dataset, "ImageType", ["ORIGINAL", "PRIMARY"])
    default(dataset, "PatientOrientation", "")


def _visible(name: str, part: str, modality: str, *, is_video: bool = False) -> SopClass:
    return SopClass(
        name=name,
        uid=f"{_STORAGE}77.1.{part}",
        fill=_visible_light_video if is_video else _visible_light,
        modality=modality,
        bits_allocated=(_BYTE,),
    )


MULTI_FRAME_SINGLE_BIT: Final = SopClass(
    name="Multi-frame Single Bit SC",
    uid=f"{_STORAGE}7.1",
    fill=_multi_frame_capture,
    samples=(1,),
    bits_allocated=(1,),
)
MULTI_FRAME_BYTE: Final = SopClass(
    name="Multi-frame Grayscale Byte SC", uid=f"{_STORAGE}7.2", fill=_multi_frame_capture
)
MULTI_FRAME_WORD: Final = SopClass(
    name="Multi-frame Grayscale Word SC", uid=f"{_STORAGE}7.3", fill=_multi_frame_capture
)
MULTI_FRAME_TRUE_COLOR: Final = SopClass(
    name="Multi-frame True Color SC", uid=f"{_STORAGE}7.4", fill=_multi_frame_capture
)
US_MULTI_FRAME: Final = SopClass(
    name="US Multi-frame Image",
    uid=f"{_STORAGE}3.1",
    fill=_ultrasound_multi_frame,
    modality="US",
    bits_allocated=(_BYTE,),
)
#: The multi-frame forms of visible light: any frames in time, encoded as video or one by one.
VIDEO: Final[dict[SopClassName, SopClass]] = {
    "VLEndoscopic": _visible("Video Endoscopic Image", "1.1", "ES", is_video=True),
    "VLMicroscopic": _visible("Video Microscopic Image", "2.1", "GM", is_video=True),
    "VLPhotographic": _visible("Video Photographic Image", "4.1", "XC", is_video=True),
}
#: The class of each name a profile may give, for one frame; documents are not pictures.
SINGLE: Final[dict[SopClassName, SopClass]] = {
    "SecondaryCapture": SopClass(
        name="Secondary Capture",
        uid=f"{_STORAGE}7",
        fill=_secondary_capture,
        takes_rgb_jpeg=True,
    ),
    "Ultrasound": SopClass(
        name="US Image",
        uid=f"{_STORAGE}6.1",
        fill=_ultrasound,
        modality="US",
        bits_allocated=(_BYTE,),
    ),
    "VLEndoscopic": _visible("VL Endoscopic Image", "1", "ES"),
    "VLMicroscopic": _visible("VL Microscopic Image", "2", "GM"),
    "VLPhotographic": _visible("VL Photographic Image", "4", "XC"),
    "Ophthalmic8": SopClass(
        name="Ophthalmic Photography 8 Bit Image",
        uid=f"{_STORAGE}77.1.5.1",
        fill=ophthalmic,
        modality="OP",
        bits_allocated=(8,),
        asks=("ImageLaterality",),
    ),
    "Ophthalmic16": SopClass(
        name="Ophthalmic Photography 16 Bit Image",
        uid=f"{_STORAGE}77.1.5.2",
        fill=ophthalmic,
        modality="OP",
        bits_allocated=(16,),
        only_bits_stored=16,
        asks=("ImageLaterality",),
    ),
    "DX": SopClass(
        name="Digital X-Ray Image",
        uid=f"{_STORAGE}1.1",
        fill=_radiograph,
        modality="DX",
        samples=(1,),
        takes_intercept=False,
        asks=("ImageLaterality", "PatientOrientation", "ImagerPixelSpacing"),
    ),
    "CR": SopClass(
        name="Computed Radiography Image",
        uid=f"{_STORAGE}1",
        fill=_computed_radiograph,
        modality="CR",
        samples=(1,),
    ),
}
_MULTI_FRAME: Final = {
    "Ultrasound": US_MULTI_FRAME,
    "Ophthalmic8": SINGLE["Ophthalmic8"],
    "Ophthalmic16": SINGLE["Ophthalmic16"],
}
