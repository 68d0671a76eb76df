"""Printouts laid out as the RT-5100's interface manual says, with invented values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D  # noqa: N817 - the table below is of them

import pytest

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import Nidek
from passerelle_hw.serial.values.eye import (
    Addition,
    CornealPower,
    Keratometry,
    Pressure,
    Prism,
    PupillaryDistance,
    Refraction,
    Setting,
)
from passerelle_hw.serial.values.nidek_rt import refractor_report
from serial_support import bodies, fed

HEADING = "NIDEK RT-5100 ID         417 DA2026/ 9/23 1"

LENS_RIGHT = Setting(kind="lens", eye="right")
FINAL_LEFT = Setting(kind="prescribed", eye="left")


def body(*lines: str) -> bytes:
    return b"\x02".join(line.encode() + b"\r" for line in lines)


#: Sections 4.3.1 to 4.3.5 and their formats in 4.4; every value is invented.
LINES = [
    ("@LM", None),
    (
        " R+ 2.00- 1.25 50",
        Refraction(of=LENS_RIGHT, sphere_d=D(2), cylinder_d=D("-1.25"), axis_deg=50),
    ),
    ("PRI 1.00D 0.50", Prism(of=LENS_RIGHT, inwards=D(1), upwards=D("-0.5"))),
    ("VR 0.63", None),
    ("@rm", None),
    (
        "OL-10.25  0.00180",
        Refraction(
            of=Setting(kind="objective", eye="left", is_night=True),
            sphere_d=D("-10.25"),
            cylinder_d=D(0),
            axis_deg=180,
        ),
    ),
    (
        "PD64.0        ",
        PupillaryDistance(kind="objective", is_near=False, is_night=True, both_mm=D(64)),
    ),
    ("@RT", None),
    (
        "fR  0.00- 0.50  0",
        Refraction(
            of=Setting(kind="subjective", eye="right"),
            sphere_d=D(0),
            cylinder_d=D("-0.5"),
            axis_deg=0,
        ),
    ),
    (
        "nr+ 1.50- 0.50 65",
        Refraction(
            of=Setting(kind="subjective", eye="right", is_near=True),
            sphere_d=D("1.5"),
            cylinder_d=D("-0.5"),
            axis_deg=65,
        ),
    ),
    (
        "FL+ 6.00- 2.25 80",
        Refraction(of=FINAL_LEFT, sphere_d=D(6), cylinder_d=D("-2.25"), axis_deg=80),
    ),
    ("AL+ 1.25", Addition(of=FINAL_LEFT, add_d=D("1.25"))),
    (
        "Pd59.530.029.5",
        PupillaryDistance(
            kind="prescribed",
            is_near=True,
            both_mm=D("59.5"),
            right_mm=D(30),
            left_mm=D("29.5"),
        ),
    ),
    ("TT 230", None),
    ("@KM", None),
    (
        "CR07.8508.01 90",
        Keratometry(eye="right", first_mm=D("7.85"), second_mm=D("8.01"), axis_deg=90),
    ),
    ("DL43.2542.00", CornealPower(eye="left", first_d=D("43.25"), second_d=D(42))),
    ("@NT", None),
    ("TR15.3", Pressure(eye="right", value=D("15.3"), unit="mmHg")),
    ("tL2.04", Pressure(eye="left", value=D("2.04"), unit="kPa")),
]


def test_every_line_of_the_manual_gives_its_value() -> None:
    message = b"\x01" + body(HEADING, *(line for line, _ in LINES)) + b"\x04"
    (found,) = bodies(fed(Nidek(), message, range(len(message))))
    report = refractor_report(found)
    assert (report.patient_id, report.date, report.system) == ("417", dt.date(2026, 9, 23), 1)
    assert list(report.values) == [value for _, value in LINES if value]
    assert report.other == ("VR 0.63", "TT 230"), "what is not read is not lost"


def test_a_heading_in_lines_is_read_too() -> None:
    report = refractor_report(body("NIDEK RT-5100", "ID0417", "DA2026/11/ 3", "@NT", "TR15.3"))
    assert (report.patient_id, report.date, report.system) == ("0417", dt.date(2026, 11, 3), None)
    assert len(report.values) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["NIDEK RT-9999 ID         417 DA2026/ 9/23 1"],
        ["NIDEK RT-5100 ID 417 DA2026/ 9/23 1"],
        ["NIDEK RT-5100 ID         417 DA2026/ 2/30 1"],
        ["NIDEK RT-5100", "ID1", "DA2026/11/ 3"],
        [HEADING, "@XX"],
        [HEADING, "@LM", " R+ 2.00- 1.25 5"],
        [HEADING, "@LM", " R+ 2.00- 1.25181"],
        [HEADING, "@LM", " R+ 2.0O- 1.25 50"],
        [HEADING, "@LM", "PRX 1.00D 0.50"],
        [HEADING, "@RM", "PD6.40        "],
        [HEADING, "@RT", "AL 1.25"],
        [HEADING, "@KM", "CR07.8508.01 9 "],
        [HEADING, "@NT", "TR1 .3"],
        [HEADING, "@NT", "tR15.3"],
    ],
)
def test_one_field_that_is_not_as_the_manual_says_refuses_the_whole_printout(
    lines: list[str],
) -> None:
    with pytest.raises(Damaged):
        refractor_report(body(*lines))


def test_every_character_of_a_value_counts() -> None:
    line = "OL-10.25- 0.50180"
    for at in range(2, len(line)):
        changed = line[:at] + "x" + line[at + 1 :]
        with pytest.raises(Damaged):
            refractor_report(body(HEADING, "@RM", changed))
