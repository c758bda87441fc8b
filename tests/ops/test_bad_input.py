"""What is no array of numbers, and what no function takes: a sentence with the name of the function that was called.

Every function is called as the other tests call it, with one argument replaced.
"""

import ast
import re
import traceback
from inspect import isfunction
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from minigrad import Tensor, func, ops
from minigrad.engine.apply import operations, primitive

from ..devices.stand_in import asarray as on_device
from .numpy_calls import ARRAYS, CONSTANTS
from .samples import CASES
from .test_numpy import EXPRESSIONS

BAD = {
    "complex": lambda shape: np.full(shape, 1 + 2j),
    "object": lambda shape: np.full(shape, object(), object),
    "structured": lambda shape: np.zeros(shape, [("name", float)]),
    "text": lambda shape: np.full(shape, "a"),
    "ragged": lambda shape: [[1.0], [2.0, 3.0]],
}
BARE = re.compile(
    r"input types|a sequence|inhomogeneous|has no attribute|contain a loop|loop of ufunc|could not convert|promoted|"
    r"unsupported operand|No loop|not supported between|missing \d+ required|integer scalar|has no len|"
    r"not subscriptable"
)
"""What NumPy and Python say to themselves."""

OWN = str(Path(ops.__file__).parents[1])
PLACES = r"(vmap: )?argument '?0'?.* of loss|argument 0 of <lambda>\['w'\]|primals\[0\]|tangents|vmap: a"


def tensors(value):
    """Tensors that require gradients in the place of floating point; what holds no array as it is."""
    if isinstance(value, np.ndarray):
        return Tensor(value.copy(), requires_grad=True) if value.dtype.kind == "f" else value
    return type(value)(map(tensors, value)) if type(value) in (list, tuple) else value


def shape_of(value):
    """The shape of an array, or of the first in a list; None for what is none."""
    if isinstance(value, (np.ndarray, Tensor)):
        return value.shape
    return next(filter(None, map(shape_of, value)), None) if type(value) in (list, tuple) else None


def replaced(value, other):
    """An array replaced; of a list the first, in the first of its lists."""
    return [replaced(value[0], other), *value[1:]] if type(value) in (list, tuple) else other


def has_tensor(value):
    return isinstance(value, Tensor) or (isinstance(value, (list, tuple)) and any(map(has_tensor, value)))


def numpys():
    """The first calls of each function of NumPy: its name, the function, the arguments and keywords."""
    environment = {"np": np, **ARRAYS, **CONSTANTS}
    found = {}
    for text in EXPRESSIONS:
        tree = ast.parse(text, mode="eval").body
        tree = next((node for node in ast.walk(tree) if isinstance(node, ast.Call)), None)
        if tree is None or not ast.unparse(tree.func).startswith("np."):
            continue
        arguments = [eval(ast.unparse(part), environment) for part in tree.args]
        keywords = {part.arg: eval(ast.unparse(part.value), environment) for part in tree.keywords}
        name = ast.unparse(tree.func).removeprefix("np.")
        found.setdefault(name, []).append((eval(ast.unparse(tree.func), environment), arguments, keywords))
    return {f"{name}-{i}": (name, *call) for name, calls in found.items() for i, call in enumerate(calls[:2])}


NUMPYS = numpys()
OURS = {
    f"ops.{name}-{i}": (name, getattr(ops, name), list(args), kwargs)
    for name in CASES
    if isfunction(getattr(ops, name, None))
    for i, (args, kwargs) in enumerate(CASES[name].calls[:2])
}


def attempt(call):
    """The message of a mistake. None if there is a value, or if NumPy refused before it asked minigrad."""
    try:
        with np.errstate(all="ignore"):
            call()
    except (TypeError, ValueError, IndexError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        return str(error) if any(OWN in frame.filename for frame in frames) else None
    except RuntimeError as error:
        return None if "an array would lose them" in str(error) else str(error)
    return None


def has_name(name, message):
    return re.search(rf"\b{name.removeprefix('linalg.')}\b", message)


@pytest.mark.parametrize("case", [*NUMPYS, *OURS])
def test_what_is_no_array_of_numbers_is_refused_with_the_name_of_the_function(case):
    name, function, arguments, keywords = {**NUMPYS, **OURS}[case]
    for i, kind in product(range(len(arguments)), BAD):
        given = [tensors(each) for each in arguments]
        if (shape := shape_of(arguments[i])) is None:
            continue
        given[i] = replaced(given[i], BAD[kind](shape))
        if case in NUMPYS and not any(map(has_tensor, given)):
            continue  # NumPy's own affair
        message = attempt(lambda given=given: function(*given, **keywords))
        assert message is None or has_name(name, message), (kind, i, message)
        assert message is None or not BARE.search(message), (kind, i, message)


@pytest.mark.parametrize("case", OURS)
def test_a_keyword_that_an_operation_lacks_is_refused_with_those_that_it_has(case):
    name, function, arguments, keywords = OURS[case]
    for keyword in ("wrong", "dim"):
        with pytest.raises(TypeError, match=rf"\b{name} takes .*\b{keyword}\b"):
            function(*map(tensors, arguments), **keywords, **{keyword: 1})


def loss(x):
    return (x * x).sum()


TRANSFORMS = {
    "grad": lambda bad: func.grad(loss)(bad),
    "value_and_grad": lambda bad: func.value_and_grad(loss)(bad),
    "jacobian": lambda bad: func.jacobian(loss)(bad),
    "hessian": lambda bad: func.hessian(loss)(bad),
    "vjp": lambda bad: func.vjp(loss, bad),
    "jvp": lambda bad: func.jvp(loss, [bad], [bad]),
    "a tangent": lambda bad: func.jvp(loss, [np.ones(2)], [bad]),
    "hvp": lambda bad: func.hvp(loss, [bad], [bad]),
    "vmap": lambda bad: func.vmap(loss)(bad),
    "a nest": lambda bad: func.grad(lambda p: loss(p["w"][0]))({"w": [bad]}),
}


@pytest.mark.parametrize("kind", [*BAD, "mixed"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_transform_names_the_argument_that_holds_no_numbers(name, kind):
    bad = [[1.0], ["a"]] if kind == "mixed" else BAD[kind]((2,))
    message = attempt(lambda: TRANSFORMS[name](bad))
    assert re.match(
        r"(vmap: )?argument '?0'?.* of loss|argument 0 of <lambda>\['w'\]|primals\[0\]|tangents|vmap: a", message
    )
    assert re.search("a tensor holds numbers|a ragged nest|lacks an array", message), message


@pytest.mark.parametrize("name", func.__all__)
def test_a_keyword_that_a_transform_lacks_is_refused_with_those_that_it_has(name):
    with pytest.raises(TypeError, match=rf"^{name} takes f, .*'wrong'"):
        getattr(func, name)(loss, wrong=1)


BINARY = [np.add, np.hypot, np.matmul, np.where, np.dot, np.append, np.kron, np.concatenate, np.fmax, np.vecdot]


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_arrays_of_two_makes_are_refused_with_both_places(function):
    x, y = Tensor(np.ones(3), requires_grad=True), on_device(np.ones(3))
    given = {np.where: (np.ones(3, bool), x, y), np.concatenate: ([x, y],)}.get(function, (x, y))
    with pytest.raises(TypeError, match=rf"\b{function.__name__}\b.*they lie on different devices, cpu and .*; move"):
        function(*given)


NO_ARRAYS = {
    "softmax of x None": lambda: ops.softmax(None),
    "silu of x 0.5": lambda: ops.silu(0.5),
    "sigmoid of x [1.0, 2.0]": lambda: ops.sigmoid([1.0, 2.0]),
    "conv1d": lambda: ops.conv1d(3, np.ones((1, 1, 2))),
    "layer_norm": lambda: ops.layer_norm([1.0, 2.0], 2),
    "cross_entropy of x float32 (2, 2)": lambda: ops.cross_entropy(Tensor(np.ones((2, 2), np.float32)), [0, 1]),
}


@pytest.mark.parametrize("start", NO_ARRAYS)
def test_another_object_in_the_place_of_an_array_is_named(start):
    with pytest.raises(TypeError, match=rf"^{re.escape(start)}: expected an array or a tensor, got .*np\.asarray"):
        NO_ARRAYS[start]()


@pytest.mark.parametrize("stranger", [None, object()], ids=["None", "object"])
def test_an_object_in_the_place_of_an_array_is_named_by_every_ufunc(stranger):
    ufuncs = {name for name, operation in operations.items() if isinstance(operation.forward, np.ufunc)} & {*vars(ops)}
    takes_objects = {"equal", "not_equal", "logical_and", "logical_or", "logical_not"}
    assert len(ufuncs - takes_objects) > 30
    for function in (getattr(ops, name) for name in sorted(ufuncs - takes_objects - {"matmul"})):
        for first in (np.float32([0.5, 0.25]), Tensor([0.5, 0.25])):
            arguments = [first, stranger] if len(function.primitive.parameters) == 2 else [stranger]
            with pytest.raises(
                TypeError, match=r"expected an array or a tensor, got|a tensor holds numbers, got"
            ) as told:
                function(*arguments)
            assert has_name(function.__name__, str(told.value))


@pytest.mark.parametrize("function", [ops.leaky_relu, ops.elu], ids=lambda f: f.__name__)
def test_a_number_that_is_missing_is_not_taken_for_an_array(function):
    with pytest.raises(TypeError, match=rf"^{function.__name__} of x float32 \(2,\): .*NoneType"):
        function(Tensor([0.5, -0.25]), None)


def test_a_fault_of_an_operation_of_ones_own_stays_what_it_is():
    fault = primitive("faulty", lambda x: x.nonsense, lambda g: g)
    with pytest.raises(AttributeError, match="object has no attribute 'nonsense'"):
        fault(Tensor([1.0, 2.0]))
    del operations["faulty"]


LISTS = {
    "np.array": np.array,
    "Tensor": Tensor,
    "np.mean": lambda x: np.mean(x, axis=0),
    "np.exp": np.exp,
    "np.linalg.norm": lambda x: np.linalg.norm(x, axis=0),
    "np.cumsum": np.cumsum,
    "ops.mean": lambda x: ops.mean(x, axis=0),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_constants_is_an_array_and_one_of_tracked_tensors_names_np_stack(name):
    parts = [np.arange(3.0, dtype=np.float32), np.full(3, 0.5, np.float32)]
    found = LISTS[name]([Tensor(part) for part in parts])
    np.testing.assert_allclose(np.asarray(found), np.asarray(LISTS[name](np.stack(parts))), rtol=1e-6)
    for given in ([Tensor(part, requires_grad=True) for part in parts], [Tensor(parts[0], True), Tensor(parts[1])]):
        with pytest.raises(RuntimeError, match=r"would lose them without a word; .*np\.stack joins a list of tensors"):
            LISTS[name](given)
