import hashlib

import numpy as np
import pytest

from minigrad.data import BytePairText, DataError
from minigrad.data.tokenizers import tokenizer_json, train_byte_pairs
from minigrad.runs.checkpoint import read_checkpoint, write_checkpoint

PROSE = "the quick brown fox jumps over the lazy dog; " * 60
OTHER = "pack my box with five dozen liquor jugs. " * 60


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prose.txt").write_text(PROSE)
    for name, text in (("prose", PROSE), ("other", OTHER)):
        (tmp_path / f"{name}.json").write_text(tokenizer_json(train_byte_pairs(text, 280)), encoding="utf-8")
    return tmp_path


def test_the_tokens_are_those_of_the_tokenizer(folder):
    data = BytePairText("prose.txt", "prose.json", block_size=8)
    assert data.vocab_size == data.num_classes == 280
    tokens = data.encode("the lazy dog<|endoftext|>")
    assert (tokens.dtype, len(tokens) < 12, tokens[-1]) == (np.int64, True, 0)
    assert "".join(data.decode(tokens)) == "the lazy dog"
    inputs, targets = data.train.batch(slice(3))
    assert (inputs.dtype, inputs.shape) == (np.int64, (3, 8))
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    assert PROSE.startswith("".join(data.decode(inputs[0])))


def test_files_may_be_in_the_folder_of_data(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("MINIGRAD_DATA", str(folder))
    assert BytePairText("prose.txt", "prose.json", block_size=8).vocab_size == 280


def test_a_run_keeps_the_tokenizer_and_its_own_text_is_read_with_it(folder):
    learned = BytePairText("prose.txt", "other.json", block_size=4)
    write_checkpoint(folder / "x", {}, {"data": learned.state_dict()})
    _, state = read_checkpoint(folder / "x")
    data = BytePairText("prose.txt", "prose.json", block_size=4)
    data.load_state_dict(state["data"])
    assert data.digest == learned.digest
    np.testing.assert_array_equal(data.encode(PROSE), learned.encode(PROSE))
    np.testing.assert_array_equal(data.train.batch(slice(None))[0], learned.train.batch(slice(None))[0])


def test_a_run_needs_neither_the_text_nor_the_file_of_the_tokenizer_to_write(folder):
    learned = BytePairText("prose.txt", "prose.json", block_size=4)
    again = BytePairText.restore(learned.state_dict())
    assert (again.vocab_size, again.block_size, again.input_shape) == (280, 4, (4,))
    np.testing.assert_array_equal(again.encode("the fox"), learned.encode("the fox"))


def test_the_digest_is_of_the_text_and_the_tokenizer(folder):
    data = BytePairText("prose.txt", "prose.json", block_size=4)
    both = PROSE.encode() + (folder / "prose.json").read_bytes()
    assert data.digest == hashlib.sha256(both).hexdigest()


def test_what_is_no_text_or_no_tokenizer_is_refused(folder):
    (folder / "bytes").write_bytes(b"\xff" * 1000)
    for arguments, message in [
        (("bytes", "prose.json"), "bytes: expected text in UTF-8; ByteText takes any file"),
        (("none.txt", "prose.json"), r"none.txt: no such file or folder; looked .*\(\$MINIGRAD_DATA\)"),
        (("prose.txt", "none"), r"none: no such file or folder; looked .*\(\$MINIGRAD_DATA\)"),
        (("prose.txt", "prose.txt"), "prose.txt: expected JSON"),
        (("prose.txt", "prose.json", 2000), "are for training, and blocks of 2000 need at least 4000"),
    ]:
        with pytest.raises(DataError, match=message):
            BytePairText(*arguments)
