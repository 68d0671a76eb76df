"""Examples of property tests have no deadline: a machine under load is no fault."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
