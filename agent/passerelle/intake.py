"""Takes acquisitions through identify, build, encode and spool, and only then lets go of them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from passerelle.errors import Changed, EncodingError, IdentityError, SpoolFull
from passerelle.model import AcquisitionState
from passerelle.wrapping import Hashed, Wrapper, origin_of, read_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

    from passerelle.interfaces import Identifier, Source
    from passerelle.model import Acquisition, Identity, Origin
    from passerelle.spool import Spool

_log = logging.getLogger(__name__)

_ROOM_PAUSE_S: Final = 5.0
_NOBODY_KNOWS: Final = "no patient: neither a sidecar nor its name says whose it is"


class Intake:
    """Owns one source. An original is released only when it, or what it became, is durable here."""

    def __init__(
        self,
        source: Source,
        spool: Spool,
        wrapper: Wrapper,
        identifiers: Sequence[Identifier],
        *,
        agent: str,
        min_free: str,
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
        self._on_admitted = on_admitted

    def run(self, stop: Event) -> None:
        """Take what the source offers until `stop` is set."""
        for acquisition in self._source.acquisitions(stop):
            self.take(acquisition, stop)

    def wake(self) -> None:
        """The source looks at `stop` by itself."""

    def take(self, acquisition: Acquisition, stop: Event) -> None:
        """One acquisition: into the spool, held, quarantined, or offered again later."""
        try:
            self._spool.room(self._min_free)
            self._take(acquisition, stop)
            self.reason = ""
        except Changed as change:
            _log.info("%s: an acquisition %s; it is looked at again", self.name, change)
            self._source.retry(acquisition)
        except SpoolFull as full:
            # The original stays where the device put it: nothing unsent is removed for it.
            self.reason = f"{self.name}: takes nothing: {full}"
            _log.error("%s", self.reason)
            self._source.retry(acquisition)
            stop.wait(_ROOM_PAUSE_S)

    def _take(self, acquisition: Acquisition, stop: Event) -> None:
        media = read_once(acquisition.media, acquisition.fingerprint)
        origin = origin_of(self._agent, acquisition, media)
        state = self._spool.known(origin)
        if state is None:
            state = self._new(acquisition, media, origin, stop)
            self.last_acquisition_at = time.time()
        kept = state in (AcquisitionState.HELD, AcquisitionState.QUARANTINED)
        self._source.release(acquisition, kept=kept)

    def _new(
        self, acquisition: Acquisition, media: Hashed, origin: Origin, stop: Event
    ) -> AcquisitionState:
        try:
            identity = self._identify(acquisition, media)
            notes = self._wrapper.wrap(acquisition.media, media, origin, identity)
        except EncodingError as fault:
            if stop.is_set():
                # A stop ends the worker too: that says nothing of the file.
                msg = "was interrupted by the stop"
                raise Changed(msg) from fault
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
                return identity
        if media.is_part10:
            return None
        raise IdentityError(_NOBODY_KNOWS)
