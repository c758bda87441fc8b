import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.inference import generate, load_run
from minigrad.training import UsageError

HOME = Path(__file__).parents[2]
MODEL = """\
from minigrad.nn import Embedding, Linear, Module


class Counter(Module):
    '''Writes the token behind each, and remembers what it was asked.'''

    def __init__(self, vocab_size: int, block_size: int) -> None:
        self.embedding = Embedding(vocab_size, 4)
        self.out = Linear(4, vocab_size)
        self.block_size = block_size
        self.vocab_size = vocab_size

    def forward(self, x):
        return self.out(self.embedding(x))

    def generate(self, prompt, tokens, temperature=1.0, top_k=None, top_p=None, seed=None):
        if temperature <= 0:
            raise ValueError(f"temperature is larger than 0, got {temperature}")
        self.asked = (len(prompt), tokens, temperature, top_k, top_p, seed)
        return ((int(prompt[-1]) + 1 + i) % self.vocab_size for i in range(tokens))


class Silent(Counter):
    '''Writes nothing.'''

    generate = None
"""
CONFIG = """\
name: alphabet
seed: 5
data: {CharText: {path: alphabet.txt, block_size: 8}}
model: {Counter: {vocab_size: "${data.vocab_size}", block_size: 8}}
loss: {CrossEntropyLoss: {axis: -1}}
optimizer: {SGD: {lr: 0.1}}
trainer: {max_steps: 1}
"""
RUN = str(Path("runs/alphabet/0001"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with runs of a model that writes on in the alphabet, of one that does not, and of one of digits."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "models").mkdir()
    (folder / "models" / "counter.py").write_text(MODEL)
    (folder / "alphabet.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 20)
    (folder / "alphabet.yaml").write_text(CONFIG)
    (folder / "digits.yaml").write_text(
        "name: digits\ndata: Digits\nmodel: {Linear: [64, 10]}\nloss: CrossEntropyLoss\noptimizer: {SGD: {lr: 0.1}}\n"
        "trainer: {max_steps: 1}\n"
    )
    before = os.getcwd()
    os.chdir(folder)
    try:
        assert main(["train", "alphabet.yaml"]) == 0
        silent = "model={Silent: {vocab_size: '${data.vocab_size}', block_size: 8}}"
        assert main(["train", "alphabet.yaml", "name=silent", silent]) == 0
        assert main(["train", "digits.yaml"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def told(folder, monkeypatch, capsys):
    """Runs a command in the folder, and gives its exit code with both streams."""
    monkeypatch.chdir(folder)

    def told(*words):
        capsys.readouterr()
        exit_code = main(words)
        return exit_code, *capsys.readouterr()

    return told


def test_a_run_writes_on_behind_the_prompt_to_stdout(told):
    assert told("generate", RUN, "xy", "--tokens", "5") == (0, "xyzabcd\n", "")


def test_a_prompt_longer_than_the_block_is_cropped_and_that_is_said(told):
    exit_code, out, err = told("generate", RUN, "abcdefghijklm", "--tokens", "2")
    assert (exit_code, out) == (0, "abcdefghijklmno\n")
    assert err == "the prompt has 13 tokens, of which the model sees the last 8\n"


def test_the_model_is_asked_as_the_command_says_and_by_the_seed_of_the_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    experiment = load_run(RUN, home=folder)
    assert "".join(generate(experiment, "a", 3, temperature=0.5, top_k=4, top_p=0.9)) == "bcd"
    assert experiment.model.asked == (1, 3, 0.5, 4, 0.9, 5)
    experiment = load_run(RUN, ["seed=6"], home=folder)
    list(generate(experiment, "abcdefghijklm"))
    assert experiment.model.asked == (8, 300, 1.0, None, None, 6)


def test_the_options_reach_the_model(told):
    exit_code, out, _ = told("generate", RUN, "a", "--tokens=3", "--temperature=0.5", "--top-k=4", "--top-p=0.9")
    assert (exit_code, out) == (0, "abcd\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["generate", RUN, "aé→"], "not in the text that the model has learned from: 'é', '→'; it has these 26 "),
        (["generate", RUN, ""], "expected at least one token to begin with, got an empty text"),
        (["generate", RUN, "a", "--temperature", "0"], "temperature is larger than 0, got 0.0"),
        (["generate", "runs/silent/0001", "a"], "Silent cannot generate: it has no method generate(), as GPT has"),
        (["generate", "runs/digits/0001", "a"], "this model was not trained on text: its data is Digits"),
        pytest.param(
            ["plot", "runs/digits/0001", "--attention", "a"],
            "this model was not trained on text: its data is Digits",
            marks=pytest.mark.skipif(find_spec("matplotlib") is None, reason="pictures need matplotlib"),
        ),
        (["generate", "runs/none/0001", "a"], "runs/none/0001 is not a run: it has no config.yaml; did you mean runs/"),
    ],
)
def test_what_cannot_be_written_is_told_in_a_sentence(told, words, message):
    exit_code, out, err = told(*words)
    assert (exit_code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("words", [["--tokens", "3"], ["--top-k", "3"], ["--temperature", "1"], ["--top-p", "0.5"]])
def test_how_to_write_is_said_where_something_is_written(told, words):
    exit_code, _, err = told("train", "alphabet.yaml", *words)
    assert (exit_code, err) == (2, f"error: {words[0]} is an option of minigrad generate, not of minigrad train\n")


def test_in_python_what_cannot_be_written_is_a_usage_error(folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="temperature is larger than 0"):
        generate(load_run(RUN, home=folder), "a", temperature=-1)


def test_a_gpt_that_has_learned_the_alphabet_writes_it_and_by_the_seed_what_else_it_may(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alphabet.txt").write_text("abcdefghijklmnopqrstuvwxyz" * 40)
    (tmp_path / "gpt.yaml").write_text(
        CONFIG.replace("{Counter: {", "{GPT: {n_layer: 1, n_head: 2, n_embd: 32, ")
        .replace("SGD: {lr: 0.1}", "AdamW: {lr: 0.01}")
        .replace("max_steps: 1", "max_steps: 100")
    )
    assert main(["train", "gpt.yaml"]) == 0

    def written(*words):
        capsys.readouterr()
        assert main(["generate", RUN, "xy", "--tokens", "30", *words]) == 0
        return capsys.readouterr().out

    assert written("--top-k", "1") == "xyzabcdefghijklmnopqrstuvwxyzabc\n"
    assert written("--temperature", "9") == written("--temperature", "9")
    assert written("--temperature", "9") != written("--temperature", "9", "--seed", "6")
