"""The prover: five ways of a report, and the archives that send none (PS3.4 J)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passerelle.commitment import Prover
from passerelle.errors import NoContext, Unavailable
from passerelle.model import CommitmentReport
from queue_support import Clock, admitted, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passerelle.interfaces import Told
    from passerelle.model import Instance
    from passerelle.spool import Spool

NO_SUCH_INSTANCE, CONFLICT, CLASS_NOT_SUPPORTED, BUSY = 0x0112, 0x0119, 0x0122, 0x0213


class ScriptedArchive:
    """Takes requests and reports as told."""

    name = "pacs"

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[str]]] = []
        self.failed: dict[str, int] = {}
        self.reports_at_once = True
        self.has_commitment = True
        self.is_up = True
        self.queryable: set[str] | None = set()

    def probe(self) -> None:
        return

    def store(self, instances: Sequence[Instance], told: Told) -> None:
        raise AssertionError(instances, told)

    def held(self, instances: Sequence[Instance]) -> set[str] | None:
        asked = {instance.sop_instance_uid for instance in instances}
        return None if self.queryable is None else asked & self.queryable

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport | None:
        if not self.is_up:
            msg = "pacs: connection refused"
            raise Unavailable(msg)
        if not self.has_commitment:
            msg = "pacs: no storage commitment"
            raise NoContext(msg)
        uids = [instance.sop_instance_uid for instance in instances]
        self.requests.append((transaction_uid, uids))
        return self.report() if self.reports_at_once else None

    def report(self) -> CommitmentReport:
        """On the last request."""
        transaction_uid, uids = self.requests[-1]
        return CommitmentReport(
            transaction_uid=transaction_uid,
            committed=tuple(uid for uid in uids if uid not in self.failed),
            failed={uid: self.failed[uid] for uid in uids if uid in self.failed},
        )


@pytest.fixture
def archive() -> ScriptedArchive:
    return ScriptedArchive()


@pytest.fixture
def prover(spool: Spool, archive: ScriptedArchive, clock: Clock) -> Prover:
    return Prover(spool, archive, timeout_s=600, unanswered_limit=3, now=clock)


def stored(spool: Spool, number: int = 1) -> str:
    uid = admitted(spool, number)
    (delivery,) = spool.lease("pacs")
    spool.stored(delivery, remark="")
    return uid


def test_a_report_at_once_commits(spool: Spool, archive: ScriptedArchive, prover: Prover) -> None:
    uids = [stored(spool, number) for number in (1, 2, 3)]
    prover.prove()
    assert [set(asked) for _, asked in archive.requests] == [set(uids)]
    assert {state(spool, uid) for uid in uids} == {"COMMITTED"}


def test_a_later_report_commits_and_nothing_is_asked_twice_meanwhile(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    uid = stored(spool)
    archive.reports_at_once = False
    prover.prove()
    prover.prove()
    assert len(archive.requests) == 1
    assert state(spool, uid) == "STORED"
    prover.take(archive.report())
    assert state(spool, uid) == "COMMITTED"


def test_a_report_that_never_comes_is_asked_for_again_then_a_query_proves(
    spool: Spool, archive: ScriptedArchive, prover: Prover, clock: Clock
) -> None:
    uid = stored(spool)
    archive.reports_at_once = False
    archive.queryable = {uid}
    for _ in range(3):
        prover.prove()
        assert state(spool, uid) == "STORED"
        clock.now += 601
    prover.prove()
    assert len(archive.requests) == 3
    assert state(spool, uid) == "COMMITTED"


def test_an_archive_without_commitment_proves_by_query(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    uid = stored(spool)
    archive.has_commitment = False
    archive.queryable = {uid}
    prover.prove()
    assert state(spool, uid) == "COMMITTED"


def test_a_0000_without_the_instance_is_found_out_and_it_is_sent_again(
    spool: Spool, archive: ScriptedArchive, prover: Prover, clock: Clock
) -> None:
    uid = stored(spool)
    archive.failed = {uid: NO_SUCH_INSTANCE}
    prover.prove()
    assert state(spool, uid) == "PENDING"
    clock.now += 600
    (delivery,) = spool.lease("pacs")
    assert delivery.instance.sop_instance_uid == uid


def test_an_archive_with_neither_commitment_nor_query_is_told_and_nothing_is_removed(
    spool: Spool, archive: ScriptedArchive, prover: Prover, clock: Clock
) -> None:
    uid = stored(spool)
    archive.has_commitment = False
    archive.queryable = None
    prover.prove()
    assert state(spool, uid) == "STORED"
    assert prover.reason == "pacs: the archive offers no proof, neither commitment nor query"
    clock.now += 1e9
    assert list(spool.removable(clock.now, 10, unproven_ok=())) == []


def test_half_a_report_commits_half_and_asks_for_the_rest(
    spool: Spool, archive: ScriptedArchive, prover: Prover, clock: Clock
) -> None:
    first, second = stored(spool, 1), stored(spool, 2)
    archive.failed = {second: BUSY}
    prover.prove()
    assert (state(spool, first), state(spool, second)) == ("COMMITTED", "STORED")
    assert len(archive.requests) == 1, "not again at once"
    archive.failed = {}
    clock.now += 31
    prover.prove()
    assert archive.requests[-1][1] == [second]
    assert state(spool, second) == "COMMITTED"


def test_another_object_under_the_same_uid_is_refused_for_a_person(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    uid = stored(spool)
    archive.failed = {uid: CONFLICT}
    prover.prove()
    assert state(spool, uid) == "REFUSED"


def test_a_class_that_cannot_be_committed_is_proven_by_query(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    uid = stored(spool)
    archive.failed = {uid: CLASS_NOT_SUPPORTED}
    archive.queryable = {uid}
    prover.prove()
    assert state(spool, uid) == "COMMITTED"


def test_a_report_nobody_waits_for_changes_nothing(spool: Spool, prover: Prover) -> None:
    uid = stored(spool)
    prover.take(CommitmentReport(transaction_uid="2.25.9", committed=(uid,)))
    assert state(spool, uid) == "STORED"


def test_a_report_twice_or_on_other_instances_changes_nothing_more(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    first, second = stored(spool, 1), admitted(spool, 2)
    archive.reports_at_once = False
    prover.prove()
    transaction_uid = archive.requests[0][0]
    report = CommitmentReport(transaction_uid=transaction_uid, committed=(first, second))
    prover.take(report)
    prover.take(report)
    assert (state(spool, first), state(spool, second)) == ("COMMITTED", "PENDING")


def test_an_outage_leaves_no_transaction_behind(
    spool: Spool, archive: ScriptedArchive, prover: Prover
) -> None:
    uid = stored(spool)
    archive.is_up = False
    with pytest.raises(Unavailable):
        prover.prove()
    archive.is_up = True
    prover.prove()
    assert state(spool, uid) == "COMMITTED"
