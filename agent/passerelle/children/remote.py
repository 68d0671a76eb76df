"""One remote node: echo, store, find, commit, worklist, contexts.

It keeps its associations for as long as requests come, and releases them when none came for
two seconds; one does for everything but a queue of instances. Storage commitment reports that
come on them are answered when they are read and told in the next answer, as `reports`. Should
this child be ended in between, such a report is lost, and the parent, which gives each
transaction a time limit, asks again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from passerelle.children.program import told
from passerelle.dimse import commitment, query
from passerelle.dimse.association import EXPLICIT, IMPLICIT, VERIFICATION, Association, associate
from passerelle.dimse.lanes import Lanes
from passerelle.dimse.negotiation import MAX_CONTEXTS, Pair
from passerelle.dimse.node import Node
from passerelle.dimse.store import Outgoing
from passerelle.errors import AgentError, NoContext, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passerelle.children.program import Body, Handler, Parent
    from passerelle.dimse.primitive import Primitive
    from passerelle.errors import DeliveryError

_IDLE_S: Final = 2.0
_TAKEN: Final = 0x0000
_PROCESSING_FAILURE: Final = 0x0110


class Remote:
    """The associations with the node, and what came on them beside the answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._lanes: Lanes | None = None
        self._proposed: frozenset[Pair] = frozenset()
        self._known: dict[Pair, None] = {}  # what an association was established with, in order
        self._last_used = 0.0
        self._reports: list[commitment.Report] = []
        threading.Thread(target=self._release_when_idle, name="idle", daemon=True).start()

    def handlers(self) -> dict[str, Handler]:
        """What the parent may request."""
        kinds: tuple[Handler, ...] = (
            self.echo,
            self.store,
            self.find,
            self.commit,
            self.worklist,
            self.contexts,
            self.release,
            self.warm,
        )
        return {handler.__name__: self._alone(handler) for handler in kinds}

    def echo(self, body: Body, _parent: Parent) -> Body:
        """C-ECHO; a node that offers no Verification has answered by associating."""
        association = self._using(body, _both(VERIFICATION))
        with suppress(NoContext):
            association.echo()
        return {}

    def store(self, body: Body, parent: Parent) -> Body:
        """C-STORE of a queue of instances; what becomes of each is told, not answered."""
        queue = [
            Outgoing(
                path=Path(one["file"]),
                pair=(one["sop_class_uid"], one["transfer_syntax_uid"]),
                sop_instance_uid=one["sop_instance_uid"],
                sha256=one["sha256"],
            )
            for one in body["instances"]
        ]
        alternatives = body["alternatives"]
        pairs = {outgoing.pair: None for outgoing in queue}
        classes = {sop_class for sop_class, _ in pairs}
        pairs |= {(sop_class, syntax): None for sop_class in classes for syntax in alternatives}
        self._using(body, pairs)
        assert self._lanes is not None  # noqa: S101 - the association above is its first
        self._lanes.send(queue, body["associations"], _Teller(parent))
        return {}

    def find(self, body: Body, _parent: Parent) -> Body:
        """Which of the instances the archive holds; None when it offers no query."""
        association = self._using(body, _both(query.STUDY_ROOT_FIND))
        try:
            return {"held": query.held(association, body["instances"])}
        except NoContext:
            return {"held": None}

    def commit(self, body: Body, _parent: Parent) -> Body:
        """N-ACTION; the report when it comes on this association within `wait_s`."""
        association = self._using(body, _both(commitment.STORAGE_COMMITMENT))
        pair = association.context(commitment.STORAGE_COMMITMENT)
        transaction_uid = body["transaction_uid"]
        commitment.request(association, pair, transaction_uid, body["instances"])

        def came() -> bool:
            return any(report["transaction_uid"] == transaction_uid for report in self._reports)

        try:
            association.take_reports(body["wait_s"], until=came)
        except Unavailable:  # the request was accepted: its report comes another way
            self._drop()
        ours = [one for one in self._reports if one["transaction_uid"] == transaction_uid]
        self._reports = [one for one in self._reports if one not in ours]
        return {"report": ours[0] if ours else None}

    def worklist(self, body: Body, _parent: Parent) -> Body:
        """Modality Worklist C-FIND."""
        association = self._using(body, _both(query.WORKLIST_FIND))
        charset = body.get("fallback_charset", "ISO_IR 6")
        return {"steps": query.worklist(association, body.get("keys", {}), charset)}

    def contexts(self, body: Body, _parent: Parent) -> Body:
        """Which of these pairs of SOP Class and transfer syntax the node accepts."""
        pairs = [(abstract, transfer) for abstract, transfer in body["pairs"]]
        accepted: list[Pair] = []
        self._release()
        for at in range(0, len(pairs), MAX_CONTEXTS):
            association = associate(Node(**body["node"]), pairs[at : at + MAX_CONTEXTS], self._took)
            accepted += association.accepted
            association.release()
        return {"accepted": [list(pair) for pair in pairs if pair in accepted]}

    def release(self, _body: Body, _parent: Parent) -> Body:
        """Release what is open, without waiting for it to be idle."""
        self._release()
        return {}

    def warm(self, _body: Body, _parent: Parent) -> Body:
        """Nothing but to have been started."""
        return {}

    def _alone(self, handler: Handler) -> Handler:
        def answer(body: Body, parent: Parent) -> Body:
            with self._lock:
                try:
                    answer = handler(body, parent)
                except NoContext:  # the association is as good as before
                    raise
                except AgentError:
                    self._drop()
                    raise
                finally:
                    self._last_used = time.monotonic()
                    if self._lanes is not None:
                        self._opened.set()
                reports, self._reports = self._reports, []
                return {**answer, "reports": reports} if reports else answer

        return answer

    def _using(self, body: Body, pairs: Iterable[Pair]) -> Association:
        """The open association if it has proposed all of the pairs, else another."""
        node = Node(**body["node"])
        wanted = dict.fromkeys(pairs)
        association = self._lanes.first if self._lanes else None
        if association and association.is_spent:
            self._drop()
        elif association and association.node == node and self._proposed.issuperset(wanted):
            try:
                association.take_reports(0)  # has it ended meanwhile?
            except Unavailable:
                self._drop()
            else:
                return association
        self._release()
        # Only what an association was established with before: some archives refuse the whole
        # association for one SOP Class that they do not know.
        proposed = list({**wanted, **self._known})[:MAX_CONTEXTS]

        def another() -> Association:
            return associate(node, proposed, self._took)

        self._lanes = Lanes(another(), another)
        self._proposed = frozenset(proposed)
        self._known = dict.fromkeys(proposed)
        return self._lanes.first

    def _took(self, event: Primitive, transfer_syntax_uid: str) -> int:
        try:
            self._reports.append(commitment.report(event, transfer_syntax_uid))
        except Unavailable:
            return _PROCESSING_FAILURE
        return _TAKEN

    def _release(self) -> None:
        lanes, self._lanes = self._lanes, None
        for association in lanes.close() if lanes else ():
            association.release()

    def _drop(self) -> None:
        lanes, self._lanes = self._lanes, None
        for association in lanes.close() if lanes else ():
            association.abort()

    def _release_when_idle(self) -> None:
        while True:
            self._opened.wait()
            with self._lock:
                left = self._last_used + _IDLE_S - time.monotonic()
                if self._lanes is None or left <= 0:
                    self._opened.clear()
                    self._release()
                    continue
            time.sleep(left)


class _Teller:
    """Tells the parent how a queue of instances goes."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def begun(self, lanes: int) -> None:
        self._parent.tell({"lanes": lanes})

    def answered(self, outgoing: Outgoing, status: int, comment: str) -> None:
        self._tell(outgoing, status=status, comment=comment)

    def not_accepted(self, outgoing: Outgoing, accepted: list[str]) -> None:
        self._tell(outgoing, accepted=accepted)

    def failed(self, outgoing: Outgoing, error: DeliveryError) -> None:
        self._tell(outgoing, error=told(error))

    def progress(self, sent: int, size: int) -> None:
        self._parent.tell({"sent": sent, "of": size})

    def goes_on(self) -> bool:
        return not self._parent.has_halted

    def _tell(self, outgoing: Outgoing, **became: Any) -> None:  # noqa: ANN401 - JSON
        self._parent.tell({"uid": outgoing.sop_instance_uid, **became})


def _both(abstract: str) -> Iterator[Pair]:
    return ((abstract, syntax) for syntax in (EXPLICIT, IMPLICIT))
