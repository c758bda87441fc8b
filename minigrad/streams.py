"""Standard streams of the command line, made safe to write.

They may be closed, full, or have an encoding that lacks characters.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class Output(io.TextIOWrapper):
    """Standard output, with unencodable characters escaped as `\u2190`.

    After a failed write, as on a full disk, further output is discarded.

    Raises:
        OSError: naming the stream.
    """

    title = "standard output"

    def write(self, text: str) -> int:
        """Write a text and return its length."""
        try:
            return super().write(text)
        except OSError as error:
            self._on_failure(error)
            return len(text)

    def flush(self) -> None:
        """Write buffered text."""
        try:
            super().flush()
        except OSError as error:
            self._on_failure(error)

    def _on_failure(self, error: OSError) -> None:
        discard(self)
        raise OSError(error.errno, error.strerror, self.title) from error


class Messages(Output):
    """Standard error, whose failed writes are ignored.

    A message that cannot be written does not affect the command.
    """

    title = "standard error"

    def _on_failure(self, error: OSError) -> None:
        discard(self)


def prepare() -> None:
    """Prepare the standard streams for any text, opening closed ones."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # otherwise the next opened file would get its descriptor, 0, 1 or 2
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - open until the process ends
    for name, kind in (("stdout", Output), ("stderr", Messages)):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            options = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
            encoding, newline = stream.encoding, None if os.name == "nt" else "\n"
            new = kind(stream.detach(), encoding, "backslashreplace", newline, **options)
            setattr(sys, name, new)
            setattr(sys, f"__{name}__", new)


def discard(stream: TextIO) -> None:
    """Discard all output to a stream, buffered output too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
