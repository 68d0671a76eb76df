"""What the box's side of every protocol that hands over files can do, whatever its bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from passerelle_hw.serial.events import Rejected, Reply
from passerelle_hw.serial.frames import Frames
from passerelle_hw.serial.transfer import Transfer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passerelle_hw.serial.events import GivenUp
    from passerelle_hw.serial.parity import Piece
    from passerelle_hw.serial.transfer import Store

    Said = Rejected | Reply | GivenUp

_PATIENCE_S: Final = 60.0


class Receiving(Protocol):
    """Pieces of a line in, answers out, files into a store.

    Each answer is to be sent before the next one is asked for, and is true when it is given: what
    acknowledges a file comes only after the store has it durably.
    """

    @property
    def files(self) -> int:
        """How many files the store has taken."""

    @property
    def patience_s(self) -> float:
        """How long nothing may come before `silent` is to be called."""

    def take(self, piece: Piece) -> Iterable[Said]:
        """What these bytes complete."""

    def silent(self) -> Iterable[Said]:
        """Nothing came within the time."""

    def interrupt(self) -> None:
        """The line is gone: what was begun has to be begun again."""


class FrameReceiving:
    """The `frames` protocol; see hw/README.md. The device speaks first, whenever it wants."""

    patience_s: Final = _PATIENCE_S

    def __init__(self, store: Store) -> None:
        self._frames = Frames()
        self._transfer = Transfer(store)

    @property
    def files(self) -> int:
        """See `Receiving.files`."""
        return self._transfer.files

    def take(self, piece: Piece) -> Iterator[Said]:
        """See `Receiving.take`."""
        if piece.fault:
            self._frames.interrupt(piece.fault)
        for event in self._frames.feed(piece.data):
            answer = self._transfer.take(event)
            if isinstance(event, Rejected):
                yield Rejected(event.why, event.raw, answer)
            else:
                yield Reply(answer)

    def silent(self) -> Iterator[Said]:
        """See `Receiving.silent`: it is for the device to send again."""
        yield from ()

    def interrupt(self) -> None:
        """See `Receiving.interrupt`."""
        self._transfer.interrupt()
