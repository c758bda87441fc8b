import contextvars
import threading
from zlib import crc32

import numpy as np
import pytest

from minigrad import seed
from minigrad.engine import random


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


def test_the_largest_seed_and_those_of_numpy_are_taken():
    seed(2**64 - 1)
    seed(np.int64(3))


def test_the_numbers_are_those_of_numpys_philox():
    key = [0, crc32(b"dropout")]
    expected = np.random.Generator(np.random.Philox(key=key, counter=[0, 5, 4, 3])).random(3)
    np.testing.assert_array_equal(random.stream("dropout", step=3, shard=4, draw=5).random(3), expected)
