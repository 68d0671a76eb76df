"""The status table: what an archive's answer means for a delivery (PS3.4 B.2.3)."""

from __future__ import annotations

import pytest

from passerelle.destinations.status import judge
from passerelle.errors import Deferred, Refused, Unavailable, Uncertain


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007, 0xB123, 0x0107, 0x0116])
def test_success_and_every_warning_are_stored(status: int) -> None:
    remark = judge("pacs", status, "", {})
    assert remark.startswith(f"{status:04X}") == (status != 0)


@pytest.mark.parametrize("status", [0xA700, 0xA7FF, 0x0213, 0x0124])
def test_an_archive_that_is_full_busy_or_misconfigured_is_waited_for(status: int) -> None:
    with pytest.raises(Unavailable, match=f"pacs: {status:04X}"):
        judge("pacs", status, "", {})


@pytest.mark.parametrize("status", [0xA900, 0xA9AB, 0x0117, 0x0122, 0x0210, 0x0211, 0x0212])
def test_what_stays_wrong_until_something_changes_is_refused_at_once(status: int) -> None:
    with pytest.raises(Refused):
        judge("pacs", status, "", {})


@pytest.mark.parametrize(
    ("status", "tries"), [(0x0110, 10), (0xC000, 3), (0xCFFF, 3), (0x7777, 10)]
)
def test_what_may_pass_is_tried_again_a_limited_number_of_times(status: int, tries: int) -> None:
    with pytest.raises(Deferred) as caught:
        judge("pacs", status, "", {})
    assert caught.value.tries == tries


def test_a_duplicate_is_asked_about_and_never_sent_again_blindly() -> None:
    with pytest.raises(Uncertain):
        judge("pacs", 0x0111, "", {})


def test_a_destination_may_use_a_status_in_its_own_way() -> None:
    with pytest.raises(Refused):
        judge("pacs", 0xA700, "", {"A700": "refuse"})
    assert judge("pacs", 0xA900, "", {"A900": "stored"}).startswith("A900")


def test_the_comment_reaches_the_queue_but_not_what_is_logged() -> None:
    assert "coerced by rule 3" in judge("pacs", 0xB000, "coerced by rule 3", {})
    with pytest.raises(Refused, match="bad tag"):
        judge("pacs", 0xA900, "bad tag", {})
    with pytest.raises(Unavailable) as caught:
        judge("pacs", 0xA700, "Doe^Jane does not fit", {})
    assert "Doe" not in str(caught.value)
