"""Models as folders of Hugging Face's, which its transformers read."""

import os
from pathlib import Path

import numpy as np
import pytest

from minigrad import load_run, no_grad
from minigrad.cli import main
from minigrad.data.tokenizers import tokenizer_json
from minigrad.formats import huggingface, safetensors

from ..formats.gguf_files import facts_of, gguf, tensors_of
from .others import MODELS, llama, tokenizer, write_config

TOKENS = np.random.default_rng(0).integers(290, size=(2, 7))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a run of each kind, and one of a GPT with adapters."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "tokenizer.json").write_text(tokenizer_json(tokenizer()), encoding="utf-8")
    before = os.getcwd()
    os.chdir(folder)
    try:
        for kind in MODELS:
            write_config(folder, kind)
            assert main(["train", f"{kind}.yaml"]) == 0
        adapters = "adapters={LoRA: {match: ['*.attn'], rank: 2}}"
        weights = "weights=runs/gpt2/0001"
        assert main(["train", "gpt2.yaml", "name=adapted", adapters, weights, "optimizer.lr=0.1"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def told(runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)

    def told(*words):
        capsys.readouterr()
        return main(words), *capsys.readouterr()

    return told


@pytest.mark.parity
@pytest.mark.parametrize("name", [*MODELS, "adapted"])
def test_transformers_give_the_scores_of_the_run_and_read_its_texts(told, runs, tmp_path, name):
    torch = pytest.importorskip("torch", reason="transformers compute with it")
    transformers = pytest.importorskip("transformers", reason="its numbers are the reference")
    into = str(tmp_path / "made")
    assert told("export", f"runs/{name}/0001", "--huggingface", into) == (0, f"{into}\n", "")
    run = load_run(f"runs/{name}/0001")
    with no_grad(), torch.no_grad():
        ours = run.model(TOKENS).data
        theirs = transformers.AutoModelForCausalLM.from_pretrained(into).eval()(torch.from_numpy(TOKENS)).logits.numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    text = "the lazy fox<|endoftext|> née 42"
    assert transformers.AutoTokenizer.from_pretrained(into)(text)["input_ids"] == run.data.encode(text).tolist()


def test_a_folder_that_was_exported_writes_as_the_run_does(told, tmp_path):
    into = str(tmp_path / "made")
    assert told("export", "runs/llama/0001", "--huggingface", into)[0] == 0
    words = ("the fox", "--tokens", "8", "--seed", "3", "--temperature", "0.7")
    assert told("generate", into, *words) == told("generate", "runs/llama/0001", *words)


def test_a_gguf_file_becomes_a_folder_with_its_tokenizer_and_the_end_of_its_texts(told, tmp_path):
    made = tokenizer()
    facts = {**facts_of(llama(), made), "tokenizer.ggml.eos_token_id": 2}
    (tmp_path / "tiny.gguf").write_bytes(gguf(facts, tensors_of(llama())))
    into = tmp_path / "made"
    assert told("export", str(tmp_path / "tiny.gguf"), "--huggingface", str(into))[0] == 0
    found = huggingface.open_folder(into)
    assert (found.end, found.tokenizer.vocabulary) == ({2}, made.vocabulary)
    words = ("the fox", "--tokens", "8", "--top-k", "1")
    assert told("generate", str(into), *words) == told("generate", str(tmp_path / "tiny.gguf"), *words)


def test_an_empty_folder_is_filled_and_another_one_is_left_alone(told, tmp_path):
    empty, full = tmp_path / "empty", tmp_path / "full"
    empty.mkdir()
    full.mkdir()
    (full / "mine").write_text("mine")
    assert told("export", "runs/gpt2/0001", "--huggingface", str(empty))[0] == 0
    assert told("export", "runs/gpt2/0001", "--huggingface", str(full))[0] == 2
    assert [path.name for path in full.iterdir()] == ["mine"]
    assert (empty / "config.json").exists()


def test_a_disk_that_is_full_leaves_no_part_of_the_folder(told, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors, "write", full)
    code, out, err = told("export", "runs/gpt2/0001", "--huggingface", str(tmp_path / "made"))
    assert (code, out, err) == (1, "", f"error: {tmp_path / 'made'}: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_ones_own_that_computes_otherwise_is_refused(told, runs, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "gpt.py").write_text(
        Path(__file__)
        .parents[2]
        .joinpath("models", "gpt.py")
        .read_text()
        .replace(
            "return self.lm_head(self.hidden(tokens, key_padding_mask=key_padding_mask))",
            "return 0.5 * self.lm_head(self.hidden(tokens, key_padding_mask=key_padding_mask))",
        )
    )
    (tmp_path / "tokenizer.json").write_bytes((runs / "tokenizer.json").read_bytes())
    write_config(tmp_path, "gpt2")
    monkeypatch.chdir(tmp_path)
    assert told("train", "gpt2.yaml")[0] == 0
    code, _, err = told("export", "runs/gpt2/0001", "--huggingface", "made")
    assert code == 2
    assert err == (
        "error: the class GPT of your models/ computes something else than the shipped class, and than transformers\n"
    )
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs/gpt2/0001"], "choose one format: --weights FILE or --onnx FILE or --huggingface DIR"),
        (["runs/gpt2/0001", "--huggingface", "no/made"], "no/made: there is no folder no"),
        (
            ["runs/gpt2/0001", "--huggingface", "runs/gpt2/0001/made"],
            "is inside the run's own folder: write it elsewhere",
        ),
        (["tiny", "--huggingface", "made", "data.path=x"], "data.path=x is for runs, and tiny is not a run"),
        (["tiny", "--weights", "x.safetensors"], "--weights is for runs, and tiny is not a run"),
        (["tiny", "--huggingface", "made", "--trust"], "--trust is for runs: tiny has no code"),
    ],
)
def test_what_cannot_be_exported_is_a_sentence_and_nothing_is_written(told, runs, words, message):
    if not (runs / "tiny").exists():
        huggingface.save(llama(), runs / "tiny", "llama", tokenizer())
    before = sorted(runs.iterdir())
    code, out, err = told("export", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
    assert sorted(runs.iterdir()) == before


def test_a_model_of_another_kind_has_no_form_there(told, runs):
    (runs / "line.yaml").write_text(
        "name: line\ndata: {Moons: {n_samples: 100}}\nmodel: {Linear: [2, 2]}\nloss: CrossEntropyLoss\n"
        "optimizer: SGD\ntrainer: {max_steps: 1}\n"
    )
    assert told("train", "line.yaml")[0] == 0
    code, _, err = told("export", "runs/line/0001", "--huggingface", "made")
    assert (code, err) == (2, "error: Linear is not supported by transformers; GPT and Llama can be written\n")
