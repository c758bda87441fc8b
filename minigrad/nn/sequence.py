"""Layers that follow a recurrent layer."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.engine import Tensor
from minigrad.nn.module import Module


class LastOutput(Module):
    """The last output of a recurrent layer, for `Sequential`.

    Put it after `RNN`, `LSTM` or `GRU`. It returns the top layer's output after the last step; for two directions, the
    concatenated outputs of each after its own last step. The result does not depend on `batch_first`.
    """

    def forward(self, x: tuple[Tensor, Any]) -> Tensor:
        """Return the last output.

        It is (N, hidden_size · directions), or (hidden_size · directions,) for a single sequence.

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
