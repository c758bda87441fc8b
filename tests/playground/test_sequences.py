from pathlib import Path

import numpy as np
from playground import sequences

import minigrad

ROOT = Path(__file__).parents[2]


def test_the_rows_of_each_head_are_shares_of_what_it_looks_at_and_the_model_stays_as_it_was():
    experiment = minigrad.load(ROOT / "configs" / "reverse_transformer.yaml")
    experiment.model.train()
    shown = sequences.attention(experiment, 3)
    assert len(shown["source"]) == experiment.data.source_length
    assert len(shown["written"]) == len(shown["target"]) == experiment.data.target_length
    assert shown["heads"]
    for head in shown["heads"]:
        weights = head["weights"].reshape(head["rows"], head["columns"])
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    assert experiment.model.training
    assert all(module._forward_hooks in (None, {}) for module in experiment.model.modules())
