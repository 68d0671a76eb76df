from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.uid import UID

from objects_support import made_of, picture
from passerelle.dicom.coding import EXPLICIT, IMPLICIT
from passerelle.dicom.stored import describe, open_stored
from passerelle.dicom.transcode import transcode
from passerelle.errors import EncodingError
from pictures_support import deep, greys

if TYPE_CHECKING:
    from pathlib import Path

SHORT = picture(greys()[:8, :8].copy(), greys()[:8, :8].copy())


def data_of(tmp_path: Path, compression: str) -> bytes:
    return made_of(tmp_path, SHORT, compression=(compression,)).file.read_bytes()


@pytest.mark.filterwarnings("ignore")  # of the library, about half a UID or character set
@pytest.mark.parametrize("compression", ["RLELossless", "None"])
def test_a_file_cut_off_anywhere_is_told_as_damaged(tmp_path: Path, compression: str) -> None:
    data = data_of(tmp_path, compression)
    cut = tmp_path / "cut.dcm"

    open_stored(made_of(tmp_path, SHORT, compression=(compression,)).file)
    for end in [*range(0, len(data) - 1, 3), len(data) - 1]:
        cut.write_bytes(data[:end])
        with pytest.raises(EncodingError, match="DICOM: "):
            open_stored(cut)


def test_an_object_without_pixels_that_is_cut_off_is_damaged_too(tmp_path: Path) -> None:
    made = made_of(tmp_path, SHORT, compression=("None",))
    report = dcmread(made.file)
    del report.PixelData
    del report.Rows
    report.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.88.11")
    dcmwrite(tmp_path / "report.dcm", report)
    data = (tmp_path / "report.dcm").read_bytes()

    assert open_stored(tmp_path / "report.dcm").pixels is None
    for lost in (1, 2, 3):
        (tmp_path / "cut.dcm").write_bytes(data[:-lost])
        with pytest.raises(EncodingError, match="damaged"):
            open_stored(tmp_path / "cut.dcm")


def test_fewer_frames_than_announced_are_damage(tmp_path: Path) -> None:
    for compression in ("RLELossless", "None"):
        read = dcmread(made_of(tmp_path, SHORT, compression=(compression,)).file)
        read.NumberOfFrames = 3
        dcmwrite(tmp_path / "few.dcm", read)

        with pytest.raises(EncodingError, match=r"fewer frames|shorter than"):
            open_stored(tmp_path / "few.dcm")


def test_what_lies_behind_the_pixel_data_is_not_taken_for_pixels(tmp_path: Path) -> None:
    read = dcmread(made_of(tmp_path, SHORT, compression=("RLELossless",)).file)
    read.DataSetTrailingPadding = b"\0" * 64
    dcmwrite(tmp_path / "padded.dcm", read)

    stored = open_stored(tmp_path / "padded.dcm")

    assert stored.pixels
    assert stored.pixels.fragments == 2
    assert b"".join(stored.raw_pixels()).endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")


def test_text_is_no_dicom(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_text("not DICOM at all" * 20)

    with pytest.raises(EncodingError, match="cannot be read"):
        open_stored(tmp_path / "a.dcm")


def test_the_header_is_shown_with_its_uids_and_whose_it_is(tmp_path: Path) -> None:
    made = made_of(tmp_path, picture(deep()))

    shown = describe(made.file)

    assert shown["sop_instance_uid"] == made.sop_instance_uid
    assert shown["sop_class_uid"] == made.sop_class_uid
    assert shown["study_instance_uid"] == made.study_instance_uid
    assert shown["series_instance_uid"] == made.series_instance_uid
    assert shown["transfer_syntax_uid"] == made.transfer_syntax_uid
    assert (shown["patient_id"], shown["patient_name"]) == ("00042", "Müller^Jörg")
    assert (shown["modality"], shown["frames"]) == ("OT", 1)


def test_sequences_nested_without_end_are_damage(tmp_path: Path) -> None:
    read = dcmread(made_of(tmp_path, SHORT, compression=("None",)).file)
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    nested = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + item
    dcmwrite(tmp_path / "nested.dcm", read)
    data = (tmp_path / "nested.dcm").read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00O")  # before the pixel data
    (tmp_path / "nested.dcm").write_bytes(data[:at] + nested * 20_000)

    with pytest.raises(EncodingError, match="damaged"):
        open_stored(tmp_path / "nested.dcm")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(132, 1_400), value=st.integers(0, 255))
@pytest.mark.filterwarnings("ignore")
def test_one_wrong_byte_never_ends_the_worker(tmp_path: Path, position: int, value: int) -> None:
    source = tmp_path / "source.bin"
    if not source.exists():
        source.write_bytes(data_of(tmp_path, "RLELossless"))
    data = bytearray(source.read_bytes())
    data[position % len(data)] = value
    (tmp_path / "wrong.dcm").write_bytes(data)

    try:
        describe(tmp_path / "wrong.dcm")
        list(open_stored(tmp_path / "wrong.dcm").frames())
        for syntax in (IMPLICIT, EXPLICIT):
            body = {"file": tmp_path / "wrong.dcm", "syntaxes": [syntax], "into": tmp_path}
            transcode(body)
    except EncodingError as damage:
        event(str(damage))
