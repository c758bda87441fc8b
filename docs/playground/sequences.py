"""Predictions and attention of sequence-to-sequence models."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, no_grad
from minigrad.inference.attention import attention_weights
from minigrad.training.experiment import Experiment


def is_sequence(experiment: Experiment) -> bool:
    """Whether the data are pairs of token sequences."""
    return hasattr(experiment.data, "source_length") and hasattr(experiment.data, "target_length")


def attention(experiment: Experiment, example: int) -> dict[str, Any]:
    """Return a test example, the model's prediction, and the attention of each head.

    `heads` has the name, the numbers of rows and columns, and the weights in row order of each head.
    """
    data, model = experiment.data, experiment.model
    inputs, targets = data.test.batch(slice(example % len(data.test), example % len(data.test) + 1))
    try:
        with no_grad(), attention_weights(model.eval()) as weights:
            outputs = model(Tensor(inputs)).data
    finally:
        model.train()
    heads = [
        {"name": f"{path}, head {h + 1}", "rows": w.shape[2], "columns": w.shape[3], "weights": flat(w[0, h])}
        for path, w in weights.items()
        for h in range(w.shape[1])
    ]
    source = inputs[0][: data.source_length]
    return {
        "source": source.tolist(),
        "target": targets[0].tolist(),
        "written": outputs[0].argmax(-1).tolist(),
        "heads": heads,
    }


def flat(array: np.ndarray) -> np.ndarray:
    """Return the elements of an array in row order, in float32."""
    return np.ascontiguousarray(array, np.float32).reshape(-1)
