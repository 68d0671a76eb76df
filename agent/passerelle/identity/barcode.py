"""A barcode scanner that opens exams: each code that matches the site's pattern is one."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Final

from passerelle.errors import AgentError
from passerelle_hw.scanner import ScannerGone

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from passerelle.identity.exam import Exams
    from passerelle_hw.scan import Scan
    from passerelle_hw.scanner import Scanner

_log = logging.getLogger(__name__)

_SHORTEST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 5.0


class BarcodeReader:
    """Watches the scanner in a thread of its own, again when it is gone.

    A code that does not match changes nothing; `status` says so until one does, without its text.
    """

    name = "barcode"

    def __init__(
        self,
        scanner: Scanner,
        pattern: str,
        exams: Exams,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A reader that has not started; the named groups of `pattern` are DICOM keywords."""
        self._scanner = scanner
        self._pattern = re.compile(pattern)
        self._exams = exams
        self._clock = clock
        self._gone = ""
        self._refused = ""

    def run(self, stop: Event) -> None:
        """Read codes until `stop` is set."""
        wait_s = _SHORTEST_WAIT_S
        while not stop.is_set():
            began = self._clock()
            try:
                self._scanner.watch(self._take, stop, self._opened)
            except ScannerGone as gone:
                self._tell_gone(str(gone))
            if self._clock() - began > _LONGEST_WAIT_S:
                wait_s = _SHORTEST_WAIT_S
            stop.wait(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def wake(self) -> None:
        """Nothing to do: a scanner looks at `stop` by itself."""

    def problems(self) -> list[str]:
        """What an operator should know."""
        return [problem for problem in (self._gone, self._refused) if problem]

    def _take(self, scan: Scan) -> None:
        match = self._pattern.fullmatch(scan.text) if not scan.fault else None
        found = match.groupdict() if match else {}
        attributes = {keyword: text.strip() for keyword, text in found.items() if text}
        if not attributes.get("PatientID"):
            why = scan.fault or "does not match the pattern"
            self._refuse(f"the last code was refused, and the exam is what it was: {why}")
            return
        try:
            age_s = self._clock() - scan.at_s
            self._exams.open(attributes, by=self.name, actor=self.name, age_s=age_s)
        except AgentError as error:
            self._refuse(f"the last code opened no exam: {error}")
        else:
            self._refused = ""

    def _refuse(self, why: str) -> None:
        self._refused = f"barcode: {why}"
        _log.warning("%s", self._refused)

    def _opened(self) -> None:
        if self._gone:
            _log.info("barcode: the scanner is there")
        self._gone = ""

    def _tell_gone(self, why: str) -> None:
        text = f"barcode: the scanner is gone, and is tried again: {why}"
        if text != self._gone:
            _log.warning("%s", text)
        self._gone = text
