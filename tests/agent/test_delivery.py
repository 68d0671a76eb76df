"""The courier: every outcome is in the ledger before the next attempt, and nothing is given up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from passerelle.delivery import Courier
from passerelle.errors import Deferred, Refused, Unavailable, Uncertain
from passerelle.policy import Circuit
from queue_support import Clock, admitted, state
from support import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passerelle.interfaces import Outcome, Told
    from passerelle.model import CommitmentReport, Instance
    from passerelle.spool import Spool

#: The destination goes no further.
NOT_BEGUN = "not begun"


class ScriptedDestination:
    """Answers each store with the next outcome, and remembers what it has."""

    name = "pacs"

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.stored: list[str] = []
        self.is_up = True
        self.can_be_asked = True

    def probe(self) -> None:
        if not self.is_up:
            msg = "pacs: connection refused"
            raise Unavailable(msg)

    def store(self, instances: Sequence[Instance], told: Told) -> None:
        for instance in instances:
            outcome = self.outcomes.pop(0) if self.outcomes else ""
            if outcome is NOT_BEGUN:
                return
            if isinstance(outcome, str):
                self.stored.append(instance.sop_instance_uid)
            if not told(instance, outcome):
                return

    def held(self, instances: Sequence[Instance]) -> set[str] | None:
        self.probe()
        asked = {instance.sop_instance_uid for instance in instances}
        return asked & set(self.stored) if self.can_be_asked else None

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport | None:
        raise AssertionError(transaction_uid, instances)


@pytest.fixture
def courier(spool: Spool, clock: Clock) -> Callable[..., Courier]:
    def make(destination: ScriptedDestination, *, may_prove: bool = True) -> Courier:
        circuit = Circuit(clock=clock, chance=lambda: 1.0)
        return Courier(spool, destination, may_prove=may_prove, circuit=circuit, now=clock)

    return make


def drain(courier: Courier, limit: int = 20) -> None:
    for _ in range(limit):
        if not courier.deliver_some():
            return
    pytest.fail("the courier does not come to rest")


def test_what_is_due_is_stored_oldest_first(spool: Spool, courier: Callable[..., Courier]) -> None:
    uids = [admitted(spool, number) for number in (1, 2, 3)]
    destination = ScriptedDestination()
    drain(courier(destination))
    assert destination.stored == uids
    assert {state(spool, uid) for uid in uids} == {"STORED"}


def test_an_outage_delays_the_delivery_and_loses_nothing(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Unavailable("pacs: connection refused"))
    pacs = courier(destination)
    assert not pacs.deliver_some()
    assert state(spool, uid) == "PENDING"
    assert not pacs.deliver_some(), "not before the backoff has passed"
    clock.now += 5
    drain(pacs)
    assert destination.stored == [uid]


def test_while_the_destination_is_down_it_is_probed_and_no_instance_is_blamed(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Unavailable("down"))
    pacs = courier(destination)
    destination.is_up = False
    for _ in range(2000):
        pacs.deliver_some()
        clock.now += 600
    (row,) = spool.rows(None)
    assert (row["state"], row["attempts"]) == ("PENDING", 1)
    destination.is_up = True
    drain(pacs)
    assert destination.stored == [uid], "delivered after two weeks"


def test_a_lost_answer_is_asked_about_and_nothing_is_sent_twice(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Uncertain("no answer"))
    destination.stored.append(uid)
    drain(courier(destination))
    assert destination.stored == [uid]
    assert state(spool, uid) == "STORED"


def test_what_the_archive_does_not_have_is_sent_again_later(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid, other = admitted(spool, 1), admitted(spool, 2)
    destination = ScriptedDestination(Uncertain("reset"))
    pacs = courier(destination)
    drain(pacs)
    assert destination.stored == [other], "the others go on"
    clock.now += 600
    drain(pacs)
    assert destination.stored == [other, uid]


def test_an_archive_that_cannot_be_asked_is_left_to_prove_it(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Uncertain("reset"))
    destination.can_be_asked = False
    drain(courier(destination))
    assert state(spool, uid) == "STORED"
    assert destination.stored == [], "commitment will tell"


def test_where_nothing_can_be_proven_the_identical_bytes_go_again(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Uncertain("reset"))
    destination.can_be_asked = False
    pacs = courier(destination, may_prove=False)
    drain(pacs)
    clock.now += 600
    drain(pacs)
    assert destination.stored == [uid]


def test_what_the_destination_did_not_begin_is_as_if_it_had_not_been_taken(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uids = [admitted(spool, number) for number in (1, 2, 3)]
    destination = ScriptedDestination("", NOT_BEGUN)
    pacs = courier(destination)
    assert pacs.deliver_some()
    rows = {row["sop_instance_uid"]: (row["state"], row["attempts"]) for row in spool.rows()}
    assert [rows[uid] for uid in uids] == [("STORED", 1), ("PENDING", 0), ("PENDING", 0)]
    drain(pacs)
    assert destination.stored == uids


def test_a_destination_that_takes_nothing_more_ends_the_batch(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uids = [admitted(spool, number) for number in (1, 2, 3)]
    pacs = courier(ScriptedDestination("", Unavailable("pacs: A700")))
    assert not pacs.deliver_some()
    assert [state(spool, uid) for uid in uids] == ["STORED", "PENDING", "PENDING"]
    assert pacs.circuit.reason == "pacs: A700"


def test_what_was_being_sent_when_a_courier_failed_is_asked_for(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    spool.lease("pacs")
    destination = ScriptedDestination()
    destination.stored.append(uid)
    stop = threading.Event()
    pacs = courier(destination)
    running = threading.Thread(target=pacs.run, args=(stop,))
    running.start()
    wait_until(lambda: state(spool, uid) == "STORED")
    stop.set()
    pacs.wake()
    running.join(5)
    assert destination.stored == [uid], "it is not sent twice"


def test_a_batch_is_written_down_in_few_transactions(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    stored_at = []
    for number in range(100):
        admitted(spool, number)
    pacs = courier(ScriptedDestination())
    pacs._on_stored = lambda: stored_at.append(1)  # noqa: SLF001 - as the assembly gives it
    drain(pacs)
    assert len(stored_at) <= 5


def test_a_refused_instance_waits_for_a_person_and_the_others_go_on(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    first, second, third = (admitted(spool, number) for number in (1, 2, 3))
    destination = ScriptedDestination("", Refused("pacs: A900 does not match"), "")
    drain(courier(destination))
    assert destination.stored == [first, third]
    assert state(spool, second) == "REFUSED"
    refused = list(spool.rows("REFUSED"))
    assert refused[0]["reason"] == "pacs: A900 does not match"


def test_cannot_understand_is_refused_after_three_tries(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    pacs = courier(ScriptedDestination(*[Deferred("pacs: C000", tries=3)] * 3))
    for expected in ("PENDING", "PENDING", "REFUSED"):
        drain(pacs)
        assert state(spool, uid) == expected
        clock.now += 600


def test_trouble_at_the_archive_is_not_given_up_within_a_day(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    pacs = courier(ScriptedDestination(*[Deferred("pacs: 0110", tries=10)] * 30))
    for _ in range(12):
        drain(pacs)
        clock.now += 600
    assert state(spool, uid) == "PENDING"
    clock.now += 24 * 3600
    drain(pacs)
    assert state(spool, uid) == "REFUSED"


def test_out_of_resources_after_an_uncertain_try_is_asked_about(
    spool: Spool, clock: Clock, courier: Callable[..., Courier]
) -> None:
    uid = admitted(spool)
    destination = ScriptedDestination(Uncertain("reset"), Unavailable("pacs: A700"))
    pacs = courier(destination)
    drain(pacs)
    clock.now += 600
    assert not pacs.deliver_some()
    assert state(spool, uid) == "UNKNOWN", "the archive may have it and say so for ever"
    destination.stored.append(uid)
    clock.now += 600
    drain(pacs)
    assert state(spool, uid) == "STORED"


def test_the_next_batch_is_leased_while_one_is_under_way_and_put_back_after_an_outage(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    uids = [admitted(spool, number) for number in range(150)]
    destination = ScriptedDestination(*[""] * 50, Unavailable("pacs: A700"))
    assert not courier(destination).deliver_some()
    assert destination.stored == uids[:50]
    states = [row["state"] for row in spool.rows()]
    assert states == ["STORED"] * 50 + ["PENDING"] * 100
    assert [row["attempts"] for row in spool.rows()] == [1] * 51 + [0] * 99


def test_a_stop_puts_back_what_was_leased_ahead(
    spool: Spool, courier: Callable[..., Courier]
) -> None:
    stop = threading.Event()

    class Stopping(ScriptedDestination):
        def store(self, instances: Sequence[Instance], told: Told) -> None:
            super().store(instances, told)
            stop.set()

    for number in range(100):
        admitted(spool, number)
    courier(Stopping()).run(stop)
    assert [row["state"] for row in spool.rows()] == ["STORED"] * 64 + ["PENDING"] * 36
