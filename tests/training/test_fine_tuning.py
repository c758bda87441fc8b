"""Old weights in a new training, by config: what `check` shows, what is trained and saved, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import Tensor, nn, optim
from minigrad.cli import main
from minigrad.data import Moons
from minigrad.runs import read_checkpoint
from minigrad.training import Experiment, ExperimentError, Trainer, Training
from minigrad.training.lr_finder import find_lr

from ..bits import bits

OLD = """\
name: old
data: {Moons: {n_samples: 80}}
loader: {batch_size: 8}
model: {Sequential: [{Linear: [2, 16]}, ReLU, {Linear: [16, 16]}, ReLU, {Linear: [16, 3]}]}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {SGD: {lr: 0.1, momentum: 0.9}}
trainer: {max_epochs: 2}
"""

TUNED = """\
base: old.yaml
name: tuned
weights: runs/old/0001
adapters: {LoRA: {match: ["0", "2"], rank: 2}}
groups: [{match: "*.B", lr: 0.2}]
trainer: {ema: 0.8, recompute: ["2"]}
"""


WHOLE = ["adapters=null", "groups=[]"]
"""What makes it a training of all weights."""


@pytest.fixture(autouse=True)
def _an_old_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("old.yaml").write_text(OLD)
    Path("tuned.yaml").write_text(TUNED)
    assert main(["train", "old.yaml"]) == 0
    capsys.readouterr()


def told(capsys, *words, code=0):
    assert main(list(words)) == code
    return capsys.readouterr()


def trained(capsys, *words):
    """The results of a training, and its weights."""
    results = json.loads(told(capsys, "train", *words).out.splitlines()[-1])
    weights, _ = read_checkpoint(Path(results.pop("run")) / "checkpoints" / "best.safetensors")
    return results, bits(weights)


def test_check_shows_of_each_parameter_its_shape_group_origin_and_whether_it_is_trained(capsys):
    changes = ["model.4={Linear: [16, 2]}", "weights={path: runs/old/0001, missing: keep}", "adapters=null"]
    shown = told(capsys, "check", "tuned.yaml", *changes, "freeze=['0']", "groups=[{match: '*.bias', lr: 0.2}]")
    start = shown.out.index("parameter ")
    assert shown.out[start:].splitlines()[:7] == [
        "parameter  shape     trained  group  first value",
        "0.weight   (16, 2)   frozen   0      runs/old/0001",
        "0.bias     (16,)     frozen   1      runs/old/0001",
        "2.weight   (16, 16)  yes      0      runs/old/0001",
        "2.bias     (16,)     yes      1      runs/old/0001",
        "4.weight   (2, 16)   yes      0      seed 0",
        "4.bias     (2,)      yes      1      seed 0",
    ]
    anew = "4.weight ((2, 16) here, (3, 16) there), 4.bias ((2,) here, (3,) there)"
    assert f"weights: 4 of 6 arrays were read; these keep their random values: {anew}\n" in shown.err


def test_adapters_are_shown_with_what_they_begin_as(capsys):
    out = told(capsys, "check", "tuned.yaml").out
    rows = [line.split("  ") for line in out[out.index("parameter ") :].splitlines()]
    rows = [[cell.strip() for cell in row if cell] for row in rows]
    assert ["0.weight", "(16, 2)", "frozen", "0", "runs/old/0001"] in rows
    assert ["0.weight_lora.A", "(2, 2)", "yes", "0", "seed 0"] in rows
    assert ["0.weight_lora.B", "(16, 2)", "yes", "1", "zeros"] in rows


def test_everything_that_cannot_be_is_told_at_once_each_with_its_place(capsys):
    Path("wrong.yaml").write_text(
        OLD
        + """\
weights: {path: runs/old/0001, match: ["0", "5"]}
freeze: ["2", "22"]
groups:
  - {match: "*.bais", lr: 0.2}
  - {match: "*.bias", lrr: 0.2}
  - {match: "4", momentum: -1}
adapters: {LoRA: {match: ["1"]}}
"""
    )
    err = told(capsys, "check", "wrong.yaml", "trainer.recompute=['3.x']", code=2).err
    assert [line for line in err.splitlines() if "error: " in line] == [
        "wrong.yaml:9:45: error: '5' matches no array there",
        "wrong.yaml:10:15: error: '22' matches no parameter",
        "wrong.yaml:12:13: error: '*.bais' matches no parameter",
        "wrong.yaml:13:28: error: SGD has no option 'lrr'",
        "wrong.yaml:14:5: error: momentum must be at least 0, got -1",
        "wrong.yaml:15:27: error: '1' matches layer '1' (ReLU), which has no parameters",
        "command line:1:20: error: '3.x' matches no layer",
    ]
    assert "did you mean '4.bias'?" in err
    assert "did you mean 'lr'?" in err
    assert "7 errors; nothing was run" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("weights=runs/old/0009", "runs/old/0009: no such file or folder"),
        (
            "groups=[{match: '*.bias'}, {match: ['4']}]",
            "the parameter '4.bias' is in two groups, by '*.bias' and by ['4']",
        ),
        ("freeze=['*']", "all parameters of the model are frozen"),
        ("adapters={LoRA: {match: ['*'], rank: 0}}", "rank must be at least 1, got 0"),
        ("adapters={LoRA: {match: []}}", "match names no layers"),
        ("adapters={Lora: {match: ['*']}}", "did you mean 'LoRA'?"),
        ("groups=[{lr: 0.1}]", "a group needs match"),
        ("trainer.ema=1", "ema must be above 0 and below 1, got 1"),
        ("weights={path: runs/old/0001, missing: skip}", "must be 'error' or 'keep'"),
    ],
)
def test_a_mistake_is_a_sentence_and_nothing_is_run(capsys, change, said):
    err = told(capsys, "train", "old.yaml", change, code=2).err
    assert said in err
    assert "nothing was run" in err
    assert not Path("runs/old/0002").exists()


def test_a_parameter_of_a_layer_without_a_matrix_is_named_with_its_kind(capsys):
    norm = "model={Sequential: [{Linear: [2, 4]}, {LayerNorm: 4}, {Linear: [4, 3]}]}"
    err = told(capsys, "train", "old.yaml", norm, "adapters={LoRA: {match: ['1']}}", code=2).err
    assert "'1' matches no matrix that LoRA adapts: 1.weight, 1.bias are of LayerNorm, and it is for Linear" in err


def test_weights_that_are_frozen_on_purpose_are_no_warning(capsys):
    for changes in ([], [*WHOLE, "freeze=['2']"]):
        assert "not learned" not in told(capsys, "train", "tuned.yaml", *changes).err


def test_checkpoints_hold_the_adapters_alone_and_every_command_finds_the_rest(capsys):
    results, weights = trained(capsys, "tuned.yaml")
    assert sorted(weights) == ["0.weight_lora.A", "0.weight_lora.B", "2.weight_lora.A", "2.weight_lora.B"]
    run = Path("runs/tuned/0001")
    last, _ = read_checkpoint(run / "checkpoints" / "last.safetensors")
    assert list(last) == list(weights)
    measured = json.loads(told(capsys, "evaluate", str(run)).out.splitlines()[-1])
    assert measured["test/loss"] == results["test/loss"]
    model = minigrad.load_run(run).model
    x = Tensor(np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32))
    np.testing.assert_allclose(nn.merged(model)(x).data, model(x).data, rtol=1e-4, atol=1e-5)


HEAD = ["weights={path: runs/old/0001, missing: keep}", "groups=[]", "model.4.out_features=2", "data.noise=0.1"]
"""What makes the last layer another one, which begins anew beside the adapters."""


def test_a_head_that_begins_anew_is_trained_whole_beside_the_adapters_and_check_says_so(capsys):
    out, err = told(capsys, "check", "tuned.yaml", *HEAD)
    rows = {line.split()[0]: line.split()[-4:] for line in out.splitlines() if line.startswith(("0.", "4."))}
    assert rows["4.weight"] == rows["4.bias"] == ["yes", "0", "seed", "0"]
    assert rows["0.weight"][-3] == "frozen"
    assert "trained without adapters, and saved with them: 4.weight, 4.bias\n" in err


def test_a_head_that_begins_anew_is_saved_with_the_adapters_and_resumed_and_measured_with_them(capsys):
    results, weights = trained(capsys, "tuned.yaml", *HEAD, "trainer.max_epochs=3")
    names = ["0.weight_lora.A", "0.weight_lora.B", "2.weight_lora.A", "2.weight_lora.B", "4.bias", "4.weight"]
    assert sorted(weights) == names
    measured = json.loads(told(capsys, "evaluate", "runs/tuned/0001").out.splitlines()[-1])
    assert measured["test/loss"] == results["test/loss"]
    told(capsys, "train", "tuned.yaml", *HEAD)
    told(capsys, "resume", "runs/tuned/0002", "trainer.max_epochs=3")
    whole, gone_on = (Path(f"runs/tuned/000{i}/checkpoints/last.safetensors") for i in (1, 2))
    there, here = (read_checkpoint(path)[0] for path in (whole, gone_on))
    assert bits(there) == bits(here)


def test_a_head_that_begins_anew_can_be_frozen_by_name_and_gets_no_adapter(capsys):
    out, err = told(capsys, "check", "tuned.yaml", *HEAD, 'adapters.match=["*"]', 'freeze=["4.bias"]')
    assert "4.weight_lora" not in out
    assert "trained without adapters, and saved with them: 4.weight\n" in err
    err = told(capsys, "check", "tuned.yaml", *HEAD, 'adapters.match=["0", "4"]', code=2).err
    assert "'4' matches only what began anew, which is trained whole" in err


def test_adapters_are_refused_beside_another_base_or_none(capsys):
    trained(capsys, "tuned.yaml")
    told(capsys, "train", "old.yaml", "seed=1")
    Path("runs/old/0001").rename("runs/old/0009")
    assert "weights: runs/old/0001\n" in told(capsys, "evaluate", "runs/tuned/0001", code=2).err
    Path("runs/old/0002").rename("runs/old/0001")
    err = told(capsys, "evaluate", "runs/tuned/0001", code=2).err
    assert "these adapters were trained on other weights:\n  0.weight: its SHA-256 differs\n" in err
    assert "trained on other weights" in told(capsys, "resume", "runs/tuned/0001", code=2).err


def test_a_run_with_all_weights_goes_on_and_is_measured_without_those_it_began_with(capsys):
    trained(capsys, "tuned.yaml", *WHOLE)
    Path("runs/old/0001").rename("runs/old/0009")
    assert "no such file" in told(capsys, "train", "tuned.yaml", *WHOLE, code=2).err
    told(capsys, "evaluate", "runs/tuned/0001")
    told(capsys, "resume", "runs/tuned/0001", "trainer.max_epochs=3")


def test_adapters_of_a_run_are_no_weights_for_another(capsys):
    trained(capsys, "tuned.yaml")
    err = told(capsys, "train", "old.yaml", "weights=runs/tuned/0001", code=2).err
    assert "best.safetensors holds only adapters" in err
    assert "minigrad export runs/tuned/0001 --weights merged.safetensors writes all weights: give that file" in err
    told(capsys, "export", "runs/tuned/0001", "--weights", "merged.safetensors")
    err = told(capsys, "train", "old.yaml", "weights=merged.safetensors").err
    assert "weights: 6 of 6 arrays were read\n" in err


@pytest.mark.parametrize("change", ["trainer.compile=true", "trainer.recompute=[]"])
def test_compiled_and_recomputed_steps_give_the_same_bits(capsys, change):
    assert trained(capsys, "tuned.yaml", change) == trained(capsys, "tuned.yaml")


def test_shards_give_the_same_bits_on_any_number_of_threads(capsys):
    sharded = [trained(capsys, "tuned.yaml", "trainer.shards=2", "--threads", threads) for threads in "12"]
    assert sharded[0] == sharded[1]
    assert sharded[0][0]["test/loss"] == pytest.approx(trained(capsys, "tuned.yaml")[0]["test/loss"], rel=1e-3)


def test_a_resumed_run_may_turn_an_average_on(capsys):
    told(capsys, "resume", "runs/old/0001", "trainer.ema=0.5", "trainer.max_epochs=3", "--allow-changes")


def experiment(**changes):
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    parts = {
        "data": Moons(n_samples=80),
        "model": model,
        "loss": nn.CrossEntropyLoss(),
        "optimizer": lambda parameters: optim.SGD(parameters, lr=0.1, weight_decay=0.1),
        "trainer": Trainer(max_steps=6),
    }
    return Experiment(name="python", **{**parts, **changes})


def test_groups_follow_schedules_as_in_pytorch():
    torch = pytest.importorskip("torch")
    made = experiment(
        groups=[{"match": "*.bias", "weight_decay": 0.0}, {"match": "2.weight", "lr": 0.5}],
        schedule=lambda optimizer: optim.WarmupCosine(optimizer, warmup_steps=3, total_steps=6),
    )
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    theirs.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in made.model.state_dict().items()})
    training = Training(made)
    factors = [group["lr"] / group["initial_lr"] for group in training.optimizer.param_groups]
    assert len(set(factors)) == 1
    groups = [
        {"params": [theirs[0].weight]},
        {"params": [theirs[0].bias, theirs[2].bias], "weight_decay": 0.0},
        {"params": [theirs[2].weight], "lr": 0.5},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.1, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: made_factor(training, step))
    for _, batches in zip(range(6), training.batches(), strict=False):
        x, y = batches[0][:]
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x.copy())), torch.from_numpy(y.copy())).backward()
        assert [g["lr"] for g in optimizer.param_groups] == pytest.approx(
            [g["lr"] for g in training.optimizer.param_groups]
        )
        training.train_step(batches)
        optimizer.step()
        schedule.step()
    for name, array in theirs.state_dict().items():
        np.testing.assert_allclose(made.model.state_dict()[name], array, rtol=1e-4, atol=1e-6)


def made_factor(training, step):
    return training.schedule.lr(1.0, step)


def test_python_takes_the_same_parts_and_the_learning_rate_finder_leaves_them_as_they_are():
    lora = nn.LoRA(["*"], rank=2)
    made = experiment(adapters=lora, groups=[{"match": "*.B", "lr": 0.5}], weights=None)
    before = {name: array.copy() for name, array in made.model.state_dict().items()}
    find_lr(made, steps=5)
    assert all(np.array_equal(before[name], array) for name, array in made.model.state_dict().items())
    made.fit()
    changed = [name for name, array in made.model.state_dict().items() if not np.array_equal(before[name], array)]
    assert changed == [name for name in before if "lora" in name]


def test_in_python_the_faults_are_one_error():
    with pytest.raises(ExperimentError) as refused:
        experiment(freeze=["9"], groups=[{"match": "8"}])
    assert [fault.path for fault in refused.value.faults] == ["freeze.0", "groups.0.match"]
    with pytest.raises(TypeError, match="freeze must be a list of patterns"):
        experiment(freeze=[3])
