"""Errors are named after what to do; those of children cross their pipe by name."""

from __future__ import annotations

import inspect

import pytest

from passerelle import errors
from passerelle.errors import CROSSING, AgentError, Deferred, DeliveryError

ALL = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", ALL)
def test_whatever_is_raised_on_purpose_is_an_agent_error_and_says_what_it_means(
    kind: type[AgentError],
) -> None:
    assert issubclass(kind, AgentError)
    assert kind.__doc__
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("name", CROSSING)
def test_what_crosses_the_pipe_is_made_again_of_its_name_and_text_alone(name: str) -> None:
    error = CROSSING[name]("part: what happened")
    assert type(error).__name__ == name
    assert str(error) == "part: what happened"


def test_every_way_a_delivery_fails_can_cross() -> None:
    assert {kind.__name__ for kind in ALL if DeliveryError in kind.__bases__} <= set(CROSSING)


def test_a_deferred_instance_is_tried_ten_times_unless_told_otherwise() -> None:
    assert Deferred("pacs: busy").tries == 10
    assert Deferred("pacs: busy", tries=3).tries == 3
