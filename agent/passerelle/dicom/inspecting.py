"""What is in a file, without making anything of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from passerelle.dicom.reading import kind, read
from passerelle.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passerelle.dicom.picture import Picture


def inspect(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a profile would see in a file: its format, and the size and depth of its frames.

    Every frame is decoded, so that what is said here holds when the file is wrapped.

    Raises:
        EncodingError: Nothing can be made of it, and why.
        Changed: It cannot be read.
    """
    media, profile = Path(body["media"]), Profile.model_validate(body["profile"], strict=False)
    match kind(media, profile):
        case "pdf":
            return {"format": "PDF", "frames": 0, "notes": []}
        case "part10":
            from passerelle.dicom.stored import describe  # noqa: PLC0415 - pydicom starts slowly

            return {"format": "DICOM", "notes": [], **describe(media)}
        case "video":
            return _filmed(media)
        case "picture":
            return _pictured(read(media, profile))


def _filmed(media: Path) -> dict[str, Any]:
    from passerelle.dicom.video import read_video  # noqa: PLC0415 - pydicom starts slowly

    film = read_video(media)
    return {
        "format": "MP4",
        "frames": film.frame_count,
        "instances": 1,
        "rows": film.rows,
        "columns": film.columns,
        "samples": film.samples,
        "bits_stored": film.bits_stored,
        "photometric": film.photometric,
        "lossy": True,
        "verbatim": True,
        "attributes": {},
        "notes": list(film.notes),
    }


def _pictured(pictures: list[Picture]) -> dict[str, Any]:
    first = pictures[0]
    return {
        "format": first.format,
        "frames": sum(1 for picture in pictures for _ in picture.frames()),
        "instances": len(pictures),
        "rows": first.rows,
        "columns": first.columns,
        "samples": first.samples,
        "bits_stored": first.bits_stored,
        "photometric": first.photometric,
        "lossy": first.was_lossy,
        "verbatim": first.verbatim_syntax is not None,
        "attributes": dict(first.attributes),
        "notes": list(dict.fromkeys(note for picture in pictures for note in picture.notes)),
    }
