"""What happened is told once: by the row as long as it can, else by an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spool_support import NOON, WHO, admit, leased, made, origin, original

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.spool import Spool
    from spool_support import Clock


def _told(spool: Spool, uid: str) -> list[tuple[str, str, str]]:
    shown = spool.show(uid)
    assert shown is not None
    return [(one["at"][-4:-1], one["kind"], one["detail"]) for one in shown["events"]]


def _written(spool: Spool) -> int:
    count = spool._database._connection.execute("SELECT count(*) FROM event")  # noqa: SLF001 - the table
    return int(count.fetchone()[0])


def _stored(spool: Spool, clock: Clock, destination: str = "pacs", remark: str = "") -> None:
    clock.at += 1
    spool.stored(leased(spool, destination), remark=remark)


def test_the_way_of_an_instance_is_told_and_costs_no_event(spool: Spool, clock: Clock) -> None:
    (uid,) = admit(spool, to=["pacs", "research"])
    _stored(spool, clock)
    _stored(spool, clock, "research")
    clock.at += 1
    spool.committed("pacs", [uid], proof="commitment")
    spool.committed("research", [uid], proof="query")
    clock.at += 1
    spool.remove(spool.removable(clock.at, 9))
    assert _told(spool, uid) == [
        (":20", "wrapped", ""),
        (":21", "stored", "pacs"),
        (":22", "stored", "research"),
        (":23", "committed", "pacs: by commitment"),
        (":23", "committed", "research: by query"),
        (":24", "removed", ""),
    ]
    assert _written(spool) == 0


def test_what_a_row_cannot_tell_any_more_stays_told(spool: Spool, clock: Clock) -> None:
    (uid,) = admit(spool)
    _stored(spool, clock, remark="B000")
    delivery = spool.delivery("pacs", uid)
    assert delivery is not None
    clock.at += 1
    spool.retry(delivery, at=clock.at, reason="lost there", blamed=False)
    _stored(spool, clock)
    delivery = spool.delivery("pacs", uid)
    assert delivery is not None
    spool.retry(delivery, at=clock.at, reason="lost there", blamed=False)
    spool.retry(delivery, at=clock.at, reason="lost there", blamed=False)
    _stored(spool, clock)
    clock.at += 1
    spool.committed("pacs", [uid], proof="query")
    clock.at += 1
    spool.remove(spool.removable(clock.at, 9))
    clock.at += 1
    admit(spool, to=["pacs", "research"])
    told = _told(spool, uid)
    assert [one for one in told if one[1] == "stored"] == [
        (":21", "stored", "pacs: B000"),
        (":23", "stored", "pacs"),
        (":24", "stored", "pacs"),
    ]
    assert [one[1] for one in told if one[1] in ("committed", "removed")] == [
        "committed",
        "removed",
    ]


def test_an_original_that_waited_tells_both(spool: Spool, clock: Clock, tmp_path: Path) -> None:
    of, media, sidecar = original(tmp_path / "device")
    spool.hold(of, media, sidecar, reason="no patient")
    clock.at += 1
    admit(spool, "b.png")
    spool.admit(of, WHO, [made(spool, of)], ["pacs"])
    assert _told(spool, of.id) == [(":20", "held", "no patient"), (":21", "wrapped", "")]
    assert _told(spool, origin("b.png").id) == [(":21", "wrapped", "")]
    assert spool.counts().newest_at == NOON + 1


def test_what_an_older_agent_wrote_is_not_told_twice(spool: Spool, clock: Clock) -> None:
    (uid,) = admit(spool)
    spool.note(origin().id, "wrapped", "agent")
    _stored(spool, clock)
    spool.note(uid, "stored", "agent", "pacs")
    clock.at += 1
    spool.committed("pacs", [uid], proof="query")
    spool.note(uid, "committed", "agent", "pacs: by query")
    assert [kind for _, kind, _ in _told(spool, uid)] == ["wrapped", "stored", "committed"]
