"""Old weights in a new model: where they may come from, what is read of them, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from minigrad import nn
from minigrad.cli import main
from minigrad.config.shipped import shipped_folder
from minigrad.engine import random
from minigrad.formats import safetensors
from minigrad.training import Weights, load_weights
from minigrad.training.experiment import known_classes
from minigrad.training.weights import WeightsError
from models.gpt import GPT
from models.llama import Llama

CONFIG = """\
name: small
data: {Moons: {n_samples: 60}}
model: {Sequential: [{Linear: [2, 4]}, {BatchNorm1d: 4}, {Linear: [4, 2]}]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 1}
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def network(out=2):
    return nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, out))


def write(path, arrays):
    with open(path, "wb") as file:
        safetensors.write(file, safetensors.arrange(arrays), {})
    return path


def file_of(model, path="old.safetensors"):
    return write(path, model.state_dict())


def same(one, other):
    return all(np.array_equal(array, other.state_dict()[name]) for name, array in one.state_dict().items())


def test_a_file_gives_every_parameter_and_buffer():
    old, new = network(), network()
    old.state_dict()["1.running_mean"][...] = 3
    loaded = load_weights(new, file_of(old))
    assert same(old, new)
    assert str(loaded) == f"{len(old.state_dict())} of {len(old.state_dict())} arrays were read"
    assert set(loaded.origins.values()) == {"old.safetensors"}


def test_a_run_gives_its_best_weights_and_so_does_a_checkpoint():
    Path("small.yaml").write_text(CONFIG)
    assert main(["train", "small.yaml"]) == 0
    run, one, other, third = Path("runs/small/0001"), network(), network(), network()
    load_weights(one, run)
    load_weights(other, run / "checkpoints" / "best.safetensors")
    load_weights(third, run / "checkpoints" / "last.safetensors")  # whose arrays are also those of the optimizer
    assert same(one, other)
    assert same(one, third)  # of one epoch the last step is the best


def test_a_hugging_face_folder_gives_its_model_under_our_names_and_another_its_arrays():
    cls = known_classes(shipped_folder("models").parent).find("GPT", nn.Module)
    sizes = {"vocab_size": 7, "block_size": 4, "n_layer": 2, "n_head": 2, "n_embd": 4}
    old, new = cls(**sizes), cls(**sizes)
    old.save_pretrained("gpt")
    load_weights(new, "gpt")
    assert same(old, new)
    part = nn.ModuleDict({"table": nn.Embedding(7, 4)})
    load_weights(part, Weights("gpt", match=["transformer.wte"], rename={"transformer.wte": "table"}))
    np.testing.assert_array_equal(part["table"].weight.data, old.wte.weight.data)
    longer = cls(**{**sizes, "n_layer": 3})
    loaded = load_weights(longer, Weights("gpt", missing="keep"))
    assert loaded.anew
    assert all(name.startswith("h.2.") for name in loaded.anew)


def test_a_folder_whose_model_computes_otherwise_than_its_shapes_tell_is_refused():
    random.seed(0)
    Llama(11, 8, n_layer=1, n_head=4, n_kv_head=2, n_embd=16, rope_base=100000.0).save_pretrained("llama")
    GPT(11, 8, 1, 2, 16, activation="gelu").save_pretrained("gpt")
    for model, folder, lines in [
        (
            Llama(11, 8, 1, 2, 16, n_kv_head=1),
            "llama",
            ["n_head is 2 in this model and 4", "rope_base is 10000.0 in this model and 100000"],
        ),
        (GPT(11, 8, 1, 2, 16), "gpt", ["activation is 'gelu_tanh' in this model and 'gelu' there"]),
    ]:
        before = {name: array.copy() for name, array in model.state_dict().items()}
        with pytest.raises(WeightsError, match=f"the model in {folder} has other settings:") as told:
            load_weights(model, Weights(folder, missing="keep"))
        assert all(line in str(told.value) for line in lines)
        assert all(np.array_equal(array, model.state_dict()[name]) for name, array in before.items())
    assert load_weights(Llama(11, 6, 1, 4, 16, n_kv_head=2, rope_base=1e5), "llama").anew == {}  # a shorter block


def test_a_gguf_file_is_answered_with_the_command_that_makes_a_folder_of_it():
    Path("x.gguf").write_bytes(b"GGUF" + bytes(20))
    with pytest.raises(
        WeightsError, match=r"x\.gguf is a GGUF file; minigrad export x\.gguf --huggingface DIR makes a"
    ):
        load_weights(network(), "x.gguf")


def test_names_are_matched_and_then_renamed():
    new = network()
    write("old.safetensors", {"enc.0.w": np.ones((4, 2)), "enc.0.b": np.full(4, 2.0), "head.w": np.ones((9, 9))})
    rename = {"enc.*.w": "*.weight", "enc.*.b": "*.bias"}
    loaded = load_weights(new, Weights("old.safetensors", match=["enc"], rename=rename, missing="keep"))
    assert loaded.origins == {"0.weight": "old.safetensors: enc.0.w", "0.bias": "old.safetensors: enc.0.b"}
    assert getattr(new, "0").weight.dtype == np.float32
    np.testing.assert_array_equal(getattr(new, "0").bias.data, 2)
    assert loaded.unused == []


def test_what_does_not_fit_is_refused_with_each_name_both_shapes_and_the_nearest_name():
    old, new = network(3).state_dict(), network()
    before = {name: array.copy() for name, array in new.state_dict().items()}
    old["0.weigth"] = old.pop("0.weight")
    with pytest.raises(WeightsError) as refused:
        load_weights(new, write("old.safetensors", old))
    lines = str(refused.value).splitlines()
    assert lines[0] == "the weights of old.safetensors do not fit this model:"
    assert "  missing: '0.weight' (4, 2) (is it '0.weigth'?)" in lines
    assert "  unexpected: '0.weigth' (4, 2) (did you mean '0.weight'?)" in lines
    assert "  '2.weight': expected shape (2, 4), got (3, 4)" in lines
    assert "  '2.bias': expected shape (2,), got (3,)" in lines
    assert len(lines) == 6
    assert all(np.array_equal(new.state_dict()[name], array) for name, array in before.items())


def test_what_does_not_fit_may_begin_anew_and_is_named():
    old, new = network(3), network()
    head = getattr(new, "2").weight.data.copy()
    loaded = load_weights(new, Weights(file_of(old), missing="keep"))
    assert loaded.anew == {"2.weight": "(2, 4) here, (3, 4) there", "2.bias": "(2,) here, (3,) there"}
    anew = "2.weight ((2, 4) here, (3, 4) there), 2.bias ((2,) here, (3,) there)"
    assert str(loaded).endswith(f"these keep their random values: {anew}")
    np.testing.assert_array_equal(getattr(new, "2").weight.data, head)
    np.testing.assert_array_equal(getattr(new, "0").weight.data, getattr(old, "0").weight.data)


def test_a_file_of_which_nothing_fits_is_refused_also_where_much_may_begin_anew():
    write("old.safetensors", {"a": np.ones(3)})
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(network(), Weights("old.safetensors", missing="keep"))


def test_a_shared_parameter_is_there_under_one_of_its_names():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3, bias=False))
    getattr(model, "1").weight = getattr(model, "0").weight
    write("old.safetensors", {"0.weight": np.ones((3, 3), np.float32), "0.bias": np.ones(3, np.float32)})
    assert load_weights(model, "old.safetensors").anew == {}


@pytest.mark.parametrize(
    ("weights", "path", "told"),
    [
        (Weights("nowhere"), "path", "nowhere: no such file or folder; looked in the current folder"),
        (Weights("empty"), "path", "empty is a folder without weights: a run has config.yaml"),
        (Weights("begun"), "path", "begun has no best weights yet: it ended before its first validation"),
        (Weights("text.safetensors"), "path", "text.safetensors is not a complete safetensors file"),
        (Weights("numbers.safetensors"), "", "'1.num_batches_tracked' holds float64, and the model int64"),
        (Weights("old.safetensors", match=["0", "9"]), "match.1", "'9' matches no array there; there are"),
        (Weights("old.safetensors", rename={"00": "1"}), "rename.00", "'00' matches no array that is read"),
        (Weights("old.safetensors", rename={"0.*": "1"}), "rename.0.*", "must have as many wildcards as '0.*'"),
        (
            Weights("old.safetensors", rename={"0": "2"}),
            "rename",
            "'0.weight' and '2.weight' are both called '2.weight'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_with_the_setting(weights, path, told):
    file_of(network())
    Path("empty").mkdir()
    Path("begun").mkdir()
    Path("begun/config.yaml").touch()
    Path("text.safetensors").write_text("no weights")
    write("numbers.safetensors", {**network().state_dict(), "1.num_batches_tracked": np.array(1.5)})
    with pytest.raises(WeightsError) as refused:
        load_weights(network(), weights)
    assert told in str(refused.value)
    assert refused.value.path == path


@pytest.mark.parametrize("arguments", [{"missing": "maybe"}, {"match": 3}, {"match": [1]}])
def test_arguments_of_another_kind_are_refused(arguments):
    with pytest.raises((ValueError, TypeError), match="|".join(arguments)):
        Weights("old.safetensors", **arguments)
