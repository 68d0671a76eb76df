"""Stills and clips become files: the camera's own bytes where it compresses, else lossless."""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol, cast

from passerelle_hw.camera import folder
from passerelle_hw.camera.captured import Captured
from passerelle_hw.camera.convert import bits_of, picture
from passerelle_hw.camera.jpeg import without_padding
from passerelle_hw.camera.tiff import Pages, Samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from passerelle_hw.camera.frame import Format, Frame
    from passerelle_hw.camera.tiff import Mode
    from passerelle_hw.camera.wish import ClipBegun, ClipEnded, Still
    from passerelle_hw.trigger.press import Press


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A clip that is whole as it was taken, and where in its file each frame is."""

    captured: Captured
    format: Format  #: of the camera
    samples: Samples | None  #: of a page; None: JPEGs
    offsets: array[int]
    sizes: array[int]


def write_still(into: Path, still: Still, wall: Callable[[float], float]) -> Captured:
    """Write a frame as a picture.

    Raises:
        OSError: The disk has no room or is gone.
    """
    frame = still.frame
    is_jpeg = frame.format.pixels == "MJPG"
    file = into / (folder.new_name("still") + (".jpg" if is_jpeg else ".png"))
    part = file.with_name(file.name + folder.PART)
    try:
        with part.open("wb") as opened:
            if is_jpeg:
                opened.write(without_padding(frame.data))
                columns, rows = frame.format.columns, frame.format.rows
            else:
                shown = picture(frame)
                columns, rows = shown.size
                shown.save(opened, "PNG", compress_level=1)
            folder.settle(opened)
        captured = Captured(
            file=file,
            kind="still",
            taken_at=wall(frame.at_s),
            pressed_at=wall(still.press.at_s),
            columns=columns,
            rows=rows,
            pixel_aspect=frame.format.pixel_aspect,
            bits=bits_of(frame.format),
        )
        folder.publish(part, captured)
    except OSError:
        folder.discard([part])
        raise
    return captured


class Layout(Protocol):
    """How the frames of a clip lie in its file."""

    samples: Samples | None

    @property
    def end(self) -> int:
        """Where the last whole frame ends."""

    def has_room_for(self, frame: Frame) -> bool:
        """Whether the file can hold one more."""

    def add(self, frame: Frame) -> tuple[int, int]:
        """Write one frame: where it begins, and how long it is."""


class Jpegs:
    """JPEGs, one after the other."""

    samples: Samples | None = None

    def __init__(self, file: IO[bytes]) -> None:
        self.end = 0
        self._file = file

    def has_room_for(self, frame: Frame) -> bool:
        """Whether the file can hold one more: always."""
        return bool(frame.data)

    def add(self, frame: Frame) -> tuple[int, int]:
        """Write one, as the camera gave it: where it begins, and how long it is."""
        data = without_padding(frame.data)
        start = self.end
        folder.write_all(self._file, data)
        self.end += len(data)
        return start, len(data)


class Pictures:
    """Pages of a TIFF."""

    samples: Samples | None = None

    def __init__(self, file: IO[bytes]) -> None:
        self._pages = Pages(file)

    @property
    def end(self) -> int:
        """Where the last whole page ends."""
        return self._pages.end

    def has_room_for(self, frame: Frame) -> bool:
        """Whether the file can hold one more: it ends at 4 GiB."""
        del frame
        return self.samples is None or self._pages.has_room_for(self.samples)

    def add(self, frame: Frame) -> tuple[int, int]:
        """Write one as a page: where its samples begin, and how long they are."""
        shown = picture(frame)
        self.samples = Samples(*shown.size, cast("Mode", shown.mode))
        self._pages.add(shown.tobytes(), self.samples)
        return self._pages.offsets[-1], self.samples.bytes


class ClipFile:
    """A clip that is written while it is taken. One thread uses it."""

    def __init__(self, into: Path, begun: ClipBegun) -> None:
        """Begin the file with the first frame.

        Raises:
            OSError: The disk has no room or is gone.
        """
        self._begun = begun
        is_jpeg = begun.frame.format.pixels == "MJPG"
        name = folder.new_name("clip") + (".mjpeg" if is_jpeg else ".tif")
        self._final = into / name
        self._part = self._final.with_name(name + folder.PART)
        self._offsets, self._sizes = array("Q"), array("Q")
        # Without a buffer: what was written of a frame that found no room can be cut off.
        self._file = self._part.open("wb", buffering=0)
        try:
            self._layout: Layout = Jpegs(self._file) if is_jpeg else Pictures(self._file)
            self.add(begun.frame)
        except BaseException:
            self.discard()
            raise

    @property
    def press(self) -> Press:
        """What it was taken for."""
        return self._begun.press

    def has_room_for(self, frame: Frame) -> bool:
        """Whether the file can hold one more."""
        return self._layout.has_room_for(frame)

    def add(self, frame: Frame) -> None:
        """Write the next frame.

        Raises:
            OSError: The disk has no room or is gone; the frames before it are kept by `finish`.
        """
        offset, size = self._layout.add(frame)
        self._offsets.append(offset)
        self._sizes.append(size)

    def finish(self, ended: ClipEnded, wall: Callable[[float], float]) -> Taken:
        """Give it its name, with the frames that were written.

        Raises:
            OSError: The disk has no room or is gone; nothing is left then.
        """
        given = self._begun.frame.format
        samples, count = self._layout.samples, len(self._offsets)
        captured = Captured(
            file=self._final,
            kind="clip",
            taken_at=wall(self._begun.frame.at_s),
            pressed_at=wall(self._begun.press.at_s),
            columns=samples.columns if samples else given.columns,
            rows=samples.rows if samples else given.rows,
            frames=count,
            frame_times_ms=ended.frame_times_ms[:count],
            missing=ended.missing,
            pixel_aspect=given.pixel_aspect,
            bits=bits_of(given),
        )
        try:
            with self._file:
                self._file.truncate(self._layout.end)
                folder.settle(self._file)
            folder.publish(self._part, captured)
        except OSError:
            self.discard()
            raise
        return Taken(
            captured=captured,
            format=given,
            samples=samples,
            offsets=self._offsets,
            sizes=self._sizes,
        )

    def discard(self) -> None:
        """Let go of it and of what was written."""
        with suppress(OSError):  # what it still had to write has no room
            self._file.close()
        folder.discard([self._part])
