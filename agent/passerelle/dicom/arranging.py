"""Masks, crops and turns pictures as the profile says, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passerelle.arrangement import Crop, Mask, Orientation, Sized
    from passerelle.dicom.picture import Picture, Samples
    from passerelle.model import Value
    from passerelle.profile import Profile

_QUARTER: Final = 90
_One = TypeVar("_One", bound="Sized")


def is_arranging(profile: Profile) -> bool:
    """Whether the profile has anything done to a device's pictures."""
    return bool(profile.crop or profile.masks or profile.orientation)


def arranged(picture: Picture, profile: Profile) -> Picture:
    """The picture as the profile wants it; frames that were encoded are decoded for that.

    Such a picture is derived from the device's own (PS3.3 C.7.6.1.1.2), and says how.

    Raises:
        EncodingError: It has another size than those for which the profile says what to do.
    """
    if not is_arranging(profile):
        return picture
    arrangement = _Arrangement(
        mask=_of_size(profile.masks, picture, "masks", profile),
        crop=_of_size(profile.crop, picture, "crop", profile),
        turn=_of_size(profile.orientation, picture, "orientation", profile),
    )
    from passerelle.dicom.pixels import decoded  # noqa: PLC0415 - the codecs, only if needed

    frames = decoded(picture).frames
    rows, columns = arrangement.shape(picture)
    return replace(
        picture,
        rows=rows,
        columns=columns,
        frames=lambda: (arrangement.apply(frame) for frame in _samples(frames())),
        photometric="RGB" if picture.samples > 1 else "MONOCHROME2",
        verbatim_syntax=None,
        verbatim_bytes=None,
        is_turned=arrangement.is_sideways,
        attributes={**picture.attributes, **arrangement.attributes(profile)},
    )


def _of_size(said: Sequence[_One], picture: Picture, key: str, profile: Profile) -> _One | None:
    size = [picture.columns, picture.rows]
    for one in said:
        if list(one.size) == size:
            return one
    if said:
        known = ", ".join(f"{one.size[0]} x {one.size[1]}" for one in said)
        msg = (
            f"profile {profile.name}: {key} is for pictures of {known}; this one has "
            f"{size[0]} x {size[1]}: give the profile an entry for that size"
        )
        raise EncodingError(msg)
    return None


def _samples(frames: Iterator[Samples | bytes]) -> Iterator[Samples]:
    for frame in frames:
        assert not isinstance(frame, bytes), "decoded above"  # noqa: S101 - for the type checker
        yield frame


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrangement:
    """What is done to each frame, in this order."""

    mask: Mask | None
    crop: Crop | None
    turn: Orientation | None

    @property
    def is_sideways(self) -> bool:
        return self.turn is not None and self.turn.rotate % 180 == _QUARTER

    def shape(self, picture: Picture) -> tuple[int, int]:
        """Rows and columns of what comes of it."""
        columns, rows = self.crop.box[2:] if self.crop else (picture.columns, picture.rows)
        return (columns, rows) if self.is_sideways else (rows, columns)

    def apply(self, frame: Samples) -> Samples:
        """One frame."""
        import numpy as np  # noqa: PLC0415 - only where there is something to do

        if self.mask:
            frame = frame.copy()  # others may hold it
            for left, top, columns, rows in self.mask.boxes:
                frame[top : top + rows, left : left + columns] = 0
        if self.crop:
            left, top, columns, rows = self.crop.box
            frame = frame[top : top + rows, left : left + columns]
        if self.turn:
            frame = np.rot90(frame, -self.turn.rotate // _QUARTER)
            if self.turn.flip:
                frame = np.flip(frame, 1 if self.turn.flip == "horizontal" else 0)
        return np.ascontiguousarray(frame)

    def attributes(self, profile: Profile) -> dict[str, Value]:
        """What the object says of it (PS3.3 C.7.6.1)."""
        said = profile.attributes.get("ImageType")
        rest = list(map(str, said[1:])) if isinstance(said, list) else []
        found: dict[str, Value] = {
            "ImageType": ["DERIVED", *(rest or ["PRIMARY"])],
            "DerivationDescription": "; ".join(self._steps()),
        }
        if self.mask and self.mask.covers_all_text:
            found["BurnedInAnnotation"] = "NO"
        return found

    def _steps(self) -> Iterator[str]:
        if self.mask:
            yield f"made black in {len(self.mask.boxes)} areas of burned-in text"
        if self.crop:
            left, top, columns, rows = self.crop.box
            yield f"cropped to {columns} x {rows} pixels from column {left}, row {top}"
        if self.turn and self.turn.rotate:
            yield f"turned clockwise by {self.turn.rotate} degrees"
        if self.turn and self.turn.flip:
            yield f"flipped {self.turn.flip}ly"
