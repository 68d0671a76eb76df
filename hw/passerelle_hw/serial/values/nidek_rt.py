"""What a NIDEK RT-5100 prints to its PC port: refraction, keratometry and pressure of a patient.

After NIDEK's "RT-5100 RS-232C Interface Manual", June 2012, MRT10*RTZ001J/E, section 4. It passes
on what its lensmeter, autorefractor, keratometer and tonometer measured. `nidek.Nidek` finds the
messages; let the port report parity errors (2400 bit/s, 7E2), for nothing else checks the digits.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import lines_of
from passerelle_hw.serial.values.eye import (
    Addition,
    CornealPower,
    Eye,
    EyeValue,
    Keratometry,
    Kind,
    Pressure,
    Prism,
    PupillaryDistance,
    Refraction,
    Setting,
)
from passerelle_hw.serial.values.field import axis, matched, power

if TYPE_CHECKING:
    from collections.abc import Iterator

_EYES: Final[dict[str, Eye]] = {"R": "right", "L": "left", "B": "both"}
_DATE: Final = r"DA(\d{4})/([ \d]\d)/([ \d]\d)(?: ?([ \d]?\d))?"
#: 4.2; what the refractor itself measured is told apart line by line.
_SECTIONS: Final[dict[str, Kind]] = {"LM": "lens", "RM": "objective", "WF": "wave front"}
_REFRACTOR: Final = "RT"
#: 4.3.1 to 4.3.3: the first character of refractions.
_SPHERES: Final[dict[str, tuple[str, ...]]] = {
    "lens": (" ",),
    "objective": ("O",),
    "wave front": ("O",),
    "subjective": ("f", "n"),
    "prescribed": ("F", "N"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefractorReport:
    """One printout."""

    patient_id: str
    date: dt.date
    system: int | None  #: number of the system, where it is said
    values: tuple[EyeValue, ...]
    other: tuple[str, ...]  #: lines of which nothing is made here: acuity, phorias, tests, times


def refractor_report(body: bytes) -> RefractorReport:
    """What a message says.

    Raises:
        Damaged: Anything in it is not as the manual says; nothing of it is to be used.
    """
    lines = lines_of(body)
    patient_id, date, system, rest = _heading(lines)
    values: list[EyeValue] = []
    other: list[str] = []
    section = ""
    for line in rest:
        if line.startswith("@"):
            section = matched(r"@(LM|lm|RM|rm|WF|wf|RT|rt|KM|NT)", line, "a data source")[1]
            continue
        found = list(_values(section, line))
        values += found
        if not found:
            other.append(line)
    return RefractorReport(
        patient_id=patient_id, date=date, system=system, values=tuple(values), other=tuple(other)
    )


def _heading(lines: list[str]) -> tuple[str, dt.date, int | None, list[str]]:
    """Patient, date, number of the system, and the lines that follow (4.1)."""
    if lines[0] == "NIDEK RT-5100" and len(lines) > 2:  # noqa: PLR2004 - ID and DA follow
        patient = matched(r"ID(.{4,20})", lines[1], "the ID")[1]
        date, rest = lines[2], lines[3:]
    else:
        found = matched(r"NIDEK RT-5100 ID(.{12}) (DA.*)", lines[0], "the heading")
        patient, date, rest = found[1], found[2], lines[1:]
    parts = matched(_DATE, date, "the date")
    try:
        day = dt.date(int(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError:
        msg = "a day that does not exist"
        raise Damaged(msg) from None
    return patient.strip(), day, int(parts[4]) if parts[4] else None, rest


def _values(section: str, line: str) -> Iterator[EyeValue]:
    match section.upper():
        case "KM":
            yield from _cornea(line)
        case "NT":
            yield from _pressure(line)
        case "":
            return
        case source:
            yield from _refraction(source, line, is_night=section.islower())


def _refraction(source: str, line: str, *, is_night: bool) -> Iterator[EyeValue]:
    code, side, data = line[:1], line[1:2], line[2:]
    kind = _SECTIONS.get(source) or ("subjective" if code.islower() else "prescribed")
    if code in ("P", "p") and side in ("D", "d"):
        distance = _pupils(kind, data, is_near=side == "d")
        yield replace(distance, is_night=is_night)
        return
    if side.upper() not in _EYES:
        return
    of = Setting(kind=kind, eye=_EYES[side.upper()], is_near=side.islower(), is_night=is_night)
    if code in _SPHERES[kind]:
        is_near = of.is_near or code in ("n", "N")
        yield _sphere(replace(of, is_near=is_near), data)
    elif code in ("A", "a") and source in ("LM", _REFRACTOR):
        yield Addition(of=of, add_d=power(data))
    elif code in ("P", "p") and source in ("LM", _REFRACTOR):
        yield _prism(of, data)


def _sphere(of: Setting, data: str) -> Refraction:
    """4.4.1."""
    matched(r".{15}", data, "a refraction")
    return Refraction(
        of=of, sphere_d=power(data[:6]), cylinder_d=power(data[6:12]), axis_deg=axis(data[12:])
    )


def _prism(of: Setting, data: str) -> Prism:
    """4.4.5: In or Out, then Up or Down, in place of a sign."""
    matched(r"[IO ][ \d]\d\.\d\d[UD ][ \d]\d\.\d\d", data, "a prism")
    signs = str.maketrans("IOUD", "+-+-")
    return Prism(
        of=of,
        inwards=power(data[:6].translate(signs)),
        upwards=power(data[6:].translate(signs)),
    )


def _pupils(kind: Kind, data: str, *, is_near: bool) -> PupillaryDistance:
    """4.4.6."""
    found = matched(r"(\d\d\.\d)(?: {8}|(\d\d\.\d)(\d\d\.\d))", data, "a pupillary distance")
    both, right, left = (Decimal(part) if part else None for part in found.groups())
    return PupillaryDistance(
        kind=kind, is_near=is_near, both_mm=both or Decimal(0), right_mm=right, left_mm=left
    )


def _cornea(line: str) -> Iterator[EyeValue]:
    """4.3.4 and 4.4.27."""
    code, side, data = line[:1], line[1:2], line[2:]
    if side not in _EYES:
        return
    if code == "C":
        found = matched(r"(\d\d\.\d\d)(\d\d\.\d\d)(.{3})", data, "radii of a cornea")
        yield Keratometry(
            eye=_EYES[side],
            first_mm=Decimal(found[1]),
            second_mm=Decimal(found[2]),
            axis_deg=axis(found[3]),
        )
    elif code == "D":
        found = matched(r"(\d\d\.\d\d)(\d\d\.\d\d)", data, "powers of a cornea")
        yield CornealPower(eye=_EYES[side], first_d=Decimal(found[1]), second_d=Decimal(found[2]))


def _pressure(line: str) -> Iterator[EyeValue]:
    """4.3.5 and 4.4.28."""
    code, side, data = line[:1], line[1:2], line[2:]
    if side not in _EYES:
        return
    if code == "T":
        found = matched(r"\d\d\.\d", data, "a pressure in mmHg")
        yield Pressure(eye=_EYES[side], value=Decimal(found[0]), unit="mmHg")
    elif code == "t":
        found = matched(r"\d\.\d\d", data, "a pressure in kPa")
        yield Pressure(eye=_EYES[side], value=Decimal(found[0]), unit="kPa")
