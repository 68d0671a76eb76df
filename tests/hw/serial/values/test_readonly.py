"""Nothing that reads what devices say can say anything to them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import passerelle_hw.serial as package
from passerelle_hw.serial.events import Message
from passerelle_hw.serial.generator import Odel, Spellman, spellman_check
from passerelle_hw.serial.lines import Lines
from passerelle_hw.serial.nidek import Nidek, NidekChecked
from passerelle_hw.serial.pulse import FiveBytes

if TYPE_CHECKING:
    from passerelle_hw.serial.events import Framer

FOLDER = Path(package.__file__).parent
#: Modules that find or read messages; whoever opens a port is not among them.
READERS = [
    *sorted((FOLDER / "values").glob("*.py")),
    *(FOLDER / f"{name}.py" for name in ("generator", "pulse", "nidek", "lines")),
]
SPEAKING = {"serial", "socket", "os", "subprocess", "termios", "fcntl", "io", "pathlib"}


def test_no_reader_imports_what_could_send_or_calls_what_would() -> None:
    assert len(READERS) > 10
    for path in READERS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
                assert not (node.module or "").startswith("passerelle_hw.serial.line."), path
                assert node.module != "passerelle_hw.serial.line", path
            elif isinstance(node, ast.Attribute):
                assert node.attr not in ("write", "send", "sendall", "send_break"), path
            elif isinstance(node, ast.Name):
                assert node.id not in ("open", "exec", "eval", "__import__"), path
            assert not SPEAKING & set(names), path


@pytest.mark.parametrize(
    ("framer", "message"),
    [
        (Spellman(), b"\x0260,1," + bytes([spellman_check(b"60,1,")]) + b"\x03"),
        (Odel(), b"ST002\x03" + bytes([sum(b"ST002\x03") & 0xFF])),
        (Lines(), b"SPO2=097 HR=072\r\n"),
        (Nidek(), b"\x01NIDEK\r\x04"),
        (NidekChecked(), b"\x01DLM\x02a\x17\x04%04X" % sum(b"\x01DLM\x02a\x17\x04")),
        (FiveBytes(), b"\x84\x30\x05\x48\x61\x84"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_neither_a_message_nor_what_is_damaged_is_owed_an_answer(
    framer: Framer, message: bytes
) -> None:
    events = [*framer.feed(message), *framer.feed(message[:-2] + message + b"\x03\x04\r")]
    assert any(isinstance(event, Message) for event in events)
    assert {event.answer for event in events} == {b""}
