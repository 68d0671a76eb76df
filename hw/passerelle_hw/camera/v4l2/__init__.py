"""Cameras of Linux: our own layer over the kernel's Video4Linux, by ioctl and mmap alone."""

from __future__ import annotations

from passerelle_hw.camera.v4l2.camera import open_camera
from passerelle_hw.camera.v4l2.listing import SeenCamera, SeenFormat, cameras

__all__ = ["SeenCamera", "SeenFormat", "cameras", "open_camera"]
