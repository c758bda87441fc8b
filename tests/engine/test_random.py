import contextvars
import threading
from zlib import crc32

import numpy as np
import pytest

from minigrad import Tensor, seed
from minigrad.engine import checkpoint, random
from minigrad.nn import Dropout


@pytest.fixture(autouse=True)
def _seeded():
    seed(0)
    yield
    seed(0)


def draw(purpose="data"):
    return random.generator(purpose).random(4).tolist()


def test_a_stream_is_a_function_of_its_place_alone():
    first = random.stream("dropout", step=3, shard=1, draw=2).random(5)
    random.generator("dropout").random(100)
    np.testing.assert_array_equal(random.stream("dropout", step=3, shard=1, draw=2).random(5), first)


@pytest.mark.parametrize(
    "place", [{"purpose": "init"}, {"step": 1}, {"shard": 1}, {"draw": 1}, {"step": 2**63}, {"shard": 2**40}]
)
def test_streams_of_other_places_are_others(place):
    here = random.stream("dropout").random(8)
    there = random.stream(**{"purpose": "dropout", **place}).random(8)
    assert not np.any(here == there)


def test_another_seed_gives_other_numbers_and_the_same_seed_the_same():
    first = draw()
    seed(1)
    second = draw()
    seed(0)
    assert draw() == first != second


def test_each_draw_of_a_purpose_advances_by_itself():
    first, second = draw(), draw()
    assert first != second
    assert first == random.stream("data", draw=0).random(4).tolist()
    assert second == random.stream("data", draw=1).random(4).tolist()


def test_draws_of_one_purpose_do_not_move_those_of_another():
    draw("dropout")
    assert draw("init") == random.stream("init").random(4).tolist()


def test_a_step_that_is_repeated_sees_the_same_numbers():
    with random.at(step=7, shard=2):
        first = [draw(), draw()]
    with random.at(step=7, shard=2):
        again = [draw(), draw()]
    assert first == again
    assert first[1] == random.stream("data", step=7, shard=2, draw=1).random(4).tolist()


def test_after_a_step_the_draws_outside_go_on_where_they_were():
    draw()
    with random.at(step=7):
        draw()
    assert draw() == random.stream("data", draw=1).random(4).tolist()


def test_a_step_is_local_to_its_thread():
    seen = {}

    def work(shard):
        with random.at(step=1, shard=shard):
            seen[shard] = [draw() for _ in range(50)]

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(work, shard)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for shard, draws in seen.items():
        with random.at(step=1, shard=shard):
            assert draws == [draw() for _ in range(50)]


@pytest.mark.parametrize("value", [-1, 2**64, 1.0, "0", True, None])
def test_a_seed_that_is_no_natural_number_of_64_bits_is_refused(value):
    with pytest.raises(ValueError, match=r"a seed is an integer from 0 to 2\*\*64 - 1, got"):
        seed(value)


@pytest.mark.parametrize("value", [-1, 2**64, 1.0, "0", True, None])
@pytest.mark.parametrize("word", ["step", "shard", "draw"])
def test_a_place_that_is_no_natural_number_of_64_bits_is_refused(word, value):
    with pytest.raises(ValueError, match=rf"a {word} is an integer from 0 to 2\*\*64 - 1, got"):
        random.stream("data", **{word: value})


def test_the_largest_seed_and_those_of_numpy_are_taken():
    seed(2**64 - 1)
    seed(np.int64(3))


EDGES = [0, 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]


@pytest.mark.parametrize("word", ["seed", "step", "shard", "draw"])
def test_every_bit_of_a_word_counts(word):
    drawn = set()
    for n in EDGES:
        with random.at(seed=n if word == "seed" else 0):
            drawn.add(random.stream("data", **({} if word == "seed" else {word: n})).integers(2**63))
    assert len(drawn) == len(EDGES)


def test_the_words_are_those_of_numpys_philox_also_above_63_bits():
    key = 2**64 - 1 | crc32(b"data") << 64
    counter = (2**63 + 1) << 64 | 2**63 << 128 | (2**64 - 2) << 192
    expected = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(3)
    with random.at(seed=2**64 - 1):
        found = random.stream("data", draw=2**63 + 1, shard=2**63, step=2**64 - 2).random(3)
    np.testing.assert_array_equal(found, expected)


def test_a_block_with_a_seed_of_its_own_neither_sees_nor_moves_that_around_it():
    first = draw()
    with random.at(seed=7):
        inside = draw()
        seed(1)
        with random.at(step=2):
            deeper = draw()
    assert draw() == random_of(1, 0)
    assert (first, inside, deeper) == (random_of(0, 0), random_of(7, 0), random_of(7, 2))


def random_of(seed, step):
    with random.at(seed=seed):
        return random.stream("data", step=step).random(4).tolist()


def test_what_is_computed_again_is_drawn_by_the_seed_of_the_first_time():
    x = Tensor(np.ones(50), requires_grad=True)
    seed(3)
    y = checkpoint(Dropout(0.5), x)
    seed(4)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.data)


def test_the_numbers_are_those_of_numpys_philox():
    key = [0, crc32(b"dropout")]
    expected = np.random.Generator(np.random.Philox(key=key, counter=[0, 5, 4, 3])).random(3)
    np.testing.assert_array_equal(random.stream("dropout", step=3, shard=4, draw=5).random(3), expected)
