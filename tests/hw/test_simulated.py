"""The simulated device behaves as devices do, and draws what can be looked at."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from passerelle_hw.simulated import PATIENTS, SimulatedModality

if TYPE_CHECKING:
    from pathlib import Path


def modality(folder: Path, seed: int = 0, *, sidecars: bool = True) -> SimulatedModality:
    return SimulatedModality(folder, seed, sidecars=sidecars, pause=lambda _: None)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(modality(tmp_path_factory.mktemp("device")).acquire(4))


def test_it_leaves_pictures_of_every_kind_that_can_be_read(paths: list[Path]) -> None:
    opened = [Image.open(path) for path in paths]
    assert [(one.format, one.mode, getattr(one, "n_frames", 1)) for one in opened] == [
        ("PNG", "RGB", 1),
        ("JPEG", "RGB", 1),
        ("TIFF", "I;16", 1),
        ("TIFF", "RGB", 8),
    ]
    for picture in opened:
        pixels = np.asarray(picture, dtype=float)
        assert pixels.std() > 30, "there is something to see"
        picture.close()


def test_each_has_a_sidecar_with_an_invented_patient(paths: list[Path]) -> None:
    known = {patient["PatientID"] for patient in PATIENTS}
    for path in paths:
        table = json.loads(path.with_name(path.name + ".json").read_text("utf-8"))
        assert table["PatientID"] in known
        assert re.fullmatch(r"SIM\d{9}", table["AccessionNumber"])
    assert not list(paths[0].parent.glob("*.part"))


def test_equal_seeds_give_equal_files_and_others_do_not(tmp_path: Path) -> None:
    first, again, other = (
        [path.read_bytes() for path in modality(tmp_path / name, seed).acquire(2)]
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert first == again
    assert first != other


def test_a_second_series_goes_on_counting(tmp_path: Path) -> None:
    device = modality(tmp_path, sidecars=False)
    names = [path.name for _ in range(2) for path in device.acquire(1)]
    assert names == ["IMG_0001.png", "IMG_0002.jpg"]
    assert len(list(tmp_path.iterdir())) == 2


def test_some_are_written_slowly_under_their_own_name_and_some_are_renamed(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    device = SimulatedModality(
        tmp_path,
        sidecars=False,
        pause=lambda _: seen.append(sorted(path.name for path in tmp_path.iterdir())),
    )
    list(device.acquire(3))
    assert ["IMG_0001.png"] in seen
    assert ["IMG_0001.png", "IMG_0002.jpg.part"] in seen
    assert not any("IMG_0003.tif" in names for names in seen), "at once"
