"""Runs as ONNX files, which take inputs as they are in the data."""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad
from minigrad import load_run
from minigrad.cli import main
from minigrad.engine import Tensor, no_grad
from minigrad.inference import predict
from minigrad.inference.export import save_onnx

onnx = pytest.importorskip("onnx", reason="ONNX files need onnx")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime computes what is compared")
pytestmark = pytest.mark.parity

HEAD = """\
name: {name}
loader: {{batch_size: 16}}
optimizer: {{Adam: {{lr: 0.01}}}}
trainer: {{max_epochs: 1}}
"""
CONFIGS = {
    "amounts": """
data: {Table: {path: people.csv, target: Fare, targets: scaled, ignore: [Sex], dates: [Born], unseen: other,
  missing: {Age: median, Port: category, Born: mean}}}
model: {Sequential: [{Linear: ["${data.num_features}", 8]}, Tanh, {Linear: [8, 1]}]}
loss: MSELoss
""",
    "classes": """
data: {Table: {path: people.csv, target: Sex, ignore: [Born], embed: [Deck],
  missing: {Age: category, Port: most_frequent}}}
model: {TabularMLP: {numbers: "${data.num_numbers}", categories: "${data.category_sizes}", hidden: [8], outputs: 2}}
loss: CrossEntropyLoss
metrics: [Accuracy]
""",
    "images": """
data: {Digits: {flatten: true}}
model: {Sequential: [{Linear: [64, 4]}, ReLU, {Linear: [4, 10]}]}
loss: CrossEntropyLoss
""",
    "series": """
data: {Windows: {path: series.csv, column: load, inputs: [heat], length: 6, horizon: 2}}
model: {Sequential: [{LSTM: {input_size: 2, hidden_size: 3, batch_first: true}}, LastOutput, {Linear: [3, 2]}]}
loss: MSELoss
""",
    "text": """
data: {CharText: {path: text.txt, block_size: 8}}
model: {GPT: {vocab_size: "${data.vocab_size}", block_size: 8, n_layer: 1, n_head: 1, n_embd: 4}}
loss: {CrossEntropyLoss: {axis: -1}}
""",
}
JOINED = """
data: {Arrays: {path: mine.npz, train: [words, place, label], tokens: [words]}}
model: {Joined: {num_classes: "${data.num_classes}"}}
loss: CrossEntropyLoss
"""
MODEL = """\
from minigrad import nn, ops

class Joined(nn.Module):
    def __init__(self, num_classes: int):
        self.words, self.head = nn.Embedding(6, 3), nn.Linear(5, num_classes)

    def forward(self, words, place):
        return self.head(ops.concatenate([self.words(words).mean(axis=1), place], axis=1))
"""
PEOPLE = """\
Sex,Age,Port,Deck,Born,Fare
male,31,Q,b,1896-02-29,1
female,,C,a,2000-12-31,1
male,22.5,,c,,1
"""
"""Rows to predict, with a gap in each column that may have one."""


def _people(rng):
    yield "Sex,Age,Port,Deck,Born,Fare"
    for i in range(80):
        born = np.datetime64("1890-01-01") + int(rng.integers(40_000))
        cells = [
            ("male", "female")[i % 2],
            "" if i % 9 == 1 else round(rng.normal(30, 8), 1),
            ("C", "Q", "S", "")[i % 4],
        ]
        yield ",".join(map(str, [*cells, "abc"[i % 3], "" if i == 4 else born, round(rng.normal(300, 20), 2)]))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run of each config, and without their data."""
    folder, rng = tmp_path_factory.mktemp("onnx"), np.random.default_rng(0)
    (folder / "people.csv").write_text("\n".join(_people(rng)))
    series = [f"{100 + 20 * np.sin(i / 4):.3f},{15 + 5 * np.cos(i / 7):.3f}" for i in range(80)]
    (folder / "series.csv").write_text("\n".join(["load,heat", *series]))
    (folder / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 20)
    words, label = rng.integers(0, 6, (60, 4)), np.arange(60) % 2
    np.savez(folder / "mine.npz", words=words, place=rng.normal(size=(60, 2)), label=label)
    (folder / "models").mkdir()
    (folder / "models" / "joined.py").write_text(MODEL)
    before = os.getcwd()
    os.chdir(folder)
    try:
        for name, config in {**CONFIGS, "joined": JOINED}.items():
            (folder / f"{name}.yaml").write_text(HEAD.format(name=name) + config)
            assert main(["train", f"{name}.yaml"]) == 0
    finally:
        os.chdir(before)
    for file in ("people.csv", "series.csv", "text.txt", "mine.npz"):
        (folder / file).unlink()
    return folder


@pytest.fixture
def exported(trained, monkeypatch):
    """Exports a run by the command, and gives the run and a session of onnxruntime."""
    monkeypatch.chdir(trained)

    def exported(name, *options):
        file = trained / f"{name}{'-'.join(options)}.onnx"
        assert main(["export", f"runs/{name}/0001", "--onnx", str(file), *options]) == 0
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 1
        return load_run(f"runs/{name}/0001"), runtime.InferenceSession(file, options)

    return exported


def _column(text):
    """The cells of a column of PEOPLE as a program would hand them on: numbers, dates in seconds, or texts."""
    names, *rows = [line.split(",") for line in PEOPLE.splitlines()]
    cells = [row[names.index(text)] for row in rows]
    if text == "Born":
        seconds = np.array(cells, "datetime64[s]").astype(np.float64)
        return np.where(np.array(cells) == "", np.nan, seconds)
    return np.array([float(cell or "nan") for cell in cells]) if text in ("Age", "Fare") else np.array(cells, object)


def _inputs(session):
    return {each.name: _column(each.name) for each in session.get_inputs()}


@pytest.mark.parametrize("opset", ["17", "20"])
def test_a_table_is_taken_column_by_column_and_amounts_come_out_in_their_units(exported, tmp_path, opset):
    run, session = exported("amounts", "--opset", opset)
    assert {each.name: each.type for each in session.get_inputs()} == {
        "Age": "tensor(double)",
        "Port": "tensor(string)",
        "Deck": "tensor(string)",
        "Born": "tensor(double)",
    }
    (tmp_path / "people.csv").write_text(PEOPLE)
    expected = [row["Fare"] for row in predict(run, run.data.read_inputs(tmp_path / "people.csv"))]
    [found] = session.run(None, _inputs(session))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    assert 150 < found.mean() < 450


def test_categories_to_be_embedded_are_texts_too(exported, tmp_path):
    run, session = exported("classes")
    (tmp_path / "people.csv").write_text(PEOPLE)
    with no_grad():
        expected = run.model(Tensor(run.data.read_inputs(tmp_path / "people.csv"))).data
    np.testing.assert_allclose(session.run(None, _inputs(session))[0], expected, atol=1e-5)


def test_a_category_that_is_new_is_taken_as_other_or_gives_no_number(exported):
    _, session = exported("amounts")
    inputs = _inputs(session)
    inputs["Port"][0] = inputs["Deck"][0] = "new"
    assert np.isfinite(session.run(None, inputs)[0]).all()
    _, session = exported("classes")
    inputs = _inputs(session)
    inputs["Port"][0] = "new"
    [found] = session.run(None, inputs)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()


def test_images_are_whole_pixels(exported):
    run, session = exported("images")
    [pixels] = session.get_inputs()
    assert (pixels.name, pixels.type, pixels.shape) == ("pixels", "tensor(uint8)", ["batch", 1, 8, 8])
    images = np.random.default_rng(1).integers(0, 17, (5, 1, 8, 8), dtype=np.uint8)
    with no_grad():
        expected = run.model(Tensor(run.data.prepare(images))).data
    np.testing.assert_allclose(session.run(None, {"pixels": images})[0], expected, atol=1e-5)


def test_a_series_and_its_forecast_are_in_its_units(exported, tmp_path):
    run, session = exported("series")
    rows = np.stack([np.linspace(90, 110, 6), np.linspace(12, 18, 6)], axis=1)
    (tmp_path / "now.csv").write_text("load,heat\n" + "\n".join(f"{a},{b}" for a, b in rows))
    [expected] = predict(run, run.data.read_inputs(tmp_path / "now.csv"))
    [found] = session.run(None, {"series": rows[None]})
    np.testing.assert_allclose(found[0], [expected["load+1"], expected["load+2"]], rtol=1e-5)


def test_a_text_is_tokens_of_any_number_up_to_the_context(exported):
    run, session = exported("text")
    assert session.get_inputs()[0].shape == ["batch", "time"]
    tokens = run.data.encode("the fox")[None]
    with no_grad():
        expected = run.model(Tensor(tokens)).data
    np.testing.assert_allclose(session.run(None, {"input": tokens})[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
def test_raw_is_what_the_model_itself_takes_and_gives(exported, name):
    run, session = exported(name, "--raw")
    [given] = session.get_inputs()
    assert given.name == "input"
    blank = run.data.blank()
    with no_grad():
        np.testing.assert_allclose(session.run(None, {"input": blank})[0], run.model(Tensor(blank)).data, atol=1e-5)


def test_several_inputs_keep_their_names(exported):
    run, session = exported("joined")
    assert [(each.name, each.type) for each in session.get_inputs()] == [
        ("words", "tensor(int64)"),
        ("place", "tensor(float)"),
    ]
    rng = np.random.default_rng(1)
    inputs = {"words": rng.integers(0, 6, (7, 4)), "place": rng.normal(size=(7, 2)).astype(np.float32)}
    with no_grad():
        expected = run.model(**{name: Tensor(array) for name, array in inputs.items()}).data
    np.testing.assert_allclose(session.run(None, inputs)[0], expected, atol=1e-5)


def test_what_the_run_knows_is_in_the_metadata(exported):
    known = {name: exported(name)[1].get_modelmeta().custom_metadata_map for name in ("classes", "amounts", "text")}
    assert json.loads(known["classes"]["classes"]) == ["female", "male"]
    assert json.loads(known["amounts"]["targets"]) == ["Fare"]
    age = next(each for each in json.loads(known["amounts"]["data"])["features"] if each["name"] == "Age")
    assert age["mean"] == pytest.approx(30, abs=4)
    assert "q" in json.loads(known["text"]["data"])["vocabulary"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--onnx", "net.pb"], "net.pb: the model is written in the ONNX format: name it net.onnx"),
        (["--onnx", "net.onnx", "--opset", "5"], "opset must be from 17 to 23, got 5"),
        (["--weights", "net.safetensors", "--raw"], "--raw does not go with --weights"),
        (["--weights", "net.safetensors", "--opset", "17"], "--opset does not go with --weights"),
    ],
)
def test_what_cannot_be_exported_is_told_and_no_file_is_left(trained, monkeypatch, capsys, words, said):
    monkeypatch.chdir(trained)
    shutil.rmtree("out", ignore_errors=True)
    os.mkdir("out")
    words = [f"out/{word}" if word.startswith("net.") else word for word in words]
    assert main(["export", "runs/images/0001", *words]) == 2
    assert said in capsys.readouterr().err
    assert os.listdir("out") == []


def test_a_preparation_of_ones_own_is_not_in_the_graph_and_a_warning_says_so(tmp_path):
    class Halves(minigrad.data.Digits):
        def prepare(self, raw):
            return super().prepare(raw) / 2

    model = minigrad.nn.Linear(64, 10)
    experiment = SimpleNamespace(model=model, data=Halves(flatten=True), loss=minigrad.nn.CrossEntropyLoss())
    with pytest.warns(UserWarning, match="Halves has its own preprocessing"):
        save_onnx(experiment, tmp_path / "net.onnx")
    [given] = runtime.InferenceSession(tmp_path / "net.onnx").get_inputs()
    assert given.name == "input"
