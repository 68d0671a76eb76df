"""A contact on a serial port's line: looked at, or by the count of a driver."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import serial

from passerelle_hw.trigger.line import LineTrigger, LineTriggerSettings, PolledLines
from passerelle_hw.trigger.press import TriggerGone
from serial_support import PtyPair
from trigger_support import watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def watch(settings: LineTriggerSettings) -> None:
    LineTrigger(settings).watch(lambda _press: None, threading.Event())


class Driver:
    """A driver's line that follows a script: what it is and how often it changed, at each look."""

    def __init__(self, looks: list[tuple[int, bool]]) -> None:
        self.counts = True
        self.is_closed = False
        self._looks = iter(looks)
        self._now = time.monotonic()
        self._count, self._is_on = next(self._looks)

    def is_on(self) -> bool:
        return self._is_on

    def count(self) -> int:
        return self._count

    def changed(self, timeout_s: float) -> float:
        self._now += timeout_s
        try:
            self._count, self._is_on = next(self._looks)
        except StopIteration:
            raise OSError(5, "Input/output error") from None
        return self._now

    def close(self) -> None:
        self.is_closed = True


def told(driver: Driver, *, normally_closed: bool = False) -> list[bool]:
    """What a trigger on this driver tells until it is unplugged."""
    presses: list[bool] = []
    settings = LineTriggerSettings(
        port="scripted", line="cts", normally_closed=normally_closed, debounce_s=0.0
    )
    trigger = LineTrigger(settings, open_lines=lambda _settings: driver)
    with pytest.raises(TriggerGone, match="scripted: Input/output error"):
        trigger.watch(lambda press: presses.append(press.down), threading.Event())
    assert driver.is_closed
    return presses


def test_each_contact_that_the_driver_counted_is_a_press_though_no_look_met_it() -> None:
    looks = [(2 * n, False) for n in range(21)]
    assert told(Driver(looks)) == [True, False] * 20


def test_a_contact_that_is_closed_at_rest_presses_by_opening() -> None:
    looks = [(0, True), (1, False), (1, False), (2, True), (2, True), (4, True)]
    assert told(Driver(looks), normally_closed=True) == [True, False, True, False]


def test_a_driver_that_does_not_count_is_found_out_and_its_line_looked_at() -> None:
    at_rest = [(0, False)] * 40
    driver = Driver([*at_rest, *[(0, True)] * 40, (0, False), (0, True)])
    assert told(driver) == [True, False, True]
    assert not driver.counts


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """pyserial's own loop: CTS is what its RTS is, which a test moves."""
    ports: list[serial.SerialBase] = []
    made = serial.serial_for_url

    def opened(*arguments: object, **named: object) -> serial.SerialBase:
        ports.append(made(*arguments, **named))
        return ports[-1]

    monkeypatch.setattr(serial, "serial_for_url", opened)

    def move(*, on: bool) -> None:
        ports[0].rts = on

    yield move
    for port in ports:
        port.close()


def test_a_line_that_nobody_counts_is_looked_at(loop: Callable[..., None]) -> None:
    before = time.monotonic()
    with watched(LineTrigger(LineTriggerSettings(port="loop://", line="cts"))) as seen:
        until = time.monotonic() + 0.2
        while time.monotonic() < until:
            time.sleep(0.01)  # it begins asserted, which is no press
        loop(on=False)
        let_go = seen.next()
        loop(on=True)
        pressed = seen.next()
    assert (let_go.down, pressed.down) == (False, True)
    assert before < let_go.at_s < pressed.at_s <= time.monotonic()
    assert seen.presses.empty()


@pytest.mark.parametrize(
    ("port", "why"),
    [
        ("/dev/serial/by-id/usb-none", "No such file or directory"),
        ("socket://127.0.0.1:9", "rfc2217:// only"),
        ("nonsense://", "invalid URL"),
    ],
)
def test_a_port_that_cannot_be_used_says_why(port: str, why: str) -> None:
    with pytest.raises(TriggerGone, match=f"{port}: .*{why}"):
        watch(LineTriggerSettings(port=port, line="dsr"))


def test_a_pseudo_terminal_has_no_lines_and_is_let_go_of() -> None:
    pair = PtyPair()
    try:
        for _ in range(2):
            with pytest.raises(TriggerGone, match="has no such line"):
                watch(LineTriggerSettings(port=pair.name, line="dcd"))
    finally:
        pair.unplug()


def test_how_long_a_look_takes_is_bounded_by_the_wait() -> None:
    port = serial.serial_for_url("loop://")
    lines = PolledLines(port, "cts")
    began = time.monotonic()
    assert lines.changed(0.005) - began < 0.5
    assert lines.is_on()
    lines.close()
