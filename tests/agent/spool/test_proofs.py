from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.model import DeliveryState
from spool_support import NOON, admit, leased, origin, state_of

if TYPE_CHECKING:
    from passerelle.spool import Spool
    from spool_support import Clock


def _store(spool: Spool, name: str = "a.png", count: int = 1) -> list[str]:
    uids = admit(spool, name, count)
    for _ in uids:
        spool.stored(leased(spool))
    return uids


def test_only_what_is_stored_awaits_proof(spool: Spool) -> None:
    stored = _store(spool, count=2)
    admit(spool, "b.png")
    waiting = [instance.sop_instance_uid for instance in spool.awaiting_proof("pacs", 10)]
    assert waiting == stored
    assert len(spool.awaiting_proof("pacs", 1)) == 1
    assert spool.awaiting_proof("research", 10) == []


def test_what_an_open_transaction_asks_is_not_asked_again(spool: Spool) -> None:
    uids = _store(spool, count=2)
    spool.begin_transaction("2.25.9", "pacs", uids)
    assert spool.transaction("2.25.9") == ("pacs", tuple(uids))
    assert spool.awaiting_proof("pacs", 10) == []
    assert spool.has_open_transaction("pacs")
    assert not spool.has_open_transaction("research")


def test_what_a_closed_transaction_did_not_prove_is_asked_again(spool: Spool) -> None:
    proven, unproven = _store(spool, count=2)
    spool.begin_transaction("2.25.9", "pacs", [proven, unproven])
    spool.committed("pacs", [proven], proof="commitment")
    spool.close_transaction("2.25.9")
    assert spool.transaction("2.25.9") is None
    assert [one.sop_instance_uid for one in spool.awaiting_proof("pacs", 10)] == [unproven]
    assert state_of(spool, proven) is DeliveryState.COMMITTED


def test_an_unanswered_transaction_is_overdue_in_time(spool: Spool, clock: Clock) -> None:
    uids = _store(spool)
    spool.begin_transaction("2.25.9", "pacs", uids)
    assert spool.overdue_transactions("pacs", older_than=NOON - 1) == []
    clock.at += 600
    assert spool.overdue_transactions("pacs", older_than=clock.at - 600) == [
        ("2.25.9", tuple(uids))
    ]


def test_what_was_lost_at_the_archive_goes_again_as_the_same_instance(spool: Spool) -> None:
    (uid,) = _store(spool)
    spool.begin_transaction("2.25.9", "pacs", [uid])
    delivery = spool.delivery("pacs", uid)
    assert delivery is not None
    spool.retry(delivery, at=NOON, reason="0112", blamed=True)
    assert leased(spool).instance.sop_instance_uid == uid
    assert spool.transaction("2.25.9") == ("pacs", ())


def test_a_proof_does_not_overrule_a_person_or_a_conflict(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.refuse(leased(spool), reason="0119")
    spool.committed("pacs", [uid, "2.25.404"], proof="query")
    assert state_of(spool, uid) is DeliveryState.REFUSED


def test_only_what_is_proven_everywhere_may_go(spool: Spool, clock: Clock) -> None:
    (uid,) = admit(spool, to=["pacs", "research"])
    spool.committed("pacs", [uid], proof="commitment")
    clock.at += 100
    assert spool.removable(clock.at, 10) == []
    spool.stored(leased(spool, "research"))
    clock.at += 100
    assert spool.removable(clock.at, 10) == [], "stored is not proven"
    allowed = spool.removable(clock.at, 10, unproven_ok=["research"])
    assert [instance.sop_instance_uid for instance in allowed] == [uid]
    spool.committed("research", [uid], proof="query")
    assert spool.removable(clock.at, 10) == [], "its time begins with the last proof"
    clock.at += 100
    assert len(spool.removable(clock.at, 10)) == 1


def test_what_is_owed_to_nobody_stays(spool: Spool, clock: Clock) -> None:
    admit(spool, to=[])
    clock.at += 100
    assert spool.removable(clock.at, 10) == []


def test_a_removed_instance_leaves_no_file_and_is_still_known(spool: Spool, clock: Clock) -> None:
    (uid,) = _store(spool)
    spool.committed("pacs", [uid], proof="commitment")
    clock.at += 100
    (instance,) = spool.removable(clock.at, 10)
    spool.remove([instance])
    assert not instance.path.exists()
    assert not instance.path.with_suffix(".json").exists()
    assert spool.known(origin()) == "WRAPPED"
    assert spool.removable(clock.at, 10) == []


def test_the_oldest_unproven_instance_is_told(spool: Spool, clock: Clock) -> None:
    assert spool.oldest_unproven() is None
    first = _store(spool, "a.png")
    clock.at += 50
    admit(spool, "b.png")
    assert spool.oldest_unproven() == NOON
    assert spool.oldest_unproven(unproven_ok=["pacs"]) == NOON + 50
    spool.committed("pacs", first, proof="commitment")
    assert spool.oldest_unproven() == NOON + 50
