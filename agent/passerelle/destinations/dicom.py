"""A DICOM archive, spoken to by a peer child (PS3.4 annexes B, C and J)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.destinations.status import judge
from passerelle.errors import ChildError, EncodingError, NoContext, Refused, SpoolFull, Unavailable
from passerelle.model import CommitmentReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.children.child import Child
    from passerelle.children.program import Body
    from passerelle.model import Instance
    from passerelle.settings import DicomDestinationSettings

SYNTAXES: Final = {
    "JPEGLSLossless": "1.2.840.10008.1.2.4.80",
    "JPEG2000Lossless": "1.2.840.10008.1.2.4.90",
    "HTJ2KLossless": "1.2.840.10008.1.2.4.201",
    "RLELossless": "1.2.840.10008.1.2.5",
    "ExplicitVRLittleEndian": "1.2.840.10008.1.2.1",
    "ImplicitVRLittleEndian": "1.2.840.10008.1.2",
}
_SLACK_S: Final = 30.0  # what the child may take beyond its own deadlines
_TRANSCODE_FLOOR: Final = 1_000_000  # bytes per second
_QUERY_S: Final = 600.0
#: A report that comes at once, on the same association, spares the archive an association.
_REPORT_WAIT_S: Final = 0.3
_REPORT_WAIT_WITHOUT_PORT_S: Final = 5.0


class DicomDestination:
    """A Storage SCP. Every failure of its child is told as what it means for the instance."""

    def __init__(
        self,
        settings: DicomDestinationSettings,
        *,
        calling_ae_title: str,
        peer: Child,
        worker: Child,
        scratch: Path,
        on_report: Callable[[CommitmentReport], None],
        on_progress: Callable[[int, int], None] = lambda _sent, _of: None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            settings: Where it is and what it takes.
            calling_ae_title: Ours.
            peer: The child that speaks to it, and to nobody else.
            worker: The child that transcodes.
            scratch: A folder of the spool for transcoded copies.
            on_report: Called with commitment reports that come beside an answer.
            on_progress: Called with bytes sent and bytes in all while an object leaves.
        """
        self.name = settings.name
        self._settings = settings
        self._peer = peer
        self._worker = worker
        self._scratch = scratch
        self._on_report = on_report
        self._on_progress = on_progress
        self._accepted: dict[tuple[str, str], list[str]] = {}
        self._node: Body = {
            "host": settings.host,
            "port": settings.port,
            "ae_title": settings.ae_title,
            "calling_ae_title": calling_ae_title,
            "connect_timeout_s": settings.connect_timeout_s,
            "dimse_timeout_s": settings.answer_timeout_s,
            "floor_kbps": settings.floor_kbps,
        }

    def probe(self) -> None:
        """C-ECHO (PS3.4 A)."""
        self._ask("echo", {}, self._timeouts_s())

    def store(self, instance: Instance) -> str:
        """C-STORE, transcoded losslessly when the archive does not take the object's syntax."""
        kind = (instance.sop_class_uid, instance.transfer_syntax_uid)
        if kind not in self._accepted:
            answer = self._send(instance, instance.path, instance.transfer_syntax_uid)
            if answer["status"] is not None:
                return self._judged(answer)
            self._accepted[kind] = answer["accepted"]
        try:
            return self._judged(self._send_transcoded(instance, self._accepted[kind]))
        except NoContext:
            del self._accepted[kind]  # the archive's mind may change
            raise

    def held(self, instances: Sequence[Instance]) -> set[str] | None:
        """C-FIND at IMAGE level (PS3.4 C.6.2)."""
        body = {"instances": [_reference(instance) for instance in instances]}
        found = self._ask("find", body, _QUERY_S)["held"]
        return None if found is None else set(found)

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport | None:
        """N-ACTION of the Storage Commitment Push Model (PS3.4 J.3.2)."""
        listening = self._settings.commitment.port is not None
        body = {
            "transaction_uid": transaction_uid,
            "instances": [_reference(instance) for instance in instances],
            "wait_s": _REPORT_WAIT_S if listening else _REPORT_WAIT_WITHOUT_PORT_S,
        }
        report = self._ask("commit", body, self._timeouts_s())["report"]
        return None if report is None else CommitmentReport.from_json(report)

    def rest(self) -> None:
        """Nothing to do: the peer child lets go of its association and of itself."""

    def _send_transcoded(self, instance: Instance, accepted: list[str]) -> Body:
        wanted = [SYNTAXES[name] for name in self._settings.transfer_syntaxes]
        body = {
            "file": str(instance.path),
            "syntaxes": [uid for uid in wanted if uid in accepted],
            "into": str(self._scratch),
        }
        if not body["syntaxes"]:
            msg = (
                f"{self.name}: takes no transfer syntax we may send of SOP Class "
                f"{instance.sop_class_uid} (ours {instance.transfer_syntax_uid})"
            )
            raise Refused(msg)
        deadline_s = _SLACK_S + instance.size / _TRANSCODE_FLOOR
        try:
            copy = self._worker.request("transcode", body, deadline_s=deadline_s)
        except (EncodingError, ChildError) as error:
            msg = f"{self.name}: cannot be transcoded to what the archive takes: {error}"
            raise Refused(msg) from error
        except SpoolFull as error:
            msg = f"{self.name}: no room here to transcode"
            raise Unavailable(msg) from error
        path = Path(copy["file"])
        try:
            answer = self._send(instance, path, copy["transfer_syntax_uid"])
        finally:
            path.unlink(missing_ok=True)
        if answer["status"] is None:
            msg = f"{self.name}: no longer takes {copy['transfer_syntax_uid']}"
            raise NoContext(msg)
        return answer

    def _send(self, instance: Instance, path: Path, transfer_syntax_uid: str) -> Body:
        size = path.stat().st_size
        body = {
            "file": str(path),
            "sop_class_uid": instance.sop_class_uid,
            "sop_instance_uid": instance.sop_instance_uid,
            "transfer_syntax_uid": transfer_syntax_uid,
            "size": size,
            "alternatives": [SYNTAXES[name] for name in self._settings.transfer_syntaxes],
        }
        transfer_s = size * 8 / (self._settings.floor_kbps * 1000)
        return self._ask("store", body, self._timeouts_s() + transfer_s)

    def _judged(self, answer: Body) -> str:
        return judge(self.name, answer["status"], answer["comment"], self._settings.status)

    def _timeouts_s(self) -> float:
        settings = self._settings
        return settings.connect_timeout_s + 2 * settings.answer_timeout_s + _SLACK_S

    def _ask(self, kind: str, body: Body, deadline_s: float) -> Body:
        try:
            answer = self._peer.request(
                kind,
                {"node": self._node, **body},
                deadline_s=deadline_s,
                on_notice=self._noticed,
            )
        except Unavailable as outage:
            msg = f"{self.name}: {outage}"
            raise Unavailable(msg) from outage
        except ChildError as failure:
            if kind == "store":
                raise
            msg = f"{self.name}: {failure}"
            raise Unavailable(msg) from failure
        for report in answer.get("reports", []):
            self._on_report(CommitmentReport.from_json(report))
        return answer

    def _noticed(self, notice: Body) -> Body:
        if "commitment" in notice:
            self._on_report(CommitmentReport.from_json(notice["commitment"]))
        else:
            self._on_progress(notice["sent"], notice["of"])
        return {}


def _reference(instance: Instance) -> Body:
    return {
        "sop_class_uid": instance.sop_class_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "study_instance_uid": instance.study_instance_uid,
        "series_instance_uid": instance.series_instance_uid,
    }
