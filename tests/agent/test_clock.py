"""How far the time can be trusted."""

from __future__ import annotations

import time

from passerelle.clock import Trust, trust


def test_a_clock_behind_what_was_recorded_is_not_trusted() -> None:
    assert trust(not_before=2_000_000_000.0, now=1_999_999_999.0) is Trust.UNTRUSTED


def test_a_plausible_clock_is_trusted_or_in_holdover() -> None:
    assert trust(not_before=0.0) in (Trust.TRUSTED, Trust.HOLDOVER)
    assert trust(not_before=time.time() - 1) is not Trust.UNTRUSTED
