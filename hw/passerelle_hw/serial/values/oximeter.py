"""Oxygen saturation and pulse, as oximeters send them once a second or sixty times.

Nonin, in lines (`lines.Lines`): operator's manuals of the 9847 (page 37), 8500 (page 15), 2500
PalmSAT (page 18), Avant 9600 (5.3) and 4000 (page 29): "Real-Time Data Output", 9600 8N1.

Five bytes (`pulse.FiveBytes`): Contec CMS50, 19200 8O1, "Contec CMS50X Data Format" of the Apnea
Board's wiki; the same groups at 4800 8N1 in the manual translated at picbasic.co.uk, thread 11311,
which also names the bits of a pulse that is not found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.values.field import matched

_LINE: Final = (
    r"(?:(\d\d:\d\d:\d\d) )?SPO2=(\d{3}|---) HR=(\d{3}|---)(?P<fast> F)?(?P<event>\*)?(?: ?B)?"
)
_WHOLE: Final = 100
_GROUP: Final = 5
_PULSE_BIT_7: Final = 0x40
_BAD_PULSE: Final = 0x30  # it is searched for, or the sensor fails
_LOW_BITS: Final = 0x7F


@dataclass(frozen=True, slots=True, kw_only=True)
class Oximetry:
    """One reading; what the device did not find is None."""

    spo2_percent: int | None
    pulse_per_min: int | None
    is_marked: bool = False  #: somebody pressed the device's event button
    time: dt.time | None = None  #: of the device's clock, where it sends it


def nonin_line(body: bytes) -> Oximetry:
    """What a line says.

    Raises:
        Damaged: It is no reading: the heading at power-up, or damaged.
    """
    found = matched(_LINE, body.decode("ascii", "replace").rstrip(" "), "a reading")
    spo2, pulse = (None if part == "---" else int(part) for part in found.group(2, 3))
    try:
        time = dt.time.fromisoformat(found[1]) if found[1] else None
    except ValueError:
        msg = "a time that does not exist"
        raise Damaged(msg) from None
    return _plausible(
        Oximetry(spo2_percent=spo2, pulse_per_min=pulse, is_marked=bool(found["event"]), time=time)
    )


def five_bytes(body: bytes) -> Oximetry:
    """What a group of five bytes says.

    Raises:
        Damaged: It is none.
    """
    if len(body) != _GROUP:
        msg = "no group of five bytes"
        raise Damaged(msg)
    if body[2] & _BAD_PULSE:
        return Oximetry(spo2_percent=None, pulse_per_min=None)
    pulse = (body[2] & _PULSE_BIT_7) << 1 | body[3] & _LOW_BITS
    return _plausible(Oximetry(spo2_percent=body[4] & _LOW_BITS, pulse_per_min=pulse))


def _plausible(reading: Oximetry) -> Oximetry:
    if (reading.spo2_percent or 0) > _WHOLE:
        msg = "a saturation of more than 100 %"
        raise Damaged(msg)
    return reading
