"""What `wrap` is asked, and what it answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

from passerelle.model import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydicom.dataset import Dataset

    from passerelle.dicom.part10 import Written
    from passerelle.model import Value
    from passerelle.profile import Profile

_ARRANGED: Final = ("crop", "masks", "orientation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """One acquisition that is to become DICOM."""

    media: Path
    sha256: str
    origin: Origin
    attributes: Mapping[str, Value]  #: whose it is; empty for what carries its own identity
    equipment: Mapping[str, str]
    profile: Profile
    into: Path
    number: int  #: the Instance Number of its first instance
    acquired_at: dt.datetime  #: with its offset

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Wrapping:
        """As it crosses the pipe from the parent."""
        return cls(
            media=Path(body["media"]),
            sha256=body["sha256"],
            origin=Origin(**body["origin"]),
            attributes=body["attributes"],
            equipment=body["equipment"],
            profile=profile_of(body["profile"]),
            into=Path(body["into"]),
            number=body["number"],
            acquired_at=dt.datetime.fromisoformat(body["acquired_at"]),
        )


def profile_of(said: Mapping[str, Any]) -> Profile:
    """A profile as it crosses the pipe."""
    # The parent has read and checked it: pydantic would cost each worker 12 MB and its start.
    raw = said["raw"] and SimpleNamespace(**said["raw"])
    arranged = {key: [SimpleNamespace(**one) for one in said[key]] for key in _ARRANGED}
    return cast("Profile", SimpleNamespace(**{**said, "raw": raw, **arranged}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One instance, complete in its file, but not yet durable."""

    number: int  #: of the acquisition's instances, from 0
    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    sha256: str
    size: int
    file: Path

    @classmethod
    def of(cls, dataset: Dataset, syntax: str, written: Written, number: int = 0) -> Made:
        """An object that was written."""
        return cls(
            number=number,
            sop_instance_uid=str(dataset.SOPInstanceUID),
            sop_class_uid=str(dataset.SOPClassUID),
            study_instance_uid=str(dataset.StudyInstanceUID),
            series_instance_uid=str(dataset.SeriesInstanceUID),
            transfer_syntax_uid=syntax,
            sha256=written.sha256,
            size=written.size,
            file=written.file,
        )

    def to_json(self) -> dict[str, Any]:
        """As it crosses the pipe to the parent."""
        return {**asdict(self), "file": str(self.file)}


def answer(instances: list[Made], notes: tuple[str, ...] = ()) -> dict[str, Any]:
    """The answer of `wrap` and of `reidentify`."""
    return {"instances": [made.to_json() for made in instances], "notes": list(notes)}
