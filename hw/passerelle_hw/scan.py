"""What a barcode scanner sends becomes the text of a scan: sans-IO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passerelle_hw.input_device import EventsLost
from passerelle_hw.key_codes import CHARACTERS, ENTER, KEYPAD_ENTER, SHIFTS, TAB
from passerelle_hw.serial.events import Message, Rejected
from passerelle_hw.serial.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passerelle_hw.input_device import Event
    from passerelle_hw.serial.parity import Piece

#: A scanner sends a code in one go; what follows a pause is another code.
_PAUSE_S: Final = 1.0
_LONGEST: Final = 512  # characters; no code of a wristband or an order has as many
_ENDS: Final = frozenset({ENTER, KEYPAD_ENTER, TAB})
#: The symbology, which scanners put in front if told to (ISO/IEC 15424): ]C1, ]d2, ]Q3 …
_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_PAUSED: Final = "cut off: a pause within a code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One code that was read, or why what came is none."""

    at_s: float  #: seconds of `time.monotonic`, of its end
    text: str = ""  #: may name a patient
    fault: str = ""  #: why there is no text; "" when there is


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimming:
    """What a scanner is set up to send around each code."""

    prefix: str = ""
    suffix: str = ""  #: before the end of the line

    def scan(self, text: str, at_s: float) -> Scan:
        """The scan of a line, without what is around its code; AIM identifiers go too.

        A prefix or suffix that is missing tells that something else was sent, or was cut off.
        """
        if not text.startswith(self.prefix):
            return Scan(at_s=at_s, fault="its prefix is missing")
        text = text[len(self.prefix) :]
        if not text.endswith(self.suffix):
            return Scan(at_s=at_s, fault="its suffix is missing")
        text = text[: len(text) - len(self.suffix)]
        aim = _AIM.match(text)
        if aim:
            text = text[aim.end() :]
        if not text.strip():
            return Scan(at_s=at_s, fault="an empty code")
        return Scan(at_s=at_s, text=text)


class SerialScans:
    """Scans among the bytes of a line: text that ends with CR, LF or TAB."""

    def __init__(self, trimming: Trimming) -> None:
        self._trimming = trimming
        self._lines = Lines(limit_bytes=_LONGEST)
        self._is_begun = False
        self._last_at = 0.0

    def feed(self, piece: Piece, at_s: float) -> Iterator[Scan]:
        """The scans that these bytes complete; the rest of what was cut off is none."""
        if piece.fault:
            yield from self._interrupted(piece.fault, at_s)
        if self._is_begun and at_s - self._last_at > _PAUSE_S:
            yield from self._interrupted(_PAUSED, at_s)
        data = piece.data.replace(b"\t", b"\r")
        if data:
            self._last_at = at_s
            self._is_begun = data[-1:] not in b"\r\n"
        for event in self._lines.feed(data):
            if isinstance(event, Message):
                yield self._scan(event.body, at_s)
            elif isinstance(event, Rejected):
                yield Scan(at_s=at_s, fault=event.why)

    def _interrupted(self, why: str, at_s: float) -> Iterator[Scan]:
        # Even where nothing is buffered: what follows may be the rest of what was lost.
        for _ in self._lines.interrupt(why):
            yield Scan(at_s=at_s, fault=why)

    def _scan(self, body: bytes, at_s: float) -> Scan:
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return Scan(at_s=at_s, fault="not UTF-8")
        return self._trimming.scan(text, at_s)


class KeyboardScans:
    """Scans among the keystrokes of a scanner that is a keyboard with the US layout.

    A code ends with Enter or Tab. A key that types no character spoils its code: nothing is
    guessed of what the scanner meant by it.
    """

    def __init__(self, trimming: Trimming) -> None:
        self._trimming = trimming
        self._text = ""
        self._fault = ""
        self._shifts: frozenset[int] = frozenset()
        self._last_at = 0.0

    def feed(self, event: Event) -> Scan | None:
        """The scan that a keystroke completes."""
        if isinstance(event, EventsLost):
            self._shifts = event.down & SHIFTS
            self._fault = "keystrokes were lost"
            return None
        if event.code in SHIFTS:
            self._shifts = (
                self._shifts | {event.code} if event.down else self._shifts - {event.code}
            )
            return None
        if not event.down:
            return None
        # A pause spoils the rest as well: it may be another code, or the end of the first.
        if self._text and event.at_s - self._last_at > _PAUSE_S:
            self._fault = self._fault or _PAUSED
        self._last_at = event.at_s
        if event.code in _ENDS:
            return self._ended(event.at_s)
        self._type(event.code)
        return None

    def _type(self, code: int) -> None:
        if code not in CHARACTERS:
            self._fault = self._fault or f"key {code} types no character"
        elif len(self._text) >= _LONGEST:
            self._fault = self._fault or "longer than a code may be"
        else:
            self._text += CHARACTERS[code][bool(self._shifts)]

    def _ended(self, at_s: float) -> Scan | None:
        text, fault = self._text, self._fault
        self._text = self._fault = ""
        if fault:
            return Scan(at_s=at_s, fault=fault)
        # CR and LF after one another, or Enter after Tab, end one code only.
        return self._trimming.scan(text, at_s) if text else None
