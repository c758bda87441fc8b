"""Errors for unknown attributes: the nearest name, or PyTorch's counterpart."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def _each(names: str, remedy: str) -> dict[str, str]:
    return {name: f"use {remedy.replace('NAME', name)}" for name in names.split()}


PYTORCH: dict[str, str] = {
    **_each("tensor as_tensor from_numpy FloatTensor LongTensor", "minigrad.Tensor(values)"),
    **_each(
        "zeros ones full eye arange linspace empty zeros_like ones_like full_like", "minigrad.Tensor(np.NAME(...))"
    ),
    **_each("rand", "minigrad.Tensor(np.random.default_rng().random(shape))"),
    **_each("randn", "minigrad.Tensor(np.random.default_rng().standard_normal(shape))"),
    **_each("randint", "np.random.default_rng().integers(low, high, shape)"),
    **_each("randperm", "np.random.default_rng().permutation(n)"),
    **_each("manual_seed", "minigrad.seed(number)"),
    **_each("inference_mode set_grad_enabled", "minigrad.no_grad()"),
    **_each("autograd", "minigrad.grad"),
    **_each("functional", "minigrad.ops, whose functions have the names of torch.nn.functional"),
    **_each("MultiheadAttention", "nn.MultiHeadAttention"),
    **_each("utils clip_grad_norm_", "minigrad.optim.clip_grad_norm_ for the norm of gradients"),
    **_each("float32 float64 int32 int64", "np.NAME"),
    **_each("long", "x.astype(np.int64)"),
    **_each("half", "x.astype(np.float16)"),
    **_each("float", "x.astype(np.float32)"),
    **_each("double", "x.astype(np.float64)"),
    **_each("save", "minigrad.formats.safetensors.write(file, state, {})"),
    **_each("view", "x.reshape(shape)"),
    **_each("permute", "x.transpose(axes)"),
    **_each("t adjoint", "x.T"),
    **_each("clone", "x.copy()"),
    **_each("numel", "x.size"),
    **_each("unsqueeze", "minigrad.ops.expand_dims(x, axis)"),
    **_each("cat concat", "minigrad.ops.concatenate(tensors, axis)"),
    **_each("chunk", "minigrad.ops.split(x, parts, axis)"),
    **_each("expand expand_as", "minigrad.ops.broadcast_to(x, shape)"),
    **_each("clamp", "x.clip(low, high)"),
    **_each("gather", "minigrad.ops.take_along_axis(x, indices, axis)"),
    **_each("index_select", "x.take(indices, axis)"),
    **_each("masked_fill", "minigrad.ops.where(mask, value, x)"),
    **_each("mm bmm mv", "minigrad.ops.matmul(x, y), or x @ y"),
    **_each("mul", "minigrad.ops.multiply(x, y), or x * y"),
    **_each("div true_divide", "minigrad.ops.divide(x, y), or x / y"),
    **_each("sub", "minigrad.ops.subtract(x, y), or x - y"),
    **_each("pow", "minigrad.ops.power(x, y), or x ** y"),
    **_each("neg", "minigrad.ops.negative(x), or -x"),
    **_each("eq", "minigrad.ops.equal(x, y), or x == y"),
    **_each("asin", "minigrad.ops.arcsin(x)"),
    **_each("acos", "minigrad.ops.arccos(x)"),
    **_each("atan", "minigrad.ops.arctan(x)"),
    **_each("atan2", "minigrad.ops.arctan2(y, x)"),
    **_each("cuda cpu", "x.to('NAME')"),
    **_each("device is_cuda", "x.device, and x.to('cuda')"),
    **_each("bool", "x.astype(bool)"),
    **_each("int", "x.astype(np.int32)"),
    **_each("type type_as", "x.astype(dtype)"),
    **_each("is_floating_point", "x.dtype.kind == 'f'"),
    **_each("dim", "x.ndim"),
    **_each("nelement", "x.size"),
    **_each("unbind", "list(x), or list(np.moveaxis(x, axis, 0))"),
    **_each("requires_grad_", "x.requires_grad = True"),
    **_each("retain_grad register_hook", "minigrad.grad(loss, x) for the gradient of what was computed"),
    **_each("new_zeros new_ones new_empty", "minigrad.Tensor(np.zeros(shape, x.dtype)), or the like"),
    **_each("new_tensor", "minigrad.Tensor(values, dtype=x.dtype)"),
    **_each("contiguous", "x itself: operations take any layout"),
    **_each("detach_", "x = x.detach()"),
    **_each("zero_ fill_ copy_", "x[...] = values, under no_grad() for a parameter"),
    **_each("add_ sub_ mul_ div_", "x += y and the like, under no_grad() for a parameter"),
    **_each("lt le gt ge ne", "the operator, as in x < y"),
    **_each("swapdims", "x.swapaxes(i, j)"),
}
"""Our names of functions and methods that PyTorch names differently."""


_RENAMED = {"axis": "dim", "axes": "dims", "keepdims": "keepdim", "ddof=0": "unbiased=False"}
"""PyTorch's names of our functions' parameters."""

_MEANT = {"repeat": "np.tile(x, reps)", "transpose": "x.swapaxes(i, j)", "flatten": "x.reshape(shape)"}
"""What to write for functions that do something else in PyTorch."""


def explained(name: str, parameters: Collection[str]) -> str:
    """Return the `__qualname__` of a function that names its parameters.

    Python's errors for wrong arguments begin with it.
    """
    renamed = [f"{theirs} is {ours}" for ours, theirs in _RENAMED.items() if ours.partition("=")[0] in parameters]
    renamed += [f"{name} is {_MEANT[name]}"] if name in _MEANT else []
    hints = [f"PyTorch's {', '.join(renamed)}"] if renamed else []
    return "; ".join([f"{name} takes {', '.join(parameters)}", *hints, name])


def missing(
    owner: str,
    name: str,
    known: Iterable[str],
    elsewhere: Mapping[str, str] = PYTORCH,
    functions: Collection[str] = (),
) -> AttributeError:
    """Return the error for an attribute that does not exist.

    Args:
        owner: the object that lacks the attribute, as the error names it.
        name: the attribute.
        known: the attributes that exist, of which the error suggests the most similar.
        elsewhere: remedies for names that exist in other libraries.
        functions: the names that `minigrad.ops` has but the owner lacks.
    """
    message = f"{owner} has no attribute {name!r}"
    if name.startswith("_"):  # a probe for a protocol; the message is not displayed
        return AttributeError(message)
    from difflib import get_close_matches  # imported only for the error message

    near = get_close_matches(name, [each for each in known if each[0] != "_"], n=1)
    if remedy := elsewhere.get(name):
        return AttributeError(f"{message}; {remedy}")
    if name in functions:
        return AttributeError(f"{message}; use minigrad.ops.{name}")
    return AttributeError(f"{message}; did you mean {near[0]!r}?" if near else message)
