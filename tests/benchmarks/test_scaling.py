import sys

import pytest

from benchmarks import scaling
from benchmarks.__main__ import main
from benchmarks.scaling import Scaling, Steps, efficiency, fit, measure_scaling, render_scaling, sum_seconds

SIZES = [2**k for k in range(12, 24)]


def test_latency_and_bandwidth_are_found_again():
    latency, bandwidth = fit(SIZES, [30e-6 + size / 2e9 for size in SIZES])
    assert latency == pytest.approx(30e-6)
    assert bandwidth == pytest.approx(2e9)


def test_one_rank_sums_nothing():
    assert sum_seconds(10**6, 1, 1e-5, 1e9, "ordered") == 0
    assert efficiency(Steps("one", weight=10**6, shard=0.01), 1, 1e-5, 1e9, "fast") == 1


def test_a_sum_costs_two_messages_between_every_two_and_moves_each_number_twice_at_most():
    assert sum_seconds(1000, 2, 1e-3, 1e9, "ordered") == pytest.approx(2e-3 + 1e-6)
    assert sum_seconds(1000, 8, 1e-3, 1e9, "ordered") == pytest.approx(14e-3 + 2 * 7 / 8 * 1e-6)
    assert sum_seconds(1000, 8, 1e-3, 1e9, "fast") == pytest.approx(6e-3 + 2 * 7 / 8 * 1e-6)


def test_what_buckets_weigh_is_what_the_ranks_send():
    try:
        from minigrad.parallel import reduction
    except (ImportError, RuntimeError) as error:  # mpi4py raises the latter where it finds no library
        pytest.skip(f"several ranks need mpi4py and an MPI: {error}")
    assert (scaling.CHUNK, scaling.SLICE) == (reduction.CHUNK, reduction.SLICE)


def test_a_model_is_called_one():
    found = Scaling([Steps("a net", 2**20, 0.1, {"2 × 1": [0.2, 0.3]})], [4096], [1e-4], 5e-5, 1e9)
    found.projected = {"a net, a network, ordered": [0.5] * len(scaling.RANKS)}
    text = render_scaling(found)
    assert "A MODEL, not a measurement" in text
    assert "250.0  (200.0 to 300.0)" in text


def test_without_mpi_it_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.setattr(scaling, "find_spec", lambda name: None)
    assert main(["scaling", "--smoke"]) == 0
    assert "scaling: several ranks need mpi4py and an MPI: pip install mpi4py mpich" in capsys.readouterr().out


@pytest.mark.mpi
def test_steps_and_sums_are_measured_on_two_ranks():
    found = measure_scaling(1, 0.01, smoke=True)
    if found.fault:
        pytest.skip(found.fault)
    assert list(found.steps[0].layouts) == ["1 × 1", "1 × 2", "2 × 1"]
    assert all(seconds > 0 for times in found.steps[0].layouts.values() for seconds in times)
    assert len(found.seconds) == len(found.sizes)
    assert all(0 < share <= 1 for shares in found.projected.values() for share in shares)
