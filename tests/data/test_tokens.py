import os

import numpy as np
import pytest

from minigrad.data import DataError, DataLoader, Tokens

IDS = np.random.default_rng(0).integers(0, 50_000, 2000)


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_bare_numbers_are_the_tokens_of_both_kinds_of_files(tmp_path, dtype):
    IDS.astype(f"<{dtype[0]}{int(dtype[4:]) // 8}").tofile(tmp_path / "ids.bin")
    np.save(tmp_path / "ids.npy", IDS.astype(dtype))
    bare = Tokens(str(tmp_path / "ids.bin"), 50_000, block_size=16, dtype=dtype)
    array = Tokens(str(tmp_path / "ids.npy"), 50_000, block_size=16)
    for data in (bare, array):
        np.testing.assert_array_equal(data.train.batch(slice(3))[0].reshape(-1), IDS[:48])
        np.testing.assert_array_equal(data.train.batch(slice(3))[1].reshape(-1), IDS[1:49])
    for one, other in zip(DataLoader(bare.train).epoch(1), DataLoader(array.train).epoch(1), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_file_is_mapped_and_not_read(tmp_path):
    with open(tmp_path / "huge.bin", "wb") as file:
        file.truncate(2**36)  # a sparse file: 64 GiB that take no room
    data = Tokens(str(tmp_path / "huge.bin"), vocab_size=50_000, block_size=1024)
    assert len(data.train) > 30_000_000
    inputs, targets = data.train.epoch(7).batch(np.array([3, 30_000_000]))
    assert inputs.shape == targets.shape == (2, 1024)
    assert not inputs.any()


@pytest.mark.parametrize("suffix", ["bin", "npy"])
def test_a_file_that_is_cut_while_it_is_read_is_named(tmp_path, suffix):
    file = tmp_path / f"ids.{suffix}"
    IDS.astype(np.uint16).tofile(file) if suffix == "bin" else np.save(file, IDS.astype(np.uint16))
    data = Tokens(str(file), 50_000, block_size=16)
    data.train.batch(slice(3))
    os.truncate(file, 1000)
    for examples in (data.train, data.train.epoch(3), data.val):
        with pytest.raises(OSError, match="the file became shorter while it was being read") as caught:
            examples.batch(np.array([0, len(examples) - 1]))
        assert caught.value.filename == str(file)


def test_the_vocabulary_is_what_the_config_says(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    data = Tokens(str(tmp_path / "ids.npy"), vocab_size=50_257)
    assert data.vocab_size == data.num_classes == 50_257
    assert data.input_shape == (64,)


def test_prompts_and_texts_are_numbers(tmp_path):
    np.save(tmp_path / "ids.npy", IDS)
    data = Tokens(str(tmp_path / "ids.npy"), vocab_size=50_257)
    np.testing.assert_array_equal(data.encode(" 464 2068\n50256 "), [464, 2068, 50256])
    assert "".join(data.decode([464, 2068])) == "464 2068 "
    for word in ("the", "50257", "-1", "1.5", "²"):
        with pytest.raises(DataError, match=f"a prompt for Tokens is numbers from 0 to 50256, found '{word}'"):
            data.encode(f"1 {word}")


@pytest.mark.parametrize("array", [IDS.astype(float), IDS.reshape(2, -1), np.array(5)])
def test_an_array_that_is_no_row_of_integers_is_refused(tmp_path, array):
    np.save(tmp_path / "ids.npy", array)
    with pytest.raises(DataError, match=r"ids.npy: expected one row of integers, found .* of shape"):
        Tokens(str(tmp_path / "ids.npy"), 50_000)


@pytest.mark.parametrize(("name", "content"), [("ids.bin", b""), ("ids.bin", b"123"), ("ids.npy", b"no array")])
def test_a_file_that_holds_no_token_ids_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"expected token ids, an .npy file or bare numbers of uint16"):
        Tokens(str(tmp_path / name), 50_000)


def test_objects_in_a_file_are_never_executed(tmp_path):
    np.save(tmp_path / "ids.npy", np.array([{}] * 300, dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="expected token ids"):
        Tokens(str(tmp_path / "ids.npy"), 50_000)


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(DataError, match=r"none.bin: no such file"):
        Tokens("none.bin", 50_000)
