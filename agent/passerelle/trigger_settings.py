"""The settings of what presses for a camera, each key described where it is defined."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from passerelle.section import Section


class LineTriggerSettings(Section):
    """A contact on a line of a serial port: a pedal, a button."""

    type: Literal["line"] = Field(description="The kind of trigger.")
    port: Annotated[str, Field(min_length=1)] = Field(
        description="The port, by preference by its name below /dev/serial/by-id."
    )
    line: Literal["cts", "dsr", "dcd", "ri"] = Field(description="The line of the contact.")
    normally_closed: bool = Field(default=False, description="Pressing opens the contact.")


class KeyTriggerSettings(Section):
    """A pedal or button that is a keyboard; it is taken from the desktop (Linux)."""

    type: Literal["key"] = Field(description="The kind of trigger.")
    device: Annotated[str, Field(min_length=1)] = Field(
        description="The device, by preference by its name below /dev/input/by-id."
    )
    key: str | int | None = Field(None, description="KEY_F5, or its number; any, when not given.")


class GpioTriggerSettings(Section):
    """A contact on a pin of a Raspberry Pi or the like; needs passerelle[gpio]."""

    type: Literal["gpio"] = Field(description="The kind of trigger.")
    chip: str = Field("/dev/gpiochip0", description="The chip.")
    line: int | str = Field(description="Its offset, or its name as `gpioinfo` shows it.")
    active_low: bool = Field(default=True, description="The contact pulls the line to ground.")
    bias: Literal["up", "down", "none"] = Field("up", description="The resistor inside the chip.")


class IntervalTriggerSettings(Section):
    """A press every so often."""

    type: Literal["interval"] = Field(description="The kind of trigger.")
    every_s: Annotated[float, Field(ge=0.1, le=86400)] = Field(description="Seconds between two.")


class HandTriggerSettings(Section):
    """Nothing but `passerelle trigger` and the page; they press beside any other trigger too."""

    type: Literal["http"] = Field(description="The kind of trigger.")


TriggerSettings = Annotated[
    LineTriggerSettings
    | KeyTriggerSettings
    | GpioTriggerSettings
    | IntervalTriggerSettings
    | HandTriggerSettings,
    Field(discriminator="type"),
]
