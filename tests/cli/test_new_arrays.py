"""Configs for arrays of your own: `minigrad new NAME --data FILE.npz`."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from minigrad.cli import main

from .new_data import FEW, new, refused

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.mark.parametrize(
    ("arrays", "words", "options"),
    [
        (("inputs", "targets"), (), {}),
        (("X", "y"), (), {"train": ["X", "y"]}),
        (("a", "b"), (), {"train": ["a", "b"]}),
        (("features", "price"), ("--target", "price"), {"train": ["features", "price"]}),
    ],
)
def test_arrays_are_told_apart_by_their_names_and_axes(arrays, words, options, rng, capsys):
    np.savez("a.npz", **dict(zip(arrays, (rng.normal(size=(60, 3)), np.arange(60) % 2), strict=True)))
    data, _ = new(capsys, "a.npz", *words)
    assert data["Arrays"] == {"path": "../a.npz", **options}


@pytest.mark.parametrize("words", [(), ("--target", "y_train")])
def test_arrays_with_parts_by_name_keep_these_parts(words, rng, capsys):
    parts = {f"x_{part}": rng.normal(size=(n, 3)) for part, n in (("train", 40), ("test", 20))}
    np.savez("a.npz", **parts, y_train=rng.normal(size=40), y_test=rng.normal(size=20))
    data, _ = new(capsys, "a.npz", *words)
    assert data["Arrays"] == {"path": "../a.npz", "train": ["x_train", "y_train"], "test": ["x_test", "y_test"]}


def test_arrays_that_may_be_either_are_left_to_their_owner(capsys):
    np.savez("a.npz", a=np.ones((5, 2)), b=np.ones((5, 2)), c=np.ones(5))
    assert "which array holds the inputs, and which the targets? There are a (5, 2), b (5, 2), c (5,)" in refused(
        capsys, "a.npz"
    )
    np.save("b.npy", np.ones((50, 4)))
    assert "one array of shape (50, 4), which may be inputs or a series" in refused(capsys, "b.npy")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.ones(60), "y": np.ones(60)}, "inputs (N, ...) and a target for each, found x (60,) and y (60,)"),
        ({"x": np.ones((60, 2)), "y": np.float32(1)}, "found x (60, 2) and y (): x.reshape(-1, 1) makes numbers"),
        ({"a": np.ones((60, 2)), "n": np.int64(1)}, "which the targets? There are a (60, 2), n ()"),
        ({}, "There are none: call them `inputs` and `targets`"),
        ({"x": np.ones((60, 2)), "y": np.array([{}] * 60)}, "array 'y': damaged, or holds something else than numbers: "
         "it holds Python objects, which can run code and are not read: save"),
    ],
    ids=["of one axis", "a single target", "a single number", "none", "objects"],
)  # fmt: skip
def test_arrays_of_another_shape_or_kind_are_refused_in_a_sentence(arrays, said, capsys):
    np.savez("a.npz", **arrays)
    assert said in refused(capsys, "a.npz")
    if "n" in arrays:
        assert said in refused(capsys, "a.npz", "--target", "n")


@pytest.mark.parametrize(("rows", "size"), [(4, 2), (20, 12), (45, 13), (100, 15), (300, 16), (10_000, 256)])
def test_batch_norm_gets_batches_that_are_large_enough_and_use_nearly_all_examples(rows, size, rng, capsys):
    np.savez("a.npz", inputs=rng.normal(size=(rows, 3)), targets=rng.normal(size=rows))
    assert main(["new", "mine", "--data", "a.npz"]) == 0
    config = yaml.safe_load(Path("mine/mine.yaml").read_text(encoding="utf-8"))
    examples = rows * 3 // 5
    assert config["loader"] == {"batch_size": size, "drop_last": True}
    assert size >= min(12, examples)
    assert examples % size <= examples / 10
    assert config["trainer"]["max_epochs"] * (examples // size) >= 300
    layers = config["model"]["Sequential"]
    assert layers[0] == {"BatchNorm1d": {"num_features": "${data.num_features}", "momentum": None}}
    if rows < 500:
        assert main(["train", "mine/mine.yaml", *FEW]) == 0


def test_examples_too_few_for_batch_norm_are_refused(rng, capsys):
    np.savez("a.npz", inputs=rng.normal(size=(3, 2)), targets=rng.normal(size=3))
    assert "a.npz: 3 examples are too few: validation and test get a fifth of them each" in refused(capsys, "a.npz")


@pytest.mark.parametrize("typed", [".", "..", "x/.."])
def test_a_folder_is_called_what_the_user_calls_it(typed, rng, capsys, monkeypatch):
    Path("x").mkdir()
    np.save("inputs.npy", rng.normal(size=(60, 3)).astype(np.float32))
    np.save("targets.npy", 1 + np.arange(60) % 2)
    monkeypatch.chdir("x" if typed == ".." else ".")
    assert main(["new", "mine", "--data", typed]) == 0
    said = capsys.readouterr().err
    assert f"warning: {typed}: array 'targets' has no class 0" in said
    assert "mine" not in said
    assert main(["train", "mine/mine.yaml", *FEW]) == 0
    np.save("../inputs.npy" if typed == ".." else "inputs.npy", np.full((60, 3), np.nan))
    monkeypatch.chdir("mine")
    outside = str(Path("..", typed))
    assert main(["new", "again", "--data", outside]) == 2
    said = capsys.readouterr().err
    assert f"{outside}: array 'inputs' holds nan" in said
    assert "again" not in said
