import numpy as np
import pytest

from minigrad import Tensor, check_gradients, grad, ops

SQUARE = np.random.default_rng(0).standard_normal((2, 3, 3))
SYMMETRIC = SQUARE + SQUARE.mT
POSITIVE = SQUARE @ SQUARE.mT + np.eye(3)
TALL = np.random.default_rng(1).standard_normal((2, 4, 3))
WIDE = TALL.mT.copy()
VECTOR = np.array([1.0, -2.0, 0.5])
SINGULAR = np.array([[1.0, 2.0, 0.0], [4.0, 5.0, 0.0], [7.0, 8.0, 0.0]])


def reduced_svd(x):
    return ops.svd(x, full_matrices=False)


def of_symmetric(f):
    """f reads one triangle; as a function of a whole matrix it is compared on the symmetric part."""
    return lambda x: f((x + x.mT) * 0.5)


CASES = {
    "inv": (ops.inv, [SQUARE]),
    "det": (ops.det, [SQUARE]),
    "slogdet": (lambda x: ops.slogdet(x).logabsdet, [SQUARE]),
    "cholesky": (of_symmetric(ops.cholesky), [POSITIVE]),
    "eigh": (of_symmetric(ops.eigh), [SYMMETRIC]),
    "svd of square": (ops.svd, [SQUARE]),
    "svd of tall": (reduced_svd, [TALL]),
    "svd of wide": (reduced_svd, [WIDE]),
    "singular values": (lambda x: ops.svd(x, compute_uv=False), [TALL]),
    "qr of square": (ops.qr, [SQUARE]),
    "qr of tall": (ops.qr, [TALL]),
    "qr of wide": (ops.qr, [WIDE]),
    "complete qr of wide": (lambda x: ops.qr(x, mode="complete"), [WIDE]),
    "r": (lambda x: ops.qr(x, mode="r"), [WIDE]),
    "solve matrices": (ops.solve, [SQUARE, TALL.mT]),
    "solve a vector": (ops.solve, [SQUARE, VECTOR]),
    "solve one system for a stack": (ops.solve, [SQUARE[0], TALL.mT]),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_both_orders_are_those_of_finite_differences(name):
    f, inputs = CASES[name]
    check_gradients(f, *inputs)


NUMPY = {
    "inv": (np.linalg.inv, {}, SQUARE),
    "det": (np.linalg.det, {}, SQUARE),
    "slogdet": (np.linalg.slogdet, {}, SQUARE),
    "cholesky": (np.linalg.cholesky, {}, POSITIVE),
    "eigh": (np.linalg.eigh, {}, SYMMETRIC),
    "svd": (np.linalg.svd, {}, SQUARE),
    "reduced svd": (np.linalg.svd, {"full_matrices": False}, WIDE),
    "singular values": (np.linalg.svd, {"compute_uv": False}, TALL),
    "qr": (np.linalg.qr, {}, TALL),
    "qr of wide": (np.linalg.qr, {}, WIDE),
    "complete qr": (np.linalg.qr, {"mode": "complete"}, SQUARE),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NUMPY)
def test_numpys_function_of_a_tensor_gives_its_values_its_dtype_and_its_names(name, dtype):
    f, options, x = NUMPY[name]
    x = x.astype(dtype)
    expected, found = f(x, **options), f(Tensor(x, requires_grad=True), **options)
    if isinstance(expected, tuple):
        assert found._fields == expected._fields
    else:
        expected, found = [expected], [found]
    for a, b in zip(expected, found, strict=True):
        assert isinstance(b, Tensor)
        assert b.dtype == dtype
        np.testing.assert_allclose(b.data, a, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


def test_arrays_give_arrays():
    w, v = ops.eigh(SYMMETRIC)
    assert type(w) is np.ndarray
    assert v.flags.writeable


def test_the_decomposition_is_computed_once_for_all_results_and_their_gradients(monkeypatch):
    calls = []
    monkeypatch.setattr(np.linalg, "eigh", lambda x, f=np.linalg.eigh: calls.append(1) or f(x))
    x = Tensor(SYMMETRIC, requires_grad=True)
    w, v = ops.eigh(x)
    (first,) = grad((w.sum() + (v * v * v).sum()), x, create_graph=True)
    grad((first * first).sum(), x)
    assert len(calls) == 1


def test_the_gradient_of_a_symmetric_matrix_is_symmetric():
    for f, x in ((ops.cholesky, POSITIVE), (ops.eigh, SYMMETRIC)):
        t = Tensor(x, requires_grad=True)
        results = f(t)
        for result in results if isinstance(results, tuple) else [results]:
            (g,) = grad(result, t, np.random.default_rng(2).standard_normal(result.shape))
            np.testing.assert_allclose(g.data, g.data.mT, atol=1e-12)


def test_a_singular_matrix_has_its_cofactors_for_the_gradient_of_its_determinant():
    x = Tensor(SINGULAR, requires_grad=True)
    ops.det(x).backward()
    cofactors = np.zeros((3, 3))
    cofactors[:, 2] = [4 * 8 - 5 * 7, 2 * 7 - 1 * 8, 1 * 5 - 2 * 4]
    np.testing.assert_allclose(x.grad, cofactors, atol=1e-12)
    check_gradients(ops.det, SINGULAR)
    check_gradients(ops.det, np.array([[1.0, 2.0], [2.0, 4.0]]))


def test_the_determinant_of_zeros_has_no_slope():
    x = Tensor(np.zeros((4, 4)), requires_grad=True)
    ops.det(x).backward()
    np.testing.assert_array_equal(x.grad, 0)


def test_equal_eigenvalues_have_gradients_and_their_vectors_have_none():
    x = Tensor(np.eye(3), requires_grad=True)
    w, v = ops.eigh(x)
    (values,) = grad(w.sum(), x, retain_graph=True)
    np.testing.assert_array_equal(values.data, np.eye(3))
    (vectors,) = grad((v * v * v).sum(), x)
    assert not np.isfinite(vectors.data).all()


def test_equal_singular_values_have_gradients():
    x = Tensor(np.eye(3), requires_grad=True)
    ops.svd(x).S.sum().backward()
    np.testing.assert_allclose(x.grad, np.eye(3))


@pytest.mark.parametrize("n", [0, 1])
def test_empty_stacks_and_small_matrices_have_gradients(n):
    for shape in ((0, 3, 3), (2, n, n)):
        x = Tensor(np.ones(shape) if n else np.zeros(shape), requires_grad=True)
        results = [ops.inv(x), ops.det(x), ops.slogdet(x).logabsdet, ops.cholesky(x), *ops.eigh(x), *ops.qr(x)]
        if n:
            results += ops.svd(x)
        for result in results:
            (g,) = grad(result, x, np.ones(result.shape), retain_graph=True)
            assert g.shape == shape


def test_inputs_may_lie_backwards_in_memory():
    x = np.ascontiguousarray(SQUARE[::-1, ::-1])[::-1, ::-1]
    for f in (ops.inv, ops.det, lambda t: ops.qr(t).R):
        results = []
        for array in (x, SQUARE):
            t = Tensor(array, requires_grad=True)
            f(t).sum().backward()
            results.append(t.grad)
        np.testing.assert_allclose(*results)


def test_results_that_other_rules_rely_on_cannot_be_written_to():
    w = ops.eigh(Tensor(SYMMETRIC, requires_grad=True)).eigenvalues
    with pytest.raises(ValueError, match="read-only"):
        w.data[...] = 0


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "eigh"])
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_what_is_not_square_is_refused_by_name(name, shape):
    with pytest.raises(np.linalg.LinAlgError, match=rf"^{name} of x float64 .*expected a square matrix"):
        getattr(ops, name)(Tensor(np.ones(shape)))


@pytest.mark.parametrize("name", ["svd", "qr"])
def test_a_vector_is_not_decomposed(name):
    with pytest.raises(np.linalg.LinAlgError, match=rf"^{name} of float32 \(3,\): expected a matrix"):
        getattr(ops, name)(Tensor([1, 2, 3.0]))


def test_what_has_no_derivative_is_refused_with_the_remedy():
    with pytest.raises(np.linalg.LinAlgError, match="pass full_matrices=False"):
        np.linalg.svd(Tensor(TALL))
    with pytest.raises(ValueError, match=r"what completes Q, .* is not unique, .*; use the mode 'reduced'"):
        np.linalg.qr(Tensor(TALL), mode="complete")
    with pytest.raises(ValueError, match="modes 'reduced', 'complete' and 'r', got 'raw'"):
        np.linalg.qr(Tensor(TALL), mode="raw")


def test_singular_and_indefinite_matrices_raise_numpys_error():
    with pytest.raises(np.linalg.LinAlgError, match=r"inv of x .*[Ss]ingular"):
        ops.inv(Tensor(np.zeros((2, 2))))
    with pytest.raises(np.linalg.LinAlgError, match="solve of a "):
        ops.solve(Tensor(np.zeros((2, 2))), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError, match=r"cholesky of x .*[Pp]ositive definite"):
        ops.cholesky(Tensor(-np.eye(2)))
    with pytest.raises(np.linalg.LinAlgError, match=r"expected b of shape \(3,\) or \(..., 3, k\)"):
        ops.solve(Tensor(SQUARE), np.ones(4))


@pytest.mark.parity
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_pytorch(name, dtype):
    torch = pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    theirs = {
        "inv": torch.linalg.inv,
        "det": torch.linalg.det,
        "slogdet": lambda x: torch.linalg.slogdet(x)[1],
        "cholesky": of_symmetric(torch.linalg.cholesky),
        "eigh": of_symmetric(lambda x: torch.linalg.eigh(x)),
        "singular values": torch.linalg.svdvals,
        "complete qr of wide": lambda x: torch.linalg.qr(x, "complete"),
        "r": lambda x: torch.linalg.qr(x)[1],
    }
    for kind in ("svd", "qr", "solve"):
        theirs.update(dict.fromkeys([case for case in CASES if case.startswith(kind)], getattr(torch.linalg, kind)))
    theirs["svd of tall"] = theirs["svd of wide"] = lambda x: torch.linalg.svd(x, full_matrices=False)
    f, arrays = CASES[name]
    arrays = [x.astype(dtype) for x in arrays]
    ours = [Tensor(x, requires_grad=True) for x in arrays]
    others = [torch.tensor(x, requires_grad=True) for x in arrays]
    results = f(*ours)
    expected = theirs[name](*others)
    if not isinstance(results, tuple):
        results, expected = [results], [expected]
    # Signs of vectors are arbitrary; their even powers are not.
    total = sum((abs(result) ** 3).sum() for result in results)
    total.backward()
    sum((abs(result) ** 3).sum() for result in expected).backward()
    rtol = 2e-3 if dtype == np.float32 else 1e-9
    for mine, other in zip(ours, others, strict=True):
        np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=rtol, atol=rtol)
