"""Lanes: things at work at the same time, begun in order, collected by one thread."""

from __future__ import annotations

import threading
import time

import pytest

from passerelle.lanes import Lanes


class Works:
    """Work that goes on until it is told to end, by number."""

    def __init__(self, width: int) -> None:
        self.begun: list[int] = []
        self.ends = {number: threading.Event() for number in range(20)}
        self.threads = set[threading.Thread]()
        self.told = 0
        self.lanes: Lanes[int, str] = Lanes(width, self._work, self._done)

    def collected(self) -> int:
        done = self.lanes.collect(5)
        assert done
        return done.task

    def _work(self, number: int) -> str:
        self.begun.append(number)
        self.threads.add(threading.current_thread())
        assert self.ends[number].wait(10)
        if number == 13:
            msg = "thirteen"
            raise ArithmeticError(msg)
        return f"did {number}"

    def _done(self) -> None:
        self.told += 1


def test_a_slow_one_does_not_hold_up_the_others() -> None:
    works = Works(2)
    for number in range(4):
        works.lanes.put(number)
    for number in (1, 2, 3):
        works.ends[number].set()
        assert works.collected() == number
    assert works.lanes.busy == 1
    works.ends[0].set()
    done = works.lanes.collect(5)
    assert done
    assert (done.task, done.result()) == (0, "did 0")
    works.lanes.close()


def test_they_begin_in_the_order_in_which_they_were_put_and_no_more_than_there_are_lanes() -> None:
    works = Works(3)
    for number in range(10):
        works.lanes.put(number)
    assert works.lanes.is_full
    for number in range(10):
        works.ends[number].set()
        works.collected()
        assert len(works.begun) <= number + 1 + 3
    assert set(works.begun[:3]) == {0, 1, 2}
    assert works.begun[3:] == sorted(works.begun[3:])
    works.lanes.close()


def test_what_went_wrong_is_raised_where_it_is_collected() -> None:
    works = Works(1)
    works.ends[13].set()
    works.lanes.put(13)
    done = works.lanes.collect(5)
    assert done
    with pytest.raises(ArithmeticError, match="thirteen"):
        done.result()
    works.lanes.close()


def test_nothing_done_is_none_at_once_after_a_while_or_when_nudged() -> None:
    works = Works(1)
    works.lanes.put(1)
    assert works.lanes.collect() is None
    assert works.lanes.collect(0.01) is None
    threading.Timer(0.1, works.lanes.nudge).start()
    began = time.monotonic()
    assert works.lanes.collect(None) is None
    assert time.monotonic() - began < 5
    assert works.lanes.busy == 1
    works.ends[1].set()
    assert works.collected() == 1
    assert works.told == 1
    works.lanes.close()


def test_threads_are_started_by_need_and_end() -> None:
    works = Works(4)
    for number in range(2):
        works.lanes.put(number)
        works.ends[number].set()
        works.collected()
    assert len(works.threads) == 1, "one after another"
    works.lanes.close()
    for thread in works.threads:
        thread.join(5)
        assert not thread.is_alive()
