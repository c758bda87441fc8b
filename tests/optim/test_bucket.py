import copy

import numpy as np
import pytest

from minigrad import optim
from minigrad.nn import Parameter
from minigrad.optim import bucket as buckets


def parameters(*shapes, dtype=np.float32):
    return [Parameter(np.ones(shape, dtype)) for shape in shapes]


def sizes(packed):
    return [len(bucket.params) for bucket in packed]


def test_neighbours_share_a_bucket_until_it_is_full(monkeypatch):
    monkeypatch.setattr(buckets, "LIMIT", 10)
    packed = buckets.pack(parameters((2, 3), (4,), (1,), (30,), (), (9,)), [{}] * 6)
    assert sizes(packed) == [2, 1, 1, 2]


def test_a_bucket_holds_one_dtype_one_count_of_steps_and_one_kind_of_state():
    both = parameters((2,), (2,)) + parameters((2,), dtype=np.float64)
    assert sizes(buckets.pack(both, [{}, {}, {}])) == [2, 1]
    assert sizes(buckets.pack(both[:2], [{"step": 1}, {"step": 2}])) == [1, 1]
    assert sizes(buckets.pack(both[:2], [{"step": 1}, {"step": 1, "mean": np.ones(2)}])) == [1, 1]


def test_states_are_laid_end_to_end_and_given_back_in_the_shape_of_each():
    means = [np.arange(6.0).reshape(2, 3), np.array(7.0)]
    (bucket,) = buckets.pack(parameters((2, 3), ()), [{"step": 4, "mean": mean} for mean in means])
    assert bucket.state_array("mean").tolist() == [0, 1, 2, 3, 4, 5, 7]
    bucket.state_array("mean")[:] += 1
    for state, mean in zip(bucket.states(), means, strict=True):
        assert state["step"] == 4
        assert np.array_equal(state["mean"], mean + 1)
    assert means[1] == 7


@pytest.mark.parametrize(("decay", "expected"), [(0.0, [2, 4, 6]), (0.5, [3, 5, 7])])
def test_gathering_lays_scaled_gradients_end_to_end(decay, expected):
    (bucket,) = buckets.pack(parameters((2,), (1,)), [{}, {}])
    assert bucket.gather([np.array([1.0, 2.0]), np.array([3.0])], 2.0, decay).tolist() == expected


def test_subtracting_takes_the_update_from_each_parameter():
    first, second = parameters((2,), (1, 1))
    (bucket,) = buckets.pack([first, second], [{}, {}])
    bucket.update[:] = [0.25, 0.5, 0.75]
    bucket.scale(3)
    bucket.subtract()
    assert (first.data.tolist(), second.data.tolist()) == ([2.75, 2.5], [[2.25]])


OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "weight_decay": 0.1},
    "Adam": {"amsgrad": True, "weight_decay": 0.1},
    "AdamW": {},
    "NAdam": {},
    "RAdam": {},
    "Lion": {},
    "Adagrad": {"initial_accumulator_value": 0.1},
    "RMSprop": {"momentum": 0.9, "centered": True},
}


def taught(name, limit, monkeypatch, steps=3):
    """The weights and the state that an optimizer leaves of a matrix, a vector and a table that knows a few rows."""
    monkeypatch.setattr(buckets, "LIMIT", limit)
    random = np.random.default_rng(0)
    table = Parameter(random.standard_normal((2**13, 8)))
    params = [Parameter(random.standard_normal((70, 50)).T), Parameter(random.standard_normal(11)), table]
    optimizer = getattr(optim, name)(params, **OPTIMIZERS[name])
    for _ in range(steps):
        for p in params[:2]:
            p.grad = random.standard_normal(p.shape)
        table.grad = None
        table[random.integers(0, len(table), 40)].sum().backward()
        optimizer.step()
        optimizer = copy.deepcopy(optimizer)
        params = optimizer.param_groups[0]["params"]
        table = params[2]
    return [p.data for p in params], optimizer.state_dict()["state"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_stretches_of_a_large_parameter_leave_the_same_bits_and_state_as_the_whole(name, monkeypatch):
    weights, states = taught(name, 2**20, monkeypatch)
    cut, states_of_cut = taught(name, 1000, monkeypatch)
    assert all(np.array_equal(a, b) for a, b in zip(weights, cut, strict=True))
    for number, state in states.items():
        assert state.keys() == states_of_cut[number].keys()
        assert all(np.array_equal(value, states_of_cut[number][key]) for key, value in state.items())


def test_a_large_parameter_is_cut_into_whole_rows_and_never_below_one(monkeypatch):
    monkeypatch.setattr(buckets, "LIMIT", 10)
    packed = buckets.pack(parameters((5, 4), (30,), (2, 40)), [{}] * 3, is_elementwise=True)
    assert [bucket.update.size for bucket in packed] == [8, 8, 4, 10, 10, 10, 40, 40]


def test_a_step_needs_the_whole_matrix_where_it_is_not_taken_element_by_element(monkeypatch):
    monkeypatch.setattr(buckets, "LIMIT", 10)
    assert sizes(buckets.pack(parameters((5, 4)), [{}])) == [1]
    assert not optim.Muon.is_elementwise
