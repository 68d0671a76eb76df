"""What a source, an identifier and a destination promise, whatever stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from threading import Event

    from passerelle.errors import DeliveryError
    from passerelle.model import Acquisition, CommitmentReport, Identity, Instance, Value

    #: What the destination remarked when it took an instance, or ""; or why it did not.
    Outcome = str | DeliveryError
    #: Hears what became of an instance, and returns whether to go on with the others.
    Told = Callable[[Instance, Outcome], bool]


class Source(Protocol):
    """Where acquisitions come from."""

    name: str

    def acquisitions(self, stop: Event) -> Iterator[Acquisition | None]:
        """Yield acquisitions, oldest first, until `stop` is set; None after each `wake`.

        The same acquisition is offered again after a restart until it has been released.

        Raises:
            SourceError: The source cannot be read now; iterate again later.
        """

    def release(self, acquisition: Acquisition, *, kept: bool) -> None:
        """Let go of the original: it is durable here.

        An original that is no longer the file that was offered stays, and is offered again.

        Args:
            acquisition: What was offered.
            kept: The original's own bytes are kept here already (held or quarantined), so
                that archiving it would only make another copy.
        """

    def retry(self, acquisition: Acquisition) -> None:
        """Offer the acquisition again later: it was still changing, or there was no room."""

    def wake(self) -> None:
        """End a wait of `acquisitions`; may be called from any thread, as nothing else may."""


class Identifier(Protocol):
    """Says whose an acquisition is."""

    name: str

    def identify(self, acquisition: Acquisition) -> Identity | None:
        """Whose it is, or None when this identifier knows nothing of it.

        Raises:
            IdentityError: Something is said, but it cannot be right.
        """

    def said(self, acquisition: Acquisition) -> Mapping[str, Value]:
        """Whatever it says, DICOM keyword to value, even where that names no patient.

        Raises:
            IdentityError: What is said cannot be read.
        """


class Destination(Protocol):
    """Where instances go."""

    name: str

    def probe(self) -> None:
        """Return when the destination answers.

        Raises:
            Unavailable: It does not, and why.
        """

    def store(self, instances: Sequence[Instance], told: Told) -> None:
        """Hand over instances, and tell what becomes of each as soon as it is known.

        What is told is a remark, or `Unavailable`: the destination takes nothing now;
        `Uncertain`: the object left and no answer came; `Deferred`: the destination failed on
        this instance; `NoContext` or `Refused`. Of those that are not told, nothing has left.

        Raises:
            Unavailable: The destination is not there.
        """

    def held(self, instances: Sequence[Instance]) -> set[str] | None:
        """The SOP Instance UIDs of those that the destination has; None if it cannot be asked.

        Raises:
            Unavailable: It does not answer.
        """

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[Instance]
    ) -> CommitmentReport | None:
        """Ask for proof; the report if it came at once, else None and it comes later.

        Raises:
            NoContext: The destination has no storage commitment.
            Unavailable: It does not answer.
        """
