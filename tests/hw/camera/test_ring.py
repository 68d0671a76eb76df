"""The ring is bounded by bytes and by seconds, and always has the newest frame."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from camera_support import frame
from passerelle_hw.camera.ring import Ring


@given(
    frames=st.lists(st.tuples(st.floats(0.001, 1), st.integers(1, 100)), min_size=1, max_size=60),
    limit_bytes=st.integers(1, 500),
    limit_s=st.floats(0, 5),
)
def test_it_holds_the_newest_frames_within_both_bounds(
    frames: list[tuple[float, int]], limit_bytes: int, limit_s: float
) -> None:
    ring, at_s, every = Ring(limit_bytes=limit_bytes, limit_s=limit_s), 0.0, []
    for number, (step, size) in enumerate(frames):
        at_s += step
        every.append(frame(at_s, number, data=bytes(size)))
        ring.add(every[-1])
        kept = list(ring.since(0))
        assert kept == every[-len(ring) :]
        assert ring.bytes == sum(len(one.data) for one in kept)
        if len(kept) > 1:
            assert ring.bytes <= limit_bytes
            assert at_s - kept[0].at_s <= limit_s


def test_what_it_gave_stays_while_it_goes_on() -> None:
    ring = Ring(limit_bytes=100, limit_s=10)
    for number in range(5):
        ring.add(frame(number, number, data=b"x"))
    since = ring.since(3)
    ring.clear()
    assert [one.sequence for one in since] == [3, 4]
    assert len(ring) == ring.bytes == 0
