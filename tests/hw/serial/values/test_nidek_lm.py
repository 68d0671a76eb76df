"""The example of the LM-1000's interface manual, and messages laid out so with invented values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.nidek import NidekChecked
from passerelle_hw.serial.values.eye import Addition, Prism, Refraction, Setting
from passerelle_hw.serial.values.nidek_lm import SingleLens, lens_report
from serial_support import bodies, fed


def message(*segments: bytes, end: bytes = b"\x17") -> bytes:
    data = b"\x01DLM\x02" + b"".join(segment + end for segment in segments) + b"\x04"
    return data + b"%04X" % (sum(data.replace(b"\r", b"")) & 0xFFFF)


RIGHT, LEFT = Setting(kind="lens", eye="right"), Setting(kind="lens", eye="left")


def test_the_example_of_the_manual_gives_the_values_of_the_manual() -> None:
    """31001*RTZ002E/E, section 2.3 (8), page 22: bytes, sum and what was measured."""
    wire = (
        b"\x01DLM\x02IDNIDEK/LM-1000P\x17\r R-01.25-00.75120\x17\rAR02.00\x17\rPR02.50I\x17\r"
        b"PR02.00D\x17\r L-02.00-00.50180\x17\rAL02.25\x17\rPL01.25O\x17\rPL02.00U\x17\r"
        b"\x0416C1\r"
    )
    (body,) = bodies(fed(NidekChecked(), wire, range(len(wire))))
    report = lens_report(body)
    assert (report.model, report.other) == ("LM-1000P", ())
    assert report.values == (
        Refraction(of=RIGHT, sphere_d=Decimal("-1.25"), cylinder_d=Decimal("-0.75"), axis_deg=120),
        Addition(of=RIGHT, add_d=Decimal(2)),
        Prism(of=RIGHT, inwards=Decimal("2.5"), upwards=Decimal(-2)),
        Refraction(of=LEFT, sphere_d=Decimal(-2), cylinder_d=Decimal("-0.5"), axis_deg=180),
        Addition(of=LEFT, add_d=Decimal("2.25")),
        Prism(of=LEFT, inwards=Decimal("-1.25"), upwards=Decimal(2)),
    )


@pytest.mark.parametrize("end", [b"\x17", b"\x17\r"], ids=["ETB", "ETB CR"])
def test_the_lenses_of_a_message_are_read(end: bytes) -> None:
    wire = message(
        b"IDNIDEK/LM-1000P", b" R-06.50-01.50010", b" L-05.75+00.00179", b"NR+00.75", end=end
    )
    (body,) = bodies(fed(NidekChecked(), wire, range(len(wire))))
    report = lens_report(body)
    assert report.model == "LM-1000P"
    assert report.other == ("NR+00.75",)
    assert report.values == (
        Refraction(
            of=Setting(kind="lens", eye="right"),
            sphere_d=Decimal("-6.5"),
            cylinder_d=Decimal("-1.5"),
            axis_deg=10,
        ),
        Refraction(
            of=Setting(kind="lens", eye="left"),
            sphere_d=Decimal("-5.75"),
            cylinder_d=Decimal(0),
            axis_deg=179,
        ),
    )


def test_a_lens_that_was_measured_alone_is_of_neither_eye() -> None:
    (body,) = bodies(fed(NidekChecked(), message(b"IDNIDEK/LM-1000", b"  +01.00+00.00000")))
    assert lens_report(body).values == (
        SingleLens(sphere_d=Decimal(1), cylinder_d=Decimal(0), axis_deg=0),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"DRM\x02IDNIDEK/ARK-1\x17",
        b"DLM\x02 R-06.50-01.50010\x17",
        b"DLM\x02IDNIDEK/LM-7\x17 R-06.50-01.50181\x17",
        b"DLM\x02IDNIDEK/LM-7\x17 R-06.50-01.5010\x17",
        b"DLM\x02IDNIDEK/LM-7\x17 R 06.50-01.50010\x17",
        b"DLM\x02IDNIDEK/LM-7\x17AR2.00\x17",
        b"DLM\x02IDNIDEK/LM-7\x17PR02.50I\x17",
        b"DLM\x02IDNIDEK/LM-7\x17PR02.50I\x17PL02.00U\x17",
        b"DLM\x02IDNIDEK/LM-7",
        b"DLM",
    ],
)
def test_what_is_not_as_the_manual_says_is_refused(body: bytes) -> None:
    with pytest.raises(Damaged):
        lens_report(body)
