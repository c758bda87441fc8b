"""The callbacks that come with minigrad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from minigrad import optim
from minigrad.training.callback import Callback
from minigrad.training.monitor import Mode

if TYPE_CHECKING:
    from minigrad.training.trainer import Training


class ReduceLROnPlateau(Callback):
    """Multiplies the learning rate by `factor` when the monitored value no longer gets better.

    `minigrad.optim.ReduceLROnPlateau`, with a step at each validation. It stands in the place of a schedule, which
    would set the rate anew at every step.

    Args:
        monitor: a name that this run measures, as `val/loss` or `val/accuracy`.
        mode: `min` or `max`; left out, losses want `min` and a metric says for itself.
        factor: below 1.
        patience: validations in a row without an improvement that are put up with.
        threshold: an improvement is a change by more than this.
        threshold_mode: the threshold is a part of the best value (`rel`) or a difference from it (`abs`).
        cooldown: validations after a reduction that count for nothing.
        min_lr: the lowest rate.

    Raises: ValueError if `factor` is not between 0 and 1.
    """

    def __init__(
        self,
        monitor: str = "val/loss",
        mode: Mode | None = None,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not 0 < factor < 1:
            raise ValueError(f"factor must be above 0 and below 1, got {factor}")
        self.monitor = monitor
        self.mode = mode
        self._rule = {
            "factor": factor,
            "patience": patience,
            "threshold": threshold,
            "threshold_mode": threshold_mode,
            "cooldown": cooldown,
            "min_lr": min_lr,
        }
        self._state: Mapping[str, Any] = {}

    def on_train_start(self, training: Training) -> None:
        """Takes hold of the optimizer."""
        mode = self.mode or training.experiment.measured[self.monitor]
        self._plateau = optim.ReduceLROnPlateau(training.optimizer, mode=mode, **self._rule)  # type: ignore[arg-type]
        if self._state:
            self._plateau.load_state_dict(dict(self._state))

    def on_validation_end(self, training: Training, record: Mapping[str, float]) -> None:
        """Looks at the value that was measured."""
        self._plateau.step(record[self.monitor])
        self._state = self._plateau.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """Returns the best value, and how long it has been the best."""
        return dict(self._state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` returned."""
        self._state = state_dict


class TensorBoard(Callback):
    """Writes every logged value into event files for TensorBoard, in `tensorboard/` of the run's directory.

    It needs tensorboardX, which the extra `tensorboard` installs. A training without a directory writes nothing.

    Raises: ValueError if tensorboardX is not installed.
    """

    def __init__(self) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError:
            raise ValueError(
                "TensorBoard needs tensorboardX: pip install tensorboardX, or minigrad with its extra `tensorboard`"
            ) from None
        self._writer_class = SummaryWriter
        self._writer: Any = None

    def on_train_start(self, training: Training) -> None:
        """Opens the files; what a killed run had written after its last checkpoint no longer counts."""
        if training.directory is not None:
            folder = training.directory.path / "tensorboard"
            self._writer = self._writer_class(str(folder), purge_step=training.step or None)

    def on_log(self, training: Training, record: Mapping[str, float]) -> None:
        """Writes the values of a record at its step."""
        if self._writer is not None:
            for name, value in record.items():
                if name != "step":
                    self._writer.add_scalar(name, value, training.step)

    def on_train_end(self, training: Training, results: Mapping[str, Any]) -> None:
        """Writes the test values, and closes the files."""
        if self._writer is not None:
            for name, value in results.items():
                if name.startswith("test/") and isinstance(value, float):
                    self._writer.add_scalar(name, value, training.step)
            self._writer.close()

    def state_dict(self) -> dict[str, Any]:
        """Returns nothing: all it knows is in its files."""
        return {}
