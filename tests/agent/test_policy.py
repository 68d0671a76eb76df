"""When to try again: the backoff, the circuit, and when a person has to decide."""

from __future__ import annotations

import pytest

from passerelle.policy import Circuit, backoff_s


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 5), (2, 10), (5, 80), (8, 600), (60, 600), (100_000, 600)]
)
def test_the_backoff_doubles_from_5_seconds_to_10_minutes_and_never_overflows(
    failures: int, longest: float
) -> None:
    assert backoff_s(failures, lambda: 1.0) == longest


def test_the_jitter_is_full_so_that_a_hundred_boxes_do_not_return_together() -> None:
    waits = {round(backoff_s(9)) for _ in range(200)}
    assert min(waits) < 150
    assert max(waits) > 450


def test_no_wait_is_so_short_that_it_hammers_the_archive() -> None:
    assert backoff_s(1, lambda: 0.0) == 1.0


def test_an_open_circuit_lets_one_probe_through_when_it_is_due() -> None:
    clock = Clock()
    circuit = Circuit(clock=clock, chance=lambda: 1.0)
    assert not circuit.is_open
    circuit.opened("pacs: connection refused")
    assert circuit.is_open
    assert circuit.wait_s() == 5
    clock.now += 5
    assert circuit.wait_s() == 0
    circuit.opened("pacs: connection refused")
    assert circuit.wait_s() == 10


def test_the_outage_keeps_its_first_moment_and_ends_without_a_trace() -> None:
    circuit = Circuit(clock=Clock())
    circuit.opened("first")
    began = circuit.since
    circuit.opened("second")
    assert (circuit.since, circuit.reason) == (began, "second")
    circuit.closed()
    assert (circuit.is_open, circuit.since, circuit.reason) == (False, None, "")


def test_an_operator_may_ask_for_the_probe_now() -> None:
    circuit = Circuit(clock=Clock())
    for _ in range(20):
        circuit.opened("down")
    circuit.try_now()
    assert circuit.wait_s() == 0
