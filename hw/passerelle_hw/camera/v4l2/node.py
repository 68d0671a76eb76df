"""An open device node: its calls, their errors, and what can be asked of it."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from ctypes import c_int32, c_uint64
from typing import TYPE_CHECKING, Any, Final

from passerelle_hw.camera.frame import CameraGone
from passerelle_hw.camera.v4l2 import abi

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import Structure

_UNKNOWN: Final = frozenset({errno.EINVAL, errno.ENOTTY, errno.ENODATA, errno.EOPNOTSUPP})
_TEXTS: Final = {
    errno.ENOENT: "there is no such device",
    errno.ENODEV: "it was unplugged",
    errno.ENXIO: "it was unplugged",
    errno.EBUSY: "another program uses it",
    errno.EACCES: "this user may not use it; is it in the group video?",
    errno.EIO: "its driver gave up",
}


class Node:
    """A V4L2 device that captures. Every failure is a `CameraGone` that says what was wrong."""

    def __init__(self, path: str) -> None:
        """Open it.

        Raises:
            CameraGone: It is not there, captures nothing, or may not be used.
        """
        self.path = path
        if sys.platform != "linux":
            msg = f"{path}: Video4Linux is Linux's; name a camera that ffmpeg can open"
            raise CameraGone(msg)
        with self.telling():
            self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self.capability = self._capability()
        except CameraGone:
            self.close()
            raise

    def close(self) -> None:
        """Close it; may be called twice."""
        descriptor, self.fd = self.fd, -1
        if descriptor >= 0:
            os.close(descriptor)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Translate what the system says."""
        try:
            yield
        except OSError as error:
            text = _TEXTS.get(error.errno or 0) or error.strerror
            msg = f"{self.path}: {text}"
            raise CameraGone(msg) from error

    def call(self, request: int, argument: Any) -> None:  # noqa: ANN401 - a structure or a number of ctypes
        """One call; what it fills in is in the argument.

        Raises:
            OSError: The driver refuses it.
        """
        from fcntl import ioctl  # noqa: PLC0415 - POSIX

        while True:
            try:
                ioctl(self.fd, request, argument, True)  # noqa: FBT003 - fill in the argument
            except InterruptedError:
                continue
            return

    def knows(self, request: int, argument: Any) -> bool:  # noqa: ANN401 - as `call`
        """Whether the driver answered; False where it has no such thing.

        Raises:
            CameraGone: It is not there any more.
        """
        with self.telling():
            try:
                self.call(request, argument)
            except OSError as error:
                if error.errno not in _UNKNOWN:
                    raise
                return False
        return True

    def each(self, request: int, argument: Structure) -> Iterator[None]:
        """Enumerate: the argument's `index` grows until the driver has no more."""
        index = 0
        while True:
            setattr(argument, "index", index)  # noqa: B010 - ctypes' fields are not typed
            if not self.knows(request, argument):
                return
            yield
            index += 1

    def input(self) -> abi.Input | None:
        """The input that is chosen, with its status; None where there are none to choose."""
        number, found = c_int32(), abi.Input()
        if not self.knows(abi.G_INPUT, number):
            return None
        found.index = number.value
        return found if self.knows(abi.ENUMINPUT, found) else None

    def choose_input(self, wanted: str) -> None:
        """Choose an input by its number or its name.

        Raises:
            CameraGone: There is no such input; the text names those that there are.
        """
        one, names = abi.Input(), []
        for _ in self.each(abi.ENUMINPUT, one):
            name = one.name.decode("utf-8", "replace")
            names.append(f"{one.index} ({name})")
            if wanted in (str(one.index), name):
                with self.telling():
                    self.call(abi.S_INPUT, c_int32(one.index))
                return
        msg = f"{self.path}: no input {wanted}; there are: {', '.join(names) or 'none'}"
        raise CameraGone(msg)

    def follow_standard(self) -> int:
        """Set the analogue standard of the signal, where it can be told; the one that is set."""
        found = c_uint64()
        if self.knows(abi.QUERYSTD, found) and found.value:
            with suppress(OSError):
                self.call(abi.S_STD, found)
        current = c_uint64()
        return current.value if self.knows(abi.G_STD, current) else 0

    def _capability(self) -> abi.Capability:
        if not stat.S_ISCHR(os.fstat(self.fd).st_mode):
            msg = f"{self.path}: is no device"
            raise CameraGone(msg)
        found = abi.Capability()
        if not self.knows(abi.QUERYCAP, found):
            msg = f"{self.path}: is no V4L2 device"
            raise CameraGone(msg)
        has_own = found.capabilities & abi.CAP_DEVICE_CAPS
        can = found.device_caps if has_own else found.capabilities
        if not (can & abi.CAP_CAPTURE and can & abi.CAP_STREAMING):
            is_planar = can & abi.CAP_CAPTURE_MPLANE
            what = (
                "gives its pictures in planes, which are not read"
                if is_planar
                else "captures nothing"
            )
            msg = f"{self.path}: {what}"
            raise CameraGone(msg)
        return found


def code(pixelformat: int) -> str:
    """The four characters of a pixel format."""
    return pixelformat.to_bytes(4, "little").decode("latin-1").rstrip()
