"""Every error raised on purpose, named after what the caller must do.

AgentError
├── ConfigError        fix the file; the agent does not start
├── AlreadyRunning     another agent owns this data_dir; leave it alone
├── LedgerError        a row or the database is not what was written; rebuild it from the spool
├── SpoolFull          stop accepting until space is free
├── SourceError        the source is gone; restart it with backoff
├── AcquisitionError
│   ├── EncodingError  this acquisition cannot become DICOM; quarantine it
│   ├── IdentityError  whose it is cannot be said; hold it for a person
│   └── Changed        the device is still writing it; look again later
├── ChildError         a child process crashed, hung or outgrew its limit; start another
└── DeliveryError
    ├── Unavailable    the destination is away; keep everything, try later
    ├── Uncertain      the answer was lost; ask before sending again
    ├── Deferred       this instance failed this time; the others go on
    ├── NoContext      the archive takes no syntax of this instance; transcode or hold it
    └── Refused        this instance will never be accepted; hold it for a person

A message begins with the name of the part, says what an operator can act on, and never
holds patient data. Errors cross the pipe from a child by the name of their class.
"""

from __future__ import annotations

from typing import Final


class AgentError(Exception):
    """Anything this agent raises on purpose."""


class ConfigError(AgentError):
    """The configuration cannot be used; the message lists every fault with its place."""


class AlreadyRunning(AgentError):
    """Another agent holds the lock of this data_dir."""


class LedgerError(AgentError):
    """The database, or one row of it, is not what was written."""


class SpoolFull(AgentError):
    """Too little space is left to accept anything more."""


class SourceError(AgentError):
    """The source cannot be read now."""


class AcquisitionError(AgentError):
    """Something is wrong with one acquisition; the others go on."""


class EncodingError(AcquisitionError):
    """The acquisition cannot become DICOM."""


class IdentityError(AcquisitionError):
    """Whose acquisition it is cannot be said, or is said wrongly."""


class Changed(AcquisitionError):
    """The acquisition changed while it was read."""


class ChildError(AgentError):
    """A child process crashed, hung or outgrew its limit."""


class DeliveryError(AgentError):
    """An instance was not delivered this time."""


class Unavailable(DeliveryError):
    """The destination cannot take anything now; no instance is to blame."""


class Uncertain(DeliveryError):
    """The object left but no answer came: the destination may or may not have it."""


class Deferred(DeliveryError):
    """The destination failed on this instance; a limited number of later tries may succeed."""

    def __init__(self, text: str, *, tries: int = 10) -> None:
        super().__init__(text)
        self.tries = tries  #: give up after this many such failures


class NoContext(DeliveryError):
    """No presentation context was accepted for this SOP Class and transfer syntax."""


class Refused(DeliveryError):
    """The destination will never take this instance as it is."""


#: What a child may raise across its pipe.
CROSSING: Final[dict[str, type[AgentError]]] = {
    kind.__name__: kind
    for kind in (
        EncodingError,
        IdentityError,
        Changed,
        SpoolFull,
        SourceError,
        Unavailable,
        Uncertain,
        Deferred,
        NoContext,
        Refused,
    )
}
