"""The box is there."""

from __future__ import annotations

import os
import sys
from typing import Any


def run(_asked: dict[str, Any]) -> dict[str, Any]:
    import passerelle
    import passerelle_hw.camera.v4l2 as v4l2

    return {
        "python": sys.version.split()[0],
        "kernel": os.uname().release,
        "version": passerelle.__version__,
        "cameras": len(v4l2.cameras()),
    }
