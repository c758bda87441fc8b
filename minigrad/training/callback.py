"""What a person adds to the loop without writing a loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minigrad.training.state import kept

if TYPE_CHECKING:
    from minigrad.training.trainer import Training


class Callback:
    """Is told of the moments of a training; a subclass defines the methods for those that it wants.

    Each gets the training: its `model`, `optimizer`, `step`, `steps` …, and may end it with `training.stop()`. What a
    callback keeps in its attributes is part of the checkpoints, so that a run that goes on finds it as it was.
    """

    def on_train_start(self, training: Training) -> None:
        """Before the first step, or the first one after a resume."""

    def on_before_optimizer_step(self, training: Training) -> None:
        """The gradients of a step are there, finite and clipped; the weights have not changed yet."""

    def on_step_end(self, training: Training) -> None:
        """After each step of the optimizer; `training.step` counts it already."""

    def on_epoch_end(self, training: Training) -> None:
        """After the last step of each epoch, before it is validated."""

    def on_log(self, training: Training, record: Mapping[str, float]) -> None:
        """After each record: its values by name, those of a validation among them where there was one."""

    def on_validation_end(self, training: Training, record: Mapping[str, float]) -> None:
        """After each validation, with its values and those of training since the last record, by name."""

    def on_train_end(self, training: Training, results: Mapping[str, Any]) -> None:
        """After the last step and the test, with the results of the run."""

    def state_dict(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps: the attributes, but for the arguments of the constructor.

        A subclass that has attributes other than numbers, texts, arrays, and lists and dicts of them leaves them out.
        """
        return kept(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` returned."""
        vars(self).update(state_dict)
