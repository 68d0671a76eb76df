"""Answers of a PMX generator to its console, in the forms that its document prints."""

from __future__ import annotations

import pytest

from passerelle_hw.serial.events import Damaged
from passerelle_hw.serial.generator import Spellman, spellman_check
from passerelle_hw.serial.values.spellman import (
    Filament,
    LastExposure,
    PmxValue,
    TubeReadings,
    pmx_value,
)
from serial_support import bodies, fed


def wire(body: bytes) -> bytes:
    return b"\x02" + body + bytes([spellman_check(body)]) + b"\x03"


def test_the_check_has_the_value_that_spellman_prints() -> None:
    # Monoblock interface, 101501-695 rev. B, section 4.3; its trailing comma is a semicolon.
    assert spellman_check(b"VREF 1000;") == 0x71


@pytest.mark.parametrize(
    ("body", "value"),
    [
        # The examples of 118165-001, sections 4.4.19 and 4.5.11.
        (b"60,4095,", LastExposure(tube_kv=53.476)),
        (b"62,4095,", Filament(filament_a=6.415)),
        # Invented: other numbers, and as many digits as the sender likes.
        (b"60,0000,", LastExposure(tube_kv=0.0)),
        (b"60,02048,", LastExposure(tube_kv=2048 * 53.476 / 4095)),
        (
            b"19,1,2,3,4,5,6,7,8,9,4095,4095,12,13,0,15,16,",
            TubeReadings(tube_kv=53.476, tube_ma=213.828, filament_a=0.0),
        ),
    ],
)
def test_an_answer_is_read(body: bytes, value: PmxValue) -> None:
    (found,) = bodies(fed(Spellman(), wire(body), range(20)))
    assert pmx_value(found) == value


@pytest.mark.parametrize("body", [b"60,", b"19,", b"10,800,", b"22,1,0,"])
def test_requests_commands_and_other_answers_are_no_values(body: bytes) -> None:
    assert pmx_value(body) is None


@pytest.mark.parametrize(
    "body", [b"60,4096,", b"60,-1,", b"60,1,2,", b"60,1.5,", b"19,1,2,3,", b"62,!,"]
)
def test_an_answer_that_is_not_as_the_document_says_is_refused(body: bytes) -> None:
    with pytest.raises(Damaged):
        pmx_value(body)
