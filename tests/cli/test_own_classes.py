"""Mistakes in a user's own classes: the line of their file, what is missing, and the line of the config."""

import textwrap

import pytest

from minigrad.cli import main

CONFIG = """\
name: own
data: {Moons: {n_samples: 100}}
model: {Sequential: [{Linear: [2, 2]}, Mine]}
loss: CrossEntropyLoss
optimizer: SGD
trainer: {max_epochs: 1}
"""

MODULE = """\
from minigrad import nn
from minigrad.nn import Linear, Module
from minigrad.training import Callback


class Mine(Module):
    def __init__(self):
        self.first = Linear(2, 3)
        self.second = Linear(4, 2)

"""

MISTAKES = {
    "no forward": (
        "    def backward(self, x):\n        return x",
        "Mine (models/mine.py:6) must define forward(self, x), which returns what comes out for x",
    ),
    "a forward that is misspelt": (
        "    def forwad(self, x):\n        return x",
        "Mine (models/mine.py:6) must define forward(self, x); did you mean it by 'forwad'?",
    ),
    "an attribute that is misspelt": (
        "    def forward(self, x):\n        return self.frist(x)",
        "AttributeError: Mine has no attribute 'frist'; did you mean 'first'?",
        "models/mine.py:12, in forward: return self.frist(x)",
    ),
    "a method that tensors have not": (
        "    def forward(self, x):\n        h = self.first(x)\n        return h.squash()",
        "AttributeError: Tensor has no attribute 'squash'",
        "models/mine.py:13, in forward: return h.squash()",
    ),
    "shapes that do not fit": (
        "    def forward(self, x):\n        return self.second(self.first(x))",
        "layer '1.second' (Linear): linear of x float32 (1, 3), weight float32 (2, 4)",
        "models/mine.py:12, in forward: return self.second(self.first(x))",
    ),
    "an error of the class's own": (
        "    def forward(self, x):\n        raise RuntimeError('no such mood')",
        "error: RuntimeError: no such mood",
        "models/mine.py:12, in forward: raise RuntimeError('no such mood')",
    ),
    "an assertion without a message": (
        "    def forward(self, x):\n        assert x.ndim == 5\n        return x",
        "error: AssertionError\n",
        "models/mine.py:12, in forward: assert x.ndim == 5",
    ),
    "a helper of the same file that fails": (
        "    def forward(self, x):\n        return half(x, 0)\n\n\ndef half(x, n):\n    return x * (1 / n)",
        "ZeroDivisionError: division by zero",
        "models/mine.py:16, in half: return x * (1 / n)",
    ),
}


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """Checks or trains a config with a class Mine that ends with some lines; its exit code, and what it says."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()

    def said(lines, config=CONFIG, command="check"):
        (tmp_path / "models" / "mine.py").write_text(f"{MODULE}{lines}\n")
        (tmp_path / "own.yaml").write_text(config)
        return main([command, "own.yaml"]), capsys.readouterr().err

    return said


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["check", "train"])
def test_a_mistake_in_a_layer_is_at_its_line_and_at_that_of_the_config(said, mistake, command):
    lines, *expected = MISTAKES[mistake]
    exit_code, err = said(lines, command=command)
    assert exit_code == 2
    assert "own.yaml:3:40: error: " in err
    assert all(words in err for words in expected), err
    assert "minigrad/" not in err


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("", "forward of Mine (models/mine.py:11) returned None: it ends with return and the outputs, a tensor"),
        ("return [x]", "forward of Mine (models/mine.py:11) returned a list, and outputs are one tensor"),
        ("return {'y': x}", "forward of Mine (models/mine.py:11) returned a dict, and outputs are one tensor"),
    ],
)
def test_a_model_returns_one_tensor(said, result, expected):
    config = CONFIG.replace("{Sequential: [{Linear: [2, 2]}, Mine]}", "Mine")
    exit_code, err = said(f"    def forward(self, x):\n        x = self.first(x)\n        {result}", config)
    assert exit_code == 2
    assert f"own.yaml:3:8: error: {expected}" in err


def test_a_layer_after_one_that_returned_nothing_says_so(said):
    config = CONFIG.replace("Mine]", "Mine, ReLU]")
    exit_code, err = said("    def forward(self, x):\n        self.first(x)", config)
    assert exit_code == 2
    assert "own.yaml:3:46: error: layer '2' (ReLU): expected a tensor, got None" in err


def test_a_mistake_while_a_class_is_built_is_at_its_line(said):
    exit_code, err = said("        self.third = Linaer(2, 2)")
    assert exit_code == 2
    assert "own.yaml:3:40: error: Mine: NameError: name 'Linaer' is not defined" in err
    assert "models/mine.py:11, in __init__: self.third = Linaer(2, 2)" in err


def test_what_a_class_refuses_in_its_own_words_needs_no_line(said):
    exit_code, err = said("        raise ValueError('three is too many')")
    assert exit_code == 2
    assert "own.yaml:3:40: error: Mine: three is too many" in err
    assert "models/mine.py" not in err


LOSS = """

class Sum(nn.Loss):
    def forward(self, input, target):
        {}


class Count(Callback):
    def on_step_end(self, training):
        self.count += training.step
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("input.sum()", ["Sum (models/mine.py:16) gave None: a loss is a tensor of one number"]),
        ("return input.smu()", ["has no attribute 'smu'", "models/mine.py:17, in forward: return input.smu()"]),
    ],
)
def test_a_mistake_in_a_loss_is_at_its_line(said, body, expected):
    config = CONFIG.replace(", Mine", "").replace("CrossEntropyLoss", "Sum")
    exit_code, err = said(f"    def forward(self, x):\n        return x\n{LOSS.format(body)}", config)
    assert exit_code == 2
    assert "own.yaml:4:7: error: " in err
    assert all(words in err for words in expected), err


def test_a_mistake_that_shows_in_a_training_is_at_its_line(said):
    config = CONFIG.replace(", Mine", "") + "callbacks: [Count]\n"
    exit_code, err = said(f"    def forward(self, x):\n        return x\n{LOSS.format('pass')}", config, "train")
    assert exit_code == 1
    expected = """\
        error: AttributeError: 'Count' object has no attribute 'count'
          models/mine.py:22, in on_step_end: self.count += training.step
        """
    assert err.endswith(textwrap.dedent(expected)), err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("def forward(self, x, y):\n        return x", "(models/mine.py:11) takes 'x' and 'y', and the data has one"),
        ("def forward():\n        return 1", "(models/mine.py:11) takes nothing: write def forward(self, x)"),
        ("@property\n    def forward(self):\n        return 3", "forward of Mine is a int, and has to be a method"),
        (
            "def forward(self, x):\n        return x, x",
            "(models/mine.py:11) returned a tuple, and outputs are one tensor",
        ),
    ],
)
def test_a_forward_that_does_not_fit_is_named_with_its_line(said, lines, message):
    code, text = said(f"    {lines}", CONFIG.replace("{Sequential: [{Linear: [2, 2]}, Mine]}", "Mine"))
    assert code == 2
    assert "own.yaml:3:8: error: forward of Mine" in text
    assert message in text
