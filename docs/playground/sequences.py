"""What a model from sequence to sequence looks at, and writes."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, no_grad
from minigrad.inference.attention import attention_weights
from minigrad.training.experiment import Experiment


def is_sequence(experiment: Experiment) -> bool:
    """Whether the data are sequences of tokens with an answer to each."""
    return hasattr(experiment.data, "source_length") and hasattr(experiment.data, "target_length")


def attention(experiment: Experiment, example: int) -> dict[str, Any]:
    """Returns a test example, what the model writes for it, and the attention of each head.

    `heads` has a name, the number of rows and of columns, and the weights row by row of each head.
    """
    data, model = experiment.data, experiment.model
    inputs, targets = data.test.batch(slice(example % len(data.test), example % len(data.test) + 1))
    try:
        with no_grad(), attention_weights(model.eval()) as weights:
            outputs = model(Tensor(inputs)).data
    finally:
        model.train()
    heads = [
        {"name": f"{path}, head {h + 1}", "rows": w.shape[2], "columns": w.shape[3], "weights": _flat(w[0, h])}
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


def _flat(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32).reshape(-1)
