"""The error for files of other tools."""

from __future__ import annotations


class FormatError(ValueError):
    """A file that cannot be used, and why."""
