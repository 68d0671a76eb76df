"""The modules that describe samples: image pixel, lossy compression, frames and their times."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from pydicom.tag import Tag

from passerelle.dicom import codecs
from passerelle.dicom.coding import VIDEO, FrameShape
from passerelle.dicom.modules import default
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydicom.dataset import Dataset

    from passerelle.dicom.picture import Picture, Samples

_FRAME_TIME: Final = Tag("FrameTime")
_FRAME_TIME_VECTOR: Final = Tag("FrameTimeVector")
_PAGE_NUMBER_VECTOR: Final = Tag("PageNumberVector")
_VECTOR_BYTES: Final = 0xFFFE  # of a value with a short length (PS3.5 7.1.2)
_DS_DIGITS: Final = ".10g"
_BY_ROWS_AND_COLUMNS: Final = (
    "PixelAspectRatio",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
)


def shape_of(picture: Picture) -> FrameShape:
    """What the codecs need to know of a picture."""
    return FrameShape(
        rows=picture.rows,
        columns=picture.columns,
        samples=picture.samples,
        bits_allocated=picture.bits_allocated,
        bits_stored=picture.bits_stored,
    )


def decoded(picture: Picture) -> Picture:
    """A verbatim picture with its frames decoded, to be stored without a further loss."""
    syntax, shape = picture.verbatim_syntax, shape_of(picture)

    def frames() -> Iterator[Samples | bytes]:
        for frame in picture.frames():
            if syntax and isinstance(frame, bytes):
                yield codecs.decode(frame, shape, syntax)
            else:
                yield frame

    return replace(picture, frames=frames, verbatim_syntax=None, verbatim_bytes=None)


def describe(dataset: Dataset, picture: Picture, syntax: str) -> None:
    """Image Pixel (PS3.3 C.7.6.3), General Image's lossy compression (C.7.6.1.1.5) and ICC."""
    dataset.SamplesPerPixel = picture.samples
    dataset.PhotometricInterpretation = _photometric(picture, syntax)
    dataset.Rows = picture.rows
    dataset.Columns = picture.columns
    dataset.BitsAllocated = picture.bits_allocated
    dataset.BitsStored = picture.bits_stored
    dataset.HighBit = picture.bits_stored - 1
    dataset.PixelRepresentation = 0  # signed samples became unsigned ones and an intercept
    if picture.samples > 1:
        dataset.PlanarConfiguration = 0
        if picture.icc_profile:
            dataset.ICCProfile = picture.icc_profile
    elif picture.rescale_intercept:
        rescale(dataset, picture.rescale_intercept)
    _lossy(dataset, picture)


def rescale(dataset: Dataset, intercept: int) -> None:
    """Modality LUT (PS3.3 C.11.1): from stored samples to what the device measured."""
    dataset.RescaleIntercept = str(intercept)
    dataset.RescaleSlope = "1"
    dataset.RescaleType = "US"  # unspecified


def turn_spacing(dataset: Dataset) -> None:
    """Swap what is said as rows and columns: the device's picture lies on its side now."""
    for keyword in _BY_ROWS_AND_COLUMNS:
        if said := dataset.get(keyword):
            setattr(dataset, keyword, list(reversed(said)))


def in_frames(dataset: Dataset, picture: Picture) -> None:
    """Multi-frame and Cine (PS3.3 C.7.6.6, C.7.6.5): by time where it is known, else by page.

    Raises:
        EncodingError: There are more frames than can be numbered.
    """
    dataset.NumberOfFrames = str(picture.frame_count)
    times = picture.frame_times_ms
    for keyword in ("FrameTime", "FrameTimeVector") if times else ():
        dataset.pop(keyword, None)  # what was said of them is in `times`
    if not times and picture.frame_count == 1:
        _by_even_time(dataset, 0.0)
    elif not times:
        _by_page(dataset, picture.frame_count)
    elif len(set(times)) == 1:
        _by_even_time(dataset, times[0])
    else:
        _by_time(dataset, times)


def _by_even_time(dataset: Dataset, each_ms: float) -> None:
    dataset.FrameIncrementPointer = _FRAME_TIME
    default(dataset, "FrameTime", format(each_ms, _DS_DIGITS))


def _by_time(dataset: Dataset, times: tuple[float, ...]) -> None:
    vector = time_vector(times)
    if vector is None:
        _by_even_time(dataset, sum(times) / len(times))
        return
    dataset.FrameIncrementPointer = _FRAME_TIME_VECTOR
    dataset.FrameTimeVector = list(vector)


def time_vector(times: tuple[float, ...]) -> tuple[str, ...] | None:
    """The time of each frame since the one before, the first being 0 (PS3.3 C.7.6.5.1.2).

    In as many digits as a value of 64 KiB holds of so many frames, none of the loss adding up;
    None when not even whole milliseconds fit.
    """
    since = (0.0, *times[:-1])
    exact = tuple(format(time, _DS_DIGITS) for time in since)
    if _fits(exact):
        return exact
    for digits in range(3, -1, -1):
        moments = [round(moment, digits) for moment in accumulate(since)]
        steps = (after - before for before, after in pairwise((0.0, *moments)))
        vector = tuple(format(round(step, digits), _DS_DIGITS) for step in steps)
        if _fits(vector):
            return vector
    return None


def _fits(values: Sequence[str]) -> bool:
    return sum(map(len, values)) + len(values) - 1 <= _VECTOR_BYTES


def _by_page(dataset: Dataset, count: int) -> None:
    """Frames that are pages, not moments: SC Multi-frame Vector (PS3.3 C.8.6.4)."""
    vector = [str(page) for page in range(1, count + 1)]
    if not _fits(vector):
        msg = f"picture: {count} frames are too many to number; give the profile raw.frame_time_ms"
        raise EncodingError(msg)
    dataset.FrameIncrementPointer = _PAGE_NUMBER_VECTOR
    dataset.PageNumberVector = vector


def _photometric(picture: Picture, syntax: str) -> str:
    """The Photometric Interpretation of what is stored.

    JPEG with luminance and chrominance is YBR_FULL_422 however its chrominance is sampled: the
    standard knows no other for these transfer syntaxes (PS3.5 table 8.2.1-1) and says that the
    stream may sample otherwise (PS3.3 C.7.6.3.1.2). A decoder reads the sampling from the stream
    itself; dciodvfy takes YBR_FULL for an error.
    """
    if picture.verbatim_syntax in VIDEO:
        return picture.photometric
    if picture.verbatim_syntax:
        is_chroma = picture.photometric.startswith("YBR")
        return "YBR_FULL_422" if is_chroma else picture.photometric
    return codecs.photometric(syntax, picture.photometric)


def _lossy(dataset: Dataset, picture: Picture) -> None:
    """What the device said of earlier compression stays; what its file shows is added.

    Once lossy is always lossy (PS3.3 C.7.6.1.1.5): a said 00 does not outweigh the file.
    """
    if not picture.was_lossy:
        default(dataset, "LossyImageCompression", "00")
        return
    dataset.LossyImageCompression = "01"
    methods = _said_values(dataset, "LossyImageCompressionMethod")
    if picture.lossy_method in methods:
        return
    ratios = _said_values(dataset, "LossyImageCompressionRatio")
    if picture.lossy_ratio and len(ratios) == len(methods):  # each value belongs to a method
        ratio = format(picture.lossy_ratio, ".4g")
        dataset.LossyImageCompressionRatio = [*ratios, ratio]
    dataset.LossyImageCompressionMethod = [*methods, picture.lossy_method]


def _said_values(dataset: Dataset, keyword: str) -> list[str]:
    said = dataset.get(keyword)
    values = [] if said is None else [said] if isinstance(said, str | float) else list(said)
    return [str(value) for value in values if value != ""]
