"""A copy of a module, or of what belongs to one, has nothing in common with the original."""

import copy

import numpy as np
import pytest

from minigrad import Tensor, nn, no_grad


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_two_copies_of_a_cache_go_on_apart(make_copy):
    random = np.random.default_rng(0)
    layer = nn.MultiHeadAttention(4, 2, is_causal=True)
    start, one, other = (Tensor(random.normal(size=(1, n, 4)).astype(np.float32)) for n in (3, 2, 2))

    with no_grad():
        cache = nn.KeyValueCache()
        layer(start, cache=cache)
        twin = make_copy(cache)
        assert not np.array_equal(layer(one, cache=cache).data, layer(other, cache=twin).data)
        step = Tensor(random.normal(size=(1, 1, 4)).astype(np.float32))
        found = layer(step, cache=cache).data
        again = nn.KeyValueCache()
        for x in (start, one):
            layer(x, cache=again)
        assert np.array_equal(found, layer(step, cache=again).data)
        assert len(twin) == 5


def test_a_cache_refuses_another_batch_before_it_grows():
    cache = nn.KeyValueCache()
    cache.extend(*[Tensor(np.ones((1, 2, 3)))] * 2)
    with pytest.raises(ValueError, match=r"the cache holds keys \(1,\) \+ \(places, head_dim\), got \(2, 9, 3\)"):
        cache.extend(*[Tensor(np.ones((2, 9, 3)))] * 2)
    assert len(cache) == 2


class Scaled(nn.Module):
    """Multiplies by a factor of its own in a hook."""

    def __init__(self):
        self.factor = 2.0
        self.register_forward_pre_hook(self.scale)
        self.register_forward_hook(self.shift)

    def scale(self, module, args):
        return args[0] * self.factor

    def shift(self, module, args, output):
        return output + self.factor

    def forward(self, x):
        return x


def test_a_hook_that_is_a_method_of_the_module_is_copied_with_it():
    module = Scaled()
    twin = copy.deepcopy(module)
    twin.factor = 10.0
    assert (module(1.0), twin(1.0)) == (4.0, 20.0)


def test_a_handle_that_is_copied_with_the_module_removes_the_hook_of_the_copy():
    module = nn.Identity()
    handle = module.register_forward_hook(lambda module, args, output: output + 1)
    twin, other = copy.deepcopy((module, handle))
    other.remove()
    assert (module(1.0), twin(1.0)) == (2.0, 1.0)


def test_a_buffer_is_copied_as_it_is():
    class Table(nn.Buffer):
        __slots__ = ()

    buffer = Table(np.arange(3.0), persistent=False)
    twin = copy.deepcopy(buffer)
    assert (type(twin), twin.persistent) == (Table, False)
    twin.data += 1
    assert buffer.tolist() == [0, 1, 2]


def test_running_statistics_of_a_copy_move_apart():
    layer = nn.BatchNorm1d(2)
    twin = copy.deepcopy(layer)
    twin(Tensor(np.arange(6.0, dtype=np.float32).reshape(3, 2)))
    assert layer.running_mean.tolist() == [0, 0]
    assert (int(layer.num_batches_tracked), int(twin.num_batches_tracked)) == (0, 1)


def test_weights_that_are_one_stay_one_in_a_copy():
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5))
    model[1].weight = model[0].weight
    twin = copy.deepcopy(model)
    assert twin[1].weight is twin[0].weight
    assert twin[0].weight is not model[0].weight
