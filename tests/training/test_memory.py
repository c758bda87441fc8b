import pytest

from minigrad.cli import main
from minigrad.config import ConfigError, load_plan
from minigrad.training.experiment import Experiment, known_classes
from minigrad.training.memory import available_memory, check_memory

CONFIG = """\
name: small
data: Moons
model:
  Sequential:
    - Linear: [2, 1000]
    - Linear: ["${model.0.out_features}", "${data.num_classes}"]
loss: CrossEntropyLoss
optimizer: Adam
"""
PARAMETERS = 3 * 1000 + 1001 * 2


@pytest.fixture
def plan(tmp_path):
    def plan(*overrides):
        (tmp_path / "small.yaml").write_text(CONFIG)
        return load_plan(tmp_path / "small.yaml", Experiment, known_classes(tmp_path), overrides)

    return plan


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes of memory are free."""

    def free(size):
        monkeypatch.setattr("minigrad.training.memory.available_memory", lambda: size)

    return free


@pytest.mark.parametrize(
    ("optimizer", "copies"),
    [("Adam", 5), ("SGD", 3), ("{SGD: {momentum: 0.9}}", 4)],
)
def test_each_parameter_is_kept_with_its_gradient_its_best_value_and_what_the_optimizer_keeps(
    plan, free, optimizer, copies
):
    chosen = plan(f"optimizer={optimizer}")
    free(copies * PARAMETERS * 4)
    assert f"{copies - 3} times what" in check_memory(chosen)
    free(copies * PARAMETERS * 4 - 1)
    with pytest.raises(ConfigError, match="takes at least"):
        check_memory(chosen)


def test_what_cannot_fit_is_told_with_its_sizes_at_the_line_of_the_largest_layer(plan, free):
    free(10_000)
    with pytest.raises(ConfigError) as caught:
        check_memory(plan())
    [problem] = caught.value.problems
    assert problem.place.line == 5
    assert problem.message == "training this model takes at least 100 kB, and 10 kB of memory are free"
    assert problem.hint.splitlines() == [
        "20 kB of parameters, 5 times: weights, gradients, best weights, 2 times what Adam keeps of each",
        "the largest layer is Linear with weight (1000, 2), bias (1000,): 12 kB",
    ]


@pytest.mark.parametrize(
    "layer", ["Linear: [1000000, 1000000]", "LayerNorm: [[1000000, 1000000]]", "Embedding: [1000000, 1000000]"]
)
def test_a_model_of_terabytes_is_refused_at_once_at_the_line_that_asks_for_it(plan, layer):
    with pytest.raises(ConfigError, match="of memory are free") as caught:
        check_memory(plan(f"model={{{layer}}}"))
    assert caught.value.problems[0].place.source.name == "command line"


def test_without_knowing_what_is_free_the_need_is_told(plan, free):
    free(None)
    assert check_memory(plan()).endswith(": 100 kB; the amount of free memory is unknown")


def test_another_mistake_of_a_layer_is_told_as_ever(plan):
    with pytest.raises(ConfigError, match="in_features must be at least 1"):
        check_memory(plan("model.0={Linear: [0, 1000]}"))


def test_free_memory_is_something_and_no_more_than_a_computer_has():
    assert 2**20 < available_memory() < 2**50


HUGE = """\
import numpy as np

from minigrad import Tensor
from minigrad.nn import Linear, Module


class Huge(Module):
    def __init__(self):
        self.head = Linear(2, 2)
        self.middle = Middle()

    def forward(self, x):
        return self.head(self.middle(x))


class Middle(Module):
    def forward(self, x):
        return x + Tensor(np.broadcast_to(np.float32(0), (10**15, 1, 1)))
"""


@pytest.mark.parametrize("command", ["check", "train", "find-lr"])
def test_more_memory_than_there_is_ends_in_a_sentence_with_the_layer_the_operation_and_a_remedy(
    command, tmp_path, monkeypatch, capsys
):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "huge.py").write_text(HUGE)
    model = CONFIG[CONFIG.index("model:") : CONFIG.index("loss:")]
    (tmp_path / "huge.yaml").write_text(CONFIG.replace(model, "model: Huge\n"))
    monkeypatch.chdir(tmp_path)
    assert main([command, "huge.yaml"]) == 1
    said = capsys.readouterr().err
    assert "error: out of memory: layer 'middle' (Middle): add of x" in said
    assert "float32 (1000000000000000, 1, 1): Unable to allocate" in said
    assert "trainer.accumulate=2" in said
    assert "Traceback" not in said
