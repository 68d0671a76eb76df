"""One remote node: echo, store, find, commit, worklist, contexts.

It keeps at most one association, uses it for as long as requests come, and releases it when
none came for two seconds. Storage commitment reports that come on it are answered when they
are read and told in the next answer, as `reports`. Should this child be ended in between,
such a report is lost, and the parent, which gives each transaction a time limit, asks again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.dimse import commitment, query
from passerelle.dimse.association import EXPLICIT, IMPLICIT, VERIFICATION, Association, associate
from passerelle.dimse.negotiation import MAX_CONTEXTS, Pair
from passerelle.dimse.node import Node
from passerelle.dimse.store import store
from passerelle.errors import AgentError, NoContext, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passerelle.children.program import Body, Handler, Notify
    from passerelle.dimse.primitive import Primitive

_IDLE_S: Final = 2.0
_TAKEN: Final = 0x0000
_PROCESSING_FAILURE: Final = 0x0110


class Remote:
    """The one association with the node, and what came on it beside the answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self._association: Association | None = None
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
        )
        return {handler.__name__: self._alone(handler) for handler in kinds}

    def echo(self, body: Body, _notify: Notify) -> Body:
        """C-ECHO; a node that offers no Verification has answered by associating."""
        association = self._using(body, _both(VERIFICATION))
        with suppress(NoContext):
            association.echo()
        return {}

    def store(self, body: Body, notify: Notify) -> Body:
        """C-STORE; `status` is None when the transfer syntax was not accepted."""
        sop_class = body["sop_class_uid"]
        pair = (sop_class, body["transfer_syntax_uid"])
        alternatives = [(sop_class, syntax) for syntax in body.get("alternatives", ())]
        association = self._using(body, [pair, *alternatives])
        if pair not in association.accepted:
            accepted = [syntax for known, syntax in association.accepted if known == sop_class]
            return {"status": None, "comment": "", "accepted": accepted}

        def progress(sent: int, size: int) -> None:
            notify({"sent": sent, "of": size})

        uid = body["sop_instance_uid"]
        status, comment = store(association, Path(body["file"]), pair, uid, progress)
        return {"status": status, "comment": comment}

    def find(self, body: Body, _notify: Notify) -> Body:
        """Which of the instances the archive holds; None when it offers no query."""
        association = self._using(body, _both(query.STUDY_ROOT_FIND))
        try:
            return {"held": query.held(association, body["instances"])}
        except NoContext:
            return {"held": None}

    def commit(self, body: Body, _notify: Notify) -> Body:
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

    def worklist(self, body: Body, _notify: Notify) -> Body:
        """Modality Worklist C-FIND."""
        association = self._using(body, _both(query.WORKLIST_FIND))
        charset = body.get("fallback_charset", "ISO_IR 6")
        return {"steps": query.worklist(association, body.get("keys", {}), charset)}

    def contexts(self, body: Body, _notify: Notify) -> Body:
        """Which of these pairs of SOP Class and transfer syntax the node accepts."""
        pairs = [(abstract, transfer) for abstract, transfer in body["pairs"]]
        accepted: list[Pair] = []
        self._release()
        for at in range(0, len(pairs), MAX_CONTEXTS):
            association = associate(Node(**body["node"]), pairs[at : at + MAX_CONTEXTS], self._took)
            accepted += association.accepted
            association.release()
        return {"accepted": [list(pair) for pair in pairs if pair in accepted]}

    def _alone(self, handler: Handler) -> Handler:
        def answer(body: Body, notify: Notify) -> Body:
            with self._lock:
                try:
                    answer = handler(body, notify)
                except (NoContext, Refused):  # the association is as good as before
                    raise
                except AgentError:
                    self._drop()
                    raise
                finally:
                    self._last_used = time.monotonic()
                    if self._association is not None:
                        self._opened.set()
                reports, self._reports = self._reports, []
                return {**answer, "reports": reports} if reports else answer

        return answer

    def _using(self, body: Body, pairs: Iterable[Pair]) -> Association:
        """The open association if it has proposed all of the pairs, else another."""
        node = Node(**body["node"])
        wanted = dict.fromkeys(pairs)
        association = self._association
        if association and association.node == node and self._proposed.issuperset(wanted):
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
        self._association = associate(node, proposed, self._took)
        self._proposed = frozenset(proposed)
        self._known = dict.fromkeys(proposed)
        return self._association

    def _took(self, event: Primitive, transfer_syntax_uid: str) -> int:
        try:
            self._reports.append(commitment.report(event, transfer_syntax_uid))
        except Unavailable:
            return _PROCESSING_FAILURE
        return _TAKEN

    def _release(self) -> None:
        association, self._association = self._association, None
        if association is not None:
            association.release()

    def _drop(self) -> None:
        association, self._association = self._association, None
        if association is not None:
            association.abort()

    def _release_when_idle(self) -> None:
        while True:
            self._opened.wait()
            with self._lock:
                left = self._last_used + _IDLE_S - time.monotonic()
                if self._association is None or left <= 0:
                    self._opened.clear()
                    self._release()
                    continue
            time.sleep(left)


def _both(abstract: str) -> Iterator[Pair]:
    return ((abstract, syntax) for syntax in (EXPLICIT, IMPLICIT))
