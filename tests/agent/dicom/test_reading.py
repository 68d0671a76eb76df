from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.dicom.reading import kind, read, recognise
from passerelle.errors import Changed, EncodingError
from passerelle.profile import PLAIN, Profile, RawLayout
from pictures_support import COLUMNS, ROWS, colours, encoded, greys, tiff, written

_RAW = Profile(raw=RawLayout(rows=ROWS, columns=COLUMNS, suffixes=(".raw", ".Smp")))
_PART10 = bytes(128) + b"DICM"


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("name", ["a", "a.dat", "a.PNG"])
def test_the_content_says_the_format_and_not_the_name(
    tmp_path: Path, format_: str, name: str
) -> None:
    path = written(tmp_path, name, encoded(colours(), format_))
    assert recognise(path, PLAIN) == format_
    assert kind(path, PLAIN) == "picture"


def test_a_document_and_a_dicom_file_are_no_pictures(tmp_path: Path) -> None:
    assert kind(written(tmp_path, "a", b"%PDF-1.7\n"), PLAIN) == "pdf"
    assert kind(written(tmp_path, "a", b"\r\n%PDF-1.4\n"), PLAIN) == "pdf"
    assert kind(written(tmp_path, "a", _PART10), PLAIN) == "part10"
    with pytest.raises(EncodingError, match="a PDF file is no picture"):
        read(written(tmp_path, "a", b"%PDF-1.7\n"), PLAIN)


def test_a_dicom_file_with_the_preamble_of_a_tiff_is_dicom(tmp_path: Path) -> None:
    path = written(tmp_path, "a.tif", b"II*\0" + _PART10[4:])
    assert kind(path, PLAIN) == "part10"


@pytest.mark.parametrize("name", ["a.raw", "a.RAW", "a.smp"])
def test_only_the_suffixes_of_the_profile_are_raw(tmp_path: Path, name: str) -> None:
    samples = b"BM" + greys().tobytes()[2:]  # by chance as a bitmap starts
    path = written(tmp_path, name, samples)
    assert recognise(path, _RAW) == "raw"
    assert recognise(path, PLAIN) == "BMP"
    assert kind(path, _RAW) == "picture"


def test_a_wrong_name_is_told(tmp_path: Path) -> None:
    (picture,) = read(written(tmp_path, "a.png", encoded(colours(), "JPEG")), PLAIN)
    assert picture.notes == ("the file is named like PNG but is JPEG",)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.png", b"", "the file is empty"),
        ("a.png", b"Report\r\n\xc3\x84rzte", "the file ends in .png but holds text"),
        ("a.jpg", bytes(5000), "holds nothing but zeros"),
        ("a.tif", b"\x9f\x01\x88" * 2000, "the file ends in .tif but holds no format that"),
        ("a.heic", b"\0\0\0\x18ftypheic", "the file holds HEIC, which is not taken"),
        ("a.mov", b"\0\0\0\x18ftypqt  ", "a video"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "a video"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "WebP, which is not taken"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        ("a.zip", b"PK\3\4", "a ZIP archive"),
        ("a.dcm", b"\2\0\0\0UL\4\0", "DICOM without its preamble"),
        ("a.jpg", b"MZ\x90\0", "a program"),
        ("a", "Befund f\u00fcr Herrn ".encode() * 400, "the file holds text"),
    ],
)
def test_what_is_not_taken_is_named(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(EncodingError, match=f"^picture: .*{reason}"):
        kind(written(tmp_path, name, content), PLAIN)


def test_no_text_names_the_file(tmp_path: Path) -> None:
    for content in (b"", b"text", encoded(colours(), "PNG")[:-20], encoded(greys(), "TIFF")[:20]):
        with pytest.raises(EncodingError) as refusal:
            read(written(tmp_path, "Doe^Jane.1970", content), PLAIN)
        assert "Doe" not in str(refusal.value)
        assert "1970" not in str(refusal.value)


def test_a_file_that_is_gone_has_changed(tmp_path: Path) -> None:
    with pytest.raises(Changed, match="media: cannot be opened"):
        kind(tmp_path / "a.png", PLAIN)


_DAMAGED = (
    encoded(colours(), "PNG"),
    encoded(colours(), "PNG", "P"),
    encoded(colours(), "JPEG"),
    encoded(colours(), "JPEG", progressive=True),
    encoded(greys(), "GIF"),
    encoded(greys(), "BMP", "1"),
    encoded(colours(), "TIFF"),
    encoded(colours(), "TIFF", compression="tiff_lzw"),
    tiff([(greys(), {}), (greys(), {})]),
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(_DAMAGED),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
)
def test_damage_leads_to_our_errors_or_to_what_was_promised(
    data: bytes, damage: list[tuple[float, int]]
) -> None:
    broken = bytearray(data)
    for place, value in damage:
        broken[int(place**3 * len(broken))] = value  # headers are hit more often
    with tempfile.TemporaryDirectory() as folder:
        try:
            pictures = read(written(Path(folder), "a", bytes(broken)), PLAIN)
            frames = [(picture, frame) for picture in pictures for frame in picture.frames()]
        except EncodingError:
            return
    for picture, frame in frames:
        if not isinstance(frame, bytes):
            assert frame.shape[:2] == (picture.rows, picture.columns)
            assert frame.shape[2:] == ((3,) if picture.samples > 1 else ())
            assert frame.dtype.itemsize * 8 == picture.bits_allocated
