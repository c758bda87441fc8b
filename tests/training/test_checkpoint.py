"""Files that are whole or absent, in which nothing can change unnoticed."""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from minigrad.training.checkpoint import CheckpointError, read_checkpoint, write_checkpoint, write_durably

WEIGHTS = {
    "0.weight": np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32),
    "0.bias": np.arange(3.0),
    "scale": np.array(2.5, np.float16),
    "transposed": np.arange(6).reshape(2, 3).T,
    "mask": np.array([True, False]),
    "nothing": np.zeros((0, 4), np.uint8),
}
STATE = {"step": 7, "optimizer": {"state": {0: {"exp_avg": np.arange(4.0)}}, "betas": (0.9, 0.999)}, "name": "déjà vu"}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.safetensors"
    write_checkpoint(path, WEIGHTS, STATE)
    return path


def test_what_was_written_is_read(path):
    weights, state = read_checkpoint(path)
    assert weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert (weights[name].dtype, weights[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(weights[name], array)
    moment = state["optimizer"]["state"][0].pop("exp_avg")
    np.testing.assert_array_equal(moment, np.arange(4.0))
    assert state == {"step": 7, "optimizer": {"state": {0: {}}, "betas": (0.9, 0.999)}, "name": "déjà vu"}


def test_others_read_the_tensors_under_their_own_names(path):
    read = load_file(path)
    assert read.keys() == {*WEIGHTS, "optimizer/state/0/exp_avg"}
    for name, array in WEIGHTS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(read[name], array)


def test_arrays_that_were_read_can_be_written_and_keep_no_other_alive(path):
    weights, state = read_checkpoint(path)
    for array in (*weights.values(), state["optimizer"]["state"][0]["exp_avg"]):
        assert array.flags.writeable
        assert array.base is None or array.base.nbytes == array.nbytes


def test_every_array_begins_where_its_type_may(path):
    for array in read_checkpoint(path)[0].values():
        assert array.flags.aligned


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write_checkpoint(tmp_path / "again", WEIGHTS, STATE)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_big_endian_array_is_written_as_what_it_says(tmp_path):
    write_checkpoint(tmp_path / "x", {"a": np.arange(3, dtype=">i4")}, {})
    np.testing.assert_array_equal(read_checkpoint(tmp_path / "x")[0]["a"], [0, 1, 2])


def test_an_array_of_objects_is_refused_by_name(tmp_path):
    with pytest.raises(TypeError, match="'a', an array of object"):
        write_checkpoint(tmp_path / "x", {"a": np.array([None])}, {})
    assert not any(tmp_path.iterdir())


def parts_of(path):
    """The name of the part that each byte belongs to."""
    content = path.read_bytes()
    parts = ["header"] * (8 + int.from_bytes(content[:8], "little"))
    tensors = load_file(path)
    header = json.loads(content[8 : len(parts)])
    for name in sorted(tensors, key=lambda name: header[name]["data_offsets"]):
        parts += [repr(name)] * tensors[name].nbytes
    assert len(parts) == len(content)
    return parts


def test_each_of_a_thousand_flipped_bits_is_found_and_named(path):
    parts = parts_of(path)
    positions = {part: [i for i, name in enumerate(parts) if name == part] for part in sorted(set(parts))}
    generator = random.Random(0)
    for part in generator.choices(list(positions), k=1000):
        position, bit = generator.choice(positions[part]), 1 << generator.randrange(8)
        flip(path, position, bit)
        with pytest.raises(CheckpointError) as caught:
            read_checkpoint(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert part in str(caught.value)
        flip(path, position, bit)
    read_checkpoint(path)


def flip(path, position, bit):
    with open(path, "r+b") as file:
        file.seek(position)
        (byte,) = file.read(1)
        file.seek(position)
        file.write(bytes([byte ^ bit]))


def test_each_truncation_and_addition_is_found(path):
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"header is damaged|the end is missing or added"):
            read_checkpoint(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointError, match=rf"expected {len(whole):,} bytes, got {len(whole) + 1:,}"):
        read_checkpoint(path)


def test_two_exchanged_arrays_are_found(path):
    content = path.read_bytes()
    one, other = WEIGHTS["0.bias"].tobytes(), WEIGHTS["0.weight"].tobytes()[:24]
    path.write_bytes(content.replace(one, b"?" * 24).replace(other, one).replace(b"?" * 24, other))
    with pytest.raises(CheckpointError, match="is damaged: its checksum differs"):
        read_checkpoint(path)


def test_the_weights_of_others_are_no_checkpoint(tmp_path):
    save_file({"a": np.ones(2)}, tmp_path / "theirs.safetensors")
    with pytest.raises(CheckpointError, match="or it is no checkpoint of minigrad"):
        read_checkpoint(tmp_path / "theirs.safetensors")


def test_a_later_format_is_refused_with_both_numbers(path, monkeypatch):
    monkeypatch.setattr("minigrad.training.checkpoint.FORMAT", 2)
    with pytest.raises(CheckpointError, match="written in format 1, and this minigrad reads 2"):
        read_checkpoint(path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch, call):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"No space left.*last\.safetensors'"):
        write_checkpoint(path, WEIGHTS, {})
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_disk_that_is_full_leaves_the_old_file(path):
    before = path.read_bytes()
    path.with_name("last.safetensors.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left.*last\.safetensors'"):
        write_checkpoint(path, WEIGHTS, {})
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_directory_that_is_gone_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone/x'"):
        write_durably(tmp_path / "gone" / "x", b"")


def test_the_file_is_synced_before_it_takes_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("sync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    write_durably(tmp_path / "x", b"content")
    assert done[:2] == ["sync", "rename"]
