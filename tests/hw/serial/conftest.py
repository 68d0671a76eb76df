"""Property tests have no deadline, and as many examples as PASSERELLE_EXAMPLES says."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "serial", deadline=None, max_examples=int(os.environ.get("PASSERELLE_EXAMPLES", "100"))
)
settings.load_profile("serial")
