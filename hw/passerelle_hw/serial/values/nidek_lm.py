"""What a NIDEK lensmeter of the LM-1000 kind sends: the power of spectacle lenses.

After NIDEK's "LM-1000/1000P/1200 USB Interface Manual", December 2010, 31001*RTZ002E/E, section
2.2. `nidek.NidekChecked` finds the messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import segments_of
from passerelle_hw.serial.values.eye import Refraction, Setting
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LensReport:
    """One printout."""

    model: str
    values: tuple[Refraction | SingleLens, ...]
    other: tuple[str, ...]  #: segments of which nothing is made here: date, prism, addition, errors


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
    lenses = [segment for segment in segments[1:] if segment[:2] in _EYES]
    return LensReport(
        model=model,
        values=tuple(_lens(segment) for segment in lenses),
        other=tuple(segment for segment in segments[1:] if segment[:2] not in _EYES),
    )


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
