"""The parent's end of a child process: start, ask, limit, watch, let go."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from passerelle.children.program import Body, crossed, read_frame, write_frame
from passerelle.errors import ChildError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WORKER: Final = "passerelle.children.worker"
PEER: Final = "passerelle.children.peer"
LISTENER: Final = "passerelle.children.listener"
DEVICE: Final = "passerelle.children.device"

#: Address space, not memory in use: numpy and threads reserve far more than they touch.
LIMIT_BYTES: Final = {WORKER: 2 << 30, PEER: 1 << 30, LISTENER: 1 << 30, DEVICE: 2 << 30}
_FAREWELL_S: Final = 2.0
_WARM_S: Final = 60.0


class Child:
    """One child process, started by the first request and let go after `idle_s` without one.

    Requests are answered one at a time. A child that does not answer within the deadline, dies
    or outgrows its limit is ended, the request raises `ChildError`, and the next request
    starts another.
    """

    def __init__(
        self,
        module: str,
        *,
        limit_bytes: int | None = None,
        idle_s: float = 20.0,
        inherit: Sequence[int] = (),
    ) -> None:
        """Nothing is started yet.

        Args:
            module: The program, run with `python -m`.
            limit_bytes: The child's address space; not enforced on Windows. By default its own.
            idle_s: How long to keep it without a request.
            inherit: File descriptors the child may use, on POSIX.
        """
        self.name = module.rpartition(".")[2]
        self._module = module
        self._limit_bytes = limit_bytes or LIMIT_BYTES[module]
        self._idle_s = idle_s
        self._inherit = tuple(inherit)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._frames: queue.SimpleQueue[Body | None] = queue.SimpleQueue()
        self._last_used = 0.0
        self._is_closed = False
        self._watch: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process id while one runs."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def request(
        self,
        kind: str,
        body: Body,
        *,
        deadline_s: float | None,
        on_asked: Callable[[Body], Body] = lambda _: {},
        on_told: Callable[[Body], bool] = lambda _: True,
    ) -> Body:
        """What the child answers to one request.

        Args:
            kind: Of request.
            body: What the child needs to know.
            deadline_s: How long the child may say nothing at all; None: for ever.
            on_asked: Given what the child asks on its way, returns the reply.
            on_told: Given what the child tells on its way, returns whether it may go on; where
                it may not, it begins nothing more and answers soon.

        Raises:
            ChildError: It crashed, hung past the deadline or outgrew its limit.
            AgentError: What the child itself raised, by name.
        """
        with self._lock:
            process = self._started()
            try:
                assert process.stdin is not None  # noqa: S101 - Popen was given PIPE
                self._write(process.stdin, {"request": kind, "body": body})
                return self._answer(process, process.stdin, deadline_s, on_asked, on_told)
            except OSError as error:
                raise self._ended(process) from error
            finally:
                self._last_used = time.monotonic()

    def note(self, body: Body) -> bool:
        """Say something to the request under way, from any thread; whether a child runs."""
        process = self._process
        if process is None or process.stdin is None or process.poll() is not None:
            return False
        try:
            self._write(process.stdin, {"note": body})
        except (OSError, ValueError):  # it has just ended
            return False
        return True

    def _write(self, pipe: IO[bytes], frame: Body) -> None:
        with self._writing:
            write_frame(pipe, frame)

    def warm(self) -> None:
        """Start it while there is nothing to ask; returns at once."""
        if self.pid is None and not self._is_closed:
            threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def _warm(self) -> None:
        with suppress(ChildError):  # the request that it was meant for will tell
            self.request("warm", {}, deadline_s=_WARM_S)

    def close(self) -> None:
        """End the child for good; a request under way, and every later one, raises `ChildError`."""
        self._is_closed = True
        process = self._process
        if process is not None:
            process.kill()
        with self._lock:
            self._let_go()

    def _answer(
        self,
        process: subprocess.Popen[bytes],
        pipe: IO[bytes],
        deadline_s: float | None,
        on_asked: Callable[[Body], Body],
        on_told: Callable[[Body], bool],
    ) -> Body:
        while True:
            try:
                frame = self._frames.get(timeout=deadline_s)
            except queue.Empty:
                self._let_go()
                msg = f"{self.name}: silent for {deadline_s:.0f} s, ended"
                raise ChildError(msg) from None
            if frame is None:
                raise self._ended(process)
            if "told" in frame:
                if not on_told(frame["told"]):
                    self._write(pipe, {"halt": True})
            elif "asked" in frame:
                self._write(pipe, {"reply": on_asked(frame["asked"])})
            elif "answer" in frame:
                answer: Body = frame["answer"]
                return answer
            elif "error" in frame:
                raise crossed(frame["error"])
            else:
                self._let_go()
                msg = f"{self.name}: crashed, {frame.get('crash', 'speaking nonsense')}"
                raise ChildError(msg)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._is_closed:
            msg = f"{self.name}: closed"
            raise ChildError(msg)
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._let_go()
        self._frames = queue.SimpleQueue()
        process = subprocess.Popen(  # noqa: S603 - our own program
            # -P: a folder called like a library in the working directory must not be imported.
            [sys.executable, "-P", "-m", self._module, str(self._limit_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a library's traceback may hold patient data
            pass_fds=self._inherit,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
        )
        self._process = process
        threading.Thread(
            target=_read, args=(process, self._frames), name=f"{self.name}-reader", daemon=True
        ).start()
        self._last_used = time.monotonic()
        self._arm(self._idle_s)
        return process

    def _arm(self, after_s: float) -> None:
        self._watch = threading.Timer(after_s, self._let_go_if_idle)
        self._watch.daemon = True
        self._watch.start()

    def _let_go_if_idle(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._arm(self._idle_s)
            return
        try:
            left = self._last_used + self._idle_s - time.monotonic()
            if left > 0:
                self._arm(left)
            else:
                self._let_go()
        finally:
            self._lock.release()

    def _let_go(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # a child holds nothing that a kill could lose
        process.wait(_FAREWELL_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was still buffered has no reader any more
                    pipe.close()

    def _ended(self, process: subprocess.Popen[bytes]) -> ChildError:
        process.kill()
        code = process.wait(_FAREWELL_S)
        self._let_go()
        return ChildError(f"{self.name}: ended unasked ({_cause(code)})")


def _read(process: subprocess.Popen[bytes], frames: queue.SimpleQueue[Body | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - Popen was given PIPE
    try:
        while (frame := read_frame(process.stdout)) is not None:
            frames.put(frame)
    except (OSError, ValueError):  # closed under us, or no JSON
        pass
    frames.put(None)


def _cause(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit {code}"
