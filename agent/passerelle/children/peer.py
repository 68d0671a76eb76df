"""The child that speaks to one remote node: echo, store, find, commit, worklist, contexts."""

from __future__ import annotations

import logging
import sys

from passerelle.children.program import limit_memory, serve

if __name__ == "__main__":
    limit_memory(int(sys.argv[1]))
    # pydicom 3.0 takes numpy when it can: 45 MB and 0.2 s that nothing here needs.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    from passerelle.children.remote import Remote

    logging.disable()  # pynetdicom logs what peers send
    serve(Remote().handlers())
