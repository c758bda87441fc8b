"""Hugging Face's folders: what lies beside the weights, and what is wrong with them."""

import json

import numpy as np
import pytest

from minigrad.data.tokenizers import read_tokenizer, train_byte_pairs
from minigrad.engine import random
from minigrad.formats import FormatError, huggingface, open_pretrained, safetensors
from models.gpt import GPT
from models.llama import Llama

PROSE = "the quick brown fox jumps over the lazy dog; " * 20


@pytest.fixture
def folder(tmp_path):
    random.seed(0)
    model = GPT(270, 16, 1, 2, 8)
    huggingface.save(model, tmp_path, "gpt2", train_byte_pairs(PROSE, 270))
    return tmp_path


def change(file, **changes):
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def in_several_files(folder):
    """Deals the arrays of the one file out to two."""
    arrays = safetensors.load(folder / "model.safetensors")
    places = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(arrays)}
    for file in set(places.values()):
        with open(folder / file, "wb") as out:
            part = {name: arrays[name] for name in arrays if places[name] == file}
            safetensors.write(out, safetensors.arrange(part), {})
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return places


def test_weights_may_be_in_several_files(folder):
    whole = GPT.from_pretrained(folder).state_dict()
    in_several_files(folder)
    for name, array in GPT.from_pretrained(folder).state_dict().items():
        np.testing.assert_array_equal(array, whole[name])


def test_an_index_that_names_what_is_not_there_is_refused(folder):
    places = in_several_files(folder)
    index = folder / "model.safetensors.index.json"
    name = next(iter(places))
    for map_of_files, message in [
        ({**places, name: "model-1.safetensors"}, rf"index.json names arrays that are not in their file:\n  {name}"),
        ({**places, name: "../model-0.safetensors"}, r"expected names of files in its folder, found '\.\./model-0"),
        ({**places, name: 3}, "expected a weight_map with the file of each array"),
        (None, "expected a weight_map with the file of each array"),
    ]:
        index.write_text(json.dumps({"weight_map": map_of_files}))
        with pytest.raises(FormatError, match=message):
            GPT.from_pretrained(folder)
    index.write_text(json.dumps({"weight_map": {**places, name: "model-7.safetensors"}}))
    with pytest.raises(FileNotFoundError, match="model-7"):
        GPT.from_pretrained(folder)
    index.write_text("[]")
    with pytest.raises(FormatError, match="expected an object in JSON, found list"):
        GPT.from_pretrained(folder)


def test_the_tokenizer_and_the_end_of_a_text_are_those_of_the_folder(folder):
    pretrained = open_pretrained(folder)
    assert pretrained.tokenizer.encode(PROSE) == read_tokenizer(folder).encode(PROSE)
    assert pretrained.end == frozenset()
    change(folder / "config.json", eos_token_id=3)
    assert open_pretrained(folder).end == {3}
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 5]}))
    assert open_pretrained(folder).end == {0, 5}
    (folder / "tokenizer.json").unlink()
    assert open_pretrained(folder).tokenizer is None


def test_what_lies_beside_the_weights_is_checked(folder):
    change(folder / "config.json", eos_token_id="end")
    with pytest.raises(FormatError, match="eos_token_id must be the number of a token, or a list of them; found 'end'"):
        open_pretrained(folder)
    change(folder / "config.json", eos_token_id=None)
    change(folder / "tokenizer.json", normalizer={"type": "Lowercase"})
    with pytest.raises(FormatError, match=r"tokenizer.json: the normalizer is Lowercase\(\); there are null and NFC"):
        open_pretrained(folder)


def test_a_model_is_read_by_its_class_whatever_its_tokenizer(folder):
    change(folder / "tokenizer.json", normalizer={"type": "Lowercase"})
    assert GPT.from_pretrained(folder).vocab_size == 270


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_layer": 10**9}, "describes 1,000,000,000 layers, and has 16 arrays of weights"),
        ({"vocab_size": 10**15}, "describes a model that does not fit into memory: "),
        ({"vocab_size": 10**30}, "describes a model that does not fit into memory|Maximum allowed dimension exceeded"),
    ],
    ids=str,
)
def test_sizes_that_no_memory_holds_are_refused_before_it_is_asked_for(folder, sizes, message):
    change(folder / "config.json", **sizes)
    with pytest.raises(FormatError, match=message):
        GPT.from_pretrained(folder)


def test_a_tokenizer_with_more_tokens_than_the_model_has_vectors_for_is_refused(folder):
    huggingface.save(GPT(260, 16, 1, 2, 8), folder, "gpt2", train_byte_pairs(PROSE, 270))
    with pytest.raises(FormatError, match="the tokenizer has 270 tokens, but the model has embeddings for 260"):
        open_pretrained(folder).build(GPT)


def test_weights_that_are_no_numbers_of_floating_point_are_refused(folder):
    arrays = dict(safetensors.load(folder / "model.safetensors"))
    arrays["transformer.ln_f.bias"] = np.zeros(8, np.int32)
    with open(folder / "other", "wb") as out:
        safetensors.write(out, safetensors.arrange(arrays), {})
    (folder / "other").replace(folder / "model.safetensors")
    with pytest.raises(FormatError, match=r"transformer\.ln_f\.bias: expected floating-point numbers, got int32"):
        GPT.from_pretrained(folder)


def test_a_model_of_another_kind_is_not_taken_for_this_one(folder):
    with pytest.raises(FormatError, match="describes a model of type 'gpt2'; supported: 'llama', 'mistral', 'qwen2'"):
        Llama.from_pretrained(folder)


def test_a_folder_that_cannot_be_written_keeps_what_it_had(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def full(file, *args):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors, "write", full)
    with pytest.raises(OSError, match="No space left on device"):
        GPT(270, 16, 1, 2, 8).save_pretrained(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert not list(folder.glob("*.part"))


def test_what_is_no_folder_of_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        open_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match="none"):
        open_pretrained(tmp_path / "none.gguf")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(FormatError, match=r"config.json is not JSON"):
        open_pretrained(tmp_path)
