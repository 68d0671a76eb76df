"""What a sidecar beside the picture says: JSON, DICOM keyword to value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NoReturn

from passerelle.errors import IdentityError
from passerelle.model import Identity, Value

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.model import Acquisition

_LIMIT_BYTES: Final = 1 << 20
_KEY_SHOWN: Final = 64


class SidecarIdentifier:
    """Reads the sidecar strictly: nothing in it is passed over or mended."""

    name = "sidecar"

    def identify(self, acquisition: Acquisition) -> Identity | None:
        """Whose it is by its sidecar, or None when it has none.

        Raises:
            IdentityError: The sidecar is not usable; the key and the fault, never the value.
        """
        if acquisition.sidecar is None:
            return None
        attributes = self.said(acquisition)
        _check_patient_id(attributes)
        return Identity(attributes=attributes, resolver=self.name)

    def said(self, acquisition: Acquisition) -> dict[str, Value]:
        """All of its sidecar, whether or not that names a patient.

        Raises:
            IdentityError: The sidecar is not usable; the key and the fault, never the value.
        """
        if acquisition.sidecar is None:
            return {}
        table = _parse(_read(acquisition.sidecar))
        if not isinstance(table, dict):
            _refuse("its JSON is not an object")
        return {key: _value(key, value) for key, value in table.items()}


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        _refuse(f"cannot be read: {error.strerror}")
    if len(data) > _LIMIT_BYTES:
        _refuse("larger than 1 MB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse("not UTF-8; save it as UTF-8")


def _parse(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        fault = f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        _refuse(fault)
    except RecursionError:
        _refuse("nested too deeply")
    except ValueError:  # CPython's limit on digits
        _refuse("a number is too long")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            _refuse(f"{_shown(key)} stands there twice")
        table[key] = value
    return table


def _constant(_: str) -> float:
    _refuse("NaN and Infinity are no JSON")


def _value(key: str, value: Any) -> Value:  # noqa: ANN401 - checked here
    if _is_scalar(value):
        return value  # type: ignore[no-any-return] # a scalar of Value
    if not isinstance(value, list) or not value or not all(map(_is_scalar, value)):
        _refuse(f"{_shown(key)} must be text, a number or a list of one of them")
    if len({isinstance(one, str) for one in value}) > 1:
        _refuse(f"{_shown(key)} mixes text and numbers")
    return value


def _is_scalar(value: object) -> bool:
    # 1e999 is JSON, but Python reads it as infinity.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, str) or (is_number and abs(value) < float("inf"))  # type: ignore[arg-type] # a number


def _check_patient_id(attributes: dict[str, Value]) -> None:
    if "PatientID" not in attributes:
        _refuse("PatientID is missing")
    patient_id = attributes["PatientID"]
    if not isinstance(patient_id, str):
        _refuse("PatientID must be text in quotes: leading zeros are part of it")
    if not patient_id.strip():
        _refuse("PatientID is empty")


def _shown(key: str) -> str:
    # What is no keyword may be a value that slipped into the key's place.
    is_keyword = key.isascii() and key.isalnum() and key[0].isupper() and len(key) <= _KEY_SHOWN
    return key if is_keyword else "a key"


def _refuse(fault: str) -> NoReturn:
    # Never chained: what the library says quotes the file or its path.
    msg = f"sidecar: {fault}"
    raise IdentityError(msg) from None
