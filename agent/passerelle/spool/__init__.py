"""What is durable here: objects and their records on disk, and in SQLite what is owed to whom.

The files are the truth, the database an index of it that is rebuilt from them when it is lost.
"""

from __future__ import annotations

from passerelle.spool.ledger import Counts, Ledger
from passerelle.spool.records import Kept, Produced
from passerelle.spool.spool import Spool

__all__ = ["Counts", "Kept", "Ledger", "Produced", "Spool"]
