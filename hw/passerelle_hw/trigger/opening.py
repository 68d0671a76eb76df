"""Every kind of trigger, and the trigger of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passerelle_hw.trigger.gpio import GpioTrigger, GpioTriggerSettings
from passerelle_hw.trigger.interval import IntervalSettings, IntervalTrigger
from passerelle_hw.trigger.keys import KeyTrigger, KeyTriggerSettings
from passerelle_hw.trigger.line import LineTrigger, LineTriggerSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passerelle_hw.trigger.press import Trigger

TriggerSettings = LineTriggerSettings | KeyTriggerSettings | GpioTriggerSettings | IntervalSettings


def open_trigger(settings: TriggerSettings) -> Trigger:
    """The trigger of these settings; it is opened by being watched.

    Raises:
        ValueError: The settings cannot be meant: there is no such key, say.
    """
    match settings:
        case LineTriggerSettings():
            return LineTrigger(settings)
        case KeyTriggerSettings():
            return KeyTrigger(settings)
        case GpioTriggerSettings():
            return GpioTrigger(settings)
        case IntervalSettings():
            return IntervalTrigger(settings)


def settings_of(kind: str, values: Mapping[str, Any]) -> TriggerSettings:
    """The settings of a kind (line, key, gpio, interval) by the names of their fields.

    Raises:
        ValueError: There is no such kind.
        TypeError: A field is missing, or none of this kind.
    """
    match kind:
        case "line":
            return LineTriggerSettings(**values)
        case "key":
            return KeyTriggerSettings(**values)
        case "gpio":
            return GpioTriggerSettings(**values)
        case "interval":
            return IntervalSettings(**values)
        case _:
            msg = f"{kind}: no such kind of trigger: line, key, gpio, interval"
            raise ValueError(msg)
