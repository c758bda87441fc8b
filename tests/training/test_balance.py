"""Classes of unequal numbers: weights that balance them, and epochs that draw them equally often."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.cli import main
from minigrad.data import Balanced, DataError, DataLoader, Examples
from minigrad.engine import Tensor, random
from minigrad.runs import read_checkpoint

from ..bits import bits

CLASSES = np.repeat([0, 1, 2], [50, 8, 2])
FLAT = np.zeros((60, 1), np.float32)


def test_balanced_weights_are_those_of_scikit_learn():
    compute = pytest.importorskip("sklearn.utils.class_weight").compute_class_weight
    loss = nn.CrossEntropyLoss(weight="balanced")
    loss.balance(CLASSES)
    expected = compute("balanced", classes=np.arange(3), y=CLASSES)
    np.testing.assert_allclose(loss.weight.data, expected, rtol=1e-6)
    one_hot = nn.CrossEntropyLoss(weight="balanced")
    one_hot.balance(np.eye(3, dtype=np.float32)[CLASSES])
    np.testing.assert_allclose(one_hot.weight.data, expected, rtol=1e-6)


def test_ignored_targets_have_no_part_in_balanced_weights():
    loss, padded = nn.NLLLoss(weight="balanced"), nn.NLLLoss(weight="balanced", ignore_index=-1)
    loss.balance(CLASSES)
    padded.balance(np.concatenate([CLASSES, np.full(9, -1)]))
    np.testing.assert_array_equal(loss.weight.data, padded.weight.data)


def test_a_balanced_weight_of_yes_is_the_share_of_no():
    loss = nn.BCEWithLogitsLoss(pos_weight="balanced")
    loss.balance(np.array([[1, 0], [0, 0], [0, 1], [0, 1]], np.float32))
    np.testing.assert_array_equal(loss.pos_weight.data, [3, 1])
    loss.balance(np.array([1, 0, 0], np.float32))
    np.testing.assert_array_equal(loss.pos_weight.data, 2)


@pytest.mark.parametrize(
    ("loss", "targets", "classes", "said"),
    [
        (nn.CrossEntropyLoss(weight="balanced"), CLASSES[:55], 3, "class 2 has none"),
        (nn.CrossEntropyLoss(weight="balanced"), CLASSES - 1, None, "from 0"),
        (nn.BCEWithLogitsLoss(pos_weight="balanced"), np.ones((3, 1)), None, "one of them is in no target"),
    ],
)
def test_targets_that_cannot_be_balanced_are_refused(loss, targets, classes, said):
    with pytest.raises(ValueError, match=said):
        loss.balance(targets, classes)


def test_balanced_weights_are_learned_before_the_loss_is_used():
    with pytest.raises(ValueError, match=r"call balance\(targets\) first"):
        nn.CrossEntropyLoss(weight="balanced")(Tensor(np.zeros((2, 3))), [0, 1])
    with pytest.raises(ValueError, match="is 'balanced', got 'balance'"):
        nn.CrossEntropyLoss(weight="balance")


def drawn(targets, epoch, n=60):
    return Balanced().order(Examples(np.zeros((len(targets), 1)), targets), epoch)


@pytest.mark.parametrize("targets", [CLASSES, np.eye(3, dtype=np.float32)[CLASSES]])
def test_an_epoch_draws_each_class_equally_often(targets):
    order = drawn(targets, 0)
    assert np.bincount(CLASSES[order]).tolist() == [20, 20, 20]
    times = np.bincount(order, minlength=60)
    assert set(times[:50].tolist()) == {0, 1}
    assert set(times[50:58].tolist()) == {2, 3}
    assert set(times[58:].tolist()) == {10}


def test_an_epoch_is_a_pure_function_of_the_seed_and_its_number():
    np.testing.assert_array_equal(drawn(CLASSES, 3), drawn(CLASSES, 3))
    assert not np.array_equal(drawn(CLASSES, 3), drawn(CLASSES, 4))
    first = drawn(CLASSES, 3)
    random.seed(7)
    assert not np.array_equal(first, drawn(CLASSES, 3))


@pytest.mark.parametrize("targets", [np.random.default_rng(0).normal(size=(9, 1)), np.zeros((9, 4), np.int64)])
def test_targets_without_a_class_each_are_refused(targets):
    with pytest.raises(DataError, match="Balanced draws by class"):
        DataLoader(Examples(np.zeros((9, 1)), targets), batch_size=3, sampler=Balanced())


def test_a_sampler_needs_an_order_of_its_own():
    with pytest.raises(DataError, match="shuffle=False"):
        DataLoader(Examples(FLAT, CLASSES), shuffle=False, sampler=Balanced())


CONFIG = """\
name: rare
data: {Table: {path: rare.csv, target: kind, weight: counts}}
loader: {batch_size: 8, sampler: Balanced}
model: {Linear: ["${data.num_features}", "${data.num_classes}"]}
loss: {CrossEntropyLoss: {weight: balanced}}
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    numbers = np.random.default_rng(0)
    rows = [
        f"{kind},{numbers.normal(kind == 'rare'):.4f},{numbers.uniform(0.5, 2):.3f}"
        for kind in ["often"] * 60 + ["rare"] * 12
    ]
    (tmp_path / "rare.csv").write_text("\n".join(["kind,a,counts", *rows]))
    (tmp_path / "rare.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_config_asks_for_both_and_resumes_exactly(folder, capsys):
    assert main(["train", "rare.yaml", "trainer.max_steps=9"]) == 0
    assert main(["train", "rare.yaml", "trainer.max_steps=7"]) == 0
    assert main(["resume", "runs/rare/0002", "trainer.max_steps=9"]) == 0
    one, other = (read_checkpoint(folder / f"runs/rare/000{i}/checkpoints/last.safetensors")[0] for i in (1, 2))
    assert bits(one) == bits(other)


def test_what_cannot_be_balanced_is_told_at_the_loss(folder, capsys):
    assert main(["check", "rare.yaml", "loss.weight=balance"]) == 2
    assert "balanced" in capsys.readouterr().err
    numbers = np.arange(72) % 2
    np.savez(folder / "two.npz", inputs=np.ones((72, 2)), targets=2 * numbers)
    assert main(["check", "rare.yaml", "data={Arrays: {path: two.npz}}", "loader={batch_size: 8}"]) == 2
    said = capsys.readouterr().err
    assert "CrossEntropyLoss" in said
    assert "class 1 has none" in said
