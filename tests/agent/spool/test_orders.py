from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.model import DeliveryState
from spool_support import NOON, admit, leased, original, state_of

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.spool import Spool


def _events(spool: Spool, uid: str) -> list[tuple[str, str]]:
    shown = spool.show(uid)
    assert shown is not None
    return [(event["kind"], event["actor"]) for event in shown["events"]]


def test_a_refused_delivery_is_due_again_with_a_clean_slate(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.retry(leased(spool), at=NOON, reason="A700", blamed=True)
    spool.refuse(leased(spool), reason="A900")
    assert spool.retry_now([uid], "jane") == [uid]
    delivery = leased(spool)
    assert (delivery.failures, delivery.first_failed_at) == (0, None)
    assert ("retried", "jane") in _events(spool, uid)


def test_what_waits_out_a_backoff_is_due_at_once(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.retry(leased(spool), at=NOON + 600, reason="A700", blamed=True)
    spool.retry_now([uid], "jane")
    assert spool.next_due("pacs") == NOON


def test_what_may_have_arrived_is_asked_for_before_it_is_sent_again(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.mark_unknown(leased(spool), reason="no answer")
    spool.refuse(spool.unknown("pacs", 1)[0], reason="an operator's table of statuses")
    spool.retry_now([uid], "jane")
    assert state_of(spool, uid) is DeliveryState.UNKNOWN


def test_all_that_waits_for_a_person_is_tried_again(spool: Spool) -> None:
    refused, pending = admit(spool, count=2)
    spool.refuse(leased(spool), reason="A900")
    assert spool.retry_now([], "jane", all_held=True) == [refused]
    assert state_of(spool, pending) is DeliveryState.PENDING


def test_nothing_matches_a_uid_nobody_knows(spool: Spool) -> None:
    admit(spool)
    assert spool.retry_now(["2.25.404"], "jane") == []
    assert not spool.discard("2.25.404", "test", "jane")


def test_a_discarded_instance_is_not_sent_and_its_audit_record_stays(spool: Spool) -> None:
    (uid,) = admit(spool)
    assert spool.discard(uid, "test picture", "jane")
    assert (spool.lease("pacs"), state_of(spool, uid)) == ([], DeliveryState.DISCARDED)
    assert ("discarded", "jane") in _events(spool, uid)
    assert spool.retry_now([uid], "jane", all_held=True) == []


def test_what_is_being_sent_or_proven_cannot_be_discarded(spool: Spool) -> None:
    sending, proven = admit(spool, count=2)
    leased(spool)
    spool.committed("pacs", [proven], proof="query")
    assert not spool.discard(sending, "test", "jane")
    assert not spool.discard(proven, "test", "jane")


def test_a_discarded_original_is_known_and_goes_to_the_archive(
    spool: Spool, tmp_path: Path, data_dir: Path
) -> None:
    of, media, sidecar = original(tmp_path / "device")
    spool.hold(of, media, sidecar, reason="no patient")
    assert spool.discard(of.id, "no patient will ever be said", "jane")
    assert spool.known(of) == "DISCARDED"
    archived = sorted(path.name for path in data_dir.glob("archive/export/*/*"))
    assert archived == ["a.png", "a.png.json"]
    assert not spool.discard(of.id, "again", "jane")


def test_a_note_is_in_the_audit_record(spool: Spool) -> None:
    (uid,) = admit(spool)
    spool.note(uid, "reassigned", "jane", "to another patient")
    assert _events(spool, uid)[-1] == ("reassigned", "jane")
