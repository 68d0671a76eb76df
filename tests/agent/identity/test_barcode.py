"""Codes open exams; what is none changes nothing and is told without its text."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from passerelle.errors import SpoolFull
from passerelle.identity.barcode import BarcodeReader
from passerelle.identity.exam import Exams
from passerelle_hw.scan import Scan
from passerelle_hw.scanner import ScannerGone

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle.spool import Spool

PATTERN = r"P(?P<PatientID>\d+)(?:/(?P<AccessionNumber>\w+))?"


class Scanner:
    """Reads what it is told to, one watch after the other; then it stops the reader."""

    def __init__(self, stop: threading.Event, *watches: list[Scan] | ScannerGone) -> None:
        self._stop = stop
        self._watches = list(watches)
        self.watched = 0

    def watch(
        self,
        told: Callable[[Scan], None],
        stop: threading.Event,
        opened: Callable[[], None],
    ) -> None:
        assert stop is self._stop
        scans = self._watches.pop(0)
        self.watched += 1
        if not self._watches:
            stop.set()
        if isinstance(scans, ScannerGone):
            raise scans
        opened()
        for scan in scans:
            told(scan)


def read(spool: Spool, *watches: list[Scan] | ScannerGone) -> tuple[BarcodeReader, Exams]:
    stop = threading.Event()
    exams = Exams(spool, max_h=12)
    reader = BarcodeReader(Scanner(stop, *watches), PATTERN, exams, clock=lambda: 1000.0)
    reader.run(stop)
    return reader, exams


def attributes(exams: Exams) -> Any:  # noqa: ANN401 - of DICOM
    exam = exams.latest()
    return exam.attributes if exam else None


def test_a_code_opens_an_exam_as_of_when_it_was_read(spool: Spool) -> None:
    reader, exams = read(spool, [Scan(at_s=990.0, text="P00042/A17")])
    exam = exams.latest()
    assert exam
    assert exam.attributes == {"PatientID": "00042", "AccessionNumber": "A17"}
    assert (exam.opened_by, exam.closed_at) == ("barcode", None)
    assert exam.opened_at == pytest.approx(exam.last.at)
    assert reader.problems() == []


def test_what_is_optional_and_missing_is_not_said(spool: Spool) -> None:
    _, exams = read(spool, [Scan(at_s=990.0, text="P00042")])
    assert attributes(exams) == {"PatientID": "00042"}


@pytest.mark.parametrize(
    "bad",
    [
        Scan(at_s=990.0, text="4006381333931"),
        Scan(at_s=990.0, text="P00043/A18/"),
        Scan(at_s=990.0, text="p00043"),
        Scan(at_s=990.0, fault="cut off: a pause within a code"),
    ],
)
def test_what_does_not_match_changes_nothing_and_is_told_without_its_text(
    spool: Spool, bad: Scan, caplog: pytest.LogCaptureFixture
) -> None:
    reader, exams = read(spool, [Scan(at_s=980.0, text="P00042"), bad])
    assert attributes(exams) == {"PatientID": "00042"}
    (problem,) = reader.problems()
    assert problem.startswith("barcode: the last code was refused, and the exam is what it was: ")
    for text in (problem, caplog.text):
        assert "43" not in text
        assert "4006381333931" not in text


def test_the_next_good_code_ends_the_problem(spool: Spool) -> None:
    scans = [Scan(at_s=980.0, text="nonsense"), Scan(at_s=990.0, text="P00042")]
    reader, exams = read(spool, scans)
    assert reader.problems() == []
    assert attributes(exams) == {"PatientID": "00042"}


def test_a_scanner_that_is_gone_is_told_and_watched_again(spool: Spool) -> None:
    reader, _ = read(spool, ScannerGone("/dev/ttyUSB0: No such file"))
    assert reader.problems() == [
        "barcode: the scanner is gone, and is tried again: /dev/ttyUSB0: No such file"
    ]
    gone = ScannerGone("unplugged")
    reader, exams = read(spool, [], gone, [Scan(at_s=999.0, text="P1")])
    assert reader.problems() == []
    assert attributes(exams) == {"PatientID": "1"}


def test_an_exam_that_cannot_be_written_down_is_a_problem(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        msg = "ledger: the disk takes no more"
        raise SpoolFull(msg)

    monkeypatch.setattr(spool, "open_exam", full)
    reader, exams = read(spool, [Scan(at_s=999.0, text="P1")])
    assert reader.problems() == [
        "barcode: the last code opened no exam: ledger: the disk takes no more"
    ]
    assert "could not be opened" in exams.problems()[0]
