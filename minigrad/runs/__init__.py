"""The on-disk format of runs: directories, checkpoints and metrics."""

from minigrad.runs.checkpoint import CheckpointError, read_checkpoint, write_checkpoint
from minigrad.runs.directory import RunDirectory, json_line
from minigrad.runs.files import RunError

__all__ = ["CheckpointError", "RunDirectory", "RunError", "json_line", "read_checkpoint", "write_checkpoint"]
