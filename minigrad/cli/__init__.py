"""The command line."""

from minigrad.cli.main import main

__all__ = ["main"]
