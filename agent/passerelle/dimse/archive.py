"""A small archive for the demo and for tests: storage, query, commitment and a worklist.

It keeps what it is given as files and says so truthfully; asked to, it misbehaves in the ways
that real archives do. Run as `python -m passerelle.dimse.archive --port N --folder DIR`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import (
    AE,
    ALL_TRANSFER_SYNTAXES,
    AllStoragePresentationContexts,
    _config,
    build_role,
    evt,
)

from passerelle.dimse.association import VERIFICATION
from passerelle.dimse.commitment import STORAGE_COMMITMENT
from passerelle.dimse.invented import matching
from passerelle.dimse.query import STUDY_ROOT_FIND, WORKLIST_FIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pynetdicom.events import Event

#: Reports on a new association, on the one that asked, not at all, or on a new one and with
#: the last instance failed.
Reporting = Literal["new", "same", "never", "partial"]

_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
_SUCCESS, _PENDING = 0x0000, 0xFF00
_NO_SUCH_INSTANCE, _CLASS_CONFLICT, _PROCESSING_FAILURE = 0x0112, 0x0119, 0x0110
_OTHER_LEVEL, _MISMATCH, _NO_ACTION = 0xA900, 0xA900, 0x0123
_COMPLETE, _FAILURES = 1, 2  # event types of a report (PS3.4 J.3.3.1)
_UID: Final = re.compile(r"[0-9.]{1,64}")
_KEYS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_Found = dict[str, str]


@dataclass
class Archive:
    """Set the fields, `start`, and change them while it runs."""

    folder: Path
    ae_title: str = "ARCHIVE"
    host: str = "127.0.0.1"
    port: int = 0  #: 0 takes a free one, and is then the one taken
    report_to: tuple[str, int] | None = None  #: where an asking node listens
    reporting: Reporting = "new"
    report_delay_s: float = 0.02
    loses: bool = False  #: says "stored" and keeps nothing
    statuses: deque[int] = field(default_factory=deque)  #: answered to the next C-STOREs instead
    find_status: int = _SUCCESS  #: answered to every C-FIND instead, unless success
    arrivals: list[str] = field(default_factory=list)  #: the UIDs of all C-STOREs, in order

    def __post_init__(self) -> None:
        self._held: dict[str, _Found] = {}
        self._reports: list[threading.Timer] = []
        self._server: Any = None
        self._tempdir = tempfile.tempdir

    def start(self) -> None:
        """Listen, with what the folder holds already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(self.folder.glob("*.dcm")):
            self._remember(path)
        # pynetdicom streams what it receives to a temporary file: here, beside the archive's.
        _config.STORE_RECV_CHUNKED_DATASET = True
        tempfile.tempdir = str(self.folder)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_FIND, self._find),
            (evt.EVT_N_ACTION, self._commit),
        ]
        self._server = self._entity().start_server(
            (self.host, self.port), block=False, evt_handlers=handlers
        )
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        """Listen no more, and report no more."""
        for report in self._reports:
            report.cancel()
        if self._server is not None:
            self._server.shutdown()
            self._server = None
            tempfile.tempdir = self._tempdir

    def held(self) -> list[str]:
        """The SOP Instance UIDs of what it has."""
        return sorted(self._held)

    def forget(self) -> None:
        """Lose all that it has."""
        self._held.clear()
        for path in self.folder.glob("*.dcm"):
            path.unlink()

    def _entity(self) -> AE:
        entity = AE(self.ae_title)
        entity.maximum_associations = 20
        entity.add_supported_context(VERIFICATION)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        for abstract in (STUDY_ROOT_FIND, WORKLIST_FIND, STORAGE_COMMITMENT):
            entity.add_supported_context(abstract)
        return entity

    def _store(self, event: Event) -> int:
        request: Any = event.request
        uid = str(request.AffectedSOPInstanceUID)
        self.arrivals.append(uid)
        status = self.statuses.popleft() if self.statuses else _SUCCESS
        if not _UID.fullmatch(uid):
            return _MISMATCH
        # A warning (Bxxx) means stored.
        if not self.loses and (status == _SUCCESS or status >> 12 == 0xB):  # noqa: PLR2004
            path = self.folder / f"{uid}.dcm"
            if sys.platform == "win32":  # pynetdicom has it open still
                shutil.copyfile(event.dataset_path, path)
            else:
                os.replace(event.dataset_path, path)  # noqa: PTH105 - its path may be a str
            self._remember(path)
        return status

    def _remember(self, path: Path) -> None:
        dataset = dcmread(path, specific_tags=list(_KEYS), stop_before_pixels=True)
        found = {keyword: str(dataset.get(keyword, "")) for keyword in _KEYS}
        self._held[found["SOPInstanceUID"]] = found

    def _find(self, event: Event) -> Iterator[tuple[int, Dataset | None]]:
        identifier = event.identifier
        if self.find_status != _SUCCESS:
            yield self.find_status, None
        elif event.request.AffectedSOPClassUID == WORKLIST_FIND:
            for entry in matching(identifier, time.strftime("%Y%m%d")):
                yield _PENDING, entry
        elif identifier.get("QueryRetrieveLevel") != "IMAGE":
            yield _OTHER_LEVEL, None
        else:
            for found in list(self._held.values()):
                if all(_listed(identifier.get(key), found[key]) for key in _KEYS):
                    yield _PENDING, _answer(found)

    def _commit(self, event: Event) -> tuple[int, Dataset | None]:
        if event.action_type != 1:
            return _NO_ACTION, None
        asked = event.action_information
        report = Dataset()
        report.TransactionUID = asked.TransactionUID
        committed, failed = self._judged(asked.ReferencedSOPSequence)
        if committed:
            report.ReferencedSOPSequence = committed
        if failed:
            report.FailedSOPSequence = failed
        if self.reporting != "never":
            send = self._on_same if self.reporting == "same" else self._on_new
            arguments = (event.assoc, report, _FAILURES if failed else _COMPLETE)
            timer = threading.Timer(self.report_delay_s, send, arguments)
            timer.daemon = True
            self._reports.append(timer)
            timer.start()
        return _SUCCESS, None

    def _judged(self, references: list[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
        committed: list[Dataset] = []
        failed: list[Dataset] = []
        for reference in references:
            item = Dataset()
            item.ReferencedSOPClassUID = reference.ReferencedSOPClassUID
            item.ReferencedSOPInstanceUID = reference.ReferencedSOPInstanceUID
            reason = self._reason(reference)
            if self.reporting == "partial" and reference is references[-1]:
                reason = _PROCESSING_FAILURE
            if reason:
                item.FailureReason = reason
            (failed if reason else committed).append(item)
        return committed, failed

    def _reason(self, reference: Dataset) -> int:
        found = self._held.get(reference.ReferencedSOPInstanceUID)
        path = self.folder / f"{reference.ReferencedSOPInstanceUID}.dcm"
        if found is None or not path.is_file():
            return _NO_SUCH_INSTANCE
        return 0 if found["SOPClassUID"] == reference.ReferencedSOPClassUID else _CLASS_CONFLICT

    @staticmethod
    def _on_same(association: Any, report: Dataset, kind: int) -> None:  # noqa: ANN401
        if association.is_established:
            association.send_n_event_report(report, kind, STORAGE_COMMITMENT, _INSTANCE)

    def _on_new(self, asking: Any, report: Dataset, kind: int) -> None:  # noqa: ANN401
        if self.report_to is None:
            return
        entity = AE(self.ae_title)
        entity.connection_timeout = 5
        entity.add_requested_context(STORAGE_COMMITMENT)
        association = entity.associate(
            *self.report_to,
            ae_title=asking.requestor.ae_title,
            ext_neg=[build_role(STORAGE_COMMITMENT, scp_role=True)],
        )
        if association.is_established:
            association.send_n_event_report(report, kind, STORAGE_COMMITMENT, _INSTANCE)
            association.release()


def _listed(asked: Any, have: str) -> bool:  # noqa: ANN401 - one UID, several or none
    if not asked:
        return True
    return have in ([asked] if isinstance(asked, str) else asked)


def _answer(found: _Found) -> Dataset:
    answer = Dataset()
    answer.QueryRetrieveLevel = "IMAGE"
    for keyword, value in found.items():
        setattr(answer, keyword, value)
    return answer


def main(arguments: list[str]) -> None:
    """Run until a signal; with a pipe on standard input, until whoever holds it goes."""
    parser = argparse.ArgumentParser(prog="python -m passerelle.dimse.archive")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--aet", default="ARCHIVE")
    parser.add_argument("--report-to", default="", metavar="HOST:PORT")
    parser.add_argument("--reporting", choices=get_args(Reporting), default="new")
    options = parser.parse_args(arguments)
    host, _, port = options.report_to.rpartition(":")
    archive = Archive(
        folder=options.folder,
        ae_title=options.aet,
        port=options.port,
        report_to=(host, int(port)) if port else None,
        reporting=options.reporting,
    )
    archive.start()
    sys.stdout.write(f"ready {archive.port}\n")
    sys.stdout.flush()
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        sys.stdin.read()
    else:
        threading.Event().wait()
    archive.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
