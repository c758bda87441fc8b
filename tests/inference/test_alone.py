"""A run is copied to a place that has no data, no clone and no models/, and every command is used there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.cli import main

ROOT = Path(__file__).parents[2]

BLOCKS = """\
from minigrad.nn import Linear, Module


class Block(Module):
    def __init__(self, size: int) -> None:
        self.inner = Linear(size, size)

    def forward(self, x):
        return self.inner(x)
"""
NET = """\
import numpy as np

from minigrad.data import Dataset, Examples
from minigrad.nn import Linear, Module
from models.blocks import Block


class Net(Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        self.block, self.head = Block(inputs), Linear(inputs, outputs)

    def forward(self, x):
        return self.head(self.block(x))


class Pairs(Dataset):
    '''Rows of a file of its own, of which it keeps the mean.'''

    def __init__(self, file: str = "pairs.npy") -> None:
        rows = np.load(file)
        self.mean = float(rows.mean())
        self.train = self.val = self.test = Examples(rows[:, :2] - self.mean, rows[:, 2:])

    @property
    def width(self) -> int:
        return self.train.inputs.shape[1]

    def prepare(self, raw):
        return super().prepare(raw) - self.mean

    def state_dict(self):
        return {"mean": self.mean}

    def load_state_dict(self, state_dict):
        self.mean = state_dict["mean"]
"""
CONFIGS = {
    "table": """\
data: {Table: {path: rows.csv, target: price, targets: scaled}}
model: {Net: ["${data.num_features}", 1]}
loss: MSELoss
""",
    "pairs": """\
data: Pairs
model: {Linear: ["${data.width}", 1]}
loss: MSELoss
""",
    "text": """\
data: {CharText: {path: prose.txt, block_size: 8}}
model: {GPT: {vocab_size: "${data.vocab_size}", block_size: 8, n_layer: 1, n_head: 2, n_embd: 8}}
loss: {CrossEntropyLoss: {axis: -1}}
""",
}
COMMANDS = {
    "refused": "predict table new.csv",
    "table": "predict table new.csv --trust",
    "as csv": "predict table new.csv --trust --format csv",
    "pairs": "predict pairs pairs.csv --trust",
    "text": "generate text ab --tokens 3",
    "weights": "export table --trust --weights net.safetensors",
    "evaluate": "evaluate table --trust",
    "evaluate where the data is": "evaluate table --trust data.path=DATA/rows.csv",
    "plot": "plot table --trust",
    "attention": "plot text --attention ab",
    "report": "report table --trust",
}
PROGRAM = """\
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from minigrad.cli import main

said = {}
for name, words in json.load(sys.stdin).items():
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        said[name] = main(words.split()), out.getvalue(), err.getvalue()
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The folder without anything but copies of runs, what each command said there, and the results of the runs."""
    import numpy as np

    home, away = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("away")
    (home / "models").mkdir()
    (home / "models" / "blocks.py").write_text(BLOCKS)
    (home / "models" / "net.py").write_text(NET)
    rows = [f"{i % 7},{('red', 'blue')[i % 2]},{1000.5 + 10 * (i % 7)}" for i in range(60)]
    (home / "rows.csv").write_text("\n".join(["size,colour,price", *rows]) + "\n")
    (home / "prose.txt").write_text("abcdefgh" * 100)
    np.save(home / "pairs.npy", np.arange(60.0).reshape(20, 3) % 11)
    results = {}
    before = os.getcwd()
    os.chdir(home)
    sys.path.insert(0, str(home))
    try:
        for name, config in CONFIGS.items():
            Path(f"{name}.yaml").write_text(
                f"name: {name}\n{config}loader: {{batch_size: 10}}\noptimizer: {{SGD: {{lr: 0.05}}}}\n"
                "trainer: {max_epochs: 2}\n"
            )
            assert main(["train", f"{name}.yaml"]) == 0
            shutil.copytree(f"runs/{name}/0001", away / name)
            results[name] = json.loads(Path(f"runs/{name}/0001/run.json").read_text())["results"]
    finally:
        os.chdir(before)
        sys.path.remove(str(home))
        for name in ("models", "models.blocks", "models.net"):
            sys.modules.pop(name, None)
    hidden = home.rename(home.with_name("hidden"))
    (away / "new.csv").write_text("colour,size\nred,3\nblue,5\n")
    (away / "pairs.csv").write_text("1,2\n3,4\n")
    words = {name: command.replace("DATA", str(hidden)) for name, command in COMMANDS.items()}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(away)}
    environment.pop("MINIGRAD_DATA", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(words),
        capture_output=True,
        text=True,
        cwd=away,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return away, json.loads(done.stdout), results


def test_code_that_came_with_a_run_is_not_run_unasked(alone):
    _, said, _ = alone
    code, out, err = said["refused"]
    assert (code, out) == (2, "")
    assert "table/config.yaml:" in err
    assert "'Net' is code that came with this run, in table/code/net.py" in err
    assert "--trust (trust=True in Python) allows minigrad to run it" in err


def test_a_run_has_the_files_of_models_that_it_used_and_those_that_they_import(alone):
    away, _, _ = alone
    assert sorted(path.name for path in (away / "table" / "code").glob("*.py")) == ["blocks.py", "net.py"]
    assert (away / "text" / "code" / "gpt.py").read_bytes() == (ROOT / "models" / "gpt.py").read_bytes()


def test_amounts_are_predicted_under_the_name_of_the_target_in_its_unit(alone):
    _, said, _ = alone
    code, out, err = said["table"]
    assert (code, err) == (0, "")
    prices = [json.loads(line)["price"] for line in out.splitlines()]
    assert len(prices) == 2
    assert all(900 < price < 1200 for price in prices)
    assert said["as csv"][1].splitlines() == ["price", *(str(price) for price in prices)]


def test_a_dataset_of_ones_own_prepares_inputs_by_what_its_state_dict_keeps(alone):
    _, said, _ = alone
    code, out, err = said["pairs"]
    assert (code, err) == (0, "")
    assert [set(json.loads(line)) for line in out.splitlines()] == [{"output/0"}] * 2


def test_a_text_is_written_with_a_shipped_class_that_is_still_the_same(alone):
    _, said, _ = alone
    code, out, err = said["text"]
    assert (code, err) == (0, "")
    assert out.startswith("ab")
    assert len(out) == len("ab") + 3 + 1


def test_the_exported_weights_are_those_that_pytorch_reads(alone):
    away, said, _ = alone
    assert said["weights"][:2] == [0, "net.safetensors\n"]
    torch = pytest.importorskip("safetensors.torch", reason="PyTorch's reader of safetensors")
    assert torch.load_file(away / "net.safetensors")["block.inner.weight"].shape == (3, 3)


def test_what_needs_the_data_says_where_to_name_it_and_works_where_it_is(alone):
    _, said, results = alone
    code, out, err = said["evaluate"]
    assert (code, out) == (2, "")
    assert err.startswith("error: rows.csv: no such file or folder; looked")
    assert "name its place on the command line, as data.path=FILE" in err
    code, out, _ = said["evaluate where the data is"]
    assert code == 0
    assert json.loads(out)["test/loss"] == results["table"]["test/loss"]


@pytest.mark.parametrize("name", ["plot", "attention", "report"])
def test_pictures_and_the_page_show_what_needs_no_examples(alone, name):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")
    away, said, _ = alone
    code, out, err = said[name]
    assert code == 0, err
    assert all((away / line).stat().st_size for line in out.splitlines())
    if name != "attention":
        assert err.startswith("no validation examples: rows.csv: no such file")
    if name == "plot":
        assert [Path(line).name for line in out.splitlines()] == ["curves.png", "weights.png"]
    if name == "report":
        page = (away / "table" / "report.html").read_text(encoding="utf-8")
        assert "no validation examples" in page
        assert "block.inner" in page
