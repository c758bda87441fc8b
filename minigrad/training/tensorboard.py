"""TensorBoard event files of the logged values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.training.callback import Callback, TrainingView


class TensorBoard(Callback):
    """Writes every logged value to TensorBoard event files.

    The files are in `tensorboard/` of the run's directory. A training without a directory writes nothing. The package
    tensorboardX is required.

    Raises:
        ValueError: if tensorboardX is not installed.
    """

    def __init__(self) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError:
            raise ValueError("TensorBoard needs tensorboardX: pip install tensorboardX") from None
        self._writer_class = SummaryWriter
        self._writer: Any = None

    def on_train_start(self, training: TrainingView) -> None:
        """Open the files.

        Steps that a killed run wrote after its last checkpoint are purged.
        """
        if training.directory is not None:
            folder = training.directory.path / "tensorboard"
            self._writer = self._writer_class(str(folder), purge_step=training.step or None)

    def on_log(self, training: TrainingView, record: Mapping[str, float]) -> None:
        """Write the values of a record at its step."""
        if self._writer is not None:
            for name, value in record.items():
                if name != "step":
                    self._writer.add_scalar(name, value, training.step)

    def on_train_end(self, training: TrainingView, results: Mapping[str, Any]) -> None:
        """Write the test values, and close the files."""
        if self._writer is not None:
            for name, value in results.items():
                if name.startswith("test/") and isinstance(value, float):
                    self._writer.add_scalar(name, value, training.step)
            self._writer.close()

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: its state is in the files."""
        return {}
