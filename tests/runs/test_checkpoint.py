"""Files that are whole or absent, in which nothing can change unnoticed."""

import json
import math
import os
import random
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from minigrad.runs.checkpoint import HEAD, CheckpointError, is_checkpoint, read_checkpoint, write_checkpoint

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


def test_a_checkpoint_is_known_by_its_beginning_and_other_weights_are_none(path, tmp_path):
    save_file({"weight": np.zeros(3)}, tmp_path / "others.safetensors")
    assert is_checkpoint(path) is True
    assert is_checkpoint(tmp_path / "others.safetensors") is False


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such devices")
def test_a_device_is_refused_before_it_is_read():
    with pytest.raises(OSError, match="expected a file, found a device"):
        read_checkpoint(Path(os.devnull))


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


def forged(path, old, new):
    """Writes a checkpoint with another header of the same length, whose checksum is right."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    assert content[:end].count(old) == 1
    assert len(old) == len(new)
    header = content[:end].replace(old, new)
    at = 8 + len(HEAD)
    digits = b"%08x" % crc32(header[at + 8 :], crc32(header[:at]))
    path.write_bytes(header[:at] + digits + header[at + 8 :] + content[end:])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"0.bias":{"dtype":"F64"', b'"0.bias":{"dtype":"F65"', "the array '0.bias' has the type 'F65'; supported:"),
        (b'"0.bias":{"dtype":"F64"', b'"0.bias":{"dtipe":"F64"', "expected dtype, shape and data_offsets of the array"),
    ],
)
def test_a_forged_header_is_refused_with_the_file_and_the_fault(path, old, new, said):
    forged(path, old, new)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def meaning(state):
    return json.dumps({"format": 3, "crc32": {}, "state": state})


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("{", "JSONDecodeError("),
        ("[]", "TypeError("),
        ('{"farmat": 3}', "KeyError('format')"),
        ("[" * 100_000, "RecursionError("),
        (meaning({"$scalar": ["int8", math.inf]}), "OverflowError("),
        (meaning({"$scalar": ["no dtype", 1]}), "TypeError("),
        (meaning({"$dict": [[1]]}), "ValueError("),
        (meaning({"$tensor": "gone"}), "KeyError('gone')"),
    ],
)
def test_a_header_that_is_whole_and_means_nothing_is_refused_with_the_file(path, said, fault):
    start = HEAD.encode()
    rest = b'","minigrad":' + json.dumps(said).encode() + b"}}"
    length = (len(start) + 8 + len(rest)).to_bytes(8, "little")
    path.write_bytes(length + start + b"%08x" % crc32(rest, crc32(length + start)) + rest)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: its header was not written by minigrad: {fault}")


def test_the_weights_of_others_are_no_checkpoint(tmp_path):
    save_file({"a": np.ones(2)}, tmp_path / "theirs.safetensors")
    with pytest.raises(CheckpointError, match="or it is not a minigrad checkpoint"):
        read_checkpoint(tmp_path / "theirs.safetensors")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (4, "written by a newer minigrad, in format 4; minigrad .* reads 1 to 3"),
        (0, "expected a format from 1 to 3, found 0"),
        ("3", 'expected a format from 1 to 3, found "3"'),
    ],
)
def test_another_format_is_refused_with_both_numbers(path, monkeypatch, number, message):
    with monkeypatch.context() as patched:
        patched.setattr("minigrad.runs.checkpoint.FORMAT", number)
        write_checkpoint(path, WEIGHTS, STATE)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(path)


def test_format_1_is_read(path, monkeypatch):
    monkeypatch.setattr("minigrad.runs.checkpoint.FORMAT", 1)
    write_checkpoint(path, WEIGHTS, STATE)
    weights, state = read_checkpoint(path)
    assert (weights.keys(), state["step"]) == (WEIGHTS.keys(), STATE["step"])


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
