"""A device that does not exist: it leaves pictures in a folder as real ones do."""

from __future__ import annotations

import io
import itertools
import json
import time
from typing import TYPE_CHECKING, Final

from passerelle_hw import pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Invented, in several scripts: a gateway must not care.
PATIENTS: Final = (
    {"PatientID": "000417", "PatientName": "Exemple^Marie", "PatientSex": "F",
     "PatientBirthDate": "19610804"},
    {"PatientID": "001093", "PatientName": "Müller^Jörg", "PatientSex": "M",
     "PatientBirthDate": "19700131"},
    {"PatientID": "002718", "PatientName": "Wiśniewska^Łucja", "PatientSex": "F",
     "PatientBirthDate": "19880229"},
    {"PatientID": "003142", "PatientName": "Ωμέγας^Νίκος", "PatientSex": "M",
     "PatientBirthDate": "19551112"},
    {"PatientID": "004669", "PatientName": "Yamada^Tarou=山田^太郎", "PatientSex": "M",
     "PatientBirthDate": "19930517"},
)  # fmt: skip
_EXAMS: Final = {
    "ultrasound": "Echocardiography",
    "endoscopy": "Colonoscopy",
    "radiograph": "Chest, one view",
    "cine": "Echocardiography, loop",
}
_PIECES: Final = 8


class SimulatedModality:
    """Draws pictures and writes them with every habit that devices have.

    By turns: at once; piece by piece under the final name; under a temporary name, then renamed.
    The sidecar comes before the picture or after it. Equal seeds give equal files.
    """

    def __init__(
        self,
        folder: Path,
        seed: int = 0,
        *,
        sidecars: bool = True,
        pause_s: float = 0.2,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._sidecars = sidecars
        self._pause_s = pause_s
        self._pause = pause
        self._numbers = itertools.count(1)

    def acquire(self, count: int = 1) -> Iterator[Path]:
        """Make `count` acquisitions; each path is yielded once its file is all there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.islice(self._numbers, count):
            kind = list(_EXAMS)[(number - 1) % len(_EXAMS)]
            suffix, data = self._draw(kind, number)
            path = self._folder / f"IMG_{number:04}{suffix}"
            sidecar_first = number % 2 == 0
            if self._sidecars and sidecar_first:
                self._write_sidecar(path, kind, number)
            self._write(path, data, habit=number % 3)
            if self._sidecars and not sidecar_first:
                self._write_sidecar(path, kind, number)
            yield path

    def _draw(self, kind: str, number: int) -> tuple[str, bytes]:
        import numpy as np  # noqa: PLC0415 - see pictures

        random = np.random.default_rng([self._seed, number])
        file = io.BytesIO()
        match kind:
            case "ultrasound":
                pictures.ultrasound(random, phase=random.random()).save(file, "PNG")
                return ".png", file.getvalue()
            case "endoscopy":
                pictures.endoscopy(random).save(file, "JPEG", quality=92)
                return ".jpg", file.getvalue()
            case "radiograph":
                pictures.radiograph(random).save(file, "TIFF")
                return ".tif", file.getvalue()
            case _:
                first, *rest = [pictures.ultrasound(random, phase=n / 8) for n in range(8)]
                first.save(file, "TIFF", save_all=True, append_images=rest, compression="packbits")
                return ".tif", file.getvalue()

    def _write(self, path: Path, data: bytes, *, habit: int) -> None:
        match habit:
            case 0:
                path.write_bytes(data)
            case 1:
                self._write_slowly(path, data)
            case _:
                growing = path.with_name(f"{path.name}.part")
                self._write_slowly(growing, data)
                growing.replace(path)

    def _write_slowly(self, path: Path, data: bytes) -> None:
        piece = -(-len(data) // _PIECES)
        with path.open("wb") as file:
            for start in range(0, len(data), piece):
                file.write(data[start : start + piece])
                file.flush()
                self._pause(self._pause_s)

    def _write_sidecar(self, path: Path, kind: str, number: int) -> None:
        table = {
            **PATIENTS[(self._seed + number) % len(PATIENTS)],
            "AccessionNumber": f"SIM{self._seed:04}{number:05}",
            "StudyDescription": _EXAMS[kind],
        }
        text = json.dumps(table, ensure_ascii=False, indent=1)
        path.with_name(f"{path.name}.json").write_text(text, "utf-8")
