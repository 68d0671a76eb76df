"""`passerelle`: one entry, the commands imported only when they are typed."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Final

import click

from passerelle import __version__
from passerelle.errors import AgentError, AlreadyRunning, ConfigError

#: Command, and the first line of its help.
COMMANDS: Final = {
    "demo": "The whole path on this machine, with a simulated device and archive.",
    "run": "The agent, in the foreground, until it is told to stop.",
    "check": "Validate the config, then try every part of it.",
    "status": "The state of a running or stopped agent.",
    "queue": "What is owed to whom, and decisions on it.",
    "trigger": "Press for a camera by hand.",
    "exam": "Whose what is acquired from now on is.",
    "wrap": "Make DICOM objects of files; no queue, no config.",
    "send": "Send Part 10 files to an archive.",
    "worklist": "Today's worklist, live or cached.",
    "profile": "The device profiles, and what one makes of files.",
    "devices": "Cameras and serial ports of this machine, by names that do not change.",
    "simulate": "A device that does not exist, to try an agent with.",
    "config": "The config's schema and its reference.",
}


class _Commands(click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"passerelle.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # Without importing every command for its first line.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="passerelle")
def passerelle() -> None:
    """What an imaging device produces becomes DICOM and reaches the archive; nothing is lost.

    \b
    passerelle demo --once                 see it work
    passerelle check -c agent.toml         then try it on your own PACS
    """


def main() -> None:
    """Run a command; a user's mistake is a sentence and an exit code, never a traceback."""
    if sys.platform != "win32":
        os.umask(0o077)
    try:
        passerelle(standalone_mode=True)
    except ConfigError as error:
        _fail(error, 2)
    except AlreadyRunning as error:
        _fail(error, 3)
    except AgentError as error:
        _fail(error, 1)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does; nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a folder that cannot be made, a file that may not be read
        place = f"{click.format_filename(error.filename)}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}", 1)


def _fail(error: AgentError | str, code: int) -> None:
    click.echo(str(error), err=True)
    sys.exit(code)
