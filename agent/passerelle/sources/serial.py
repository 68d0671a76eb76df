"""Acquisitions that a device sends over a serial line."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from passerelle.errors import SpoolFull
from passerelle.sources.received import ReceivedSource
from passerelle.sources.serial_inbox import SerialInbox
from passerelle_hw.serial.events import GivenUp, Rejected
from passerelle_hw.serial.evidence import Evidence
from passerelle_hw.serial.line import Line, LineGone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path
    from threading import Event

    from passerelle.source_settings import SerialProtocol
    from passerelle.sources.releasing import After, Memory
    from passerelle_hw.serial.line import LineSettings
    from passerelle_hw.serial.receiving import Receiving, Said
    from passerelle_hw.serial.transfer import Store

_SHORTEST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 5.0

_log = logging.getLogger(__name__)


class SerialSource(ReceivedSource):
    """Offers what a device sent over its line."""

    inbox: SerialInbox
    receiver: Receiver

    def __init__(
        self,
        name: str,
        line: LineSettings,
        data_dir: Path,
        *,
        room: Callable[[], None],
        archive: Callable[[Path], object],
        memory: Memory,
        limit_bytes: int,
        protocol: SerialProtocol = "frames",
        file_name: str = "file",
        file_bytes: int | None = None,
        after: After = "archive",
        raw_suffixes: Collection[str] = (),
        on_found: Callable[[], None] = lambda: None,
    ) -> None:
        """A source that has not started; its `receiver` runs beside it.

        Args:
            name: The source's.
            line: Where the device is.
            data_dir: Inbox and evidence lie below it.
            room: Raises `SpoolFull` when nothing is to be taken.
            archive: See `ReceivedSource`, as for what follows.
            memory: See there.
            limit_bytes: A file is not larger.
            protocol: How files cross the line.
            file_name: See `receiving`.
            file_bytes: See `receiving`.
            after: See `ReceivedSource`.
            raw_suffixes: See there.
            on_found: See there.
        """
        inbox = SerialInbox(
            data_dir / "inbox" / name,
            data_dir / "receiving" / name,
            room=room,
            limit_bytes=limit_bytes,
        )
        receiver = Receiver(
            name,
            line,
            inbox,
            data_dir / "evidence",
            speak=lambda store: receiving(protocol, store, file_name, file_bytes),
        )
        super().__init__(
            name,
            inbox,
            receiver,
            archive=archive,
            memory=memory,
            after=after,
            raw_suffixes=raw_suffixes,
            on_found=on_found,
        )


def receiving(
    protocol: SerialProtocol, store: Store, file_name: str = "file", file_bytes: int | None = None
) -> Receiving:
    """The box's side of a protocol; a file's name and length are for one that tells neither."""
    match protocol:
        case "frames":
            from passerelle_hw.serial.receiving import FrameReceiving  # noqa: PLC0415 - one is used

            return FrameReceiving(store)
        case "xmodem" | "xmodem-checksum":
            from passerelle_hw.serial.xmodem import Xmodem  # noqa: PLC0415

            is_crc = protocol == "xmodem"
            return Xmodem(store, file_name, is_crc=is_crc, file_bytes=file_bytes)
        case "ymodem":
            from passerelle_hw.serial.xmodem import Ymodem  # noqa: PLC0415

            return Ymodem(store)


class Receiver:
    """Speaks with the device, in a thread of its own: opens the line, again when it is gone.

    A device hears that its file is taken only after the inbox has it durably.
    """

    def __init__(
        self,
        source: str,
        settings: LineSettings,
        inbox: SerialInbox,
        evidence: Path,
        *,
        speak: Callable[[Store], Receiving] = lambda store: receiving("frames", store),
        open_line: Callable[[LineSettings], Line] = Line,
    ) -> None:
        self.name = f"{source} line"
        self._source = source
        self._settings = settings
        self._inbox = inbox
        self._speak = speak
        self._open_line = open_line
        self._evidence = Evidence(evidence / f"{source}.log")
        self._line: Line | None = None
        self._reason = ""
        self._refusal = ""
        self._files = 0

    def run(self, stop: Event) -> None:
        """Receive until `stop` is set."""
        wait_s = _SHORTEST_WAIT_S
        while not stop.is_set():
            try:
                self._inbox.make()
                self._line = line = self._open_line(self._settings)
            except (LineGone, SpoolFull) as fault:
                self._tell(f"cannot be opened: {fault}")
                stop.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                continue
            wait_s = _SHORTEST_WAIT_S
            self._tell("")
            try:
                self._receive(line, stop)
            except LineGone as gone:
                self._tell(f"is gone: {gone}")
                stop.wait(wait_s)
            finally:
                self._line = None
                line.close()

    def wake(self) -> None:
        """Look at `stop`."""
        line = self._line
        if line:
            line.wake()

    def problems(self) -> list[str]:
        """What an operator should know."""
        return [problem for problem in (self._reason, self._refusal) if problem]

    def _receive(self, line: Line, stop: Event) -> None:
        receiving = self._speak(self._inbox)
        self._files = 0
        try:
            while not stop.is_set():
                piece = line.read(receiving.patience_s)
                if stop.is_set():
                    return
                said = receiving.take(piece) if piece else receiving.silent()
                for event in said:
                    self._hear(event, receiving.files)
                    line.write(event.answer)
        finally:
            receiving.interrupt()

    def _hear(self, event: Said, files: int) -> None:
        """Tell of what was no file."""
        if isinstance(event, Rejected):
            self._note(event)
        if isinstance(event, GivenUp):
            self._files = files
            with suppress(OSError):
                self._evidence.keep(event.why, b"")
            self._refusal = f"{self._source}: a file of the device was not taken: {event.why}"
            _log.warning("%s", self._refusal)
        elif files > self._files:
            self._files, self._refusal = files, ""

    def _note(self, rejected: Rejected) -> None:
        # The file may hold patient data, the log line must not.
        with suppress(OSError):  # evidence is worth less than the next message
            self._evidence.keep(rejected.why, rejected.raw)
        count = self._evidence.count
        if count & (count - 1) == 0:  # 1, 2, 4, …: a bad line must not fill the log
            text = "%s: %d pieces of the line were no frame so far, the last one: %s"
            _log.info(text, self._source, count, rejected.why)

    def _tell(self, reason: str) -> None:
        text = f"{self._source}: the port {reason}; it is tried again" if reason else ""
        if text and text != self._reason:
            _log.warning("%s", text)
        if self._reason and not text:
            _log.info("%s: the port is open", self._source)
        self._reason = text
