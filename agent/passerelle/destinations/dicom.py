"""A DICOM archive, spoken to by a peer child (PS3.4 annexes B, C and J)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.children.program import crossed
from passerelle.destinations.outgoing import Copy, Queue, kind_of, node_of, reference
from passerelle.destinations.status import judge
from passerelle.errors import (
    ChildError,
    DeliveryError,
    EncodingError,
    NoContext,
    Refused,
    SpoolFull,
    Unavailable,
    Uncertain,
)
from passerelle.model import CommitmentReport
from passerelle.spool.files import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.children.child import Child
    from passerelle.children.pool import Pool
    from passerelle.children.program import Body
    from passerelle.interfaces import Told
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
_BLOCK: Final = 1 << 20  # more than the child sends without a word
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
        worker: Child | Pool,
        scratch: Path,
        on_report: Callable[[CommitmentReport], None],
        on_progress: Callable[[int, int], None] = lambda _sent, _of: None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            settings: Where it is and what it takes.
            calling_ae_title: Ours.
            peer: The child that speaks to it, and to nobody else.
            worker: The child, or children, that transcode.
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
        self._node = node_of(settings, calling_ae_title)

    def probe(self) -> None:
        """C-ECHO (PS3.4 A)."""
        self._ask("echo", {}, self._timeouts_s())

    def store(self, instances: Sequence[Instance], told: Told) -> None:
        """C-STORE, transcoded losslessly where the archive does not take an object's syntax."""
        queue = Queue(told)
        self._send(queue, [Copy(one) for one in instances if kind_of(one) not in self._accepted])
        for instance in instances:
            if kind_of(instance) in self._accepted and queue.goes_on:
                self._send_transcoded(queue, instance)

    def held(self, instances: Sequence[Instance]) -> set[str] | None:
        """C-FIND at IMAGE level (PS3.4 C.6.2)."""
        body = {"instances": [reference(instance) for instance in instances]}
        found = self._ask("find", body, _QUERY_S)["held"]
        return None if found is None else set(found)

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport | None:
        """N-ACTION of the Storage Commitment Push Model (PS3.4 J.3.2)."""
        listening = self._settings.commitment.port is not None
        body = {
            "transaction_uid": transaction_uid,
            "instances": [reference(instance) for instance in instances],
            "wait_s": _REPORT_WAIT_S if listening else _REPORT_WAIT_WITHOUT_PORT_S,
        }
        report = self._ask("commit", body, self._timeouts_s())["report"]
        return None if report is None else CommitmentReport.from_json(report)

    def release(self) -> None:
        """End the associations in order, without waiting for the child to find nothing due."""
        self._ask("release", {}, self._timeouts_s())

    def _send_transcoded(self, queue: Queue, instance: Instance) -> None:
        try:
            copy = self._transcoded(instance)
        except DeliveryError as error:
            queue.told(instance, error)
            return
        try:
            self._send(queue, [copy])
        finally:
            copy.path.unlink(missing_ok=True)

    def _transcoded(self, instance: Instance) -> Copy:
        if instance.sha256 and sha256_of(instance.path) != instance.sha256:
            msg = "the object is damaged: its bytes are not those that were written"
            raise Refused(msg)
        accepted = self._accepted[kind_of(instance)]
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
        return Copy(instance, Path(copy["file"]), copy["transfer_syntax_uid"])

    def _send(self, queue: Queue, copies: Sequence[Copy]) -> None:
        """Send these objects; whatever is begun of them is told."""
        if not copies:
            return
        waiting = {copy.instance.sop_instance_uid: copy for copy in copies}
        lanes = 0

        def on_told(body: Body) -> bool:
            nonlocal lanes
            if "lanes" in body:
                lanes = body["lanes"]
            elif "sent" in body:
                self._on_progress(body["sent"], body["of"])
            else:
                self._became(queue, waiting.pop(body["uid"]), body)
            return queue.goes_on

        body = {
            "instances": [copy.to_json() for copy in copies],
            "alternatives": [SYNTAXES[name] for name in self._settings.transfer_syntaxes],
            "associations": self._settings.associations,
        }
        try:
            self._ask("store", body, self._timeouts_s(), on_told)
        except ChildError as failure:
            # No more were begun than were told and may be under way at once.
            begun = list(waiting.values())[:lanes]
            for copy in begun:
                queue.told(copy.instance, Uncertain(str(failure)))
            if not begun:
                msg = f"{self.name}: {failure}"
                raise Unavailable(msg) from failure

    def _became(self, queue: Queue, copy: Copy, body: Body) -> None:
        """What the child tells of one object."""
        kind = kind_of(copy.instance)
        if "error" in body:
            error = crossed(body["error"])
            assert isinstance(error, DeliveryError)  # noqa: S101 - nothing else is told of one
            queue.told(copy.instance, error)
        elif "status" in body:
            try:
                remark = judge(self.name, body["status"], body["comment"], self._settings.status)
            except DeliveryError as error:
                queue.told(copy.instance, error)
            else:
                queue.told(copy.instance, remark)
        elif copy.transfer_syntax_uid == copy.instance.transfer_syntax_uid:
            self._accepted[kind] = body["accepted"]
        else:
            self._accepted.pop(kind, None)  # the archive's mind may change
            msg = f"{self.name}: no longer takes {copy.transfer_syntax_uid}"
            queue.told(copy.instance, NoContext(msg))

    def _timeouts_s(self) -> float:
        settings = self._settings
        block_s = _BLOCK * 8 / (settings.floor_kbps * 1000)  # the child tells how each one goes
        return settings.connect_timeout_s + 2 * settings.answer_timeout_s + block_s + _SLACK_S

    def _ask(
        self,
        kind: str,
        body: Body,
        deadline_s: float,
        on_told: Callable[[Body], bool] = lambda _: True,
    ) -> Body:
        try:
            answer = self._peer.request(
                kind, {"node": self._node, **body}, deadline_s=deadline_s, on_told=on_told
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
