"""What several tests compare: the weights of a model, or of a file, to the last bit."""

from collections.abc import Mapping

from numpy.typing import NDArray

from minigrad.nn import Module


def bits(weights: Module | Mapping[str, NDArray]) -> dict[str, bytes]:
    arrays = weights.state_dict() if isinstance(weights, Module) else weights
    return {name: array.tobytes() for name, array in arrays.items()}
