"""The config file: found, read strictly, every fault told at once."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from passerelle.errors import ConfigError
from passerelle.settings import Config, FolderDestinationSettings, TlsSettings
from passerelle.source_settings import FolderSourceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

DEFAULT_PATH: Final = (
    Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "Passerelle", "agent.toml")
    if sys.platform == "win32"
    else Path("/etc/passerelle/agent.toml")
)


def locate(path: Path | None) -> Path:
    """The config file: as given, else PASSERELLE_CONFIG, else the platform's default."""
    named = os.environ.get("PASSERELLE_CONFIG")
    return path or (Path(named) if named else DEFAULT_PATH)


def load(path: Path) -> Config:
    """The settings from `path`; relative folders in it are relative to the file.

    Raises:
        ConfigError: Every fault at once, a line each, with its place and the nearest key.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise ConfigError(msg) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: not TOML: {error}"
        raise ConfigError(msg) from error
    try:
        config = Config.model_validate_json(json.dumps(table, default=str))
    except ValidationError as error:
        faults = [_fault(detail) for detail in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults)) from error
    return _anchored(config, path.absolute().parent)


def _anchored(config: Config, folder: Path) -> Config:
    # `folder / absolute` is the absolute path itself.
    agent = config.agent.model_copy(update={"data_dir": folder / config.agent.data_dir})
    sources = tuple(
        source.model_copy(update={"path": folder / source.path})
        if isinstance(source, FolderSourceSettings)
        else source
        for source in config.sources
    )
    destinations = tuple(
        destination.model_copy(update={"path": folder / destination.path})
        if isinstance(destination, FolderDestinationSettings)
        else destination.model_copy(update={"tls": anchored_tls(destination.tls, folder)})
        for destination in config.destinations
    )
    update = {"agent": agent, "sources": sources, "destinations": destinations}
    return config.model_copy(update=update)


def anchored_tls(tls: TlsSettings | None, folder: Path) -> TlsSettings | None:
    """The same with the places of its files: beside `folder`, or among systemd's credentials.

    Raises:
        ConfigError: A credential is named, and systemd gave none.
    """
    if tls is None:
        return None
    files = {name: _file(getattr(tls, name), folder) for name in ("ca", "cert", "key")}
    return tls.model_copy(update=files)


def _file(name: str, folder: Path) -> str:
    kind, _, credential = name.partition("credential:")
    if kind or not credential:
        return str(folder / name) if name else ""
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    if given is None:
        msg = f"{name}: systemd gave no credentials; see LoadCredential= of its unit"
        raise ConfigError(msg)
    return str(Path(given, credential))


def _fault(detail: ErrorDetails) -> str:
    place, section = _place(detail["loc"])
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        near = difflib.get_close_matches(key, section.model_fields, n=1) if section else []
        hint = f", did you mean {near[0]}?" if near else ""
        return f"{place}: unknown key{hint}"
    text = re.sub(r"^Value error, ", "", detail["msg"])
    return f"{place}: {text[0].lower()}{text[1:]}" if place else text


def _place(loc: Sequence[str | int]) -> tuple[str, type[BaseModel] | None]:
    """`loc` as `sources[0].key`, and the section that the last key was looked for in."""
    place = ""
    section: type[BaseModel] = Config
    for part, inside in zip(loc, _sections(loc), strict=True):
        if isinstance(part, int):
            place += f"[{part}]"
        elif inside is not None:
            place += f".{part}" if place else part
            section = inside
    return place, section


def _sections(loc: Sequence[str | int]) -> Iterator[type[BaseModel] | None]:
    """For each part of `loc` the section it is a key of; None for a union's own tag."""
    candidates: list[type[BaseModel]] = [Config]
    for part in loc:
        tagged = [section for section in candidates if part == _tag(section)]
        if len(candidates) > 1 and tagged:
            candidates = tagged
            yield None
            continue
        section = candidates[0]
        if isinstance(part, str):
            field = section.model_fields.get(part)
            candidates = (_models(field.annotation) if field else []) or candidates
        yield section


def _tag(section: type[BaseModel]) -> str | None:
    field = section.model_fields.get("type")
    return field.annotation.__args__[0] if field else None  # type: ignore[union-attr] # a Literal


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - typing's own objects
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models(part)]
