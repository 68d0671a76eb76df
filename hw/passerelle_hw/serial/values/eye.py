"""What instruments of ophthalmology measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

Eye = Literal["right", "left", "both"]
#: A lens, an objective measurement, a subjective one, what was prescribed.
Kind = Literal["lens", "objective", "wave front", "subjective", "prescribed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Under which circumstances something was measured."""

    kind: Kind
    eye: Eye
    is_near: bool = False
    is_night: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refraction:
    """A refractive power."""

    of: Setting
    sphere_d: Decimal  #: dioptres
    cylinder_d: Decimal  #: dioptres
    axis_deg: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """The power that is added for near vision."""

    of: Setting
    add_d: Decimal  #: dioptres


@dataclass(frozen=True, slots=True, kw_only=True)
class Prism:
    """A prismatic power; outwards and downwards are negative."""

    of: Setting
    inwards: Decimal  #: prism dioptres
    upwards: Decimal  #: prism dioptres


@dataclass(frozen=True, slots=True, kw_only=True)
class PupillaryDistance:
    """The distance of the pupils, and of each from the middle where that is said."""

    kind: Kind
    is_near: bool
    is_night: bool = False
    both_mm: Decimal
    right_mm: Decimal | None = None
    left_mm: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keratometry:
    """The radii of the cornea."""

    eye: Eye
    first_mm: Decimal
    second_mm: Decimal
    axis_deg: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CornealPower:
    """The powers of the cornea."""

    eye: Eye
    first_d: Decimal  #: dioptres
    second_d: Decimal  #: dioptres


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """An intraocular pressure, in the unit in which the device gave it."""

    eye: Eye
    value: Decimal
    unit: Literal["mmHg", "kPa"]


EyeValue = Refraction | Addition | Prism | PupillaryDistance | Keratometry | CornealPower | Pressure
