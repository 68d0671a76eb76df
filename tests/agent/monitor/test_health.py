"""The status: its shape is a contract, and each problem says what to look at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from passerelle.model import AcquisitionState, DeliveryState
from passerelle.monitor.health import DestinationView, SourceView, moment, status_of
from passerelle.spool import Counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., dict[str, Any]]


def counts(**changes: Any) -> Counts:  # noqa: ANN401 - a field's own type
    empty: dict[str, Any] = {
        "acquisitions": dict.fromkeys(map(str, AcquisitionState), 0),
        "deliveries": dict.fromkeys(map(str, DeliveryState), 0),
        "by_destination": {},
        "oldest_unsent": {},
        "newest_at": None,
        "bytes_since_open": 0,
    }
    for kind in ("acquisitions", "deliveries"):
        empty[kind] |= changes.pop(kind, {})
    return Counts(**(empty | changes))


@pytest.fixture
def status(tmp_path: Path) -> Make:
    def make(
        told: Counts | None = None,
        *,
        destination: DestinationView | None = None,
        source: SourceView | None = None,
        started_s_ago: float | None = 60.0,
        faults: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        return status_of(
            name="box",
            started_at=None if started_s_ago is None else time.time() - started_s_ago,
            counts=told or counts(),
            data_dir=tmp_path,
            destinations=[destination or DestinationView(name="pacs")],
            sources=[source or SourceView(name="export")],
            faults=faults,
        )

    return make


def test_the_shape_is_the_one_that_is_promised(status: Make) -> None:
    told = status()
    version = told["agent"].pop("version")
    free = told["disk"].pop("free_bytes")
    assert told.pop("clock") in ("trusted", "holdover")
    assert (type(version), type(free)) == (str, int)
    waiting = ("RECEIVED", "WRAPPED", "HELD", "QUARANTINED", "DISCARDED")
    states = ("PENDING", "SENDING", "UNKNOWN", "STORED", "COMMITTED", "REFUSED", "HELD")
    assert told == {
        "agent": {"name": "box", "uptime_s": 60, "running": True},
        "healthy": True,
        "problems": [],
        "acquisitions": dict.fromkeys(waiting, 0),
        "deliveries": dict.fromkeys((*states, "DISCARDED"), 0),
        "destinations": [
            {
                "name": "pacs",
                "state": "up",
                "reason": "",
                "oldest_unsent_s": 0,
                "next_attempt_s": 0,
                "tls_expiry_days": None,
            }
        ],
        "sources": [{"name": "export", "state": "up", "reason": "", "last_acquisition_at": None}],
        "disk": {"hours_left": None},
    }


def test_an_outage_tells_since_when_and_when_it_is_tried_again(status: Make) -> None:
    view = DestinationView(
        name="pacs", reason="pacs: unreachable", since=1_767_225_600.0, next_attempt_s=41.2
    )
    told = status(destination=view)
    text = "pacs: unreachable; since 2026-01-01T00:00:00Z, next try in 41 s"
    assert (told["healthy"], told["problems"]) == (False, [text])
    assert told["destinations"][0]["state"] == "down"
    assert told["destinations"][0]["next_attempt_s"] == 41


def test_a_destination_that_proves_nothing_is_up_but_a_problem(status: Make) -> None:
    told = status(destination=DestinationView(name="pacs", proof_reason="pacs: no report"))
    assert told["problems"] == ["pacs: no report"]
    assert (told["destinations"][0]["state"], told["destinations"][0]["reason"]) == (
        "up",
        "pacs: no report",
    )


def test_a_source_in_trouble_is_down_with_all_its_reasons(status: Make) -> None:
    view = SourceView(
        name="export", reasons=["a", "b"], pending=3, last_acquisition_at=1_767_225_600.0
    )
    told = status(source=view)
    assert told["problems"] == ["a", "b"]
    assert told["acquisitions"]["RECEIVED"] == 3
    assert told["sources"] == [
        {
            "name": "export",
            "state": "down",
            "reason": "a; b",
            "last_acquisition_at": "2026-01-01T00:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"acquisitions": {"HELD": 2}}, "2 acquisitions held: "),
        ({"acquisitions": {"QUARANTINED": 1}}, "1 acquisitions quarantined: "),
        ({"deliveries": {"REFUSED": 4}}, "4 deliveries refused: "),
    ],
)
def test_what_waits_for_a_person_is_a_problem(
    status: Make, changes: dict[str, Any], text: str
) -> None:
    (problem,) = status(counts(**changes))["problems"]
    assert problem.startswith(text)


def test_what_waits_long_is_a_problem_and_what_waits_a_moment_is_not(status: Make) -> None:
    told = status(counts(oldest_unsent={"pacs": time.time() - 600}))
    assert told["problems"] == []
    assert told["destinations"][0]["oldest_unsent_s"] == pytest.approx(600, abs=2)
    told = status(counts(oldest_unsent={"pacs": time.time() - 1000}))
    assert told["problems"][0].startswith("pacs: the oldest instance waits since 20")


def test_the_hours_left_follow_from_the_rate_of_this_run(status: Make) -> None:
    gigabyte = 10**9
    assert status(counts(bytes_since_open=gigabyte))["disk"]["hours_left"] is None, "too early"
    disk = status(counts(bytes_since_open=gigabyte), started_s_ago=7200)["disk"]
    assert disk["hours_left"] == pytest.approx(disk["free_bytes"] / (gigabyte / 2), rel=0.01)
    assert status(started_s_ago=7200)["disk"]["hours_left"] is None, "nothing came"


def test_a_clock_that_went_back_is_a_problem(status: Make) -> None:
    told = status(counts(newest_at=time.time() + 3600))
    assert told["clock"] == "untrusted"
    assert told["problems"][0].startswith("clock: ")


def test_an_agent_that_does_not_run_is_not_healthy(status: Make) -> None:
    told = status(started_s_ago=None)
    assert told["agent"]["running"] is False
    assert told["agent"]["uptime_s"] == 0
    assert told["problems"] == ["agent: not running"]


def test_a_fault_is_told_once(status: Make) -> None:
    assert status(faults=("spool: damaged", "spool: damaged"))["problems"] == ["spool: damaged"]


def test_a_moment_is_iso_8601_in_utc() -> None:
    assert moment(1_767_225_600.9) == "2026-01-01T00:00:00Z"
    assert moment(None) is None
