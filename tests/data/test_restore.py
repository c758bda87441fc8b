"""What a dataset learned is enough to prepare inputs and name answers, for every dataset, without its files."""

import json

import numpy as np
import pytest

from minigrad.config.signature import signature_of
from minigrad.data import (
    XOR,
    Addition,
    Arrays,
    ByteText,
    CharText,
    Circles,
    DataError,
    Dataset,
    Digits,
    Examples,
    Moons,
    Reverse,
    Spirals,
    Table,
    TextTable,
    Tokens,
    Weather,
    Windows,
)
from minigrad.engine import random
from minigrad.runs.state import flatten, restore

ROWS = "\n".join(["a,b,y,t", *(f"{i % 7}.5,{'uv'[i % 2]},{['no', 'yes'][i % 2]},w{i % 3} x" for i in range(60))])
MAKE = {
    "Arrays": lambda folder: Arrays(np.zeros((40, 3), np.float32), np.array(["p", "q"] * 20)),
    "ByteText": lambda folder: ByteText(str(folder / "prose.txt"), 8),
    "CharText": lambda folder: CharText(str(folder / "prose.txt"), 8),
    "Table": lambda folder: Table(str(folder / "rows.csv"), "y", ignore=("t",)),
    "amounts": lambda folder: Table(str(folder / "rows.csv"), "a", ignore=("t",), targets="scaled"),
    "TextTable": lambda folder: TextTable(str(folder / "rows.csv"), "t", "y"),
    "Tokens": lambda folder: Tokens(str(folder / "tokens.bin"), 9, 8),
    "Windows": lambda folder: Windows(np.arange(90.0) % 11, length=5, horizon=2),
    **{cls.__name__: lambda folder, cls=cls: cls() for cls in (XOR, Circles, Digits, Moons, Spirals, Weather)},
    **{cls.__name__: lambda folder, cls=cls: cls(n_samples=90) for cls in (Addition, Reverse)},
}
FACTS = ("input_shape", "num_features", "image_shape", "feature_names", "class_names", "target_names", "num_classes")


def told(data, name):
    try:
        return getattr(data, name)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("name", MAKE)
def test_a_restored_dataset_says_and_prepares_the_same_and_opens_nothing(name, tmp_path):
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "prose.txt").write_text("the quick brown fox " * 30)
    (np.arange(900) % 9).astype("<u2").tofile(tmp_path / "tokens.bin")
    with random.at(seed=0):
        data = MAKE[name](tmp_path)
    state = json.loads(json.dumps(flatten({"state": data.state_dict(), "sizes": data.sizes()}, "", {})))
    for file in tmp_path.iterdir():
        file.unlink()
    kept = restore(state, {})
    again = type(data).restore(kept["state"], kept["sizes"])
    generated = type(data) in (Addition, Reverse)  # whose number of tokens is no fact of the state
    for fact in FACTS:
        if not (generated and fact == "num_classes"):
            assert told(again, fact) == told(data, fact), fact
    if not isinstance(data, Table | TextTable | Windows):
        raw = np.array(data.train.inputs[:2])
        np.testing.assert_array_equal(again.prepare(raw), data.prepare(raw))
    assert again.sizes() == data.sizes()
    with pytest.raises(AttributeError, match=f"this {type(data).__name__} was restored without its examples"):
        again.train  # noqa: B018


class Own(Dataset):
    opened = 0

    def __init__(self, shift: float = 1.0) -> None:
        Own.opened += 1
        self.shift = shift
        self.train = self.val = self.test = Examples(np.ones((4, 2)), np.ones((4, 1)))

    def prepare(self, raw):
        return super().prepare(raw) + self.shift


def test_what_a_state_lacks_is_taken_from_the_data_which_is_opened_once():
    sizes = Own().sizes()
    Own.opened = 0
    data = Own.restore({}, sizes, examples=Own)
    assert (data.num_features, Own.opened) == (2, 0)
    np.testing.assert_array_equal(data.prepare(np.zeros((1, 2))), np.ones((1, 2)))
    assert len(data.train) == len(data.val) == 4
    assert Own.opened == 1
    with pytest.raises(AttributeError, match="'Own' has no attribute 'shfit'"):
        data.shfit  # noqa: B018


def test_a_dataset_with_its_examples_has_no_attributes_but_its_own():
    with pytest.raises(AttributeError, match="'Own' has no attribute 'shfit'"):
        Own().shfit  # noqa: B018
    assert not hasattr(Own(), "vocab_size")
    assert signature_of(Own).parameters.keys() == {"shift"}
