from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.dicom import jpeg
from passerelle.errors import EncodingError
from pictures_support import colours, decoded, encoded, greys

_PLAIN = encoded(colours(), "JPEG")
_APP0_END = 20  # SOI and Pillow's JFIF segment


def _with(segment: bytes, data: bytes = _PLAIN) -> bytes:
    return data[:_APP0_END] + segment + data[_APP0_END:]


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def _photometric(data: bytes) -> str | None:
    return jpeg.parse(data).photometric


def test_a_stream_without_metadata_stays_byte_for_byte() -> None:
    assert jpeg.without_metadata(_PLAIN, jpeg.parse(_PLAIN)) == _PLAIN


@pytest.mark.parametrize("marker", [0xE1, 0xE3, 0xE6, 0xEC, 0xED, 0xEF, 0xFE])
def test_segments_that_tell_about_the_picture_go_and_nothing_else(marker: int) -> None:
    data = _with(_segment(marker, b"GPS 52.1 N, Doe^Jane"))
    assert jpeg.without_metadata(data, jpeg.parse(data)) == _PLAIN


def test_fill_bytes_before_a_dropped_segment_go_with_it() -> None:
    data = _with(b"\xff\xff" + _segment(0xFE, b"a comment"))
    assert jpeg.without_metadata(data, jpeg.parse(data)) == _PLAIN


@pytest.mark.parametrize(
    "segment",
    [_segment(0xE2, b"ICC_PROFILE\0\1\1profile"), _segment(0xEE, b"Adobe\0d\0\0\0\0\1")],
)
def test_what_a_decoder_needs_stays(segment: bytes) -> None:
    data = _with(segment)
    assert jpeg.without_metadata(data, jpeg.parse(data)) == data


def test_a_second_picture_that_app2_points_to_goes_with_its_pointer() -> None:
    data = _with(_segment(0xE2, b"MPF\0II*\0")) + _PLAIN
    assert jpeg.without_metadata(data, jpeg.parse(data)) == _PLAIN


def test_the_exif_of_the_first_segment_is_found() -> None:
    data = _with(_segment(0xE1, b"Exif\0\0first") + _segment(0xE1, b"Exif\0\0second"))
    assert jpeg.parse(data).exif == b"first"


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_ycbcr_is_called_ybr_full_422_whatever_its_subsampling(subsampling: int) -> None:
    assert _photometric(encoded(colours(), "JPEG", subsampling=subsampling)) == "YBR_FULL_422"


def test_grey_is_monochrome2() -> None:
    assert _photometric(encoded(greys(), "JPEG")) == "MONOCHROME2"


def test_red_green_and_blue_that_adobe_vouches_for_are_rgb() -> None:
    assert _photometric(encoded(colours(), "JPEG", keep_rgb=True, subsampling=0)) == "RGB"


def test_subsampled_red_green_and_blue_cannot_stay() -> None:
    data = encoded(colours(), "JPEG", keep_rgb=True, subsampling=0)
    sof = data.index(b"\xff\xc0")
    subsampled = data[: sof + 11] + b"\x22" + data[sof + 12 :]
    assert jpeg.parse(subsampled).sampling[0] == (2, 2)
    assert _photometric(subsampled) is None


def test_a_stream_whose_segments_contradict_each_other_cannot_stay() -> None:
    assert _photometric(_with(_segment(0xEE, b"Adobe\0d\0\0\0\0\0"))) is None


def test_a_stream_with_something_between_its_segments_cannot_stay() -> None:
    data = _with(b"\0\0junk")
    assert not jpeg.parse(data).is_regular
    assert _photometric(data) is None


def test_letters_as_component_ids_mean_rgb_where_no_segment_says() -> None:
    bare = bytearray(_PLAIN[:2] + _PLAIN[_APP0_END:])
    assert _photometric(bytes(bare)) == "YBR_FULL_422"
    sof = bare.index(b"\xff\xc0")
    for place, letter in enumerate(b"RGB"):
        bare[sof + 10 + 3 * place] = letter
        bare[sof + 11 + 3 * place] = 0x11
    assert _photometric(bytes(bare)) == "RGB"


def test_a_progressive_stream_cannot_stay_and_has_many_scans() -> None:
    stream = jpeg.parse(encoded(colours(), "JPEG", progressive=True))
    assert stream.photometric is None
    assert stream.scans > 1


def test_a_missing_restart_interval_is_missed() -> None:
    data = encoded(colours(), "JPEG", restart_marker_rows=1)
    jpeg.parse(data)
    third, fourth = data.index(b"\xff\xd1"), data.index(b"\xff\xd2") if b"\xff\xd2" in data else -2
    with pytest.raises(EncodingError, match="1 of 3 intervals are missing"):
        jpeg.parse(data[:third] + data[fourth:])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no SOI"),
        (b"\xff\xd8\xff\xd9", "no scan"),
        (b"\xff\xd8\xff\xda\0\2\xff\xd9", "before the frame's header"),
        (b"\xff\xd8" + _segment(0xDE, bytes(8)), "hierarchical"),
        (b"\xff\xd8" + _segment(0xC0, bytes(2)), "too short"),
        (b"\xff\xd8" + _segment(0xC0, b"\x08\0\0\0\x08\1\1\x11\0"), "one size"),
        (b"\xff\xd8" + _segment(0xC0, b"\x08\0\x08\0\x08\1\1\x51\0"), "precision or sampling"),
        (b"\xff\xd8" + _segment(0xC0, b"\xff\0\x08\0\x08\1\1\x11\0"), "precision or sampling"),
        (b"\xff\xd8\xff\xe0\0\1", "a segment is cut off"),
        (b"\xff\xd8\xff\xe0\0\x40JFIF", "a segment is cut off"),
        (_PLAIN[:-2], "no EOI"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(EncodingError, match=reason):
        jpeg.parse(data)


def test_every_cut_is_noticed() -> None:
    for end in range(len(_PLAIN)):
        with pytest.raises(EncodingError, match="JPEG: "):
            jpeg.parse(_PLAIN[:end])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_followed_or_refused(tail: bytes) -> None:
    try:
        stream = jpeg.parse(b"\xff\xd8" + tail)
    except EncodingError:
        return
    assert stream.end <= len(tail) + 2
    assert stream.rows
    assert stream.columns


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0xE1, 0xE4, 0xED, 0xFE]),
            st.binary(max_size=60),
            st.integers(min_value=0, max_value=3),
        ),
        max_size=6,
    )
)
def test_the_picture_survives_any_metadata(segments: list[tuple[int, bytes, int]]) -> None:
    told = b"".join(b"\xff" * fill + _segment(marker, text) for marker, text, fill in segments)
    data = _with(told)
    clean = jpeg.without_metadata(data, jpeg.parse(data))
    assert clean == _PLAIN
    assert (decoded(clean) == decoded(_PLAIN)).all()
