"""A V4L2 device that streams: frames are copied out of its buffers, which go back at once."""

from __future__ import annotations

import errno
import mmap
import select
import time
from contextlib import suppress
from ctypes import c_int32
from typing import TYPE_CHECKING, Final

from passerelle_hw.camera.frame import CameraGone, Frame, SourceChanged
from passerelle_hw.camera.v4l2 import abi
from passerelle_hw.camera.v4l2.choosing import choose
from passerelle_hw.camera.v4l2.node import Node

if TYPE_CHECKING:
    from passerelle_hw.camera.frame import DriverSignal, Wanted

_BUFFERS: Final = 6
_FEWEST: Final = 2
#: How QUERY_DV_TIMINGS says that there is nothing, or nothing steady, on the cable.
_NO_LINK: Final = frozenset({errno.ENOLINK})
_NO_LOCK: Final = frozenset({errno.ENOLCK, errno.ERANGE})


def open_camera(device: str, wanted: Wanted) -> V4l2Camera:
    """Open a device by a name below /dev, and begin to stream.

    Args:
        device: For example /dev/v4l/by-id/usb-…; `#` and an input's number or name may follow.
        wanted: What is asked of it.

    Raises:
        CameraGone: It is not there or cannot be used.
    """
    path, _, choice = device.partition("#")
    node = Node(path)
    try:
        if choice:
            node.choose_input(choice)
        return V4l2Camera(node, wanted)
    except BaseException:
        node.close()
        raise


class V4l2Camera:
    """See `frame.Camera`."""

    def __init__(self, node: Node, wanted: Wanted) -> None:
        """Begin to stream; the node is closed with the camera.

        Raises:
            CameraGone: It cannot be used.
        """
        self._node = node
        self._maps: list[mmap.mmap] = []
        chosen = node.input()
        can = chosen.capabilities if chosen else 0
        self._has_timings = bool(can & abi.INPUT_HAS_TIMINGS)
        self._has_standards = bool(can & abi.INPUT_HAS_STANDARDS)
        if chosen and self._has_timings:
            # With the number of the input: with 0 drivers tell of the first one alone.
            change = abi.Subscription(type=abi.EVENT_SOURCE_CHANGE, id=chosen.index)
            node.knows(abi.SUBSCRIBE_EVENT, change)
        timings = self._follow_timings() if self._has_timings else None
        standard = node.follow_standard() if self._has_standards else 0
        self.format = choose(node, wanted, timings=timings, standard=standard)
        try:
            self._stream()
        except BaseException:
            self.close()
            raise
        self._poll = select.poll()
        self._poll.register(node.fd, select.POLLIN | select.POLLPRI)

    def read(self, timeout_s: float) -> Frame | None:
        """See `Camera.read`."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            for _, events in self._poll.poll(1000 * left):
                if events & select.POLLPRI:
                    self._check_source()
                if events & ~select.POLLPRI and (frame := self._dequeued()):
                    return frame
        return None

    def signal(self) -> DriverSignal:
        """See `Camera.signal`."""
        if self._has_timings and (said := self._timings_say()):
            return said
        chosen = self._node.input()
        status = chosen.status if chosen else 0
        if status & (abi.INPUT_NO_POWER | abi.INPUT_NO_SIGNAL):
            return "no signal"
        if status & abi.INPUT_UNLOCKED:
            return "unstable"
        return "locked" if self._has_timings or self._has_standards else None

    def close(self) -> None:
        """See `Camera.close`."""
        node = self._node
        if node.fd < 0:
            return
        with suppress(OSError):  # it may be gone, and stream no more
            node.call(abi.STREAMOFF, c_int32(abi.CAPTURE))
        for mapped in self._maps:
            mapped.close()
        self._maps.clear()
        with suppress(OSError):  # or the device stays busy until the descriptor is closed
            node.call(abi.REQBUFS, abi.RequestBuffers(type=abi.CAPTURE, memory=abi.MMAP))
        node.close()

    def _follow_timings(self) -> abi.Timings | None:
        """Let the device take what is on its cable; None when that is nothing."""
        found = abi.Timings()
        try:
            self._node.call(abi.QUERY_DV_TIMINGS, found)
            self._node.call(abi.S_DV_TIMINGS, found)
        except OSError:
            return None
        return found

    def _timings_say(self) -> DriverSignal:
        with self._node.telling():
            try:
                self._node.call(abi.QUERY_DV_TIMINGS, abi.Timings())
            except OSError as error:
                if error.errno in _NO_LINK:
                    return "no signal"
                if error.errno in _NO_LOCK:
                    return "unstable"
                if error.errno in (errno.ENODEV, errno.ENXIO):
                    raise
        return None

    def _stream(self) -> None:
        node = self._node
        with node.telling():
            wanted = abi.RequestBuffers(count=_BUFFERS, type=abi.CAPTURE, memory=abi.MMAP)
            node.call(abi.REQBUFS, wanted)
            if wanted.count < _FEWEST:
                msg = f"{node.path}: has no memory for frames"
                raise CameraGone(msg)
            for index in range(wanted.count):
                buffer = self._buffer(index)
                node.call(abi.QUERYBUF, buffer)
                # The offset is 32 bits of a field of 64.
                offset = buffer.offset & 0xFFFFFFFF
                self._maps.append(mmap.mmap(node.fd, buffer.length, offset=offset))
                node.call(abi.QBUF, self._buffer(index))
            node.call(abi.STREAMON, c_int32(abi.CAPTURE))

    def _dequeued(self) -> Frame | None:
        buffer = self._buffer(0)
        with self._node.telling():
            try:
                self._node.call(abi.DQBUF, buffer)
            except BlockingIOError:
                return None
            data = self._maps[buffer.index][: buffer.bytesused]
            self._node.call(abi.QBUF, self._buffer(buffer.index))
        is_monotonic = buffer.flags & abi.CLOCK_MASK == abi.CLOCK_MONOTONIC
        at_s = buffer.seconds + buffer.microseconds / 1e6 if is_monotonic else time.monotonic()
        return Frame(
            data=data,
            format=self.format,
            at_s=at_s,
            sequence=buffer.sequence,
            damaged=bool(buffer.flags & abi.BUFFER_ERROR),
        )

    def _check_source(self) -> None:
        event = abi.Event()
        with self._node.telling():
            self._node.call(abi.DQEVENT, event)
        if event.type == abi.EVENT_SOURCE_CHANGE and event.changes & abi.CHANGED_RESOLUTION:
            msg = f"{self._node.path}: what is plugged in has changed"
            raise SourceChanged(msg)

    @staticmethod
    def _buffer(index: int) -> abi.Buffer:
        return abi.Buffer(index=index, type=abi.CAPTURE, memory=abi.MMAP)
