"""A trigger's moment, and what every trigger promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event


class TriggerGone(Exception):
    """The trigger is not there, or not any more; why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press or release, debounced."""

    at_s: float  #: seconds of `time.monotonic`, taken where it happened
    down: bool = True  #: False: it was let go of


class Trigger(Protocol):
    """Something that says when."""

    def watch(self, told: Callable[[Press], None], stop: Event) -> None:
        """Tell each press and release until `stop` is set, which is noticed within a second.

        Raises:
            TriggerGone: It cannot be opened, or was unplugged; watch it again later.
        """
