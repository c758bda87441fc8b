import numpy as np
import pytest

from minigrad.data import XOR, Circles, DataError, Moons, Spirals, Weather
from minigrad.engine import random

from .conftest import everything


def in_order(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    table = np.column_stack([inputs, labels]).round(5) + 0.0
    return table[np.lexsort(table.T)]


def test_xor_is_its_truth_table_in_every_part():
    data = XOR()
    for part in (data.train, data.val, data.test):
        first, second = part.inputs.astype(int).T
        np.testing.assert_array_equal(part.targets, first ^ second)
        assert len(np.unique(part.inputs, axis=0)) == 4
    assert (data.input_shape, data.num_classes) == ((2,), 2)


def test_xor_can_have_one_output():
    np.testing.assert_array_equal(XOR(targets="binary").train.targets, [[0], [1], [1], [0]])


@pytest.mark.parametrize("n", [100, 101])
def test_moons_without_noise_are_those_of_scikit_learn(n):
    datasets = pytest.importorskip("sklearn.datasets", reason="the comparison needs scikit-learn")
    theirs = datasets.make_moons(n, shuffle=False, noise=None)
    ours = everything(Moons(n_samples=n, noise=0.0))
    np.testing.assert_allclose(in_order(*ours), in_order(*theirs), atol=2e-5)


@pytest.mark.parametrize("n", [100, 101])
def test_circles_without_noise_are_those_of_scikit_learn(n):
    datasets = pytest.importorskip("sklearn.datasets", reason="the comparison needs scikit-learn")
    theirs = datasets.make_circles(n, shuffle=False, noise=None, factor=0.3)
    ours = everything(Circles(n_samples=n, noise=0.0, factor=0.3))
    np.testing.assert_allclose(in_order(*ours), in_order(*theirs), atol=2e-5)


def test_the_noise_has_the_standard_deviation_asked_for():
    clean = everything(Moons(n_samples=4000, noise=0.0))[0]
    noisy = everything(Moons(n_samples=4000, noise=0.3))[0]
    np.testing.assert_allclose((noisy - clean).std(axis=0), 0.3, rtol=0.05)


def test_spirals_run_from_the_origin_to_the_unit_circle():
    data = Spirals(n_samples=300, arms=3, turns=1.5, noise=0.0)
    inputs, labels = everything(data)
    radius = np.hypot(*inputs.T)
    assert radius.max() == pytest.approx(1)
    assert data.num_classes == 3
    np.testing.assert_array_equal(np.bincount(labels), [100, 100, 100])
    turn = np.arctan2(inputs[:, 1], inputs[:, 0]) / (2 * np.pi)
    off = turn - 1.5 * radius - labels / 3  # an Archimedean spiral: the angle grows with the radius
    np.testing.assert_allclose(off, off.round(), atol=1e-5)


@pytest.mark.parametrize("make", [Circles, Moons, Spirals, Weather])
def test_points_are_drawn_by_the_seed(make):
    first, again = make(), make()
    random.seed(1)
    other = make()
    np.testing.assert_array_equal(first.train.inputs, again.train.inputs)
    assert not np.array_equal(first.train.inputs, other.train.inputs)


@pytest.mark.parametrize("make", [Circles, Moons, Spirals])
def test_points_come_in_three_stratified_parts_of_the_contracted_types(make):
    data = make(n_samples=500, val_fraction=0.1, test_fraction=0.3)
    assert [len(data.train), len(data.val), len(data.test)] == [300, 50, 150]
    assert (data.train.inputs.dtype, data.train.targets.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(np.bincount(data.test.targets), 75, atol=1)


@pytest.mark.parametrize("make", [Circles, Moons, Spirals, Weather])
@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_a_noise_that_is_no_deviation_is_refused(make, noise):
    with pytest.raises(DataError, match="noise is a standard deviation, 0 or larger"):
        make(noise=noise)


@pytest.mark.parametrize("make", [Circles, Moons, Spirals, Weather])
@pytest.mark.parametrize("n", [-5, 0, 2])
def test_too_few_points_for_three_parts_are_refused(make, n):
    with pytest.raises(DataError, match="would leave it or the training part empty"):
        make(n_samples=n)


def test_one_arm_is_refused():
    with pytest.raises(DataError, match="arms is at least 2"):
        Spirals(arms=1)


@pytest.mark.parametrize("factor", [0, 1, -0.5, float("nan")])
def test_an_inner_circle_that_is_not_inside_is_refused(factor):
    with pytest.raises(DataError, match="factor is the radius of the inner circle"):
        Circles(factor=factor)


def test_days_are_sunny_where_a_weighted_sum_says_so():
    data = Weather(noise=0.0)
    days, sunny = everything(data)
    np.testing.assert_array_equal(sunny, 0.6 * days[:, 0] + 0.3 * days[:, 1] - 0.4 * days[:, 2] + 0.2 > 0.5)
    assert (data.feature_names, data.class_names[1]) == (("clear", "warm", "cloudy"), "Sunny Day")
    assert (data.input_shape, data.num_classes) == ((3,), 2)


def test_days_are_uniform_and_their_three_numbers_independent():
    days, _ = everything(Weather(n_samples=4000))
    np.testing.assert_allclose(days.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(np.cov(days.T), np.eye(3) / 12, atol=0.005)


def test_noise_turns_some_days_near_the_boundary_and_moves_none():
    days, sunny = everything(Weather(n_samples=4000, noise=0.0))
    noisy_days, noisy = everything(Weather(n_samples=4000, noise=0.05))
    order, noisy_order = np.lexsort(days.T), np.lexsort(noisy_days.T)
    np.testing.assert_array_equal(days[order], noisy_days[noisy_order])
    turned = sunny[order] != noisy[noisy_order]
    score = days[order] @ [0.6, 0.3, -0.4] + 0.2
    assert 0.02 < turned.mean() < 0.2
    assert np.abs(score - 0.5)[turned].max() < 4 * 0.05


def test_the_three_parts_of_the_weather_have_the_same_share_of_sunny_days():
    data = Weather(targets="binary")
    assert [len(part) for part in (data.train, data.val, data.test)] == [600, 200, 200]
    shares = [part.targets.mean() for part in (data.train, data.val, data.test)]
    np.testing.assert_allclose(shares, shares[0], atol=0.005)
