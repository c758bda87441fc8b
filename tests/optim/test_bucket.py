import numpy as np
import pytest

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
    assert bucket.kept("mean").tolist() == [0, 1, 2, 3, 4, 5, 7]
    bucket.kept("mean")[:] += 1
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
