import threading
import time

import numpy as np
import pytest

from minigrad import Tensor, nn, optim
from minigrad.engine import collect, is_grad_enabled, no_grad, random
from minigrad.parallel import Shards, available_cores
from minigrad.parallel.shards import blocks, ordered_sum, split


def network(seed=0):
    random.seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def batch(n=11):
    numbers = np.random.default_rng(1)
    return numbers.normal(size=(n, 5)).astype(np.float32), numbers.integers(0, 3, n)


def gradients(count, threads, model=None):
    model = model or network()
    x, y = batch()
    shards = Shards(count, threads)
    parts = shards.split(len(x))

    def work(shard, collected):
        part = parts[shard]
        loss = nn.CrossEntropyLoss(reduction="sum")(model(Tensor(x[part])), y[part])
        collect(loss, None, collected)
        return loss.item()

    losses = shards.gradients(work)
    return losses, [p.grad for p in model.parameters()]


@pytest.mark.parametrize(("n", "count"), [(12, 4), (11, 4), (3, 4), (0, 2), (7, 1)])
def test_parts_cover_all_examples_in_order_and_differ_by_one_at_most(n, count):
    parts = Shards(count).split(n)
    assert len(parts) == count
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_the_sum_over_shards_is_the_gradient_of_the_whole_batch(count):
    model = network()
    x, y = batch()
    nn.CrossEntropyLoss(reduction="sum")(model(Tensor(x)), y).backward()
    whole = [p.grad for p in model.parameters()]
    losses, parts = gradients(count, 2)
    assert len(losses) == count
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_threads_change_no_bit(count):
    one = gradients(count, 1)
    for threads in (2, 4):
        other = gradients(count, threads)
        assert other[0] == one[0]
        assert [g.tobytes() for g in other[1]] == [g.tobytes() for g in one[1]]


def test_the_sum_is_taken_of_pairs_of_neighbours():
    p = nn.Parameter(np.zeros(1, np.float32))
    terms = np.array([2.0**24, 1.0, 1.0, 1.0], np.float32)  # in float32, one by one, each 1 would be lost
    shards = Shards(4, 1)
    shards.gradients(lambda shard, collected: collect((p * terms[shard]).sum(), None, collected))
    assert p.grad[0] == 2**24 + 2


def test_a_parameter_that_only_some_shards_used_has_their_gradient():
    model = nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)])
    Shards(2, 2).gradients(lambda shard, collected: collect(model[shard](Tensor([[3.0]])).sum(), None, collected))
    assert [layer.weight.grad if layer.weight.grad is None else layer.weight.grad.item() for layer in model] == [
        3.0,
        3.0,
        None,
    ]


def test_each_shard_runs_in_the_context_of_the_caller_and_leaves_none_behind():
    seen = {}

    def work(shard, collected):
        with random.at(step=5, shard=shard):
            seen[shard] = (is_grad_enabled(), random.generator("dropout").random())

    with no_grad():
        Shards(2, 2).gradients(work)
    assert seen[0][0] is seen[1][0] is False
    expected = [random.stream("dropout", step=5, shard=shard).random() for shard in (0, 1)]
    assert [seen[0][1], seen[1][1]] == expected
    assert random.place().step == 0


def test_two_threads_are_at_work_at_the_same_time():
    meeting = threading.Barrier(2, timeout=600)  # breaks, and raises, if the shards came one after the other
    Shards(2, 2).gradients(lambda shard, collected: meeting.wait())


def test_the_first_shard_that_fails_tells_why():
    def work(shard, collected):
        raise ValueError(f"shard {shard}")

    for threads in (1, 2):
        with pytest.raises(ValueError, match="shard 0"):
            Shards(2, threads).gradients(work)


def test_an_error_of_one_shard_gets_out_when_all_have_ended():
    ended = []

    def work(shard, collected):
        if shard == 0:
            raise ValueError("shard 0")
        time.sleep(0.05)
        ended.append(shard)

    with pytest.raises(ValueError, match="shard 0"):
        Shards(2, 2).gradients(work)
    assert ended == [1]


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.AdamW])
def test_an_update_on_threads_has_the_bits_of_a_plain_step(optimizer, monkeypatch):
    monkeypatch.setattr("minigrad.optim.bucket.LIMIT", 16)  # so that there are several buckets
    models = [network(), network()]
    optimizers = [optimizer(model.parameters(), lr=0.1) for model in models]
    for _ in range(3):
        for model in models:
            gradients(2, 1, model)
        optimizers[0].step()
        Shards(2, 2).update(optimizers[1])
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert one.data.tobytes() == other.data.tobytes()


def test_there_are_no_more_threads_than_shards_or_cores():
    assert Shards(1, 8).threads == 1
    assert Shards(3, 8).threads == 3
    assert Shards(64).threads == min(64, available_cores())


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 2, "threads": 0}])
def test_no_shards_and_no_threads_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        Shards(**wrong)


def written(shards):
    """An ordered sum as one writes it, which shows every bracket."""
    return ordered_sum(shards, {range(i, i + 1): str(i) for i in shards}, lambda a, b: f"({a}+{b})")


def test_the_order_of_a_sum_is_that_of_neighbours_first():
    assert written(range(1)) == "0"
    assert written(range(4)) == "((0+1)+(2+3))"
    assert written(range(7)) == "(((0+1)+(2+3))+((4+5)+6))"


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 12, 13, 64])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 5])
def test_blocks_of_several_ranks_are_added_in_the_order_of_the_whole(count, ranks):
    parts = {}
    for place in split(count, ranks):
        own = range(count)[place]
        of_rank = blocks(range(count), own)
        assert [shard for block in of_rank for shard in block] == list(own)
        assert len(of_rank) <= 2 * count.bit_length()
        parts |= {block: written(block) for block in of_rank}
    assert ordered_sum(range(count), parts, lambda a, b: f"({a}+{b})") == written(range(count))
