"""Layers that follow a recurrent layer."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class LastOutput(Module):
    """The last output of a recurrent layer, for `Sequential`.

    It follows `RNN`, `LSTM` or `GRU`. The output is what the highest layer returns after the last step; of two
    directions, what each returns after its own last step, concatenated. It is the same whether the recurrent layer
    is `batch_first` or not.
    """

    def forward(self, x: tuple[Tensor, Any]) -> Tensor:
        """Return the last output.

        (N, hidden_size · directions), or (hidden_size · directions,) of one sequence.

        Args:
            x: the outputs and the state, as a recurrent layer returns them.

        Raises:
            TypeError: for anything else.
        """
        if not (isinstance(x, tuple) and len(x) == 2):
            raise TypeError(
                f"LastOutput takes what RNN, LSTM or GRU returns, outputs and state, got {type(x).__name__}: put it "
                f"right behind one of them"
            )
        outputs, state = x
        # (layers · directions, N, hidden_size); an LSTM's state is (h, c)
        h = state[0] if isinstance(state, tuple) else state
        return ops.concatenate([h[-2], h[-1]], -1) if outputs.shape[-1] == 2 * h.shape[-1] else h[-1]
