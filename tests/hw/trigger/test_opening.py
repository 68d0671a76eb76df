"""Every kind of trigger comes of its settings."""

from __future__ import annotations

from typing import Any

import pytest

from passerelle_hw.trigger.gpio import GpioTrigger
from passerelle_hw.trigger.interval import IntervalTrigger
from passerelle_hw.trigger.keys import KeyTrigger
from passerelle_hw.trigger.line import LineTrigger
from passerelle_hw.trigger.opening import open_trigger, settings_of


@pytest.mark.parametrize(
    ("kind", "values", "made"),
    [
        ("line", {"port": "/dev/ttyUSB0", "line": "cts"}, LineTrigger),
        ("key", {"device": "/dev/input/event0", "key": "KEY_F5"}, KeyTrigger),
        ("gpio", {"line": 17}, GpioTrigger),
        ("interval", {"every_s": 5.0}, IntervalTrigger),
    ],
)
def test_a_trigger_is_of_its_kind(kind: str, values: dict[str, Any], made: type) -> None:
    assert isinstance(open_trigger(settings_of(kind, values)), made)


def test_what_is_no_kind_or_no_field_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        settings_of("telepathy", {})
    with pytest.raises(TypeError):
        settings_of("line", {"port": "/dev/ttyUSB0", "lin": "cts"})
    with pytest.raises(ValueError, match="KEY_F99"):
        open_trigger(settings_of("key", {"device": "/dev/input/event0", "key": "KEY_F99"}))
