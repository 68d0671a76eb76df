"""Property tests have no deadline: the machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("trigger", deadline=None, max_examples=200)
settings.load_profile("trigger")
