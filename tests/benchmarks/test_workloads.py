import numpy as np
import pytest

from benchmarks.agreement import disagreement
from benchmarks.workload import PEERS, Workload
from benchmarks.workloads import WORKLOADS, by_hand, growth
from benchmarks.workloads.training import Task

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS = 2


def report(name: str, peer: str, dtype: str) -> dict:
    workload = {**WORKLOADS, **growth.POINTS}[name]
    trial = workload.peers[peer](workload.problem(dtype, True))
    losses = [float(trial.step()) for _ in range(STEPS)]
    return {"losses": losses, "state": [np.array(array) for array in trial.state()]}


def reference(name: str) -> dict:
    peer = next(iter({**WORKLOADS, **growth.POINTS}[name].peers))
    if peer == "torch":
        pytest.importorskip("torch", reason="the reference is PyTorch in float64")
    return report(name, peer, "float64")


def with_peer(peer: str) -> list[str]:
    return [name for name, workload in WORKLOADS.items() if peer in workload.peers]


@pytest.mark.parametrize("name", [*WORKLOADS, "growth_n_layer_1", "growth_image_1", "growth_length_1"])
def test_minigrad_does_the_same_arithmetic_as_the_reference(name):
    assert disagreement(report(name, "minigrad", "float32"), reference(name)) is None


@pytest.mark.parity
@pytest.mark.parametrize("name", with_peer("torch"))
def test_pytorch_does_the_same_arithmetic_as_the_reference(name):
    pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    assert disagreement(report(name, "torch", "float32"), reference(name)) is None


@pytest.mark.parity
@pytest.mark.parametrize("name", with_peer("transformers"))
def test_transformers_do_the_same_arithmetic_as_the_reference(name):
    pytest.importorskip("transformers", reason="parity with Hugging Face needs transformers")
    assert disagreement(report(name, "transformers", "float32"), reference(name)) is None


@pytest.mark.parametrize("name", with_peer("numpy"))
def test_numpy_by_hand_in_float32_agrees_with_itself_in_float64(name):
    assert disagreement(report(name, "numpy", "float32"), reference(name)) is None


@pytest.mark.parametrize("name", with_peer("bare"))
def test_a_bare_loop_learns_what_the_trainer_learns(name):
    assert disagreement(report(name, "bare", "float32"), reference(name)) is None


def test_a_gpt_that_looks_ahead_is_found_out(monkeypatch):
    attention = by_hand.attention
    monkeypatch.setattr(by_hand, "attention", lambda *args, is_causal: attention(*args, is_causal=False))
    looking_ahead = report("gpt_4x128", "numpy", "float64")
    monkeypatch.undo()
    assert disagreement(looking_ahead, reference("gpt_4x128")) is not None


@pytest.mark.parametrize("axis", growth.AXES)
def test_a_point_of_a_curve_has_one_size_doubled(axis):
    before, after = (growth.sizes(axis, doublings, True) for doublings in (0, 2))
    assert after == before._replace(**{axis: 4 * getattr(before, axis)})


def test_a_parameter_with_two_names_is_one_parameter():
    shared, other = np.zeros(3), np.zeros(3)
    task = Task(None, {"first": shared, "other": other, "second": shared}, [])
    assert task.names() == ["first", "other"]
    assert len(task.parameters()) == 2


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=lambda workload: workload.name)
def test_goals_are_set_for_peers_that_take_part(workload):
    assert set(workload.goals) <= set(workload.peers)


def test_every_peer_has_a_name_for_the_table_and_a_package():
    assert {peer for workload in WORKLOADS.values() for peer in workload.peers} <= set(PEERS)


def test_a_peer_whose_package_is_missing_does_not_take_part(monkeypatch):
    monkeypatch.setitem(PEERS, "torch", ("PyTorch eager", "a_package_that_nobody_has"))
    workload = Workload("any", "any", lambda dtype, smoke: None, {"minigrad": print, "torch": print})
    assert workload.installed() == ["minigrad"]
