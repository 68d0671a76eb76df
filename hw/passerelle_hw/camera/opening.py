"""Which camera a name means."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import Camera, Wanted

# Each kind is imported when it is meant: a box has one of them.


def open_camera(device: str, wanted: Wanted) -> Camera:
    """Open `test…`, a V4L2 device by its name below /dev, or whatever ffmpeg can open.

    Raises:
        CameraGone: It is not there, or cannot be used; why.
    """
    if device == "test" or device.startswith(("test:", "test?")):
        from passerelle_hw.camera import synthetic  # noqa: PLC0415

        return synthetic.open_camera(device, wanted)
    if device.startswith("/dev/"):
        from passerelle_hw.camera import v4l2  # noqa: PLC0415

        return v4l2.open_camera(device, wanted)
    from passerelle_hw.camera import ffmpeg  # noqa: PLC0415

    return ffmpeg.open_camera(device, wanted)
