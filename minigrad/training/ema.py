"""Exponential moving average of a model's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from minigrad.arguments import as_number
from minigrad.devices import device_of, moved
from minigrad.nn import Module
from minigrad.nn.patterns import named_tensors


class EMA:
    """The exponential moving average of a model's learned parameters.

    After each update, average ← decay · average + (1 - decay) · parameter; the first update copies the parameters. This
    is `torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn`. The average often generalizes better than the
    weights of any single step (Polyak and Juditsky, 1992). Buffers, such as running means, and frozen parameters are
    not averaged.

        average = EMA(model, 0.999)
        ...
        optimizer.step()
        average.update()
        with average.applied():
            evaluate(model)

    Args:
        model: the model whose parameters are averaged.
        decay: the weight of the previous average, between 0 and 1; about 1 / (1 - decay) updates count.

    Raises:
        ValueError: if the decay is out of range.
    """

    def __init__(self, model: Module, decay: float) -> None:
        self.model = model
        self.decay = as_number("decay", decay, above=0, below=1)
        self._averages: dict[str, np.ndarray] = {}

    def update(self) -> None:
        """Update the averages from the current parameters."""
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad:
                continue
            if name in self._averages:
                average = self._averages[name]
                change = parameter.data - average
                change *= 1 - self.decay
                average += change
            else:
                self._averages[name] = parameter.data.copy()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the averages by name, not copied.

        A shared parameter is listed under each of its names. The dict is empty before the first `update`.
        """
        first = {id(parameter): name for name, parameter in self.model.named_parameters()}
        everywhere = {name: first[id(parameter)] for name, parameter in named_tensors(self.model).items()}
        return {name: self._averages[known] for name, known in everywhere.items() if known in self._averages}

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Use the averages as the model's parameters within the block."""
        parameters = {name: p for name, p in self.model.named_parameters() if name in self._averages}
        own = {name: parameter.data.copy() for name, parameter in parameters.items()}
        try:
            self._write(self._averages)
            yield
        finally:
            self._write(own)

    def _write(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, parameter in self.model.named_parameters():
            if name in arrays:
                np.copyto(parameter.data, arrays[name])
                parameter.bump()

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return the averages by name."""
        return dict(self._averages)

    def load_state_dict(self, state_dict: Mapping[str, np.ndarray]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            ValueError: if the averages belong to another model.
        """
        shapes = {name: parameter.shape for name, parameter in self.model.named_parameters()}
        wrong = [name for name, array in state_dict.items() if shapes.get(name) != array.shape]
        if wrong:
            raise ValueError(f"these averages are of another model: {', '.join(wrong)}")
        beside = {name: device_of(p.data) for name, p in self.model.named_parameters()}
        self._averages = {name: moved(array, beside[name]).copy() for name, array in state_dict.items()}
