"""Structures and calls of <linux/videodev2.h>, as 64-bit Linux has them."""

from __future__ import annotations

import ctypes
from ctypes import (
    Structure,
    Union,
    c_char,
    c_int32,
    c_int64,
    c_uint8,
    c_uint32,
    c_uint64,
    sizeof,
)
from typing import Final

CAPTURE: Final = 1  #: V4L2_BUF_TYPE_VIDEO_CAPTURE
MMAP: Final = 1  #: V4L2_MEMORY_MMAP
CAP_CAPTURE: Final = 0x00000001
CAP_CAPTURE_MPLANE: Final = 0x00001000
CAP_STREAMING: Final = 0x04000000
CAP_DEVICE_CAPS: Final = 0x80000000
BUFFER_ERROR: Final = 0x0040
CLOCK_MASK: Final = 0xE000
CLOCK_MONOTONIC: Final = 0x2000
INPUT_NO_POWER: Final = 0x00000001
INPUT_NO_SIGNAL: Final = 0x00000002
INPUT_UNLOCKED: Final = 0x00010D00  #: no lock of lines, of fields or of the standard, no sync
INPUT_HAS_TIMINGS: Final = 0x00000002
INPUT_HAS_STANDARDS: Final = 0x00000004
EVENT_SOURCE_CHANGE: Final = 5
CHANGED_RESOLUTION: Final = 1
COLORSPACE_JPEG: Final = 7
QUANTIZATION_FULL: Final = 1
QUANTIZATION_LIMITED: Final = 2
STANDARDS_525: Final = 0x0000F900  #: NTSC, PAL-60 and PAL-M
DISCRETE: Final = 1  #: of sizes and intervals

Text16, Text32 = c_char * 16, c_char * 32


class Capability(Structure):
    """`v4l2_capability`."""

    _fields_ = (
        ("driver", Text16),
        ("card", Text32),
        ("bus_info", Text32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FormatDescription(Structure):
    """`v4l2_fmtdesc`."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", Text32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class FrameSize(Structure):
    """`v4l2_frmsizeenum`: width and height, or least, greatest and step of each."""

    _fields_ = (
        ("index", c_uint32),
        ("pixelformat", c_uint32),
        ("type", c_uint32),
        ("size", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class FrameInterval(Structure):
    """`v4l2_frmivalenum`: numerator and denominator, or least, greatest and step of them."""

    _fields_ = (
        ("index", c_uint32),
        ("pixelformat", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("interval", c_uint32 * 6),
        ("reserved", c_uint32 * 2),
    )


class PixelFormat(Structure):
    """`v4l2_pix_format`."""

    _fields_ = (
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    )


class _FormatUnion(Union):
    _fields_ = (("pix", PixelFormat), ("raw", c_uint64 * 25))


class VideoFormat(Structure):
    """`v4l2_format`."""

    _fields_ = (("type", c_uint32), ("fmt", _FormatUnion))


class StreamParameters(Structure):
    """`v4l2_streamparm` of a capture: capability, mode, then seconds a frame as a fraction."""

    _fields_ = (
        ("type", c_uint32),
        ("capability", c_uint32),
        ("mode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("rest", c_uint32 * 46),
    )


class RequestBuffers(Structure):
    """`v4l2_requestbuffers`."""

    _fields_ = (
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    )


class Buffer(Structure):
    """`v4l2_buffer`."""

    _fields_ = (
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("seconds", c_int64),
        ("microseconds", c_int64),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("offset", c_uint64),
        ("length", c_uint32),
        ("reserved", c_uint32),
        ("request_fd", c_int32),
    )


class Input(Structure):
    """`v4l2_input`."""

    _fields_ = (
        ("index", c_uint32),
        ("name", Text32),
        ("type", c_uint32),
        ("audioset", c_uint32),
        ("tuner", c_uint32),
        ("std", c_uint64),
        ("status", c_uint32),
        ("capabilities", c_uint32),
        ("reserved", c_uint32 * 3),
    )


class Timings(Structure):
    """`v4l2_dv_timings`: what of `v4l2_bt_timings` is used, and the rest."""

    _pack_ = 1
    _fields_ = (
        ("type", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("interlaced", c_uint32),
        ("rest", c_uint8 * 116),
    )


class Subscription(Structure):
    """`v4l2_event_subscription`."""

    _fields_ = (
        ("type", c_uint32),
        ("id", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 5),
    )


class Event(Structure):
    """`v4l2_event`; `changes` is that of a source change."""

    _fields_ = (
        ("type", c_uint32),
        ("gap", c_uint32),
        ("changes", c_uint32),
        ("data", c_uint32 * 15),
        ("pending", c_uint32),
        ("sequence", c_uint32),
        ("timestamp", c_int64 * 2),
        ("id", c_uint32),
        ("reserved", c_uint32 * 8),
    )


_WRITE, _READ = 1, 2


def _call(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


def _both(number: int, of: type[ctypes.Structure]) -> int:
    return _call(_READ | _WRITE, number, sizeof(of))


QUERYCAP: Final = _call(_READ, 0, sizeof(Capability))
ENUM_FMT: Final = _both(2, FormatDescription)
G_FMT: Final = _both(4, VideoFormat)
S_FMT: Final = _both(5, VideoFormat)
REQBUFS: Final = _both(8, RequestBuffers)
QUERYBUF: Final = _both(9, Buffer)
QBUF: Final = _both(15, Buffer)
DQBUF: Final = _both(17, Buffer)
STREAMON: Final = _call(_WRITE, 18, 4)
STREAMOFF: Final = _call(_WRITE, 19, 4)
G_PARM: Final = _both(21, StreamParameters)
S_PARM: Final = _both(22, StreamParameters)
G_STD: Final = _call(_READ, 23, 8)
S_STD: Final = _call(_WRITE, 24, 8)
ENUMINPUT: Final = _both(26, Input)
G_INPUT: Final = _call(_READ, 38, 4)
S_INPUT: Final = _call(_READ | _WRITE, 39, 4)
QUERYSTD: Final = _call(_READ, 63, 8)
ENUM_FRAMESIZES: Final = _both(74, FrameSize)
ENUM_FRAMEINTERVALS: Final = _both(75, FrameInterval)
S_DV_TIMINGS: Final = _both(87, Timings)
DQEVENT: Final = _call(_READ, 89, sizeof(Event))
SUBSCRIBE_EVENT: Final = _call(_WRITE, 90, sizeof(Subscription))
QUERY_DV_TIMINGS: Final = _call(_READ, 99, sizeof(Timings))
