from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from objects_support import faults, made_of, picture, verbatim
from passerelle.dicom.coding import (
    EXPLICIT,
    HTJ2K,
    IMPLICIT,
    JPEG_2000,
    JPEG_BASELINE,
    JPEG_LS,
    RLE,
    SYNTAXES,
)
from passerelle.dicom.stored import BIG_ENDIAN, DEFLATED
from passerelle.dicom.transcode import transcode
from passerelle.errors import EncodingError
from pictures_support import colours, decoded, deep, encoded, greys

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import FileDataset

NAMES = {uid: name for name, uid in SYNTAXES.items()}
PICTURES = {
    "grey": picture(greys()),
    "deep": picture(deep()),
    "colour": picture(colours()),
    "frames": picture(*(deep() + number for number in range(5))),
    "odd": picture(np.ascontiguousarray(greys()[:33, :37])),
}
ENCODED = (JPEG_LS, JPEG_2000, HTJ2K, RLE)


def stored(tmp_path: Path, kind: str, syntax: str) -> Path:
    made = made_of(tmp_path, PICTURES[kind], compression=(NAMES[syntax],))
    if made.transfer_syntax_uid != syntax:
        pytest.skip("no encoder here")
    return made.file


def copy_of(tmp_path: Path, file: Path, *syntaxes: str) -> tuple[FileDataset, str]:
    into = tmp_path / f"copy-{syntaxes[0]}"
    into.mkdir()
    answer = transcode({"file": str(file), "syntaxes": syntaxes, "into": str(into)})
    return dcmread(answer["file"]), answer["transfer_syntax_uid"]


def samples(read: FileDataset) -> Any:  # noqa: ANN401 - an array
    if read.file_meta.TransferSyntaxUID not in (JPEG_2000, HTJ2K):
        return read.pixel_array
    openjpeg = pytest.importorskip("openjpeg.utils")
    count = int(read.get("NumberOfFrames", 1))
    frames = generate_frames(read.PixelData, number_of_frames=count)
    return np.stack([openjpeg.decode(frame) for frame in frames]).squeeze()


def patched(tmp_path: Path, file: Path, **attributes: object) -> Path:
    """The same object with attributes as another maker might have written them."""
    read = dcmread(file)
    for keyword, value in attributes.items():
        setattr(read, keyword, value)
    dcmwrite(tmp_path / "patched.dcm", read)
    return tmp_path / "patched.dcm"


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("target", [EXPLICIT, IMPLICIT, *ENCODED])
@pytest.mark.parametrize("source", [EXPLICIT, *ENCODED])
def test_every_sample_survives_from_any_syntax_to_any_other(
    tmp_path: Path, source: str, target: str, kind: str
) -> None:
    file = stored(tmp_path, kind, source)
    before = samples(dcmread(file))

    read, syntax = copy_of(tmp_path, file, target)

    assert syntax == target == read.file_meta.TransferSyntaxUID
    assert (samples(read) == before).all()
    assert read.SOPInstanceUID == dcmread(file).SOPInstanceUID
    assert read.PatientName == "Müller^Jörg"


@pytest.mark.parametrize("target", [EXPLICIT, IMPLICIT, JPEG_LS])
def test_a_lossy_jpeg_becomes_what_its_decoder_shows_and_says_so(
    tmp_path: Path, target: str
) -> None:
    data = encoded(colours(), "JPEG")
    file = made_of(tmp_path, verbatim(data, colours(), "YBR_FULL_422")).file

    read, _ = copy_of(tmp_path, file, target)

    assert read.PhotometricInterpretation == "RGB"
    assert (samples(read) == decoded(data)).all()
    assert (read.LossyImageCompression, read.LossyImageCompressionRatio) == ("01", 8)


@pytest.mark.parametrize("target", [EXPLICIT, IMPLICIT, RLE, JPEG_2000])
def test_dciodvfy_finds_no_error_in_the_copy(tmp_path: Path, target: str) -> None:
    file = stored(tmp_path, "colour", JPEG_LS)

    answer = transcode({"file": str(file), "syntaxes": [target], "into": str(tmp_path / "..")})

    assert faults(tmp_path / ".." / answer["file"]) == []


def test_the_first_that_can_hold_it_is_taken(tmp_path: Path) -> None:
    file = made_of(tmp_path, picture(deep(12), bits_stored=12)).file

    _, syntax = copy_of(tmp_path, file, HTJ2K, IMPLICIT, EXPLICIT)

    assert syntax == IMPLICIT


def test_a_failed_syntax_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    file = made_of(tmp_path, picture(noise), compression=("None",)).file

    read, syntax = copy_of(tmp_path, file, JPEG_2000, JPEG_LS, EXPLICIT)

    assert (samples(read) == noise).all()
    assert read.PhotometricInterpretation == ("YBR_RCT" if syntax == JPEG_2000 else "RGB")


def test_when_none_can_hold_it_the_reason_is_told(tmp_path: Path) -> None:
    file = stored(tmp_path, "grey", EXPLICIT)

    with pytest.raises(EncodingError, match=r"^transcoding: 1\.2\.840\.10008\.1\.2\.4\.50 cannot"):
        copy_of(tmp_path, file, JPEG_BASELINE)


def test_no_syntax_at_all_is_an_encoding_error(tmp_path: Path) -> None:
    file = stored(tmp_path, "grey", EXPLICIT)

    with pytest.raises(EncodingError, match="no transfer syntax is accepted"):
        transcode({"file": str(file), "syntaxes": [], "into": str(tmp_path)})


def test_an_rgb_jpeg_that_a_decoder_would_take_for_chrominance_is_left_alone(
    tmp_path: Path,
) -> None:
    data = encoded(colours(), "JPEG")
    file = made_of(tmp_path, verbatim(data, colours(), "YBR_FULL_422")).file

    with pytest.raises(EncodingError, match="not what its JPEG stream says"):
        copy_of(tmp_path, patched(tmp_path, file, PhotometricInterpretation="RGB"), EXPLICIT)


def test_colour_by_planes_becomes_colour_by_pixel(tmp_path: Path) -> None:
    file = stored(tmp_path, "colour", EXPLICIT)
    planes = np.ascontiguousarray(colours().transpose(2, 0, 1)).tobytes()
    planar = patched(tmp_path, file, PixelData=planes, PlanarConfiguration=1)

    read, _ = copy_of(tmp_path, planar, JPEG_LS)

    assert read.PlanarConfiguration == 0
    assert (samples(read) == colours()).all()


def test_signed_samples_are_only_ever_copied(tmp_path: Path) -> None:
    file = patched(tmp_path, stored(tmp_path, "deep", EXPLICIT), PixelRepresentation=1)

    read, syntax = copy_of(tmp_path, file, JPEG_LS, IMPLICIT)

    assert syntax == IMPLICIT
    assert read.PixelData == deep().tobytes()


def test_a_deflated_object_is_unpacked(tmp_path: Path) -> None:
    read = dcmread(stored(tmp_path, "deep", EXPLICIT))
    read.file_meta.TransferSyntaxUID = UID(DEFLATED)
    dcmwrite(tmp_path / "deflated.dcm", read)

    copy, _ = copy_of(tmp_path, tmp_path / "deflated.dcm", JPEG_LS, EXPLICIT)

    assert copy.PixelData == deep().tobytes()


def test_the_other_byte_order_is_left_alone(tmp_path: Path) -> None:
    read = dcmread(stored(tmp_path, "grey", EXPLICIT))
    read.file_meta.TransferSyntaxUID = UID(BIG_ENDIAN)
    dcmwrite(tmp_path / "big.dcm", read, implicit_vr=False, little_endian=False)

    with pytest.raises(EncodingError, match="only be sent as they are"):
        copy_of(tmp_path, tmp_path / "big.dcm", EXPLICIT)
