"""A vocabulary that is learned by a command, and the run that keeps it."""

import json
import os
import shutil

import pytest

from minigrad.cli import main
from minigrad.data.tokenizers import read_tokenizer, train_byte_pairs

from .others import PROSE, tokenizer, write_config


@pytest.fixture
def told(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder with prose.txt."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prose.txt").write_text(PROSE)

    def told(*words):
        capsys.readouterr()
        return main(words), *capsys.readouterr()

    return told


def test_the_file_has_the_vocabulary_of_the_text_and_what_came_is_told(told):
    code, out, err = told("tokenizer", "prose.txt", "--size", "280")
    expected = train_byte_pairs(PROSE, 280)
    found = read_tokenizer("tokenizer.json")
    assert (code, err) == (0, "")
    assert (found.merges, found.vocabulary) == (expected.merges, expected.vocabulary)
    count = len(expected.encode(PROSE))
    assert out.splitlines() == [
        "tokenizer.json: 280 tokens: 256 bytes, 23 merges, <|endoftext|>",
        f"prose.txt: 1,800 bytes are {count} tokens, {1800 / count:.2f} bytes per token",
        'in a config: data: {BytePairText: {path: "prose.txt", tokenizer: "tokenizer.json"}}',
    ]


def test_where_no_pair_is_left_the_vocabulary_is_smaller_and_that_is_told(told):
    code, out, _ = told("tokenizer", "prose.txt", "--size=5000", "--to", "all.json")
    size = read_tokenizer("all.json").vocab_size
    assert (code, size < 5000) == (0, True)
    assert f"no pair occurs twice any more: {5000 - size:,} tokens fewer than requested" in out


def test_the_library_of_hugging_face_reads_the_file(told):
    library = pytest.importorskip("tokenizers", reason="its reader is the reference")
    told("tokenizer", "prose.txt", "--size", "280")
    text = "the lazy fox, née <|endoftext|> 42"
    assert library.Tokenizer.from_file("tokenizer.json").encode(text).ids == read_tokenizer("tokenizer.json").encode(
        text
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prose.txt"], "minigrad tokenizer needs --size, as in: minigrad tokenizer shakespeare.txt --size 1024"),
        (["prose.txt", "--size", "100"], "a vocabulary has at least 257 tokens, the bytes and the special ones"),
        (["prose.txt", "--size", "0"], "--size must be an integer, 1 or more, not '0'"),
        (["none.txt", "--size", "300"], "none.txt: no such file or folder; looked in the current folder"),
        (["empty.txt", "--size", "300"], "empty.txt is empty: there is nothing to learn from"),
        (["bytes.txt", "--size", "300"], "bytes.txt: expected text in UTF-8"),
        (
            ["prose.txt", "--size", "300", "--to", "there.json"],
            "there.json already exists: remove it, or name another",
        ),
        (["prose.txt", "--size", "300", "--to", "x.txt"], "x.txt: a tokenizer is a JSON file"),
        (["prose.txt", "--size", "300", "--to", "no/x.json"], "no/x.json: there is no folder no"),
    ],
)
def test_what_cannot_be_learned_is_a_sentence_and_leaves_no_file(told, tmp_path, words, message):
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe\x00" * 10)
    (tmp_path / "there.json").write_text("{}")
    before = sorted(os.listdir())
    code, out, err = told("tokenizer", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert sorted(os.listdir()) == before
    assert (tmp_path / "there.json").read_text() == "{}"


@pytest.mark.parametrize("form", ["one file", "two files"])
def test_a_run_writes_by_the_tokenizer_that_its_config_named_after_it_is_copied_away(told, tmp_path, form, monkeypatch):
    made = tokenizer()
    name = "tokenizer.json" if form == "one file" else "vocabulary"
    if form == "one file":
        assert told("tokenizer", "prose.txt", "--size", "290")[0] == 0
    else:
        (tmp_path / name).mkdir()
        (tmp_path / name / "vocab.json").write_text(json.dumps(made.vocabulary))
        (tmp_path / name / "merges.txt").write_text("#version: 0.2\n" + "\n".join(map(" ".join, made.merges)))
    run = write_config(tmp_path, "gpt2", name)
    assert told("train", "gpt2.yaml")[0] == 0
    here = told("generate", run, "the fox", "--tokens", "8")
    assert (here[0], here[2]) == (0, "")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(tmp_path / run, elsewhere / "copy")
    for path in ("prose.txt", "gpt2.yaml", "tokenizer.json"):
        (tmp_path / path).unlink(missing_ok=True)
    shutil.rmtree(tmp_path / "vocabulary", ignore_errors=True)
    monkeypatch.chdir(elsewhere)
    assert told("generate", "copy", "the fox", "--tokens", "8") == here
