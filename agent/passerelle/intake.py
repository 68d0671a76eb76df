"""Takes acquisitions through identify, build, encode and spool, and only then lets go of them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from passerelle.errors import Changed, EncodingError, IdentityError, SpoolFull
from passerelle.lanes import Lanes
from passerelle.model import Acquisition, AcquisitionState
from passerelle.wrapping import Hashed, Wrapper, origin_of, read_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from threading import Event

    from passerelle.interfaces import Identifier, Source
    from passerelle.lanes import Done
    from passerelle.model import Identity, Origin, Value
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_ROOM_PAUSE_S: Final = 5.0
_FAREWELL_S: Final = 5  # what a stop grants to acquisitions under way
_NOBODY_KNOWS: Final = "no patient: no sidecar, no name and no open exam says whose it is"
_INTERRUPTED: Final = "was interrupted by the stop"


@dataclass(frozen=True, slots=True)
class _Task:
    """An acquisition that was offered."""

    acquisition: Acquisition
    number: int  #: drawn in the order in which they were offered


_Lanes = Lanes[_Task, AcquisitionState]


class Intake:
    """Owns one source. An original is released only when it, or what it became, is durable here.

    Several acquisitions are at work at the same time, each in a lane; they begin in the order in
    which the source offers them. The source is spoken to by the thread of `run` alone.
    """

    def __init__(
        self,
        source: Source,
        spool: Spool,
        wrapper: Wrapper,
        identifiers: Sequence[Identifier],
        *,
        agent: str,
        min_free: str,
        facts: Callable[[Acquisition], Mapping[str, Value]] = lambda _: {},
        lanes: int = 1,
        on_admitted: Callable[[], None] = lambda: None,
    ) -> None:
        """An intake that has not started.

        Args:
            source: Where acquisitions come from.
            spool: Where they become durable.
            wrapper: What makes instances of them.
            identifiers: Asked in this order whose they are.
            agent: The box's own name.
            min_free: Free space below which nothing is taken, percent or bytes.
            facts: What the source says of how it was taken, DICOM keyword to value.
            lanes: How many acquisitions are at work at the same time.
            on_admitted: Called when something new is owed to the destinations.
        """
        self.name = source.name
        self.reason = ""  #: why nothing is taken now; "" when all is well
        self.last_acquisition_at: float | None = None
        self._source = source
        self._spool = spool
        self._wrapper = wrapper
        self._identifiers = identifiers
        self._agent = agent
        self._min_free = min_free
        self._facts = facts
        self._on_admitted = on_admitted
        self._width = lanes
        self._lanes: _Lanes | None = None

    def run(self, stop: Event) -> None:
        """Take what the source offers until `stop` is set."""

        def work(task: _Task) -> AcquisitionState:
            return self._taken(task, stop)

        self._lanes = lanes = Lanes(self._width, work, self._source.wake)
        try:
            for acquisition in self._source.acquisitions(stop):
                if acquisition is not None:
                    lanes.put(_Task(acquisition, self._spool.next_number()))
                self._answer_what_is_done(lanes, stop)
        finally:
            lanes.close()
            self._finish(lanes, stop)

    def wake(self) -> None:
        """Look at `stop`."""
        self._source.wake()
        if self._lanes:
            self._lanes.nudge()

    def _answer_what_is_done(self, lanes: _Lanes, stop: Event) -> None:
        """Answer the source; when as much is under way as can be, only once something is done."""
        room = True
        while done := lanes.collect(None if lanes.is_full and not stop.is_set() else 0.0):
            room = self._answered(done) and room
        if not room:
            self._finish(lanes, stop)
            stop.wait(_ROOM_PAUSE_S)

    def _finish(self, lanes: _Lanes, stop: Event) -> None:
        """Answer for everything under way; a stop waits for it no longer than a few seconds."""
        patience = _FAREWELL_S
        while lanes.busy and patience:
            if done := lanes.collect(1.0):
                self._answered(done)
            else:
                patience -= stop.is_set()

    def _answered(self, done: Done[_Task, AcquisitionState]) -> bool:
        """Tell the source what became of an acquisition; False when there was no room for it."""
        acquisition = done.task.acquisition
        try:
            state = done.result()
        except Changed as change:
            _log.info("%s: an acquisition %s; it is looked at again", self.name, change)
            self._source.retry(acquisition)
        except SpoolFull as full:
            # The original stays where the device put it: nothing unsent is removed for it.
            self.reason = f"{self.name}: takes nothing: {full}"
            _log.error("%s", self.reason)
            self._source.retry(acquisition)
            return False
        else:
            self.reason = ""
            kept = state in (AcquisitionState.HELD, AcquisitionState.QUARANTINED)
            self._source.release(acquisition, kept=kept)
        return True

    def _taken(self, task: _Task, stop: Event) -> AcquisitionState:
        """Make one acquisition durable here.

        Raises:
            Changed: It is not, or did not stay, what was offered.
            SpoolFull: There is no room for it.
        """
        if stop.is_set():
            raise Changed(_INTERRUPTED)
        self._spool.room(self._min_free)
        acquisition = task.acquisition
        media = read_once(acquisition.media, acquisition.fingerprint)
        origin = origin_of(self._agent, acquisition, media)
        state = self._spool.known(origin)
        if state is None:
            state = self._new(task, media, origin, stop)
            self.last_acquisition_at = time.time()
        return state

    def _new(self, task: _Task, media: Hashed, origin: Origin, stop: Event) -> AcquisitionState:
        acquisition = task.acquisition
        try:
            identity = self._identify(acquisition, media)
            notes = self._wrapper.wrap(
                acquisition.media, media, origin, identity, number=task.number
            )
        except EncodingError as fault:
            if stop.is_set():
                # A stop ends the worker too: that says nothing of the file.
                raise Changed(_INTERRUPTED) from fault
            _log.warning("%s: %s quarantined: %s", self.name, origin.id, fault)
            self._spool.quarantine(
                origin, acquisition.media, acquisition.sidecar, reason=str(fault)
            )
            return AcquisitionState.QUARANTINED
        except IdentityError as doubt:
            _log.warning("%s: %s held: %s", self.name, origin.id, doubt)
            self._spool.hold(origin, acquisition.media, acquisition.sidecar, reason=str(doubt))
            return AcquisitionState.HELD
        _log.info("%s: %s wrapped%s", self.name, origin.id, "".join(f"; {n}" for n in notes))
        self._on_admitted()
        return AcquisitionState.WRAPPED

    def _identify(self, acquisition: Acquisition, media: Hashed) -> Identity | None:
        if acquisition.complaint:
            raise EncodingError(acquisition.complaint)
        for identifier in self._identifiers:
            identity = identifier.identify(acquisition)
            if identity is not None:
                return _with_facts(identity, self._facts(acquisition))
        if media.is_part10:
            return None
        raise IdentityError(_NOBODY_KNOWS)


def _with_facts(identity: Identity, facts: Mapping[str, Value]) -> Identity:
    """Both together.

    Raises:
        IdentityError: They contradict each other.
    """
    said = identity.attributes
    if twice := sorted(key for key in facts if key in said and said[key] != facts[key]):
        msg = f"{identity.resolver}: says another {twice[0]} than the source"
        raise IdentityError(msg)
    return replace(identity, attributes={**said, **facts}) if facts else identity
