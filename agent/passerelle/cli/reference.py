"""The reference config, generated from the settings: every key, its default, its meaning."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from passerelle.settings import (
    AgentSettings,
    DicomDestinationSettings,
    EquipmentSettings,
    FolderDestinationSettings,
    IdentitySettings,
    RetentionSettings,
)
from passerelle.source_settings import (
    FolderSourceSettings,
    GrabberSourceSettings,
    SerialSourceSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_WIDTH: Final = 100

#: Section header, settings, and what stands in the reference where no default exists.
_SECTIONS: Final[tuple[tuple[str, type[BaseModel], dict[str, Any]], ...]] = (
    ("[agent]", AgentSettings, {}),
    ("[equipment]", EquipmentSettings, {}),
    (
        "[[sources]]",
        FolderSourceSettings,
        {"name": "export", "type": "folder", "path": "/srv/acquisitions"},
    ),
    (
        "[[sources]]",
        SerialSourceSettings,
        {"name": "scope", "type": "serial", "port": "/dev/serial/by-id/usb-Acme_Scope_0001-if00"},
    ),
    (
        "[[sources]]",
        GrabberSourceSettings,
        {
            "name": "tower",
            "type": "grabber",
            "device": "/dev/v4l/by-id/usb-Acme_Grabber_0001-video-index0",
            "trigger": {
                "type": "line",
                "port": "/dev/serial/by-id/usb-Acme_Pedal_1-if00",
                "line": "cts",
            },
        },
    ),
    ("[identity]", IdentitySettings, {"host": "ris.local", "ae_title": "RIS"}),
    (
        "[[destinations]]",
        DicomDestinationSettings,
        {"name": "pacs", "type": "dicom", "host": "pacs.local", "ae_title": "PACS"},
    ),
    (
        "[[destinations]]",
        FolderDestinationSettings,
        {"name": "import-share", "type": "folder", "path": "/srv/import"},
    ),
    ("[retention]", RetentionSettings, {}),
)
_HEAD: Final = """\
# The reference of Passerelle's config: every key with its default, commented out where the
# default is no value. Made by `passerelle config reference`; a test compares it.
"""


def reference() -> str:
    """The text of `config/agent.toml`."""
    parts = [_HEAD]
    for header, section, examples in _SECTIONS:
        parts.append("\n".join(_section(header, section, examples)))
    return "\n".join(parts)


def _section(header: str, section: type[BaseModel], examples: dict[str, Any]) -> Iterator[str]:
    yield from _comment(section.__doc__ or "")
    yield header
    for key, field in section.model_fields.items():
        yield from _comment(field.description or "")
        yield from _key(key, field, examples)
    yield ""


def _key(key: str, field: FieldInfo, examples: dict[str, Any]) -> Iterator[str]:
    kinds = list(_models(field.annotation))
    for kind in kinds:
        # What is one of several kinds is told of each: its `type` says which it is.
        which = f" ({_kind(kind)})" if len(kinds) > 1 else ""
        for name, inner in kind.model_fields.items():
            yield from _comment(f"{key}.{name}{which}: {inner.description}")
    if len(kinds) > 1:
        yield f"{key} = {_toml(examples[key])}"
    elif kinds:
        mark = "# " if field.default is None else ""
        pairs = [
            (name, _value(name, inner, examples)) for name, inner in kinds[0].model_fields.items()
        ]
        inline = ", ".join(f"{name} = {_toml(value)}" for name, value in pairs if value is not None)
        yield f"{mark}{key} = {{ {inline} }}"
    else:
        value = _value(key, field, examples)
        yield f"# {key} =" if value is None else f"{key} = {_toml(value)}"


def _kind(section: type[BaseModel]) -> str:
    return str(section.model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]


def _value(key: str, field: FieldInfo, examples: dict[str, Any]) -> Any:  # noqa: ANN401 - a TOML value
    if field.is_required():
        return examples.get(key)
    return field.get_default(call_default_factory=True, validated_data={})


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - typing's own objects
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def _toml(value: Any) -> str:  # noqa: ANN401 - a TOML value
    if isinstance(value, dict):
        inline = ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {inline} }}" if inline else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(inner) for inner in value)}]"
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False)


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(text.split()), _WIDTH - 2):
        yield f"# {line}"
