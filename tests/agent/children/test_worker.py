"""The worker as the process it is, from a device's file to an object that others judge."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom import dcmread

from passerelle.children.child import WORKER, Child
from passerelle.errors import Changed, EncodingError, IdentityError
from passerelle.model import Origin
from passerelle.profile import PLAIN, Profile, RawLayout
from pictures_support import COLUMNS, ROWS, colours, written
from support import peer
from worker_support import DEEP, FILES, wrapping, wrapping_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle.profile import SopClassName

_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_JPEG_LS = "1.2.840.10008.1.2.4.80"


@pytest.fixture(scope="module")
def worker() -> Iterator[Child]:
    child = Child(WORKER, idle_s=120)
    yield child
    child.close()


def _ask(worker: Child, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return worker.request(kind, body, deadline_s=60)


def _instances(worker: Child, media: Path, profile: Profile = PLAIN) -> list[dict[str, Any]]:
    answer = _ask(worker, "wrap", wrapping(media, profile))
    return list(answer["instances"])


def _faults(file: Path) -> list[str]:
    judged = subprocess.run([peer("dciodvfy"), file], capture_output=True, text=True, check=False)
    return [line for line in judged.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("name", FILES)
def test_every_picture_becomes_secondary_capture_without_error(
    tmp_path: Path, worker: Child, name: str
) -> None:
    for instance in _instances(worker, written(tmp_path, name, FILES[name])):
        file = Path(instance["file"])
        assert hashlib.sha256(file.read_bytes()).hexdigest() == instance["sha256"]
        assert file.stat().st_size == instance["size"]
        assert file.name == f"tmp.{instance['sop_instance_uid']}.dcm"
        assert _faults(file) == []


@pytest.mark.parametrize("name", sorted(FILES.keys() - DEEP))
@pytest.mark.parametrize("sop_class", ["Ultrasound", "VLPhotographic"])
def test_every_picture_of_eight_bits_becomes_other_classes_without_error(
    tmp_path: Path, worker: Child, name: str, sop_class: SopClassName
) -> None:
    profile = Profile(name="p", sop_class=sop_class)
    for instance in _instances(worker, written(tmp_path, name, FILES[name]), profile):
        assert _faults(Path(instance["file"])) == []


@pytest.mark.parametrize("name", sorted(DEEP))
@pytest.mark.parametrize("sop_class", ["Ultrasound", "VLPhotographic"])
def test_deeper_pictures_are_refused_by_classes_of_eight_bits(
    tmp_path: Path, worker: Child, name: str, sop_class: SopClassName
) -> None:
    profile = Profile(name="p", sop_class=sop_class)
    with pytest.raises(EncodingError, match="bits"):
        _instances(worker, written(tmp_path, name, FILES[name]), profile)


def test_the_answer_says_what_is_in_the_file(tmp_path: Path, worker: Child) -> None:
    media = written(tmp_path, "a.png", FILES["a.png"])

    (instance,) = _instances(worker, media)

    dataset = dcmread(instance["file"])
    assert dataset.SOPInstanceUID == instance["sop_instance_uid"]
    assert dataset.SOPClassUID == instance["sop_class_uid"]
    assert dataset.StudyInstanceUID == instance["study_instance_uid"]
    assert dataset.SeriesInstanceUID == instance["series_instance_uid"]
    assert dataset.file_meta.TransferSyntaxUID == instance["transfer_syntax_uid"] == _JPEG_LS
    assert instance["sop_instance_uid"] == Origin(**wrapping(media)["origin"]).uid(0)
    assert (dataset.pixel_array == colours()).all()
    assert (dataset.InstanceNumber, dataset.PatientName) == (7, "Müller^Änne")


def test_a_baseline_stream_reaches_the_object_byte_for_byte(tmp_path: Path, worker: Child) -> None:
    data = FILES["420.jpg"]
    (instance,) = _instances(worker, written(tmp_path, "a.jpg", data))
    assert data in Path(instance["file"]).read_bytes()


def test_the_same_request_gives_the_same_bytes(tmp_path: Path, worker: Child) -> None:
    media = written(tmp_path, "mixed.tif", FILES["mixed.tif"])
    first = [each["sha256"] for each in _instances(worker, media)]
    another = Child(WORKER, idle_s=60)
    try:
        assert [each["sha256"] for each in _instances(another, media)] == first
    finally:
        another.close()


def test_pages_that_differ_are_instances_of_one_series(tmp_path: Path, worker: Child) -> None:
    instances = _instances(worker, written(tmp_path, "mixed.tif", FILES["mixed.tif"]))
    assert [each["number"] for each in instances] == [0, 1, 2]
    assert len({each["sop_instance_uid"] for each in instances}) == 3
    assert len({each["study_instance_uid"] for each in instances}) == 1


def test_what_exif_says_is_kept_and_its_moment_is_the_acquisition(
    tmp_path: Path, worker: Child
) -> None:
    (instance,) = _instances(worker, written(tmp_path, "exif.jpg", FILES["exif.jpg"]))
    dataset = dcmread(instance["file"])
    assert dataset.Manufacturer == "ACME"
    assert dataset.AcquisitionDateTime.startswith("20260130101112")
    assert dataset.StudyDate == "20260130"


@pytest.mark.parametrize(
    "refused",
    [
        ("a.png", b"", {"PatientID": "42"}, EncodingError),
        ("a.png", b"text", {"PatientID": "42"}, EncodingError),
        ("a.png", FILES["a.png"][:-9], {"PatientID": "42"}, EncodingError),
        ("a.jpg", FILES["420.jpg"][:-2], {"PatientID": "42"}, EncodingError),
        ("a.png", FILES["a.png"], {"PatientID": "42", "PatientBirthDte": "1"}, IdentityError),
    ],
)
def test_a_refusal_crosses_by_name_and_the_worker_lives_on(
    tmp_path: Path,
    worker: Child,
    refused: tuple[str, bytes, dict[str, str], type[Exception]],
) -> None:
    name, data, attributes, error = refused
    media = written(tmp_path, name, data)
    before = worker.pid
    with pytest.raises(error):
        _ask(worker, "wrap", wrapping(media, attributes=attributes))
    assert list((tmp_path / "into").iterdir()) == []
    assert before in (None, worker.pid)


def test_a_file_that_is_not_what_was_hashed_has_changed(tmp_path: Path, worker: Child) -> None:
    body = wrapping(written(tmp_path, "a.png", FILES["a.png"]))
    written(tmp_path, "a.png", FILES["grey.png"])
    with pytest.raises(Changed):
        _ask(worker, "wrap", body)


def test_a_picture_beyond_the_workers_memory_is_refused_and_the_worker_lives_on(
    tmp_path: Path,
) -> None:
    header = struct.pack(">IIBBBBB", 14_000, 14_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(14_000 * 3 + 1) * 14_000, 1))]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (*chunks, (b"IEND", b""))
    )
    small = Child(WORKER, limit_bytes=700 << 20, idle_s=60)
    try:
        with pytest.raises(EncodingError, match="more memory than the worker may use"):
            _ask(small, "wrap", wrapping(written(tmp_path, "a.png", data)))
        assert _instances(small, written(tmp_path, "b.png", FILES["a.png"]))
    finally:
        small.close()


def test_inspecting_tells_whatwrapping_would_see(tmp_path: Path, worker: Child) -> None:
    def seen(name: str, data: bytes) -> dict[str, Any]:
        body = {
            "media": str(written(tmp_path, name, data)),
            "profile": PLAIN.model_dump(mode="json"),
        }
        return _ask(worker, "inspect", body)

    moving = seen("moving.gif", FILES["moving.gif"])
    assert (moving["format"], moving["frames"], moving["instances"]) == ("GIF", 2, 1)
    assert (moving["rows"], moving["columns"]) == (ROWS, COLUMNS)
    mixed = seen("mixed.tif", FILES["mixed.tif"])
    assert (mixed["frames"], mixed["instances"], mixed["bits_stored"]) == (3, 3, 16)
    assert seen("420.jpg", FILES["420.jpg"])["verbatim"]
    assert seen("a.pdf", b"%PDF-1.4\n%%EOF\n")["format"] == "PDF"
    with pytest.raises(EncodingError, match="holds text"):
        seen("a.png", b"text")


def test_an_object_can_be_described_and_inspected(tmp_path: Path, worker: Child) -> None:
    (instance,) = _instances(worker, written(tmp_path, "a.png", FILES["a.png"]))
    header = _ask(worker, "describe", {"file": instance["file"]})
    for keyword in ("sop_instance_uid", "series_instance_uid", "transfer_syntax_uid"):
        assert header[keyword] == instance[keyword]
    assert header["patient_id"] == "42"
    profile = PLAIN.model_dump(mode="json")
    seen = _ask(worker, "inspect", {"media": instance["file"], "profile": profile})
    assert (seen["format"], seen["frames"]) == ("DICOM", 1)


def test_an_object_can_be_given_another_identity(tmp_path: Path, worker: Child) -> None:
    (instance,) = _instances(worker, written(tmp_path, "a.png", FILES["a.png"]))
    answer = _ask(
        worker,
        "reidentify",
        {
            "file": instance["file"],
            "attributes": {"PatientID": "43", "PatientName": "Roe^Richard"},
            "into": str(tmp_path),
            "sop_instance_uid": "2.25.99",
        },
    )
    dataset = dcmread(answer["instances"][0]["file"])
    assert (dataset.PatientID, dataset.SOPInstanceUID) == ("43", "2.25.99")
    assert dataset.StudyInstanceUID != instance["study_instance_uid"]
    assert (dataset.pixel_array == colours()).all()


@pytest.mark.parametrize("syntax", [_EXPLICIT, _IMPLICIT])
def test_an_object_can_be_transcoded(tmp_path: Path, worker: Child, syntax: str) -> None:
    (instance,) = _instances(worker, written(tmp_path, "a.png", FILES["a.png"]))
    body = {"file": instance["file"], "syntaxes": [syntax], "into": str(tmp_path)}
    answer = _ask(worker, "transcode", body)
    dataset = dcmread(answer["file"])
    assert dataset.file_meta.TransferSyntaxUID == answer["transfer_syntax_uid"] == syntax
    assert (dataset.pixel_array == colours()).all()


def _peak_mb(worker: Child) -> float:
    status = Path(f"/proc/{worker.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no way to ask for the peak")
@pytest.mark.parametrize(
    "count",
    [pytest.param(60, id="120 MB"), pytest.param(1024, id="2 GB", marks=pytest.mark.campaign)],
)
def test_a_long_sequence_takes_the_memory_of_few_frames(tmp_path: Path, count: int) -> None:
    layout = RawLayout(rows=1024, columns=1024, bits_allocated=16, frame_time_ms=40.0)
    profile = Profile(name="raw", raw=layout, compression=("None",))
    media = tmp_path / "a.raw"
    with media.open("wb") as file:
        for number in range(count):
            file.write((np.arange(1 << 20, dtype=np.uint16) + number).tobytes())
    fresh = Child(WORKER, idle_s=600)
    try:
        answer = fresh.request("wrap", wrapping_of(media, profile), deadline_s=900)
        peak = _peak_mb(fresh)
    finally:
        fresh.close()
    assert answer["instances"][0]["size"] > count << 21
    assert peak < 150
