"""The commands an operator types, and their exit codes."""

from passerelle.cli.main import main

__all__ = ["main"]
