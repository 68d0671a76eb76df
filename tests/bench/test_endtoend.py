"""The benches of this topic run, with a handful of files."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from bench.endtoend import BENCHES
from bench.frames import KINDS
from bench.measure import Dose, Plan, measured
from support import need


def test_the_bench_from_folder_to_archive_measures_every_figure_or_says_why_not() -> None:
    need("storescp", "Orthanc")
    (bench,) = (one for one in BENCHES if one.name == "endtoend.jpeg")
    for row in measured(bench, Plan(runs=1, dose=Dose.TINY)):
        assert row.ours[0] > 0, row.key
        assert row.peer or "not installed" in row.absent


@pytest.mark.parametrize(("kind", "mode"), [("png", "RGB"), ("jpeg", "RGB"), ("png16", "I;16")])
def test_what_is_drawn_is_of_its_kind_and_no_two_files_are_the_same(kind: str, mode: str) -> None:
    _, draw = KINDS[kind]
    first, second = draw(2)
    assert first != second
    with Image.open(io.BytesIO(first)) as picture:
        assert picture.mode == mode
        assert picture.size == ((2048, 2048) if mode == "I;16" else (1920, 1080))
