"""Several inputs by name, from their arrays to a prediction."""

import json

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.data import Arrays, DataError, DataLoader

rng = np.random.default_rng(0)
N = 60
WORDS = rng.integers(0, 6, (N, 4))
PLACE = rng.normal(size=(N, 2))
CLASSES = (WORDS[:, 0] % 2 == (PLACE[:, 0] > 0)).astype(int)

MODEL = """\
from minigrad import nn, ops

class Joined(nn.Module):
    def __init__(self, shapes: dict[str, tuple[int, ...]], num_classes: int):
        self.words = nn.Embedding(6, 3)
        self.head = nn.Linear(3 + shapes["place"][0], num_classes)

    def forward(self, words, place):
        return self.head(ops.concatenate([self.words(words).mean(axis=1), place], axis=1))
"""

CONFIG = """\
name: joined
data: {Arrays: {path: mine.npz, train: [words, place, label], tokens: [words]}}
loader: {batch_size: 8}
model: {Joined: {shapes: "${data.input_shapes}", num_classes: "${data.num_classes}"}}
loss: CrossEntropyLoss
metrics: [Accuracy]
optimizer: {Adam: {lr: 1e-2}}
trainer: {max_epochs: 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "joined.py").write_text(MODEL)
    (tmp_path / "joined.yaml").write_text(CONFIG)
    np.savez(tmp_path / "mine.npz", words=WORDS, place=PLACE, label=CLASSES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("way", [[], ["trainer.shards=2"], ["trainer.compile=true"]])
def test_a_config_trains_a_model_of_two_inputs_and_predicts(folder, capsys, way):
    assert main(["check", "joined.yaml", *way]) == 0
    table = capsys.readouterr().out
    assert "input words" in table
    assert "(8, 4)" in table
    assert main(["train", "joined.yaml", *way]) == 0
    run = "runs/joined/0001"
    assert main(["evaluate", run]) == 0
    np.savez(folder / "new.npz", words=WORDS[:3], place=PLACE[:3])
    (folder / "mine.npz").unlink()  # what it has learned is in the run
    capsys.readouterr()
    assert main(["predict", run, "new.npz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["class"] in "01" for line in lines] == [True] * 3


def test_figures_and_the_report_show_inputs_by_name(folder, capsys):
    pytest.importorskip("matplotlib")
    assert main(["train", "joined.yaml"]) == 0
    assert main(["report", "runs/joined/0001"]) == 0
    page = (folder / "runs/joined/0001/report.html").read_text()
    assert 'id="mistakes"' in page
    assert "input place" in page


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ({"words": WORDS}, "no array 'place'"),
        ({"words": WORDS, "place": PLACE[:, :1]}, r"numbers of shape \(N, 2\) for 'place'"),
        ({"words": WORDS + 0.5, "place": PLACE}, r"whole numbers of shape \(N, 4\) for 'words'"),
        ({"words": WORDS, "place": PLACE[1:]}, "as many of each input, got 60 of 'words', 59 of 'place'"),
        ({"words": WORDS, "place": PLACE * np.nan}, "finite numbers of float32 for 'place'"),
    ],
)
def test_inputs_that_do_not_fit_are_named(tmp_path, saved, said):
    data = Arrays({"words": WORDS, "place": PLACE}, CLASSES, tokens=("words",))
    again = Arrays.restore(json.loads(json.dumps(data.state_dict())))
    np.savez(tmp_path / "new.npz", **saved)
    with pytest.raises(DataError, match=said):
        again.read_inputs(tmp_path / "new.npz")


def test_a_model_that_takes_other_names_is_refused_before_anything_runs(folder, capsys):
    np.savez(folder / "mine.npz", words=WORDS, spot=PLACE, label=CLASSES)
    assert main(["check", "joined.yaml", "data.train=[words, spot, label]", "model.shapes={place: [2]}"]) == 2
    message = capsys.readouterr().err
    assert "forward of Joined (models/joined.py:8) takes 'words' and 'place', and the data has the inputs" in message
    assert "'words' and 'spot'" in message
    assert main(["check", "joined.yaml", "data.train=[words, spot, label]", "data.inputs=[words, place]"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"val": ({"words": WORDS}, CLASSES)}, r"val has the inputs \['words'\], and those of train are"),
        ({"tokens": ("word",)}, "there is no 'word'; did you mean 'words'"),
        ({"tokens": ("place",)}, "'train place' holds float64, expected whole numbers"),
        ({"inputs": ("words", "place", "more")}, "no|inputs"),
    ],
)
def test_names_that_do_not_go_together_are_refused(arguments, said):
    with pytest.raises(DataError, match=said):
        Arrays({"words": WORDS, "place": PLACE}, CLASSES, **arguments)


def test_a_loop_gets_tensors_by_name():
    data = Arrays({"words": WORDS, "place": PLACE}, CLASSES)
    x, y = next(iter(DataLoader(data.train, batch_size=5)))
    assert {name: part.shape for name, part in x.items()} == {"words": (5, 4), "place": (5, 2)}
    assert y.shape == (5,)
