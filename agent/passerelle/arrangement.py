"""What a profile has done to a device's picture: parts masked, cut off, or the whole turned."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Side = Annotated[int, Field(ge=1, le=65535)]
Offset = Annotated[int, Field(ge=0, le=65534)]
Box = tuple[Offset, Offset, Side, Side]


class Strict(BaseModel):
    """A table of the profile; nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sized(Strict):
    """Something that holds for pictures of one size only, and is never scaled to another."""

    size: tuple[Side, Side] = Field(description="Columns and rows of the device's picture.")


class Crop(Sized):
    """The part of a picture that is kept."""

    box: Box = Field(description="Left, top, columns and rows of what is kept.")

    @model_validator(mode="after")
    def _fits(self) -> Crop:
        _check_within(self.box, self.size)
        return self


class Mask(Sized):
    """Parts of a picture that are made black."""

    boxes: tuple[Box, ...] = Field(
        min_length=1, description="Left, top, columns and rows of each area that is made black."
    )
    covers_all_text: bool = Field(
        default=False,
        description="The boxes hold all text that the device burns in: BurnedInAnnotation is NO.",
    )

    @model_validator(mode="after")
    def _fit(self) -> Mask:
        for box in self.boxes:
            _check_within(box, self.size)
        return self


class Orientation(Sized):
    """How a picture is turned."""

    rotate: Literal[0, 90, 180, 270] = Field(0, description="Degrees, clockwise.")
    flip: Literal["", "horizontal", "vertical"] = Field(
        "", description="After the turn: horizontal changes left and right."
    )


_One = TypeVar("_One", bound=Sized)


def each_size_once(said: tuple[_One, ...]) -> tuple[_One, ...]:
    """Refuse two entries for pictures of one size.

    Raises:
        ValueError: There are.
    """
    sizes = [one.size for one in said]
    for size in sizes:
        if sizes.count(size) > 1:
            msg = f"size {list(size)} is there twice"
            raise ValueError(msg)
    return said


def _check_within(box: Box, size: tuple[int, int]) -> None:
    left, top, columns, rows = box
    if left + columns > size[0] or top + rows > size[1]:
        msg = f"the box {list(box)} reaches beyond the picture of {size[0]} x {size[1]}"
        raise ValueError(msg)
