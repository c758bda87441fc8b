"""The command line as a person meets it: files, streams, exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad import nn
from minigrad.cli import main

HOME = Path(__file__).parent.parent

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
loader: {batch_size: 10}
model: {MLP: {sizes: [2, 8, 2], dropout: 0.1}}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {Adam: {lr: 0.01}}
schedule: {WarmupCosine: {warmup_steps: 2}}
trainer: {max_epochs: 3}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The path of a small config, in a folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(CONFIG)
    return "small.yaml"


def command(*words):
    return main(words)


def results_of(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_run_ends_with_its_results_as_one_line_of_json(config, capsys):
    assert command("train", config) == 0
    results = results_of(capsys)
    assert (results["run"], results["status"], results["steps"]) == (str(Path("runs/small/0001")), "done", 18)
    assert results.keys() >= {"val/loss", "val/accuracy", "test/loss", "test/accuracy"}


def test_a_run_leaves_its_config_facts_metrics_and_weights(config, capsys):
    command("train", config, "seed=3")
    run = Path(results_of(capsys)["run"])
    assert sorted(p.relative_to(run).as_posix() for p in run.rglob("*.*")) == [
        "checkpoints/best.safetensors",
        "checkpoints/last.safetensors",
        "code/mlp.py",
        "config.yaml",
        "metrics.jsonl",
        "run.json",
    ]
    facts = json.loads((run / "run.json").read_text())
    assert (facts["status"], facts["exit_code"], facts["seed"]) == ("done", 0, 3)
    assert facts["arguments"] == ["train", config, "seed=3"]
    assert facts["best"]["monitor"] == "val/loss"


def test_running_the_config_of_a_run_is_running_it_again_to_the_same_bits(config, capsys):
    command("train", config, "seed=3")
    first = results_of(capsys)
    command("train", str(Path(first["run"]) / "config.yaml"))
    second = results_of(capsys)
    assert {**first, "run": ""} == {**second, "run": ""}
    for name in ("metrics.jsonl", "checkpoints/best.safetensors", "checkpoints/last.safetensors"):
        assert (Path(first["run"]) / name).read_bytes() == (Path(second["run"]) / name).read_bytes()


def test_the_best_weights_of_a_run_load_into_the_model(config, capsys):
    command("train", config)
    model = nn.ModuleList([nn.Linear(2, 8), nn.Linear(8, 2)])
    weights = load_file(Path(results_of(capsys)["run"]) / "checkpoints" / "best.safetensors")
    model.load_state_dict({name.removeprefix("layers."): array for name, array in weights.items()})
    np.testing.assert_array_equal(model[0].weight.data, weights["layers.0.weight"])


@pytest.mark.parametrize("dashes", ["", "--"])
def test_overrides_go_over_the_file_with_and_without_dashes(config, capsys, dashes):
    overrides = [f"{dashes}trainer.max_epochs=1", f"{dashes}optimizer.lr=1e-3"]
    assert command("train", config, *overrides, "--runs-dir", "elsewhere") == 0
    results = results_of(capsys)
    assert results["steps"] == 6
    run = Path(results["run"])
    assert run.parts[0] == "elsewhere"
    assert "lr: 0.001" in (run / "config.yaml").read_text()


def test_check_shows_layers_shapes_and_parameters_and_writes_nothing(config, capsys):
    assert command("check", config) == 0
    shown = capsys.readouterr().out
    rows = {words[0]: words[1:] for line in shown.splitlines() if (words := line.split())}
    assert rows["layers.0"] == ["Linear", "(10,", "8)", "24"]
    assert rows["layers.1"] == ["Linear", "(10,", "2)", "18"]
    assert rows["total"] == ["42"]
    assert "train/loss" in shown
    assert "val/accuracy" in shown
    assert os.listdir() == [config]


def test_the_printed_config_is_complete_and_gives_itself_again(config, capsys):
    assert command("config", config, "seed=7") == 0
    printed = capsys.readouterr().out
    assert "batch_size: 10" in printed
    assert "shuffle: true" in printed
    Path("again.yaml").write_text(printed)
    command("config", "again.yaml")
    without_origins = [line.partition("#")[0].rstrip() for line in printed.splitlines()]
    assert [line.partition("#")[0].rstrip() for line in capsys.readouterr().out.splitlines()] == without_origins
    assert sorted(os.listdir()) == ["again.yaml", config]


def test_list_shows_the_classes_of_a_kind_with_those_of_models(config, capsys):
    assert command("list", "Module") == 0
    shown = capsys.readouterr().out
    assert "  Linear " in shown
    assert "  MLP " in shown
    assert "Accuracy" not in shown


def test_each_class_is_listed_under_its_narrowest_kind(config, capsys):
    command("list")
    shown = capsys.readouterr().out
    assert shown.count("  CrossEntropyLoss ") == 1
    assert shown.index("Loss\n") < shown.index("  CrossEntropyLoss ") < shown.index("Dataset\n")


@pytest.mark.parametrize("name", sorted(path.name for path in (HOME / "configs").glob("*.yaml")))
def test_every_config_that_ships_is_right_and_says_first_what_it_shows(name, capsys):
    path = HOME / "configs" / name
    assert command("config", str(path)) == 0
    assert path.read_text(encoding="utf-8").splitlines()[1].startswith("# ")


@pytest.mark.parametrize(
    "name", ["digits_mlp", "xor", "moons", "attention_layers", "digits_attention", "reverse_transformer", "char_gpt"]
)
def test_every_config_whose_data_ships_takes_its_first_batches(name, capsys):
    assert command("check", str(HOME / "configs" / f"{name}.yaml")) == 0


def test_a_full_disk_fails_with_the_file_that_could_not_be_written(config, capsys, monkeypatch):
    def full(a, b):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert command("train", config) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("error: runs/small/0001/config.yaml: No space left on device")


def test_describe_shows_signature_and_docstring(capsys):
    assert command("describe", "AdamW") == 0
    shown = capsys.readouterr().out
    assert "lr: float" in shown.splitlines()[0]
    assert "Raises:" in shown


def test_describe_leaves_out_what_the_run_supplies(capsys):
    command("describe", "AdamW")
    assert capsys.readouterr().out.startswith("AdamW(lr: float = 0.001, ")
    command("describe", "DataLoader")
    assert capsys.readouterr().out.startswith("DataLoader(batch_size: int = 32, ")


@pytest.mark.parametrize(("word", "name"), [("Linaer", "Linear"), ("relu", "ReLU"), ("trainer", "Trainer")])
def test_describe_suggests_the_nearest_name(word, name, capsys):
    assert command("describe", word) == 2
    assert f"did you mean '{name}'?" in capsys.readouterr().err


def test_describe_of_a_kind_leads_to_its_classes(capsys):
    assert command("describe", "Metric") == 0
    assert "minigrad list Metric" in capsys.readouterr().out


def test_a_class_that_no_config_can_build_is_listed_and_described_with_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text(
        "from minigrad.nn import Module\n\n\nclass Greedy(Module):\n    def __init__(self, **sizes: int): ...\n"
    )
    for words in (["list", "Module"], ["describe", "Greedy"]):
        assert main(words) == 0
        assert "cannot be built from a config: it takes **sizes" in capsys.readouterr().out


def test_a_class_whose_file_fails_is_described_by_the_reason(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text("from minigrad import nn\n1 / 0\n\n\nclass Net(nn.Module): ...\n")
    assert main(["describe", "Net"]) == 2
    assert "mine.py:2: ZeroDivisionError" in capsys.readouterr().err


def test_check_refuses_a_model_that_no_memory_holds_at_its_line_and_builds_nothing(config, capsys):
    assert command("check", config, "model={MLP: {sizes: [2, 3000000, 3000000, 2]}}") == 2
    told = capsys.readouterr().err
    assert told.startswith("command line:1:8: error: MLP: Unable to allocate ")
    assert "of memory are free" in told


def test_schema_prints_the_json_schema_of_configs(capsys):
    assert command("schema") == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"].keys() >= {"name", "base", "data", "model", "trainer"}


def test_a_reader_who_has_seen_enough_ends_the_command_cleanly():
    words = [sys.executable, "-m", "minigrad", "schema"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_package_of_ones_own_is_known_after_import(config, capsys, monkeypatch, tmp_path):
    (tmp_path / "my_metrics.py").write_text(
        "from minigrad.metrics import Accuracy\n\n\nclass Mine(Accuracy):\n    '''My own.'''\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert command("train", config, "--import", "my_metrics", "metrics=[Mine]", "trainer.max_epochs=1") == 0
    assert "test/mine" in results_of(capsys)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimizer.learning_rate=1", "did you mean 'lr'?"),
        ("trainer.checkpoint.monitor=val/acuracy", "did you mean 'val/accuracy'?"),
        ("name=../elsewhere", "cannot name a directory"),
        ("loader.batch_size=61", "a batch of 61 is larger than the data: there are 60"),
        ("data={Moons: {n_samples: 2}}", "empty"),
        ("data={Arrays: {path: none.npz}}", "none.npz"),
        ("model={Sequential: [{Linear: [2, 8]}, ReLU, {Linear: [9, 2]}]}", "layer '2' (Linear)"),
        ("loss=MSELoss", "has the target 0: MSELoss treats the indices of 2 classes"),
        ("model.sizes=[2, 1]", "has the target 1: the model has 1 outputs"),
        ("loss={CrossEntropyLoss: {reduction: none}}", "training needs one number"),
        ("metrics=[Accuracy, {TopK: 2}]", "TopK: k=2 of 2 classes is always correct: use a smaller k"),
        ("metrics=[Accuracy, MeanAbsoluteError]", "expected targets of the outputs' shape (10, 2), got (10,)"),
        ("metrics=[Accuracy, Accuracy]", "two metrics are named 'accuracy'"),
        ("model={Linear: [2, 1000000000000000]}", "Unable to allocate"),
    ],
)
def test_what_cannot_be_run_is_told_with_its_place_and_nothing_is_written(config, capsys, override, message):
    assert command("train", config, override) == 2
    told = capsys.readouterr().err
    assert message in told
    assert "error: " in told
    assert "nothing was run" in told
    assert "Traceback" not in told
    assert os.listdir() == [config]


@pytest.mark.parametrize("loss", ["MSELoss", "TripletMarginLoss", "{CrossEntropyLoss: {reduction: none}}"])
def test_a_loss_that_does_not_fit_is_shown_at_the_line_of_the_loss(config, capsys, loss):
    text = Path(config).read_text()
    line = 1 + text[: text.index("loss: ")].count("\n")
    Path(config).write_text(text.replace("loss: CrossEntropyLoss", f"loss: {loss}"))
    assert command("check", config) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{config}:{line}:")
    assert f"{line} | loss: " in told


def test_a_training_that_diverges_fails_with_one_sentence(config, capsys):
    assert command("train", config, "optimizer={SGD: {lr: 1e30}}", "schedule=null") == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("error: the training loss became ")
    facts = json.loads(Path("runs/small/0001/run.json").read_text())
    assert (facts["status"], facts["exit_code"]) == ("failed", 1)


def test_debug_shows_where_an_error_came_from(config, capsys):
    assert command("train", config, "--debug", "optimizer={SGD: {lr: 1e30}}", "schedule=null") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_directory_that_cannot_be_made_fails_with_its_name_and_how_to_name_another(config, capsys):
    Path("runs").write_text("a file")
    assert command("train", config) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: runs")
    assert told.endswith("; --runs-dir DIR chooses another folder\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows makes links for administrators alone")
def test_a_place_for_runs_that_is_no_folder_is_said_to_be_none(config, capsys):
    Path("nowhere").symlink_to("gone")
    Path("runs-here").mkdir()
    Path("runs-here/small").touch()
    for runs, named, what in (
        ("nowhere", "nowhere", "a broken link"),
        ("runs-here", "runs-here/small", "not a folder but a file"),
    ):
        assert main(["train", config, "--runs-dir", runs]) == 1
        assert capsys.readouterr().err == f"error: {named}: {what}; --runs-dir DIR chooses another folder\n"


@pytest.fixture
def endless(config):
    """A training in a process of its own that would go on for long, and has begun."""
    words = [sys.executable, str(HOME / "train.py"), config, "trainer={max_steps: 100000000, val_every: 50}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("step"):
                break
        yield process
        process.kill()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_after_its_step_with_a_checkpoint(endless, number, exit_code):
    endless.send_signal(number)
    out, _ = endless.communicate(timeout=600)
    assert endless.returncode == exit_code
    results = json.loads(out.splitlines()[-1])
    assert results["status"] == "interrupted"
    run = Path(results["run"])
    facts = json.loads((run / "run.json").read_text())
    assert (facts["status"], facts["exit_code"]) == ("interrupted", exit_code)
    assert load_file(run / "checkpoints" / "last.safetensors")


def test_the_second_signal_quits_at_once(config):
    script = (
        "import os, signal, sys\n"
        "from minigrad.training.signals import finish_on_signal\n"
        "with finish_on_signal(lambda: None) as received:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print(received, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('still here')\n"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=HOME, timeout=600)
    assert (process.returncode, process.stdout) == (143, "[2]\n")
    assert "SIGINT: finishing this step and saving" in process.stderr


def started(*words, folder=None):
    """A process of the command line that has ended."""
    environment = {**os.environ, "PYTHONPATH": str(HOME)}
    command = [sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, cwd=folder)


def test_train_py_is_minigrad_train(config):
    words = ["small.yaml", "trainer.max_epochs=1"]
    one, other = started(str(HOME / "train.py"), *words), started("-m", "minigrad", "train", *words)
    assert (one.returncode, other.returncode) == (0, 0), one.stderr + other.stderr
    assert json.loads(one.stdout) == {**json.loads(other.stdout), "run": str(Path("runs/small/0001"))}


def test_train_py_names_the_command_to_type_for_another(config):
    done = started(str(HOME / "train.py"), "resume", "runs/small/0001")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: one command at a time, type: minigrad resume runs/small/0001\n"
