from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from objects_support import by_dcmtk, by_gdcm, made_of, picture, verbatim
from passerelle.dicom.coding import EXPLICIT, HTJ2K, JPEG_2000, JPEG_LS, RLE, SYNTAXES
from passerelle.dicom.pixels import time_vector
from passerelle.errors import EncodingError
from pictures_support import colours, decoded, deep, encoded, greys

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from passerelle.dicom.picture import Picture

NAMES = {uid: name for name, uid in SYNTAXES.items()}
PICTURES = {
    "grey": picture(greys()),
    "deep": picture(deep(12), bits_stored=12),
    "colour": picture(colours()),
    "frames": picture(colours(), 255 - colours(), colours()),
}


def raw(shown: Picture) -> bytes:
    return b"".join(np.asarray(frame).tobytes() for frame in shown.frames())


def stored(
    tmp_path: Path, shown: Picture, sop_class: str = "SecondaryCapture", **profile: object
) -> FileDataset:
    return dcmread(made_of(tmp_path, shown, sop_class, **profile).file)


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("syntax", [JPEG_LS, RLE])
def test_dcmtk_decodes_every_sample(tmp_path: Path, syntax: str, kind: str) -> None:
    made = made_of(tmp_path, PICTURES[kind], compression=(NAMES[syntax],))

    assert made.transfer_syntax_uid == syntax
    assert by_dcmtk(made.file, syntax)[: len(raw(PICTURES[kind]))] == raw(PICTURES[kind])


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, RLE, EXPLICIT])
def test_gdcm_decodes_every_sample(tmp_path: Path, syntax: str, kind: str) -> None:
    if syntax == JPEG_2000:
        pytest.importorskip("openjpeg")
    made = made_of(tmp_path, PICTURES[kind], compression=(NAMES[syntax],))

    assert made.transfer_syntax_uid == syntax
    assert by_gdcm(made.file)[: len(raw(PICTURES[kind]))] == raw(PICTURES[kind])


def test_another_decoder_than_the_encoders_own_reads_htj2k(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    openjpeg = pytest.importorskip("openjpeg.utils")

    read = stored(tmp_path, PICTURES["colour"], compression=("HTJ2KLossless",))

    (frame,) = generate_frames(read.PixelData, number_of_frames=1)
    assert read.file_meta.TransferSyntaxUID == HTJ2K
    assert read.PhotometricInterpretation == "YBR_RCT"
    assert (openjpeg.decode(frame) == colours()).all()


def test_a_frame_too_small_for_one_codec_goes_to_the_next(tmp_path: Path) -> None:
    pixel = picture(np.full((1, 1), 7, dtype=np.uint8))

    made = made_of(tmp_path, pixel)  # JPEG-LS and JPEG 2000 both refuse it

    assert made.transfer_syntax_uid == RLE
    assert by_dcmtk(made.file, RLE)[:1] == b"\x07"


def test_without_any_compression_that_can_hold_it_it_stays_as_it_is(tmp_path: Path) -> None:
    pixel = picture(np.full((1, 1), 7, dtype=np.uint8))

    made = made_of(tmp_path, pixel, compression=("JPEGLSLossless",))

    assert made.transfer_syntax_uid == EXPLICIT


def test_a_jpeg_keeps_its_own_bytes(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG", subsampling=2)

    read = stored(tmp_path, verbatim(data, colours(), "YBR_FULL_422"))

    (frame,) = generate_frames(read.PixelData, number_of_frames=1)
    assert frame[: len(data)] == data
    assert len(frame) - len(data) in (0, 1)


@pytest.mark.parametrize("told", ["YBR_FULL", "YBR_FULL_422"])
def test_chrominance_is_told_as_the_standard_knows_it_for_jpeg(tmp_path: Path, told: str) -> None:
    data = encoded(colours(), "JPEG", subsampling=0)

    read = stored(tmp_path, verbatim(data, colours(), told))

    assert read.PhotometricInterpretation == "YBR_FULL_422"


def test_an_rgb_jpeg_is_decoded_where_its_class_knows_no_such_stream(tmp_path: Path) -> None:
    data = encoded(colours(), "JPEG", keep_rgb=True)
    shown = verbatim(data, colours(), "RGB")

    read = stored(tmp_path, shown, sop_class="VLPhotographic")

    assert read.file_meta.TransferSyntaxUID == JPEG_LS
    assert (read.pixel_array == decoded(data)).all()
    assert read.LossyImageCompression == "01"


def test_a_loss_is_told_with_its_method_and_ratio(tmp_path: Path) -> None:
    read = stored(tmp_path, picture(colours(), was_lossy=True, lossy_ratio=12.345678))

    assert read.file_meta.TransferSyntaxUID == JPEG_LS
    assert (read.LossyImageCompression, read.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert read.LossyImageCompressionRatio == 12.35


def test_without_a_loss_none_is_told(tmp_path: Path) -> None:
    read = stored(tmp_path, picture(colours()))

    assert read.LossyImageCompression == "00"
    assert "LossyImageCompressionMethod" not in read


def test_what_was_signed_is_told_by_the_intercept(tmp_path: Path) -> None:
    read = stored(tmp_path, picture(deep(), rescale_intercept=-32768))

    assert (read.PixelRepresentation, read.RescaleIntercept, read.RescaleSlope) == (0, -32768, 1)


def test_an_icc_profile_stays_with_its_colours_only(tmp_path: Path) -> None:
    colour = stored(tmp_path, picture(colours(), icc_profile=b"profile "))
    grey = stored(tmp_path, picture(greys(), icc_profile=b"profile "))

    assert colour.ICCProfile == b"profile "
    assert "ICCProfile" not in grey


def test_frames_of_one_duration_have_a_frame_time(tmp_path: Path) -> None:
    shown = picture(*[greys()] * 3, frame_times_ms=(40.0, 40.0, 40.0))

    read = stored(tmp_path, shown, sop_class="Ultrasound")

    assert (read.NumberOfFrames, read.FrameTime) == (3, 40)
    assert read.FrameIncrementPointer == 0x00181063


def test_frames_of_their_own_durations_have_a_vector_that_begins_at_zero(tmp_path: Path) -> None:
    shown = picture(*[greys()] * 3, frame_times_ms=(40.0, 80.5, 20.0))

    read = stored(tmp_path, shown, sop_class="Ultrasound")

    assert read.FrameIncrementPointer == 0x00181065
    assert list(read.FrameTimeVector) == [0, 40, 80.5]


def test_more_durations_than_a_vector_holds_become_their_mean(tmp_path: Path) -> None:
    pixel = np.zeros((1, 1), dtype=np.uint8)
    times = (10.0, 30.0) * 20_000
    shown = picture(
        pixel, frames=lambda: iter([pixel] * 40_000), frame_count=40_000, frame_times_ms=times
    )

    read = stored(tmp_path, shown, sop_class="Ultrasound", compression=("None",))

    assert read.FrameTime == 20


def test_pages_are_numbered_and_have_no_time(tmp_path: Path) -> None:
    read = stored(tmp_path, picture(greys(), greys()))

    assert read.FrameIncrementPointer == 0x00182001
    assert list(read.PageNumberVector) == [1, 2]
    assert "FrameTime" not in read


def test_more_pages_than_can_be_numbered_are_refused_with_what_to_do(tmp_path: Path) -> None:
    shown = picture(greys(), frame_count=20_000)

    with pytest.raises(EncodingError, match=r"raw\.frame_time_ms"):
        made_of(tmp_path, shown)


def test_long_vectors_keep_fewer_digits_and_their_sum() -> None:
    times = (33.367,) * 9_999 + (100.1,) + (33.367,) * 8_000

    vector = time_vector(times)

    assert vector is not None
    assert len("\\".join(vector)) <= 0xFFFE
    moments = np.cumsum([float(step) for step in vector])
    true = np.cumsum([0.0, *times[:-1]])
    assert np.abs(moments - true).max() <= 0.5
    assert float(vector[10_000]) > 99, "a gap is still there"


@pytest.mark.parametrize(
    ("said", "lossy", "expected"),
    [
        ({}, False, ("00", None, None)),
        ({"LossyImageCompression": "01"}, False, ("01", None, None)),
        ({"LossyImageCompression": "00"}, True, ("01", "ISO_10918_1", 8)),
        (
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionMethod": "ISO_10918_1",
                "LossyImageCompressionRatio": 12,
            },
            True,
            ("01", "ISO_10918_1", 12),
        ),
        (
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionMethod": "ISO_14496_10",
                "LossyImageCompressionRatio": 40,
            },
            True,
            ("01", ["ISO_14496_10", "ISO_10918_1"], [40, 8]),
        ),
    ],
)
def test_a_loss_that_the_device_tells_of_is_never_taken_back(
    tmp_path: Path, said: dict[str, object], *, lossy: bool, expected: tuple[object, ...]
) -> None:
    shown = picture(colours(), was_lossy=lossy, lossy_ratio=8.0 if lossy else None)

    read = stored(tmp_path, shown, attributes=said)

    names = ("", "Method", "Ratio")
    assert tuple(read.get(f"LossyImageCompression{name}") for name in names) == expected
