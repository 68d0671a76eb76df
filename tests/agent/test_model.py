"""The nouns: identifiers that never change, and values that cross the pipe."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.model import CommitmentReport, Fingerprint, Origin, derived_uid

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = Origin(agent="box", source="export", name="a.png", sha256="ab" * 32)


def test_a_uid_made_today_is_the_uid_made_by_every_later_version() -> None:
    assert ORIGIN.uid() == "2.25.100974184405770165622567209968144962911"
    assert ORIGIN.uid(1) == "2.25.155415067349375315218300134232461439856"
    assert ORIGIN.id == "5cb54379294a5a59bd4fed5b37063ec8"
    assert derived_uid("study", "A1") == "2.25.279693656411196205243360080958112299242"


@pytest.mark.parametrize("field", ["agent", "source", "name", "sha256", "sidecar_sha256"])
def test_any_difference_of_origin_is_another_acquisition(field: str) -> None:
    other = replace(ORIGIN, **{field: "other"})
    assert other.uid() != ORIGIN.uid()
    assert other.id != ORIGIN.id


def test_where_one_part_ends_and_the_next_begins_makes_a_difference() -> None:
    shifted = replace(ORIGIN, agent="boxe", source="xport")
    assert shifted.uid() != ORIGIN.uid()
    assert derived_uid("a", "bc") != derived_uid("ab", "c")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(0, 10**6))
def test_every_uid_is_one_of_the_standard(name: str, number: int) -> None:
    uid = replace(ORIGIN, name=name).uid(number)
    assert re.fullmatch(r"2\.25\.(0|[1-9]\d*)", uid)
    assert len(uid) <= 64


def test_a_name_of_bytes_that_no_encoding_knows_has_an_origin_too() -> None:
    assert replace(ORIGIN, name="M\udcfcller.png").uid() != replace(ORIGIN, name="Müller.png").uid()


def test_a_rewritten_file_has_another_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    first = Fingerprint.of(path.stat())
    assert Fingerprint.of(path.stat()) == first
    path.write_bytes(b"22")
    assert Fingerprint.of(path.stat()) != first


def test_a_commitment_report_crosses_the_pipe_as_it_is() -> None:
    body = {"transaction_uid": "2.25.9", "committed": ["2.25.1"], "failed": {"2.25.2": 0x0112}}
    report = CommitmentReport.from_json(body)
    assert report.committed == ("2.25.1",)
    assert report.failed == {"2.25.2": 0x0112}
