"""The controls of a V4L2 device by their names: how a test tells vivid what to do wrong."""

from __future__ import annotations

import fcntl
import os
import re
from ctypes import Structure, Union, c_char, c_int32, c_int64, c_uint32, sizeof

_NEXT, _NEXT_COMPOUND = 0x80000000, 0x40000000
_BUTTON = 4


class _Query(Structure):
    """`v4l2_queryctrl`."""

    _fields_ = (
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("numbers", c_int32 * 4),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    )


class _Value(Union):
    _fields_ = (("value", c_int32), ("value64", c_int64))


class _Control(Structure):
    """`v4l2_control`."""

    _fields_ = (("id", c_uint32), ("value", c_int32))


def _call(number: int, size: int) -> int:
    return 3 << 30 | size << 16 | ord("V") << 8 | number


_QUERYCTRL, _S_CTRL = _call(36, sizeof(_Query)), _call(28, sizeof(_Control))


def controls(device: str) -> dict[str, int]:
    """Identifier by name, as v4l2-ctl spells names."""
    found: dict[str, int] = {}
    asked = _Query(id=_NEXT)
    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            try:
                fcntl.ioctl(descriptor, _QUERYCTRL, asked)
            except OSError:
                return found
            name = re.sub(r"[^a-z0-9]+", "_", asked.name.decode().lower()).strip("_")
            found[name] = asked.id
            asked.id |= _NEXT
    finally:
        os.close(descriptor)


def set_control(device: str, control: int, value: int) -> None:
    """Set one."""
    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, _S_CTRL, _Control(id=control, value=value))
    finally:
        os.close(descriptor)
