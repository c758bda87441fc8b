from dataclasses import replace

import pytest

from benchmarks import runner
from benchmarks.runner import Player, compare, environment
from benchmarks.workloads import WORKLOADS


def only(name, *peers):
    """A workload without its other peers, which take seconds to start."""
    workload = WORKLOADS[name]
    return replace(workload, peers={peer: workload.peers[peer] for peer in peers})


def smoke(workload):
    return compare(workload, rounds=3, seconds=0.005, smoke=True)


def test_each_peer_has_one_time_for_every_round_and_a_peak_of_memory():
    for result in smoke(only("mnist_16", "numpy", "minigrad")):
        assert result.fault is None
        assert len(result.seconds) == 3
        assert all(0 < seconds < 1 for seconds in result.seconds)
        assert result.peak is None or 2**20 < result.peak < 2**30


def test_a_peer_whose_arithmetic_disagrees_is_not_timed(monkeypatch):
    class Careless(Player):
        def __init__(self, workload, peer, *arguments):
            super().__init__(workload, peer, *arguments)
            if peer == "minigrad":
                self.report["losses"][-1] *= 1.01

    monkeypatch.setattr(runner, "Player", Careless)
    numpy, minigrad = smoke(only("mnist_16", "numpy", "minigrad"))
    assert numpy.seconds
    assert not minigrad.seconds
    assert minigrad.fault.startswith("disagrees: losses off by")


def test_a_peer_that_fails_says_why_and_the_others_go_on():
    workload = only("scalar_neuron", "minigrad")
    workload = replace(workload, peers={**workload.peers, "numpy": lambda task: None})  # which the child does not know
    minigrad, numpy = smoke(workload)
    assert minigrad.seconds
    assert numpy.fault == "KeyError: 'numpy'"


def test_the_state_of_a_peer_arrives_with_all_its_digits():
    with Player(only("mnist_16", "numpy"), "numpy", "float64", 1, True) as player:
        shapes = [array.shape for array in player.report["state"]]
        assert shapes == [(4, 20), (4,), (3, 4), (3,)]
        assert {array.dtype.name for array in player.report["state"]} == {"float64"}


def test_a_process_that_dies_between_turns_is_a_fault_and_not_a_hang():
    with Player(only("mnist_16", "numpy"), "numpy", "float32", 1, True) as player:
        assert isinstance(player.turn(0.001), float)
        player._process.kill()
        assert "its process ended" in player.turn(0.001)["error"]


@pytest.mark.parametrize("name", ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_libraries_are_told_their_threads_before_they_are_loaded(name):
    assert environment(3)[name] == "3"
