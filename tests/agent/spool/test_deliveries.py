from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from passerelle.model import DeliveryState
from spool_support import NOON, admit, leased, state_of

if TYPE_CHECKING:
    from passerelle.spool import Spool
    from spool_support import Clock


def test_the_oldest_due_instance_is_leased_first_and_only_once(spool: Spool, clock: Clock) -> None:
    first = admit(spool, "b.png")
    clock.at += 1
    second = admit(spool, "a.png")
    taken = [leased(spool).instance.sop_instance_uid for _ in range(2)]
    assert (taken, spool.lease("pacs")) == (first + second, [])


def test_a_lease_is_of_its_own_destination(spool: Spool) -> None:
    admit(spool, to=["pacs", "research"])
    leased(spool, "research")
    assert spool.lease("research") == []
    assert leased(spool, "pacs").attempts == 1


def test_what_is_put_off_is_not_due_before_its_time(spool: Spool, clock: Clock) -> None:
    admit(spool)
    spool.retry(leased(spool), at=NOON + 60, reason="A700", blamed=True)
    assert (spool.lease("pacs"), spool.next_due("pacs")) == ([], NOON + 60)
    clock.at += 61
    again = leased(spool)
    assert (again.attempts, again.failures, again.first_failed_at) == (2, 1, NOON)


def test_an_outage_blames_no_instance_and_keeps_its_place_in_the_line(
    spool: Spool, clock: Clock
) -> None:
    (first,) = admit(spool, "a.png")
    clock.at += 1
    admit(spool, "b.png")
    clock.at += 1
    spool.retry(leased(spool), at=clock.at, reason="away", blamed=False)
    again = leased(spool)
    assert (again.instance.sop_instance_uid, again.failures, again.first_failed_at) == (
        first,
        0,
        None,
    )


def test_a_blamed_instance_goes_to_the_back_of_the_line(spool: Spool, clock: Clock) -> None:
    (first,) = admit(spool, "a.png")
    (second,) = admit(spool, "b.png")
    spool.retry(leased(spool), at=clock.at + 5, reason="aborted", blamed=True)
    clock.at += 60
    assert [leased(spool).instance.sop_instance_uid for _ in "12"] == [second, first]


@pytest.mark.parametrize("ahead_s", [901, 3600, 20 * 365 * 86400])
def test_a_clock_that_jumped_back_does_not_stop_what_is_owed(
    spool: Spool, clock: Clock, ahead_s: float
) -> None:
    clock.at += ahead_s
    admit(spool)
    clock.at = NOON
    assert spool.next_due("pacs") == NOON
    leased(spool)


def test_nothing_owed_is_nothing_due(spool: Spool) -> None:
    assert (spool.lease("pacs"), spool.next_due("pacs")) == ([], None)


def test_a_lost_answer_is_asked_for_and_found(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.mark_unknown(leased(spool), reason="no answer")
    assert spool.lease("pacs") == [], "nothing is sent before the archive was asked"
    (unknown,) = spool.unknown("pacs", 10)
    assert unknown.uncertain
    spool.found(unknown)
    assert state_of(spool, uid) is DeliveryState.STORED


def test_a_lost_answer_is_asked_for_and_missing(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.mark_unknown(leased(spool), reason="no answer")
    spool.missing(spool.unknown("pacs", 10)[0])
    again = leased(spool)
    assert (again.instance.sop_instance_uid, again.uncertain) == (uid, True)


def test_an_answer_ends_the_uncertainty(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.mark_unknown(leased(spool), reason="no answer")
    spool.missing(spool.unknown("pacs", 10)[0])
    spool.stored(leased(spool), remark="B000")
    delivery = spool.delivery("pacs", uid)
    assert delivery is not None
    assert (delivery.state, delivery.uncertain) == (DeliveryState.STORED, False)


def test_a_refusal_waits_for_a_person_and_says_why(spool: Spool) -> None:
    admit(spool)
    spool.refuse(leased(spool), reason="A900")
    assert [(row["state"], row["reason"]) for row in spool.rows()] == [("REFUSED", "A900")]
    assert spool.lease("pacs") == []


def test_a_proof_that_came_meanwhile_is_not_undone_by_a_late_outcome(spool: Spool) -> None:
    (uid,) = admit(spool)
    delivery = leased(spool)
    spool.committed("pacs", [uid], proof="commitment")
    spool.retry(delivery, at=NOON, reason="no answer", blamed=True)
    assert state_of(spool, uid) is DeliveryState.COMMITTED


def test_a_batch_ends_with_the_one_that_reaches_its_bytes(spool: Spool) -> None:
    uids = [uid for number in range(5) for uid in admit(spool, f"{number}.png")]
    size = leased(spool).instance.size
    batch = spool.lease("pacs", limit=4, limit_bytes=size + 1)
    assert [one.instance.sop_instance_uid for one in batch] == uids[1:3]
    assert len(spool.lease("pacs", limit=4)) == 2


def test_leases_that_were_not_begun_are_as_if_not_taken(spool: Spool) -> None:
    uids = [uid for number in range(3) for uid in admit(spool, f"{number}.png")]
    spool.put_back(spool.lease("pacs", limit=3)[1:])
    again = spool.lease("pacs", limit=3)
    assert [(one.instance.sop_instance_uid, one.attempts) for one in again] == [
        (uid, 1) for uid in uids[1:]
    ]


def test_what_a_courier_was_sending_when_it_ended_is_asked_for(spool: Spool) -> None:
    (uid,) = admit(spool, to=["pacs", "research"])
    leased(spool, "pacs")
    leased(spool, "research")
    assert spool.interrupted("pacs") == 1
    assert state_of(spool, uid) is DeliveryState.UNKNOWN
    assert state_of(spool, uid, "research") is DeliveryState.SENDING


def test_threads_never_lease_the_same_delivery(spool: Spool) -> None:
    owed = {uid for number in range(40) for uid in admit(spool, f"{number}.png")}
    taken: list[str] = []

    def take() -> None:
        while deliveries := spool.lease("pacs", limit=3):
            for delivery in deliveries:
                taken.append(delivery.instance.sop_instance_uid)
                spool.stored(delivery)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(owed)
