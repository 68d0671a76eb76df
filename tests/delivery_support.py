"""Handing instances to a destination or to a peer child, and what is heard of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passerelle.children.program import crossed

if TYPE_CHECKING:
    from passerelle.children.child import Child
    from passerelle.interfaces import Destination, Outcome
    from passerelle.model import Instance


def handed_over(destination: Destination, *instances: Instance) -> dict[str, Outcome]:
    """What was told, by SOP Instance UID, in the order it was told."""
    heard: dict[str, Outcome] = {}

    def told(instance: Instance, outcome: Outcome) -> bool:
        assert instance.sop_instance_uid not in heard, "told twice"
        heard[instance.sop_instance_uid] = outcome
        return True

    destination.store(instances, told)
    return heard


def stored(destination: Destination, instance: Instance) -> str:
    """The destination's remark on the one instance; raises why it was not stored."""
    (outcome,) = handed_over(destination, instance).values()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def sent(
    child: Child,
    node: dict[str, Any],
    body: dict[str, Any],
    heard: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Send one instance; what is told of it."""
    told: list[dict[str, Any]] = [] if heard is None else heard

    def on_told(said: dict[str, Any]) -> bool:
        told.append(said)
        return True

    queue = {"instances": [{"sha256": "", **body}], "alternatives": body.get("alternatives", [])}
    request = {"node": node, "associations": 1, **queue}
    child.request("store", request, deadline_s=60, on_told=on_told)
    (became,) = [one for one in told if "uid" in one]
    assert became.pop("uid") == body["sop_instance_uid"]
    if "error" in became:
        raise crossed(became["error"])
    return became
