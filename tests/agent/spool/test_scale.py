"""What is asked all the time is answered by an index, however large the ledger has become."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from passerelle.model import DeliveryState
from spool_support import NOON, WHO, Clock, admit, leased, made, origin, states

if TYPE_CHECKING:
    from passerelle.spool import Spool

#: Run when a spool is opened or mended, and nowhere else.
AT_OPENING: Final = frozenset(
    {
        "acquisition_completed",
        "adopt_instances",
        "doubted",
        "drop_lonely_deliveries",
        "drop_lonely_patients",
        "forget_tally",
        "interrupted",
        "tally_acquisitions",
        "tally_deliveries",
        "uids_here",
    }
)
#: What the operator sorts is what waits for a person, or what happened to one instance.
SMALL: Final = frozenset({"events_of", "instances_of", "kept_ids", "kept_rows"})
GROWING: Final = re.compile(r"SCAN (acquisition|patient|instance|delivery|event|remembered)\b")


def _plan(spool: Spool, statement: str) -> list[str]:
    database = spool._database  # noqa: SLF001 - what its statements become
    sql = database._statements[statement]  # noqa: SLF001 - as above
    values = dict.fromkeys(re.findall(r":(\w+)", sql))
    rows = database._connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)  # noqa: SLF001 - as above
    return [row["detail"] for row in rows]


def test_no_statement_reads_a_whole_table_or_sorts_it(spool: Spool) -> None:
    statements = set(spool._database._statements) - AT_OPENING  # noqa: SLF001 - every statement
    for statement in sorted(statements - {"reindex", "later_foreign_keys"}):
        plan = _plan(spool, statement)
        assert not [step for step in plan if GROWING.match(step)], statement
        if statement not in SMALL:
            assert not [step for step in plan if "TEMP B-TREE" in step], statement


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("lease", "delivery_due"),
        ("first_due", "delivery_due"),
        ("last_due", "delivery_due"),
        ("unknown", "delivery_open"),
        ("awaiting_proof", "delivery_open"),
        ("oldest_in_state", "delivery_open"),
        ("open_rows", "delivery_open"),
        ("in_state", "delivery_open"),
        ("stored_at", "delivery_open"),
        ("settled", "delivery_settled"),
        ("asked_in", "delivery_asked"),
    ],
)
def test_what_waits_is_found_by_its_own_index(spool: Spool, statement: str, index: str) -> None:
    assert any(f"INDEX {index} (" in step for step in _plan(spool, statement))


def _removed(spool: Spool, clock: Clock, uids: list[str]) -> None:
    clock.at += 10
    for batch in spool.batches_of_removable(clock.at, 2, unproven_ok=["folder"]):
        spool.remove(batch)
    assert [spool.files(uid) for uid in uids] == [[]] * len(uids)


def _settled(spool: Spool) -> int:
    values = {"at": 0.0, "place": 0, "before": 1e12, "limit": 99}
    return len(spool._database.rows("settled", **values))  # noqa: SLF001 - what is looked at


def test_what_was_removed_is_not_looked_at_again(spool: Spool, clock: Clock) -> None:
    proven = admit(spool, "a.png", count=5)
    spool.committed("pacs", proven, proof="commitment")
    stored = admit(spool, "b.png", count=3, to=["folder"])
    for _ in stored:
        spool.stored(leased(spool, "folder"))
    assert _settled(spool) == 5
    _removed(spool, clock, proven + stored)
    assert _settled(spool) == 0
    assert spool.awaiting_proof("folder", 9) == []
    assert spool.oldest_unproven() is None
    assert {row["state"] for row in spool.rows("STORED")} == {"STORED"}
    assert len(list(spool.rows("STORED"))) == 3, "the queue still tells what became of it"


def test_every_instance_goes_once_however_its_proofs_came(spool: Spool, clock: Clock) -> None:
    both = admit(spool, "a.png", count=5, to=["pacs", "research"])
    spool.committed("pacs", both, proof="query")
    clock.at += 10
    assert list(spool.batches_of_removable(clock.at, 2)) == []
    spool.committed("research", both[:3], proof="query")
    clock.at += 10
    looked_until = clock.at - 5
    batches = list(spool.batches_of_removable(clock.at, 2, since=looked_until - 5))
    going = [instance.sop_instance_uid for batch in batches for instance in batch]
    assert sorted(going) == sorted(both[:3])
    assert max(map(len, batches)) <= 2


def test_a_removed_instance_that_comes_back_may_go_again(spool: Spool, clock: Clock) -> None:
    uids = admit(spool)
    spool.committed("pacs", uids, proof="query")
    _removed(spool, clock, uids)
    admit(spool, to=["pacs", "research"])
    clock.at += 10
    assert spool.removable(clock.at, 9) == []
    spool.committed("research", uids, proof="query")
    _removed(spool, clock, uids)


def test_what_became_owed_since_it_was_chosen_stays(spool: Spool, clock: Clock) -> None:
    uids = admit(spool, count=2)
    spool.committed("pacs", uids, proof="query")
    clock.at += 10
    chosen = spool.removable(clock.at, 9)
    of = origin("a.png")
    spool.admit(of, WHO, [made(spool, of, 1)], ["pacs", "research"])
    spool.remove(chosen)
    assert [len(spool.files(uid)) for uid in uids] == [0, 1]
    assert leased(spool, "research").instance.path.exists()


@pytest.mark.parametrize("state", list(DeliveryState))
def test_a_page_of_one_state_is_the_same_as_that_state_of_all_pages(
    spool: Spool, clock: Clock, state: DeliveryState
) -> None:
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        clock.at = NOON + 10 - number  # the clock was put back
        uids = admit(spool, name, count=3, to=["pacs", "folder"])
        spool.stored(leased(spool))
        spool.refuse(leased(spool), reason="A900")
        spool.mark_unknown(leased(spool, "folder"), reason="no answer")
        leased(spool, "folder")
        spool.committed("folder", uids[2:], proof="query")
    spool.discard(uids[0], "test", "jane")
    all_of_them = [row for row in spool.rows() if row["state"] == state]
    paged = list(spool.rows(state))
    assert len(states(spool)) == 18
    key = "sop_instance_uid", "destination"
    assert sorted(tuple(row[k] for k in key) for row in paged) == sorted(
        tuple(row[k] for k in key) for row in all_of_them
    )
    if state in ("PENDING", "REFUSED", "UNKNOWN"):
        assert [row["created_at"] for row in paged] == sorted(row["created_at"] for row in paged)
