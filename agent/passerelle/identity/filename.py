"""What a device wrote into the file's name."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from passerelle.errors import IdentityError
from passerelle.model import Identity, Value

if TYPE_CHECKING:
    from passerelle.model import Acquisition


class FilenameIdentifier:
    """Matches the whole file name, without its folders; named groups are DICOM keywords."""

    name = "filename"

    def __init__(self, pattern: str, date_format: str | None = None) -> None:
        self._pattern = re.compile(pattern)
        self._date_format = date_format

    def identify(self, acquisition: Acquisition) -> Identity | None:
        """Whose it is by its name, or None when the name does not say.

        Raises:
            IdentityError: A date in the name is impossible.
        """
        if not self._found(acquisition).get("PatientID", "").strip():
            return None
        return Identity(attributes=self.said(acquisition), resolver=self.name)

    def said(self, acquisition: Acquisition) -> dict[str, Value]:
        """All that the name says, whether or not that names a patient.

        Raises:
            IdentityError: A date in the name is impossible.
        """
        return {
            keyword: self._date(keyword, text) if keyword.endswith("Date") else text
            for keyword, text in self._found(acquisition).items()
        }

    def _found(self, acquisition: Acquisition) -> dict[str, str]:
        match = self._pattern.fullmatch(acquisition.name.rpartition("/")[2])
        groups = match.groupdict() if match else {}
        return {keyword: text for keyword, text in groups.items() if text}

    def _date(self, keyword: str, text: str) -> str:
        """The date as DICOM writes it (PS3.5 6.2, DA)."""
        if self._date_format is None:
            return text
        try:
            date = datetime.strptime(text, self._date_format)  # noqa: DTZ007 - a date has no zone
        except ValueError:
            # Not chained: the exception quotes the name.
            msg = f"filename: {keyword} is no date of the form {self._date_format}"
            raise IdentityError(msg) from None
        # strptime takes "1" for %d and "5" for %m: only what it would write itself is meant.
        if date.strftime(self._date_format) != text:
            msg = f"filename: {keyword} is not exactly of the form {self._date_format}"
            raise IdentityError(msg)
        return f"{date.year:04}{date.month:02}{date.day:02}"
