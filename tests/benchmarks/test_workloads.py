import numpy as np
import pytest

from benchmarks.agreement import disagreement
from benchmarks.workload import PEERS, Workload
from benchmarks.workloads import WORKLOADS

STEPS = 4


def report(name: str, peer: str, dtype: str) -> dict:
    workload = WORKLOADS[name]
    trial = workload.peers[peer](workload.problem(dtype, True))
    losses = [float(trial.step()) for _ in range(STEPS)]
    return {"losses": losses, "state": [np.array(array) for array in trial.state()]}


def reference(name: str) -> dict:
    return report(name, next(iter(WORKLOADS[name].peers)), "float64")


def with_peer(peer: str) -> list[str]:
    return [name for name, workload in WORKLOADS.items() if peer in workload.peers]


@pytest.mark.parametrize("name", WORKLOADS)
def test_minigrad_does_the_same_arithmetic_as_the_reference(name):
    assert disagreement(report(name, "minigrad", "float32"), reference(name)) is None


@pytest.mark.parity
@pytest.mark.parametrize("name", with_peer("torch"))
def test_pytorch_does_the_same_arithmetic_as_the_reference(name, monkeypatch):
    pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert disagreement(report(name, "torch", "float32"), reference(name)) is None


@pytest.mark.parametrize("name", with_peer("numpy"))
def test_numpy_by_hand_in_float32_agrees_with_itself_in_float64(name):
    assert disagreement(report(name, "numpy", "float32"), reference(name)) is None


@pytest.mark.parametrize(("name", "peer"), [("trainer", "trainer"), ("checkpoint", "plain")])
def test_what_minigrad_is_measured_beside_does_the_same_too(name, peer):
    assert disagreement(report(name, peer, "float32"), reference(name)) is None


def test_every_peer_has_a_name_for_the_table_and_a_package():
    assert {peer for workload in WORKLOADS.values() for peer in workload.peers} <= set(PEERS)


def test_a_peer_whose_package_is_missing_does_not_take_part(monkeypatch):
    monkeypatch.setitem(PEERS, "torch", ("PyTorch eager", "a_package_that_nobody_has"))
    workload = Workload("any", "any", lambda dtype, smoke: None, {"minigrad": print, "torch": print})
    assert workload.installed() == ["minigrad"]
