"""The device for inference: that of the training, if available."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from minigrad.devices import module_of
from minigrad.training.experiment import Experiment


@contextmanager
def on_device(experiment: Experiment) -> Iterator[None]:
    """Move the model to its training device in the block.

    If that is not available, warn and use the CPU.
    """
    device = experiment.trainer.device
    try:
        module_of(device)
        if device != "cpu":
            experiment.model.to(device)
    except (RuntimeError, ValueError) as error:
        warnings.warn(f"the model was trained on {device!r} and runs on the CPU: {error}", stacklevel=4)
    try:
        yield
    finally:
        if device != "cpu":
            experiment.model.to("cpu")
