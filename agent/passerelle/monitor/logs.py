"""Log lines for people or machines; none of them names a patient or a device's file."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Literal


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, part, text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record; a traceback is left out, its frames may hold patient data."""
        return json.dumps(
            {
                "time": _time(record),
                "level": record.levelname.lower(),
                "part": record.name.removeprefix("passerelle."),
                "text": record.getMessage(),
            },
            ensure_ascii=False,
        )


class TextLines(logging.Formatter):
    """Time, level, text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        return f"{_time(record)} {record.levelname.lower():8}{record.getMessage()}"


def to_standard_error(form: Literal["text", "json"]) -> None:
    """Log our own parts to standard error, and nothing below a warning of any library."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("passerelle").setLevel(logging.INFO)


def _time(record: logging.LogRecord) -> str:
    moment = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
