"""When the frames of a sequence were taken, as the sidecar, the profile or the file says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from passerelle.dicom.identify import elements
from passerelle.dicom.pixels import time_vector
from passerelle.errors import EncodingError, IdentityError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from passerelle.dicom.picture import Picture
    from passerelle.dicom.request import Wrapping

_KEYWORDS: Final = ("FrameTimeVector", "FrameTime")


def timed(wrapping: Wrapping, picture: Picture) -> Picture:
    """The picture with the times that were said of its frames; they go before the file's own.

    Raises:
        EncodingError: They are not as many as the frames.
        IdentityError: Nobody said any, and a clip cannot be without (PS3.3 C.7.6.5).
    """
    if picture.frame_count == 1:
        return picture
    times = _said(wrapping, picture.frame_count) or picture.frame_times_ms
    if picture.is_clip and not times:
        msg = "clip: FrameTimeVector or FrameTime must be said, in the sidecar or the profile"
        raise IdentityError(msg)
    if len(set(times)) < 2 or time_vector(times):  # noqa: PLR2004 - even times need no vector
        return replace(picture, frame_times_ms=times)
    note = f"{picture.frame_count} frames are too many to time each: they have the mean FrameTime"
    return replace(picture, frame_times_ms=times, notes=(*picture.notes, note))


def _said(wrapping: Wrapping, count: int) -> tuple[float, ...]:
    for part, attributes in (
        ("identity", wrapping.attributes),
        (f"profile {wrapping.profile.name}", wrapping.profile.attributes),
    ):
        given = {key: attributes[key] for key in _KEYWORDS if key in attributes}
        if times := _lasting(elements(given, part), count):
            return times
    return ()


def _lasting(said: Dataset, count: int) -> tuple[float, ...]:
    """How long each frame lasts, from how long after the one before it came."""
    vector = said.get("FrameTimeVector")
    if vector is None:
        each = said.get("FrameTime")
        return (float(each),) * count if each else ()
    since = [float(time) for time in ([vector] if isinstance(vector, float) else vector)]
    if len(since) != count:
        msg = f"clip: FrameTimeVector has {len(since)} times for {count} frames"
        raise EncodingError(msg)
    if min(since) < 0:
        msg = "clip: FrameTimeVector goes back in time"
        raise EncodingError(msg)
    after = since[1:]
    return (*after, round(sum(after) / len(after), 3))
