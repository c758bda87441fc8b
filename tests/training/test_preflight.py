"""What the data contains is checked in all splits before the first step."""

import re

import numpy as np
import pytest

from minigrad import Tensor, nn
from minigrad.cli import main
from minigrad.data import DataLoader, Dataset, Examples
from minigrad.metrics import Accuracy
from minigrad.optim import SGD
from minigrad.training import Experiment, Trainer, TrainingError


class Given(Dataset):
    def __init__(self, splits, classes=None):
        self.train, self.val, self.test = (Examples(*map(np.asarray, arrays)) for arrays in splits)
        self._num_classes = classes


def splits(targets, inputs=None, **spoilt):
    """The same examples in all splits, but for one target or input of a split: `val={"targets": (3, value)}`."""
    x = np.ones((len(targets), 2), np.float32) if inputs is None else inputs
    made = {}
    for name in ("train", "val", "test"):
        arrays = {"inputs": x.copy(), "targets": targets.copy()}
        for key, (place, value) in spoilt.get(name, {}).items():
            arrays[key][place] = value
        made[name] = (arrays["inputs"], arrays["targets"])
    return list(made.values())


def fit(data, model, loss, **settings):
    settings = {"max_steps": 2, **settings}
    loader = {"loader": lambda examples: DataLoader(examples, batch_size=2, shuffle=False)}
    return Experiment(
        "checked", data, model, loss, lambda p: SGD(p, lr=0.1), trainer=Trainer(**settings), **loader
    ).fit()


INDICES = np.array([0, 1, 2, 0, 1, 2])
AMOUNTS = np.linspace(0, 5, 6, dtype=np.float32).reshape(6, 1)
FLAGS = np.float32([[0, 1], [1, 1], [0, 0], [1, 0], [0, 1], [1, 1]])
CASES = {
    "a class beyond the outputs": (
        splits(INDICES, test={"targets": (4, 3)}),
        nn.Linear(2, 3),
        nn.CrossEntropyLoss(),
        r"example 4 of test has the target 3: the model has 3 outputs, for the classes 0 to 2; .* ignore_index",
    ),
    "a class below 0": (
        splits(INDICES, val={"targets": ([1, 2], -1)}),
        nn.Linear(2, 3),
        nn.CrossEntropyLoss(),
        r"example 1 of val \(and 1 others\) has the target -1",
    ),
    "NaN among the targets": (
        splits(AMOUNTS, val={"targets": (2, np.nan)}),
        nn.Linear(2, 1),
        nn.MSELoss(),
        "example 2 of val has the target nan: its targets hold NaN or infinity; correct the data",
    ),
    "infinity among the inputs": (
        splits(AMOUNTS, test={"inputs": ((5, 1), np.inf)}),
        nn.Linear(2, 1),
        nn.MSELoss(),
        "example 5 of test has the input inf: its inputs hold NaN or infinity; correct the data",
    ),
    "amounts for a loss of yes and no": (
        splits(FLAGS, test={"targets": ((3, 1), 7)}),
        nn.Linear(2, 2),
        nn.BCEWithLogitsLoss(),
        "example 3 of test has the target 7.0: BCEWithLogitsLoss expects targets from 0 to 1",
    ),
    "amounts for a loss of classes": (
        splits(np.arange(12, dtype=np.float32).reshape(6, 2)),
        nn.Linear(2, 2),
        nn.CrossEntropyLoss(),
        r"example 1 of train \(and 4 others\) has the target \[2. 3.\]: CrossEntropyLoss expects class indices",
    ),
    "a negative count": (
        splits(AMOUNTS, val={"targets": (0, -1)}),
        nn.Linear(2, 1),
        nn.PoissonNLLLoss(),
        "example 0 of val has the target -1.0: PoissonNLLLoss expects targets of at least 0",
    ),
    "another shape": (
        [*splits(AMOUNTS)[:2], (np.ones((6, 3), np.float32), AMOUNTS)],
        nn.Linear(2, 1),
        nn.MSELoss(),
        r"the inputs of test are float32 of shape \(3,\), and those of train are float32 of shape \(2,\)",
    ),
    "another kind": (
        [splits(AMOUNTS)[0], (np.ones((6, 2), np.float32), AMOUNTS.astype(int)), splits(AMOUNTS)[2]],
        nn.Linear(2, 1),
        nn.MSELoss(),
        r"the targets of val are int64 of shape \(1,\), and those of train are float32",
    ),
    "a token beyond the vocabulary": (
        splits(INDICES, np.array([[0, 1]] * 6), test={"inputs": ((2, 1), 5)}),
        nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 3)),
        nn.CrossEntropyLoss(),
        r"example 2 of test has the input 5: the model has vectors for the inputs 0 to 4; give its Embedding a row",
    ),
}


@pytest.mark.parametrize(("data", "model", "loss", "message"), CASES.values(), ids=CASES)
def test_what_does_not_fit_is_found_in_every_split_before_the_first_step(data, model, loss, message):
    before = [array.copy() for array in model.state_dict().values()]
    with pytest.raises(TrainingError) as caught:
        fit(Given(data), model, loss)
    assert re.search(message, str(caught.value))
    for one, other in zip(before, model.state_dict().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_indices_are_no_amounts():
    class First(nn.Module):
        def __init__(self):
            self.linear = nn.Linear(2, 1)

        def forward(self, x):
            return self.linear(x)[:, 0]

    with pytest.raises(TrainingError, match=r"MSELoss treats the indices of 3 classes as amounts; use CrossEntropy"):
        fit(Given(splits(INDICES), classes=3), First(), nn.MSELoss())


WRONG_LOSSES = {
    "class indices": (INDICES, 3, nn.MSELoss(), "MSELoss treats the indices of 3 classes as amounts"),
    "amounts": (AMOUNTS, None, nn.BCEWithLogitsLoss(), "BCEWithLogitsLoss expects targets from 0 to 1"),
    "no shares": (7 * FLAGS, None, nn.CrossEntropyLoss(), "CrossEntropyLoss expects class indices, or class prob"),
}


@pytest.mark.parametrize(("targets", "classes", "loss", "message"), WRONG_LOSSES.values(), ids=WRONG_LOSSES)
def test_a_loss_that_does_not_suit_the_targets_is_told_once_and_not_for_each_split(targets, classes, loss, message):
    model = nn.Linear(2, targets.size // 6) if targets.ndim > 1 else nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    with pytest.raises(TrainingError) as caught:
        fit(Given(splits(targets), classes), model, loss)
    (line,) = str(caught.value).splitlines()
    assert re.match(r"example \d of train ", line)
    assert message in line


def test_everything_that_does_not_fit_is_told_at_once():
    data = splits(INDICES, val={"targets": (0, 9)}, test={"targets": (1, 8), "inputs": ((0, 0), np.nan)})
    with pytest.raises(TrainingError) as caught:
        fit(Given(data), nn.Linear(2, 3), nn.CrossEntropyLoss())
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "example 0 of test has the input nan",
        "example 0 of val has the target 9",
        "example 1 of test has the target 8",
    ]


def test_what_is_ignored_may_have_any_number():
    data = splits(np.array([0, 1, -7, 0, 1, -7]))
    assert fit(Given(data), nn.Linear(2, 2), nn.CrossEntropyLoss(ignore_index=-7))["status"] == "done"


def test_training_inputs_that_are_not_finite_may_be_skipped():
    data = splits(AMOUNTS, train={"inputs": ((0, 0), np.nan)})
    assert fit(Given(data), nn.Linear(2, 1), nn.MSELoss(), on_nan="skip")["skipped"] == 1


CONFIG = """\
name: rows
data: {Arrays: {path: rows.npz}}
loader: {batch_size: 4, shuffle: false}
model: {Linear: [2, 2]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_steps: 2}
"""


def test_the_place_in_the_config_is_told_and_nothing_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x, y = np.ones((40, 2), np.float32), np.arange(40) % 3
    np.savez("rows.npz", inputs=x, targets=y)
    (tmp_path / "rows.yaml").write_text(CONFIG)
    for command in ("check", "train"):
        assert main([command, "rows.yaml"]) == 2
        told = capsys.readouterr().err
        assert re.search(r"rows.yaml:4:9: error: example \d of val .* has the target 2: the model has 2 outputs", told)
        assert not (tmp_path / "runs").exists()


def multi_label(n, generator):
    x = generator.normal(size=(n, 4)).astype(np.float32)
    return x, (x > 0.3).astype(np.float32)


class Signs(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(np.full(4, 5.0, np.float32))

    def forward(self, x):
        return self.scale * (x - 0.3)


@pytest.mark.parametrize("loss", [nn.BCEWithLogitsLoss(), nn.SoftMarginLoss()])
def test_labels_are_counted_one_by_one_in_a_training(loss):
    generator = np.random.default_rng(0)
    parts = [multi_label(40, generator) for _ in range(3)]
    if isinstance(loss, nn.SoftMarginLoss):
        parts = [(x, 2 * y - 1) for x, y in parts]
    data = Given(parts)
    experiment = Experiment("labels", data, Signs(), loss, lambda p: SGD(p, lr=0.01), metrics=[Accuracy()])
    assert experiment.fit()["test/accuracy"] == 1.0


def test_one_output_is_yes_above_the_middle_of_the_loss():
    x = np.float32([[0.1], [0.4], [0.6], [0.9]] * 8)
    data = Given([(x, (x > 0.5).astype(np.float32))] * 3)
    model = nn.Sequential(nn.Linear(1, 1))
    model[0].weight.data, model[0].bias.data = np.float32([[1.0]]), np.float32([0.0])
    results = Experiment("half", data, model, nn.MSELoss(), lambda p: SGD(p, lr=1e-6), metrics=[Accuracy()]).fit()
    assert results["test/accuracy"] == 1.0


def test_metrics_leave_out_what_the_loss_ignores_and_find_its_classes():
    tokens = np.array([[1, 2, 0], [2, 1, 0]] * 16)

    class Right(nn.Module):
        """Scores (N, C, T), the classes on axis 1: right but where a token is 0."""

        def __init__(self):
            self.scale = nn.Parameter(np.float32([5.0]))

        def forward(self, x):
            scores = np.where(x.data[:, None] == np.arange(3)[:, None], 1, 0)
            return self.scale * Tensor(np.where(x.data[:, None] == 0, [[0], [1], [0]], scores).astype(np.float32))

    data = Given([(tokens, tokens)] * 3)
    loss = nn.CrossEntropyLoss(ignore_index=0)
    results = Experiment("axis", data, Right(), loss, lambda p: SGD(p, lr=0.1), metrics=[Accuracy()]).fit()
    assert results["test/accuracy"] == 1.0
