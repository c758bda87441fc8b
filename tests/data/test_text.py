import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import ByteText, CharText, DataError, DataLoader
from minigrad.engine import random

PROSE = "the quick brown fox jumps over the lazy dog; " * 40


@pytest.fixture
def path(tmp_path):
    (tmp_path / "prose.txt").write_text(PROSE, encoding="utf-8")
    return str(tmp_path / "prose.txt")


def written(data: CharText, tokens: np.ndarray) -> str:
    return "".join(data.decode(tokens))


def test_characters_are_numbered_in_the_order_of_unicode(path):
    data = CharText(path, block_size=8)
    assert data.vocabulary == "".join(sorted(set(PROSE)))
    assert data.vocab_size == data.num_classes == len(set(PROSE))
    assert written(data, data.encode("lazy fox")) == "lazy fox"
    assert data.encode("lazy").dtype == np.int64


def test_targets_are_the_inputs_one_token_later(path):
    for inputs, targets in DataLoader(CharText(path, block_size=8).train, batch_size=16).epoch(3):
        assert (inputs.dtype, targets.dtype) == (np.int64, np.int64)
        np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])


def test_the_parts_follow_each_other_and_share_no_token(path):
    data = CharText(path, block_size=8, val_fraction=0.2, test_fraction=0.1)
    n = len(PROSE)
    parts = {"train": PROSE[: n * 7 // 10], "val": PROSE[n * 7 // 10 : n * 9 // 10], "test": PROSE[n * 9 // 10 :]}
    for name, text in parts.items():
        first = written(data, getattr(data, name).batch(slice(1))[0][0])
        assert first == text[:8]
    last = written(data, data.val.batch(np.array([len(data.val) - 1]))[1][0])
    assert last in parts["val"][-16:]


def test_each_token_of_the_validation_part_is_predicted_once(path):
    data = CharText(path, block_size=8, val_fraction=0.2)
    _, targets = data.val.batch(slice(None))
    val = PROSE[len(PROSE) * 3 // 4 : len(PROSE) * 19 // 20]
    assert written(data, targets.reshape(-1)) == val[1 : 1 + targets.size]
    assert len(val) - 1 - targets.size < 8


def test_each_epoch_cuts_the_training_text_at_other_places_that_seed_and_epoch_decide(tmp_path):
    (tmp_path / "counted.txt").write_text("".join(map(chr, range(0x4E00, 0x4E00 + 1000))), encoding="utf-8")
    data = CharText(str(tmp_path / "counted.txt"), block_size=16)
    starts = {n: data.train.epoch(n).batch(slice(1))[0][0, 0] for n in range(64)}
    assert set(starts.values()) == set(range(16))
    assert {len(data.train.epoch(n)) for n in range(64)} == {len(data.train)}
    assert starts[5] == data.train.epoch(5).inputs[0, 0]
    random.seed(1)
    assert [data.train.epoch(n).inputs[0, 0] for n in range(64)] != list(starts.values())


def test_a_step_meets_the_same_crops_when_a_run_goes_on_there(path):
    loader = DataLoader(CharText(path, block_size=8).train, batch_size=8)
    whole = list(loader.epoch(2))
    rest = list(DataLoader(CharText(path, block_size=8).train, batch_size=8).epoch(2, start=3))
    for (inputs, _), (again, _) in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(inputs, again)


def test_a_text_numbers_characters_as_the_one_did_that_the_model_learned_from(path, tmp_path):
    before = CharText(path, block_size=8)
    (tmp_path / "prose.txt").write_text("ABC" + PROSE, encoding="utf-8")
    after = CharText(path, block_size=8)
    assert after.vocab_size == before.vocab_size + 3
    after.load_state_dict(before.state_dict())
    assert after.vocabulary == before.vocabulary
    np.testing.assert_array_equal(after.encode("lazy fox"), before.encode("lazy fox"))
    np.testing.assert_array_equal(after.train.batch(slice(1))[0][0, 3:], before.encode(PROSE[:5]))
    assert (after.train.inputs[0, :3] == after.vocab_size).all()


def test_characters_outside_of_the_vocabulary_are_named(path):
    with pytest.raises(DataError, match="not in the text that the model has learned from: 'R', '→'; it has these 28 "):
        CharText(path).encode("foR →")


def test_the_default_text_comes_with_python_and_has_a_digest():
    from pydoc_data.topics import topics

    data = CharText()
    assert len(data.train) * 64 > 300_000
    assert data.digest == hashlib.sha256("\n".join(topics.values()).encode()).hexdigest()
    assert ByteText().digest == data.digest


def test_a_file_may_also_be_in_the_folder_of_large_data(path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(Path(path).parent))
    assert CharText("prose.txt").digest == hashlib.sha256(PROSE.encode()).hexdigest()


@pytest.mark.skipif(
    not Path(os.environ.get("MINIGRAD_DATA") or "none", "tinyshakespeare.txt").is_file(),
    reason="needs tinyshakespeare.txt in $MINIGRAD_DATA",
)
def test_tiny_shakespeare_is_the_text_that_others_use():
    data = CharText("tinyshakespeare.txt")
    assert data.vocab_size == 65
    assert data.digest == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    assert written(data, data.train.batch(slice(1))[0][0]).startswith("First Citizen:\nBefore we proceed")


@pytest.mark.parametrize("text", [PROSE, "Grüße, 世界! " * 50, "\r\n\t\0 " * 100])
def test_bytes_and_characters_give_the_text_back(tmp_path, text):
    (tmp_path / "text.txt").write_bytes(text.encode())
    for cls in (CharText, ByteText):
        data = cls(str(tmp_path / "text.txt"), block_size=4)
        assert "".join(data.decode(data.encode(text))) == text


def test_bytes_that_make_no_character_are_replaced_and_the_rest_goes_on(tmp_path):
    data = ByteText()
    assert "".join(data.decode([0xE4, 0xB8, 0x96, 0xFF, 0x41, 0xE4])) == "世�A�"
    assert data.vocab_size == 256


def test_any_file_is_a_text_of_bytes_and_only_utf8_one_of_characters(tmp_path):
    content = bytes(range(256)) * 10
    (tmp_path / "any").write_bytes(content)
    data = ByteText(str(tmp_path / "any"), block_size=8)
    np.testing.assert_array_equal(data.train.batch(slice(2))[0].reshape(-1), range(16))
    with pytest.raises(DataError, match=r"any: expected text in UTF-8; ByteText takes any file: .*position 128"):
        CharText(str(tmp_path / "any"))


def test_a_text_shorter_than_a_block_in_each_part_is_refused(tmp_path):
    (tmp_path / "short.txt").write_text("too short " * 10)
    with pytest.raises(DataError, match="of 100 tokens, 90 are for training, and blocks of 64 need at least 128"):
        CharText(str(tmp_path / "short.txt"))
    with pytest.raises(DataError, match="5 are for validation, and blocks of 8 need at least 9"):
        ByteText(str(tmp_path / "short.txt"), block_size=8)
    (tmp_path / "short.txt").write_text("")
    with pytest.raises(DataError, match="of 0 tokens, 0 are for training"):
        CharText(str(tmp_path / "short.txt"))


@pytest.mark.parametrize("fractions", [(0.6, 0.6), (-0.1, 0.1), (0.1, -0.1), (0.0, 0.1)])
def test_fractions_that_leave_a_part_empty_are_refused(path, fractions):
    with pytest.raises(DataError, match=r"are for (training|validation|test), and blocks of 64 need at least"):
        CharText(path, 64, *fractions)


def test_a_block_of_no_tokens_is_refused(path):
    with pytest.raises(DataError, match="block_size counts the tokens of a block and is at least 1, got 0"):
        CharText(path, block_size=0)


def test_a_file_that_is_not_there_is_named_with_the_places_where_it_was_sought(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    with pytest.raises(
        DataError, match=r"none.txt: no such file or folder; looked in the current folder .*\(\$MINIGRAD_DATA\)"
    ):
        CharText("none.txt")
