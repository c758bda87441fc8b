"""Models that others trained, at the command line: they continue texts and talk, and what is wrong is a sentence."""

import io
import json
import sys
from shutil import copytree

import pytest

from minigrad import load_pretrained
from minigrad.cli import main
from minigrad.data.tokenizers import Message, tokenizer_json, train_byte_pairs
from minigrad.formats import huggingface
from minigrad.nn import LanguageModel

from ..formats.gguf_files import facts_of, gguf, tensors_of
from .others import PROSE, gpt, llama, tokenizer, write_config


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with tiny/, plain/ and tiny.gguf: a Llama that can chat, a GPT without an end token, the Llama again."""
    folder = tmp_path_factory.mktemp("models")
    huggingface.save(llama(block_size=128), folder / "tiny", "llama", tokenizer(), [2])
    huggingface.save(gpt(), folder / "plain", "gpt2", train_byte_pairs(PROSE, 280))
    (folder / "tiny.gguf").write_bytes(gguf(facts_of(llama(), tokenizer()), tensors_of(llama())))
    return folder


@pytest.fixture
def told(models, tmp_path, monkeypatch, capsys):
    """Runs a command beside copies of the models, with what is typed, and gives its exit code with both streams."""
    copytree(models, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")

    def told(*words, typed=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode(errors="surrogateescape"))))
        capsys.readouterr()
        return main(words), *capsys.readouterr()

    return told


@pytest.mark.parametrize("model", ["tiny", "plain", "tiny.gguf"])
def test_a_model_continues_a_text_as_it_does_in_python(told, model):
    sampling = {"temperature": 0.9, "top_k": 50, "top_p": 0.95, "repetition_penalty": 1.2, "seed": 7}
    expected = "".join(load_pretrained(model).generate("the fox", 12, **sampling))
    options = [f"--{name.replace('_', '-')}={value}" for name, value in sampling.items()]
    assert told("generate", model, "the fox", "--tokens", "12", *options) == (0, f"the fox{expected}\n", "")


def test_a_model_may_be_in_the_folder_of_data(told, models, tmp_path, monkeypatch):
    here = told("generate", "tiny", "the fox", "--tokens", "5")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("MINIGRAD_DATA", str(models))
    assert told("generate", "tiny", "the fox", "--tokens", "5") == here


def test_a_text_ends_at_the_end_token(told):
    model = load_pretrained("tiny")
    start = model.tokenizer.encode("the fox")
    written = list(model.model.generate(start, 12, top_k=1))
    change("tiny/config.json", eos_token_id=written[4])
    expected = "".join(model.tokenizer.decode(written[: written.index(written[4])]))
    assert told("generate", "tiny", "the fox", "--top-k", "1") == (0, f"the fox{expected}\n", "")


def test_a_conversation_goes_on_turn_by_turn_until_the_input_ends(told):
    first, second = "the fox?", "and the dog?"
    writer = load_pretrained("tiny")
    answer = "".join(writer.chat([Message("user", first)], 8, top_k=1))
    turns = [Message("user", first), Message("assistant", answer), Message("user", second)]
    expected = "".join(writer.chat(turns, 8, top_k=1))
    words = ("--chat", "--tokens", "8", "--top-k", "1")
    typed = told("generate", "tiny", *words, typed=f"{first}\n\n{second}\n")
    assert typed == (0, f"{answer}\n{expected}\n", "")
    assert told("generate", "tiny", first, *words, typed=second) == typed


def test_turns_that_the_model_does_not_see_any_more_are_told(told):
    code, out, err = told("generate", "tiny", "--chat", "--tokens", "2", typed="the dog jumps over the fox\n" * 9)
    assert (code, len(out.splitlines()) >= 9) == (0, True)
    assert "the first 2 turns no longer fit the model's context\n" in err


@pytest.mark.parametrize("when", ["while it listens", "while it writes"])
def test_a_ctrl_c_ends_a_conversation(told, monkeypatch, when):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    if when == "while it listens":
        monkeypatch.setattr("builtins.input", interrupted)
    else:
        monkeypatch.setattr(LanguageModel, "hidden", interrupted)
        monkeypatch.setattr(sys.modules["minigrad.nn.generation"], "draw", interrupted)
    assert told("generate", "tiny", "--chat", typed="the fox\n") == (0, "\n", "")


def test_a_run_that_was_taught_to_chat_does(told, tmp_path):
    (tmp_path / "here" / "tokenizer.json").write_text(tokenizer_json(tokenizer()), encoding="utf-8")
    run = write_config(tmp_path / "here", "llama")
    assert told("train", "llama.yaml")[0] == 0
    code, out, err = told("generate", run, "the fox", "--chat", "--tokens", "4", "--seed", "1")
    assert (code, err, len(out) > 1) == (0, "", True)


def test_a_text_of_a_run_ends_at_a_special_token(told, tmp_path, monkeypatch):
    (tmp_path / "here" / "tokenizer.json").write_text(tokenizer_json(tokenizer()), encoding="utf-8")
    run = write_config(tmp_path / "here", "llama")
    assert told("train", "llama.yaml")[0] == 0
    monkeypatch.setattr("minigrad.nn.generation.draw", lambda *arguments: tokenizer().special["<|im_end|>"])
    assert told("generate", run, "the fox") == (0, "the fox\n", "")


def change(file, **changes):
    with open(file, encoding="utf-8") as old:
        content = json.load(old)
    with open(file, "w", encoding="utf-8") as new:
        json.dump({**content, **changes}, new)


def cut(file, share):
    with open(file, "rb") as old:
        content = old.read()
    with open(file, "wb") as new:
        new.write(content[: int(len(content) * share)])


def forge(file, old, new):
    with open(file, "rb") as before:
        content = before.read()
    assert old in content
    with open(file, "wb") as after:
        after.write(content.replace(old, new, 1))


def quantised(number):
    tensors = tensors_of(llama())
    shape, _, raw = tensors["token_embd.weight"]
    with open("tiny.gguf", "wb") as file:
        file.write(gguf(facts_of(llama(), tokenizer()), {**tensors, "token_embd.weight": (shape, number, raw)}))


def swap(one, other):
    with open(one, "rb") as first, open(other, "rb") as second:
        contents = first.read(), second.read()
    for file, content in zip((other, one), contents, strict=True):
        with open(file, "wb") as new:
            new.write(content)


def too_large_a_vocabulary():
    huggingface.save(llama(vocab_size=280), "tiny", "llama", tokenizer())


def without(file):
    import os

    os.remove(file)


@pytest.mark.parametrize(
    ("model", "spoil", "message"),
    [
        ("tiny", lambda: cut("tiny/model.safetensors", 0.5), "model.safetensors"),
        ("tiny", lambda: cut("tiny/model.safetensors", 0), "model.safetensors"),
        ("tiny", lambda: cut("tiny/config.json", 0.5), "config.json is not JSON"),
        ("tiny", lambda: cut("tiny/tokenizer.json", 0.5), "tokenizer.json: expected JSON"),
        ("tiny.gguf", lambda: cut("tiny.gguf", 0.1), "tiny.gguf is not a complete GGUF file"),
        ("tiny.gguf", lambda: cut("tiny.gguf", 0.9), "tiny.gguf is not a complete GGUF file"),
        ("tiny.gguf", lambda: cut("tiny.gguf", 0), "tiny.gguf is not a complete GGUF file"),
        ("tiny", lambda: swap("tiny/model.safetensors", "tiny.gguf"), "model.safetensors"),
        ("tiny.gguf", lambda: swap("tiny/model.safetensors", "tiny.gguf"), "it does not begin with the letters GGUF"),
        (
            "tiny",
            lambda: swap("tiny/model.safetensors", "plain/model.safetensors"),
            "weights do not fit the described model",
        ),
        ("tiny", lambda: swap("tiny/config.json", "plain/config.json"), "weights do not fit the described model"),
        ("tiny", lambda: swap("tiny/config.json", "tiny/tokenizer.json"), "describes a model of type None"),
        ("tiny.gguf", lambda: forge("tiny.gguf", b"GGUF\x03", b"GGUF\x09"), "it has version 9"),
        ("tiny.gguf", lambda: forge("tiny.gguf", b"smollm", b"smellm"), "its pre-tokenizer is 'smellm'"),
        ("tiny.gguf", lambda: quantised(10), "has quantization type 10; supported: F32, F16"),
        ("tiny.gguf", lambda: quantised(999), "has quantization type 999; supported: F32, F16"),
        ("tiny", lambda: change("tiny/config.json", sliding_window=8), "sliding_window is 8"),
        ("tiny", lambda: change("tiny/config.json", num_attention_heads=3), "tiny"),
        ("tiny", lambda: change("tiny/config.json", model_type="bert"), "describes a model of type 'bert'"),
        ("tiny", lambda: change("tiny/config.json", eos_token_id="end"), "eos_token_id must be the number of a token"),
        ("tiny", lambda: change("tiny/tokenizer.json", model={"type": "Unigram"}), "the model is Unigram"),
        ("tiny", too_large_a_vocabulary, "the tokenizer has 290 tokens, but the model has embeddings for 280"),
        ("tiny", lambda: without("tiny/tokenizer.json"), "there is no tokenizer.json, nor vocab.json and merges.txt"),
        ("tiny", lambda: without("tiny/model.safetensors"), "model.safetensors: No such file or directory"),
        ("tiny", lambda: without("tiny/config.json"), "tiny is not a run: it has no config.yaml"),
        ("none.gguf", lambda: None, "none.gguf is not a run: it has no config.yaml"),
        ("tiny/config.json", lambda: None, "tiny/config.json is part of a model: name its folder, tiny"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "export"])
def test_a_damaged_or_forged_model_is_a_sentence(told, command, model, spoil, message):
    spoil()
    words = {"generate": ("the fox",), "export": ("--huggingface", "made")}[command]
    code, out, err = told(command, model, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        (["tiny", "the fox " * 100], "", "tokens, and the model sees 128: shorten it"),
        (["tiny", ""], "", "the prompt is empty"),
        (["tiny", "a", "--temperature", "0"], "", "temperature must be above 0"),
        (["tiny", "a", "--top-p", "2"], "", "top_p is a probability"),
        (["tiny", "a", "--repetition-penalty", "-1"], "", "repetition_penalty must be above 0"),
        (["tiny", "a", "--seed", "-1"], "", "seed must be at least 0, got -1"),
        (["tiny", "a", "--trust"], "", "--trust is for runs: tiny has no code"),
        (["tiny"], "", "minigrad generate needs PROMPT or --chat, as in: minigrad generate"),
        (["plain", "--chat"], "hi", "this model was not taught to chat in a known form"),
        (["tiny", "--chat"], "the fox " * 100, "tokens, and the model sees 128: shorten it"),
        (["tiny", "--chat"], "\udcff\n", "standard input: expected text in utf-8"),
    ],
)
def test_what_cannot_be_said_is_a_sentence(told, words, typed, message):
    code, out, err = told("generate", *words, typed=typed)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err
