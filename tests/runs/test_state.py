import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.runs.state import check_like, flatten, restore, saved_attributes

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
SCALARS = st.sampled_from([np.float32(0.1), np.float64(0.1), np.int64(-3), np.uint8(7), np.bool_(True)])
KEYS = st.text() | st.integers() | st.just("$tensor")
STATES = st.recursive(
    PLAIN | SCALARS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


def returned(state):
    tensors = {}
    text = json.dumps(flatten(state, "", tensors))
    back = restore(json.loads(text), tensors)
    assert not tensors
    return back


def types(value):
    if isinstance(value, dict):
        return {key: types(item) for key, item in value.items()}
    return [types(item) for item in value] if isinstance(value, (list, tuple)) else type(value)


@given(STATES)
def test_a_state_comes_back_as_it_was_to_the_types(state):
    assert returned(state) == state
    assert types(returned(state)) == types(state)


def test_names_with_values_are_written_as_others_would_write_them():
    assert flatten({"step": 7, "rates": [0.5]}, "", {}) == {"step": 7, "rates": [0.5]}
    assert flatten({"$tensor": 1}, "", {}) == {"$dict": [["$tensor", 1]]}


@pytest.mark.parametrize(
    ("found", "known", "message"),
    [
        ({"a": [1, "x"]}, {"a": [1, 2.5]}, "'a/1' must be a number, found a text"),
        ({"a": (1, {"b": []})}, {"a": (0, {"b": {}})}, "'a/1/b' must be names with values, found a list"),
        ([True], [1], "'0' must be a number, found true or false"),
        ([1], [False], "'0' must be true or false, found a number"),
        ([np.float32(1)], [np.bool_(True)], "'0' must be true or false, found a number"),
        ({"a": 1}, {"a": np.zeros(2)}, "'a' must be an array, found a number"),
        ({"a": None}, {"a": (1,)}, "'a' must be a tuple, found NoneType"),
        ("a", [], "'' must be a list, found a text"),
    ],
)
def test_a_state_of_other_types_is_refused_with_the_path_of_the_first(found, known, message):
    with pytest.raises(TypeError) as caught:
        check_like(found, known)
    assert str(caught.value) == message


def test_of_what_is_not_known_yet_nothing_is_expected():
    known = {"best": None, "steps": [], "lr": 0.1, "gone": 1}
    check_like({"best": np.zeros(2), "steps": [1, "x"], "lr": np.float32(0.2), "more": object()}, known)


def test_numbers_that_are_not_finite_come_back_too():
    back = returned({"best": float("nan"), "worst": -float("inf"), "scalar": np.float32("nan")})
    assert np.isnan(back["best"])
    assert back["worst"] == -float("inf")
    assert np.isnan(back["scalar"])


def test_arrays_become_tensors_that_are_named_by_their_paths():
    moment = np.arange(3.0)
    tensors = {}
    state = flatten({"optimizer": {"state": {0: {"exp_avg": moment}}}, "list": [1, moment]}, "", tensors)
    assert tensors.keys() == {"optimizer/state/0/exp_avg", "list/1"}
    assert restore(state, tensors)["optimizer"]["state"][0]["exp_avg"] is moment


@pytest.mark.parametrize("value", [{1, 2}, object(), lambda: 0, b"bytes", 1j])
def test_what_no_checkpoint_can_hold_is_refused_with_its_path_and_the_remedy(value):
    with pytest.raises(TypeError, match=r"'callbacks/0/seen', a \w+: keep numbers, texts, arrays"):
        flatten({"callbacks": [{"seen": value}]}, "", {})


def test_an_array_whose_path_is_taken_is_refused():
    with pytest.raises(ValueError, match="two arrays are named 'a/b'"):
        flatten({"a": {"b": np.ones(1)}}, "", {"a/b": np.ones(1)})


def test_what_a_config_gives_is_not_kept():
    class Counter:
        def __init__(self, every: int) -> None:
            self.every = every
            self.count = 3

    assert saved_attributes(Counter(2)) == {"count": 3}
