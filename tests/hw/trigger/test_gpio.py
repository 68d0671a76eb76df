"""A GPIO line, of which no machine here has one: a made-up library stands for gpiod 2."""

from __future__ import annotations

import datetime as dt
import enum
import threading
from types import SimpleNamespace
from typing import Any, Self

import pytest

from passerelle_hw.trigger.gpio import GpioTrigger, GpioTriggerSettings
from passerelle_hw.trigger.press import Press, TriggerGone

Kind = enum.Enum("Kind", ["RISING_EDGE", "FALLING_EDGE"])


class Request:
    """A line whose edges are given; the last wait stops the watching."""

    def __init__(self, edges: list[tuple[int, Kind]], stop: threading.Event) -> None:
        self.is_released = False
        self._edges = edges
        self._stop = stop

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.is_released = True

    def get_value(self, _line: int | str) -> str:
        return "inactive"

    def wait_edge_events(self, timeout: dt.timedelta) -> bool:
        assert timeout <= dt.timedelta(seconds=0.5)
        if not self._edges:
            self._stop.set()
        return bool(self._edges)

    def read_edge_events(self) -> list[Any]:
        at, kind = self._edges.pop(0)
        return [SimpleNamespace(timestamp_ns=at, event_type=kind)]


class Gpiod:
    """What of gpiod 2 is used."""

    line = SimpleNamespace(
        Bias=SimpleNamespace(PULL_UP="up", PULL_DOWN="down", AS_IS="as is"),
        Clock=SimpleNamespace(MONOTONIC="monotonic"),
        Direction=SimpleNamespace(INPUT="input"),
        Edge=SimpleNamespace(BOTH="both"),
        Value=SimpleNamespace(ACTIVE="active"),
    )
    EdgeEvent = SimpleNamespace(Type=Kind)

    def __init__(self, request: Request | None) -> None:
        self.asked: dict[Any, Any] = {}
        self._request = request

    @staticmethod
    def LineSettings(**asked: object) -> dict[str, object]:  # noqa: N802 - as the library has it
        return asked

    def request_lines(self, chip: str, *, config: dict[Any, Any], **_: object) -> Request:
        self.asked = {"chip": chip, **config}
        if self._request is None:
            raise FileNotFoundError(2, "No such file or directory")
        return self._request


def test_edges_are_presses_at_the_kernels_times_and_short_ones_are_seen() -> None:
    stop = threading.Event()
    edges = [(10_000_000_000, Kind.RISING_EDGE), (10_005_000_000, Kind.FALLING_EDGE)]
    request = Request(edges, stop)
    library = Gpiod(request)
    presses: list[Press] = []
    GpioTrigger(GpioTriggerSettings(line=17), gpiod=library).watch(presses.append, stop)
    assert presses == [Press(at_s=10.0), Press(at_s=10.005, down=False)]
    assert request.is_released
    assert library.asked["chip"] == "/dev/gpiochip0"
    asked = library.asked[17]
    assert (asked["bias"], asked["active_low"], asked["event_clock"]) == ("up", True, "monotonic")
    assert asked["debounce_period"] < dt.timedelta(milliseconds=5), "a contact of 5 ms is kept"


def test_a_chip_that_is_not_there_says_so() -> None:
    trigger = GpioTrigger(GpioTriggerSettings(line="PEDAL"), gpiod=Gpiod(None))
    with pytest.raises(TriggerGone, match=r"line PEDAL: .*No such file"):
        trigger.watch(lambda _press: None, threading.Event())


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gpiod", None)
    with pytest.raises(TriggerGone, match=r"passerelle\[gpio\]"):
        GpioTrigger(GpioTriggerSettings(line=17)).watch(lambda _press: None, threading.Event())
