import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad.training.checkpoint import write_checkpoint, write_durably


def test_others_read_the_weights_under_their_own_keys(tmp_path):
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    weights = {"0.weight": matrix, "0.bias": np.float64([1, 2]), "scale": np.array(3.0)}
    write_checkpoint(tmp_path / "x.safetensors", weights, {})
    read = load_file(tmp_path / "x.safetensors")
    assert read.keys() == weights.keys()
    for name, array in weights.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_arrays_within_the_state_become_tensors_named_by_their_path(tmp_path):
    moment = np.arange(3.0)
    state = {"step": 7, "optimizer": {"state": [{"moment": moment}]}}
    write_checkpoint(tmp_path / "x.safetensors", {"w": np.ones(3)}, state)
    np.testing.assert_array_equal(load_file(tmp_path / "x.safetensors")["optimizer/state/0/moment"], moment)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("x", "y"):
        write_checkpoint(tmp_path / name, {"a": np.arange(5.0), "b": np.ones(2)}, {"step": 1, "seed": 2})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_durably(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*run\.json"):
        write_durably(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.json"]
    assert path.read_bytes() == b"old"


def test_the_file_is_synced_before_it_takes_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("sync"), fsync(descriptor)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("rename"), replace(a, b)))
    write_durably(tmp_path / "x", b"content")
    assert done[:2] == ["sync", "rename"]
