"""Arguments that a class does not have: PyTorch's, misspelt ones and too many are one sentence each."""

import copy
import inspect
import re

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.constructors import PYTORCH

torch = pytest.importorskip("torch")

RENAMED = {"MultiHeadAttention": "MultiheadAttention"}
THEIRS = {nn: [torch.nn], optim: [torch.optim, torch.optim.lr_scheduler]}
OF_THEIR_BASE = dict.fromkeys(("RNN", "LSTM", "GRU"), torch.nn.modules.rnn.RNNBase)
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def classes():
    """Our classes that PyTorch has too, with its own."""
    for package, places in THEIRS.items():
        for name, ours in vars(package).items():
            found = [getattr(place, RENAMED.get(name, name), None) for place in places]
            theirs = next((each for each in found if isinstance(each, type)), None)
            if isinstance(ours, type) and theirs is not None and theirs is not torch.nn.Parameter:
                yield ours, OF_THEIR_BASE.get(name, theirs)


LACKING = [
    (ours, name)
    for ours, theirs in classes()
    for name, parameter in inspect.signature(theirs).parameters.items()
    if parameter.kind not in VARIADIC and name not in inspect.signature(ours).parameters and name != "mode"
]


def test_there_are_arguments_that_we_leave_out():
    assert {name for _, name in LACKING} >= {
        "device",
        "foreach",
        "size_average",
        "padding_mode",
        "max_norm",
        "proj_size",
    }


@pytest.mark.parametrize(("ours", "name"), LACKING, ids=lambda each: getattr(each, "__name__", each))
def test_an_argument_of_pytorchs_is_refused_by_name_with_a_remedy(ours, name):
    with pytest.raises(
        TypeError, match=f"^{ours.__name__} has no argument '{name}'; it is PyTorch's: .{{10}}"
    ) as error:
        ours(**{name: True})
    assert "\n" not in str(error.value)


def test_no_remedy_is_for_an_argument_that_all_classes_have():
    owners = {key.rpartition(".")[::2] for key in PYTORCH}
    for owner, name in owners:
        assert not owner or name not in inspect.signature(getattr(nn, owner)).parameters
    left_out = {name for _, name in LACKING} | {"verbose"}  # of older versions
    assert {name for _, name in owners} <= left_out


@pytest.mark.parametrize(
    ("cls", "args", "options", "sentence"),
    [
        (
            nn.Linear,
            (3, 4),
            {"biass": True},
            "Linear has no argument 'biass'; did you mean 'bias'? it takes in_features",
        ),
        (optim.Adam, ([],), {"learning_rate": 1}, "Adam has no argument 'learning_rate'; did you mean 'lr'?"),
        (optim.StepLR, (None, 1), {"gama": 1}, "StepLR has no argument 'gama'; did you mean 'gamma'?"),
        (nn.MSELoss, (), {"xyz": 1}, "MSELoss has no argument 'xyz'; it takes reduction"),
        (nn.ReLU, (), {"slope": 1}, "ReLU has no argument 'slope'; it takes none"),
        (nn.ReLU, (True,), {}, "ReLU takes no positional arguments, got 1"),
        (nn.Linear, (3, 4, True, 1), {}, "Linear takes at most 3 positional arguments, got 4; it takes in_features"),
        (
            nn.Linear,
            (3, 4),
            {"xyz": 1, "device": 2},
            "Linear has no argument 'xyz'; it takes in_features, out_features",
        ),
    ],
)
def test_another_argument_is_refused_with_the_nearest_name_or_all(cls, args, options, sentence):
    with pytest.raises(TypeError, match="^" + re.escape(sentence)):
        cls(*args, **options)


class Own(nn.Module):
    def __init__(self, width: int, **rest):
        self.layer = nn.Linear(width, rest.get("height", 2))


def test_a_class_of_ones_own_takes_what_its_constructor_takes():
    assert Own(3, height=4).layer.out_features == 4
    assert list(inspect.signature(Own).parameters) == ["width", "rest"]
    with pytest.raises(TypeError, match="Own takes at most 1 positional argument, got 2"):
        Own(3, 4)


def test_a_layer_can_be_copied_and_its_object_called():
    layer = nn.Linear(3, 2)
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(copy.deepcopy(layer)(x).data, layer(x).data)
    assert list(inspect.signature(layer).parameters) == ["args", "kwargs"]
