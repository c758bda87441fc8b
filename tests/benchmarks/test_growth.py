from math import prod

import pytest

from benchmarks.growth import exponent, measure_growth
from benchmarks.runner import Result
from benchmarks.workloads.growth import AXES, DOUBLINGS, name, sizes

PLACES = {name(axis, k): (axis, k) for axis in AXES for k in range(DOUBLINGS + 1)}
POWERS = {"n_embd": 2, "n_layer": 1, "batch": 1, "block_size": 1.5, "vocab_size": 0.5, "image": 2, "length": 1}


def as_by_law(workload, smoke):
    """Results of a machine whose times and memory follow `POWERS` of the sizes, on top of the memory of a process."""
    values = sizes(*PLACES[workload.name], smoke)
    cost = prod(getattr(values, axis, 1) ** power for axis, power in POWERS.items())
    peak = 2**25 if smoke else 2**25 + round(cost)
    return [Result(peer, [cost, cost], peak) for peer in ("numpy", "minigrad", "torch")]


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_exponent_of_a_power_is_the_power(power):
    sizes = [64, 128, 256]
    assert exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)


@pytest.mark.parametrize("values", [[1.0, None, 4.0], [0, 2, 4], [-1, 2, 4]])
def test_there_is_no_exponent_where_a_value_is_unknown_or_not_positive(values):
    assert exponent([1, 2, 3], values) is None


def test_every_size_has_the_exponents_of_its_law_for_each_peer():
    curves = measure_growth(as_by_law)
    assert [(curve.axis, curve.peer) for curve in curves] == [(a, peer) for a in AXES for peer in ("minigrad", "torch")]
    for curve in curves:
        assert curve.time_exponent == pytest.approx(POWERS[curve.axis])
        assert curve.memory_exponent == pytest.approx(POWERS[curve.axis], rel=1e-3)
        assert [b / a for a, b in zip(curve.sizes, curve.sizes[1:], strict=False)] == [2] * DOUBLINGS


def test_where_all_sizes_are_tiny_there_is_no_more_memory_than_in_a_tiny_process():
    curves = measure_growth(as_by_law, smoke=True)
    assert {curve.memory_exponent for curve in curves} == {None}
    assert {len(curve.sizes) for curve in curves} == {2}


@pytest.mark.parametrize("smoke", [False, True])
def test_the_point_that_all_curves_share_is_measured_once(smoke):
    asked = []
    measure_growth(lambda workload, smoke: asked.append((workload.name, smoke)) or as_by_law(workload, smoke), smoke)
    assert len(asked) == len(set(asked))


def test_a_peer_that_failed_at_one_size_has_no_curve_of_it():
    def fails_at_depth(workload, smoke):
        results = as_by_law(workload, smoke)
        return [*results[:2], Result("torch", fault="too deep")] if "n_layer_2" in workload.name else results

    faults = {(curve.axis, curve.peer): curve.fault for curve in measure_growth(fails_at_depth)}
    assert {place for place, fault in faults.items() if fault} == {("n_layer", "torch")}
