from __future__ import annotations

from typing import TYPE_CHECKING

from passerelle.model import Fingerprint
from passerelle.spool import Spool

if TYPE_CHECKING:
    from pathlib import Path

SEEN = Fingerprint(size=9, mtime_ns=1_700_000_000_123_456_789, inode=2**80, device=2**63)


def test_what_stays_at_the_device_is_remembered_across_restarts(
    spool: Spool, data_dir: Path
) -> None:
    name = "DOE_JANE \udce9.png"
    spool.memory("export").remember("export", name, SEEN)
    spool.close()
    assert b"DOE" not in (data_dir / "queue.db").read_bytes()
    with Spool.open(data_dir) as again:
        memory = again.memory("export")
        assert memory.remembers("export", name, SEEN)
        assert not memory.remembers("other", name, SEEN)
        assert not memory.remembers("export", "b.png", SEEN)


def test_another_file_of_the_same_name_takes_its_place(spool: Spool) -> None:
    memory = spool.memory("export")
    newer = SEEN._replace(size=10)
    memory.remember("export", "a.png", SEEN)
    memory.remember("export", "a.png", newer)
    assert [memory.remembers("export", "a.png", one) for one in (SEEN, newer)] == [False, True]
