"""Runs, in the box, the topics that the host asks for; each says its figures as JSON."""

from __future__ import annotations

import json
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path

SHARE = Path("/share")


def main() -> int:
    """Run them in order; 1 if one failed."""
    asked = json.loads((SHARE / "asked.json").read_text())
    failed = 0
    for topic in asked["topics"]:
        began = time.monotonic()
        try:
            figures = import_module(f"hil.guest.{topic}").run(asked)
            told = {"figures": figures}
        except Exception as error:  # noqa: BLE001 - the host is told whatever it is
            failed = 1
            told = {"failed": f"{type(error).__name__}: {error}", "where": traceback.format_exc()}
        told["seconds"] = round(time.monotonic() - began, 1)
        (SHARE / f"{topic}.json").write_text(json.dumps(told))
    return failed


if __name__ == "__main__":
    sys.exit(main())
