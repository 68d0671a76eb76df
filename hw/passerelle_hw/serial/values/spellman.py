"""What a Spellman PMX mammography generator answers to its console: tube voltage and current.

After Spellman's "PMX Digital Interface", 118165-001 rev. A, sections 4.4.1, 4.4.19 and 4.5.11.
Overheard only: asking is left to the console. `generator.Spellman` finds the messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.values.field import matched

_FULL: Final = 4095
_FULL_KV: Final = 53.476  # both sections give the range so; one also says 10.44 V a bit, wrongly
_FULL_MA: Final = 213.828
_FULL_FILAMENT_A: Final = 6.415
_READBACKS: Final = "19"
_LAST_EXPOSURE: Final = "60"
_FILAMENT: Final = "62"
_ARGUMENTS: Final = 16
_KV_AT, _MA_AT, _FILAMENT_AT = 9, 10, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class TubeReadings:
    """What the generator measures at this moment."""

    tube_kv: float
    tube_ma: float
    filament_a: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LastExposure:
    """The mean voltage of the exposure that was last; of one that is under way so far."""

    tube_kv: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Filament:
    """The current of the filament."""

    filament_a: float


PmxValue = TubeReadings | LastExposure | Filament


def pmx_value(body: bytes) -> PmxValue | None:
    """What a message says; None for a request, a command and what is not measured.

    Raises:
        Damaged: It answers what is read here, but not as the document says.
    """
    command, *arguments = body.decode("ascii", "replace").removesuffix(",").split(",")
    if command not in (_READBACKS, _LAST_EXPOSURE, _FILAMENT) or arguments in ([], [""]):
        return None
    if len(arguments) != (_ARGUMENTS if command == _READBACKS else 1):
        msg = "not as many arguments as its document says"
        raise Damaged(msg)
    match command:
        case "19":
            return TubeReadings(
                tube_kv=_scaled(arguments[_KV_AT], _FULL_KV),
                tube_ma=_scaled(arguments[_MA_AT], _FULL_MA),
                filament_a=_scaled(arguments[_FILAMENT_AT], _FULL_FILAMENT_A),
            )
        case "60":
            return LastExposure(tube_kv=_scaled(arguments[0], _FULL_KV))
        case _:
            return Filament(filament_a=_scaled(arguments[0], _FULL_FILAMENT_A))


def _scaled(argument: str, full: float) -> float:
    """1.1: a number has as many digits as the sender likes."""
    value = int(matched(r"0*\d{1,4}", argument, "a reading")[0])
    if value > _FULL:
        msg = "a reading beyond its range"
        raise Damaged(msg)
    return value * full / _FULL
