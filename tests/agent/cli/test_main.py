"""The entry: every command helps with an example, and no mistake of a user's is a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from passerelle.cli.main import COMMANDS, passerelle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from command_support import Told


def commands(
    group: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that can be typed, with its words."""
    if not isinstance(group, click.Group):
        yield path, group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, (*path, name))


ALL = dict(commands(passerelle))


def test_the_commands_are_those_that_are_promised() -> None:
    assert {path[0] for path in ALL} == set(COMMANDS)
    assert {path[1] for path in ALL if path[0] == "queue"} == {
        *("list", "show", "retry", "discard", "reassign", "export"),
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_helps_with_an_example(
    run: Callable[..., Told], path: tuple[str, ...]
) -> None:
    told = run(*path, "--help")
    assert told.code == 0
    assert f"  passerelle {' '.join(path)}" in told.out


@pytest.mark.parametrize("group", ["queue", "profile", "config"])
def test_every_group_helps_with_examples(run: Callable[..., Told], group: str) -> None:
    assert f"  passerelle {group} " in run(group, "--help").out


def test_the_list_of_commands_needs_none_of_them(run: Callable[..., Told]) -> None:
    told = run("--help")
    assert told.code == 0
    for name, summary in COMMANDS.items():
        assert f"  {name}" in told.out
        assert summary.split(",")[0].split(";")[0][:40] in told.out


def test_the_version_is_told(run: Callable[..., Told]) -> None:
    assert run("--version").out.startswith("passerelle, version ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("unknown",),
        ("queue", "unknown"),
        ("run", "-c", "no-such.toml"),
        ("status", "-c", "no-such.toml"),
        ("check", "-c", "no-such.toml"),
        ("queue", "list", "-c", "no-such.toml"),
        ("queue", "retry"),
        ("queue", "reassign", "5f"),
        ("worklist", "-c", "no-such.toml"),
        ("send", "a.dcm", "--to", "nonsense"),
        ("send", "a.dcm", "--to", "PACS@host:0"),
        ("send", "a.dcm", "--to", "PACS@host:99999"),
        ("send", "a.dcm", "--to", "PACS@my_host name:104"),
        ("send", "a.dcm", "--to", "PACS@host:104", "--from", "MORE_THAN_SIXTEEN"),
        ("wrap", "a.png", "--set", "PatientID", "-o", "out"),
        ("wrap", "a.png", "--profile", "none", "-o", "out"),
        ("profile", "try", "none", "a.png"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_a_sentence_and_exit_code_2(
    run: Callable[..., Told], arguments: tuple[str, ...]
) -> None:
    told = run(*arguments)
    assert told.code == 2
    assert told.err.strip()
    assert len(told.err.splitlines()) <= 6


def test_every_fault_of_a_config_is_told_at_once(run: Callable[..., Told], tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        '[[sources]]\nname = "a"\ntype = "folder"\npath = "in"\nsettle_sec = 1\n'
        '[agent]\nlog = "xml"\n'
    )
    told = run("run", "-c", config)
    assert told.code == 2
    assert "sources[0].settle_sec: unknown key, did you mean settle_s?" in told.err
    assert "agent.log: " in told.err


def test_the_config_can_be_named_by_the_environment(
    run: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_CONFIG", str(tmp_path / "elsewhere.toml"))
    assert "elsewhere.toml" in run("status").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("wrap", "file", "-o", "file/out"),
        ("queue", "export", "5f", "-c", "agent.toml", "-o", "file/out"),
        ("queue", "retry", "5f", "-c", "agent.toml"),
        ("run", "-c", "agent.toml"),
    ],
    ids=" ".join,
)
def test_a_folder_that_cannot_be_made_is_a_sentence_that_names_it(
    run: Callable[..., Told], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "agent.toml").write_text('[agent]\ndata_dir = "file/data"\n')
    told = run(*arguments)
    assert (told.code, told.out) == (1, "")
    (sentence,) = told.err.splitlines()
    assert "file" in sentence.partition(": ")[0]
