"""What a NIDEK lensmeter of the LM-1000 kind sends: the power of spectacle lenses.

After NIDEK's "LM-1000/1000P/1200 USB Interface Manual", December 2010, 31001*RTZ002E/E, sections
2.2 and 2.3 (8). `nidek.NidekChecked` finds the messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import segments_of
from passerelle_hw.serial.values.eye import Addition, Prism, Refraction, Setting
from passerelle_hw.serial.values.field import matched

if TYPE_CHECKING:
    from passerelle_hw.serial.values.eye import Eye

#: A lens that is measured alone is of neither eye.
_EYES: Final[dict[str, Eye | None]] = {"  ": None, " R": "right", " L": "left"}
_AXIS_LIMIT: Final = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleLens:
    """The power of a lens that was measured as neither the right nor the left one."""

    sphere_d: Decimal  #: dioptres
    cylinder_d: Decimal  #: dioptres
    axis_deg: int


LensValue = Refraction | SingleLens | Addition | Prism


@dataclass(frozen=True, slots=True, kw_only=True)
class LensReport:
    """One printout."""

    model: str
    values: tuple[LensValue, ...]
    other: tuple[str, ...]  #: segments of which nothing is made here: date, second addition, errors


def lens_report(body: bytes) -> LensReport:
    """What a message says.

    Raises:
        Damaged: Anything in it is not as the manual says; nothing of it is to be used.
    """
    code, segments = segments_of(body)
    if code != "DLM" or not segments:
        msg = "no message of a lensmeter"
        raise Damaged(msg)
    model = matched(r"IDNIDEK/([!-~]+)", segments[0], "the model")[1]
    values: list[LensValue] = []
    other: list[str] = []
    rest = segments[1:]
    while rest:
        found, count = _value(rest)
        values += [found] if found else []
        other += [] if found else rest[:count]
        rest = rest[count:]
    return LensReport(model=model, values=tuple(values), other=tuple(other))


def _value(segments: list[str]) -> tuple[LensValue | None, int]:
    """The value that the first segments give, if any, and how many they are."""
    code = segments[0][:2]
    if code in _EYES:
        return _lens(segments[0]), 1
    if code in ("AR", "AL"):
        found = matched(r"..(\d\d\.\d\d)", segments[0], "an addition")
        return Addition(of=_of(code), add_d=Decimal(found[1])), 1
    across = re.fullmatch(r"P[RL](\d\d\.\d\d)([IO])", segments[0], re.ASCII)
    if across:  # as base in or out, the vertical part follows; other settings are not read
        along = matched(code + r"(\d\d\.\d\d)([UD])", "".join(segments[1:2]), "a prism")
        inwards, upwards = Decimal(across[1]), Decimal(along[1])
        prism = Prism(
            of=_of(code),
            inwards=inwards if across[2] == "I" else -inwards,
            upwards=upwards if along[2] == "U" else -upwards,
        )
        return prism, 2
    return None, 1


def _of(code: str) -> Setting:
    return Setting(kind="lens", eye="right" if code[1] == "R" else "left")


def _lens(segment: str) -> Refraction | SingleLens:
    found = matched(r"(..)([+-]\d\d\.\d\d)([+-]\d\d\.\d\d)(\d{3})", segment, "the power of a lens")
    sphere, cylinder, axis = Decimal(found[2]), Decimal(found[3]), int(found[4])
    if axis > _AXIS_LIMIT:
        msg = "an axis of more than 180 degrees"
        raise Damaged(msg)
    eye = _EYES[found[1]]
    if eye is None:
        return SingleLens(sphere_d=sphere, cylinder_d=cylinder, axis_deg=axis)
    of = Setting(kind="lens", eye=eye)
    return Refraction(of=of, sphere_d=sphere, cylinder_d=cylinder, axis_deg=axis)
