"""Tensor functions and methods: the same calls to PyTorch and to us."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from parity.compare import parity, randn, spread, torch

import tinygrad_cnn as tc

inf, nan = math.inf, math.nan


def same(name, *arrays, **options):
    """The tensor function of that name in both libraries."""
    arrays = [np.asarray(array) if isinstance(array, np.generic) else array for array in arrays]
    parity(name, *arrays, ours=getattr(tc, name), theirs=getattr(torch, name), **options)


# --- elementwise ----------------------------------------------------------------------------------

ANYWHERE = [
    "abs",
    "exp",
    "expm1",
    "square",
    "sin",
    "cos",
    "tan",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "erf",
    "exp2",
]
POSITIVE = ["log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal"]


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
@pytest.mark.parametrize("name", [*ANYWHERE, *POSITIVE, "asin", "acos", "atanh", "acosh", "frac"])
def test_functions_of_one_number(name, shape):
    x = randn(*shape)
    if name in POSITIVE or name == "acosh":
        x = np.abs(x) + (1.1 if name == "acosh" else 0.1)
    if name in ("asin", "acos", "atanh"):
        x = np.tanh(x)
    same(name, x)


@pytest.mark.parametrize("name", [*ANYWHERE, *POSITIVE, "asin", "acos", "atanh", "acosh"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_one_number_at_the_extremes(name):
    special = {"tan": [0.0, nan], "sin": [0.0, nan, inf], "abs": [1e3, -1e3, inf, -inf]}
    same(name, np.array(special.get(name, [0.0, 1e3, -1e3, inf, -inf, nan])))


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc", "sign"])
def test_step_functions(name):
    x = np.array([-1.5, -0.5, 0.0, 0.4, 0.5, 1.5, 2.5, inf, -inf])
    np.testing.assert_array_equal(
        getattr(tc, name)(tc.tensor(x)).numpy(), getattr(torch, name)(torch.tensor(x)).numpy()
    )


BINARY = ["add", "sub", "mul", "div", "maximum", "minimum", "atan2", "logaddexp", "fmod", "remainder"]


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 2)), ((0, 2), (2,))])
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_numbers(name, shapes):
    x, y = randn(*shapes[0]) * 3, np.abs(randn(*shapes[1])) + 0.3
    same(name, x, y)


@pytest.mark.parametrize("signs", list(itertools.product([1, -1], repeat=2)))
@pytest.mark.parametrize("name", ["fmod", "remainder"])
def test_what_division_leaves_over(name, signs):
    same(name, np.array([5.5, 0.5, 7.25]) * signs[0], np.array([2.0, 0.75, 3.5]) * signs[1])
    same(name, np.array([7, 6, 5]) * signs[0], np.array([3, 4, 5]) * signs[1])
    same(name, np.array([5.5, 0.5, 7.25]) * signs[0], 0.7 * signs[1])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_logaddexp_and_atan2_at_the_extremes():
    x, y = np.meshgrid([0.0, 1e3, -1e3, inf, -inf, nan], [0.0, 1e3, -1e3, 2.0])
    same("logaddexp", x, y)
    np.testing.assert_array_equal(
        tc.logaddexp(tc.tensor([inf, -inf, inf]), tc.tensor([inf, -inf, -inf])).numpy(), [inf, -inf, inf]
    )
    same("atan2", np.array([0.0, 0.0, 1.0, -1.0, 1.0]), np.array([1.0, -1.0, 0.0, 0.0, 1.0]))
    same("atan2", np.array([0.0]), np.array([0.0]))


def test_case_17_powers():
    same("pow", np.array([-2.0, 0.0, 3.0]), 3)
    same("pow", np.array([0.0, 4.0]), 2)
    same("pow", np.array([0.0, 4.0]), 0)
    same("pow", np.array([4.0, 9.0]), 0.5)
    same("pow", np.array([0.0, 2.0, 0.5]), np.array([2.0, 3.0, -1.0]))
    same("pow", 2.0, np.array([3.0, -1.0, 0.5]))
    same("pow", np.array([1, 2, 3]), 2)


@pytest.mark.parametrize("weight", [0.25, np.array([0.1, 0.5, 0.9]), np.array([[0.2], [0.8]])])
def test_lerp(weight):
    same("lerp", randn(2, 3), randn(2, 3, 1)[..., 0], weight)


@pytest.mark.parametrize("options", [{}, {"nan": 2.0}, {"posinf": 7.0, "neginf": -3.0}])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_to_num(options, dtype):
    x = np.array([1.0, nan, inf, -inf, 0.0], dtype=dtype)
    mine, theirs = tc.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    ours, reference = tc.nan_to_num(mine, **options), torch.nan_to_num(theirs, **options)
    np.testing.assert_array_equal(ours.numpy(), reference.detach().numpy())
    ours.sum().backward()
    reference.sum().backward()
    np.testing.assert_array_equal(mine.grad.numpy(), theirs.grad.numpy())


def test_clamp_min_and_max():
    x = np.array([-2.0, -1.0, 0.5, 1.0, 3.0])
    same("clamp_min", x, -1.0)
    same("clamp_max", x, 1.0)


@pytest.mark.parametrize("equal_nan", [False, True])
def test_close_and_equal(equal_nan):
    x = np.array([1.0, 1.0, inf, inf, nan, 0.0, -inf])
    y = np.array([1.000001, 1.1, inf, -inf, nan, 1e-9, -inf])
    same("isclose", x, y, equal_nan=equal_nan)
    for a, b in ((x, y), (x, x), (x[:2], x[:2] + 1e-9)):
        mine, theirs = (tc.tensor(a), tc.tensor(b)), (torch.tensor(a), torch.tensor(b))
        assert tc.allclose(*mine, equal_nan=equal_nan) is torch.allclose(*theirs, equal_nan=equal_nan)
        assert tc.equal(*mine) is torch.equal(*theirs)
    assert tc.equal(tc.zeros(2), tc.zeros(2, 1)) is torch.equal(torch.zeros(2), torch.zeros(2, 1))


# --- reductions -----------------------------------------------------------------------------------

DIMS = [None, 0, -1, (0, 2), (-1, 0), (0, 1, 2)]


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize(
    "name", ["sum", "mean", "var", "std", "amax", "amin", "var_mean", "std_mean", "logsumexp"]
)
def test_reductions(name, dim, keepdim):
    if dim is None and name in ("logsumexp", "amax", "amin"):
        dim = (0, 1, 2)
    same(name, spread(2, 3, 4), dim=dim, keepdim=keepdim)


@pytest.mark.parametrize("correction", [0, 1, 2])
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_corrections(name, correction):
    same(name, randn(3, 5), dim=1, correction=correction)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "logsumexp", "max", "min", "argmax", "median"])
def test_reductions_of_a_number(name):
    same(name, np.array(2.5), **({"dim": 0} if name == "logsumexp" else {}))
    if name != "median":
        same(name, np.array(2.5), dim=-1)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("name", ["prod", "max", "min", "argmax", "argmin", "median"])
def test_reductions_along_one(name, dim, keepdim):
    same(name, spread(3, 4, 5), dim=dim, keepdim=keepdim)


@pytest.mark.parametrize("data", [[2, 0, 3, 4], [2, 0, 3, 0], [1, -2, 3, 4], []])
def test_case_18_products_with_zeros(data):
    same("prod", np.array(data, dtype=float))


def test_case_19_spread_of_constants():
    x = np.full((2, 3), 3.0)
    same("var", x)
    mine = tc.tensor(x, requires_grad=True)
    tc.std(mine).backward()
    np.testing.assert_array_equal(mine.grad.numpy(), np.zeros((2, 3)))  # PyTorch: NaN


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "all", "any", "count_nonzero", "median"])
def test_case_22_of_nothing(name):
    same(name, np.zeros(0))


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "int64"])
def test_dtypes_of_totals(dtype):
    x = np.array([[1, 0, 1], [1, 1, 0]], dtype=dtype)
    for name in ("sum", "prod", "count_nonzero", "all", "any"):
        if dtype != "uint8" or name not in ("all", "any"):  # there PyTorch answers in uint8
            same(name, x)
    for name in ("cumsum", "cumprod"):
        same(name, x, dim=1)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [None, 1, (0, 1)])
@pytest.mark.parametrize("p", [2, 1, 3, 2.5, 0.5, -1, inf, -inf, 0, "fro"])
def test_norm(p, dim, keepdim):
    if p == "fro" and dim is None:
        same("norm", spread(3, 4), keepdim=keepdim)
        return
    same("norm", spread(3, 4), p=p, dim=dim, keepdim=keepdim)


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, inf, 0])
def test_norm_of_zeros(p):
    same("norm", np.zeros((2, 3)), p=p)
    same("norm", np.array([0.0, 2.0, -1.0]), p=p)


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "nearest", "midpoint"])
@pytest.mark.parametrize(("dim", "keepdim"), [(None, False), (None, True), (0, False), (-1, True)])
def test_quantile(interpolation, dim, keepdim):
    for q in (0.0, 0.3, 1.0):
        same("quantile", spread(3, 5), q, dim=dim, keepdim=keepdim, interpolation=interpolation)
    many = np.array([0.1, 0.5, 0.95])
    parity(
        "quantile",
        spread(3, 5),
        ours=lambda x: tc.quantile(
            x, tc.tensor(many, dtype=x.dtype), dim, keepdim, interpolation=interpolation
        ),
        theirs=lambda x: torch.quantile(
            x, torch.tensor(many, dtype=x.dtype), dim, keepdim, interpolation=interpolation
        ),
    )


def test_nan_in_order_statistics():
    x = np.array([[1.0, nan, 3.0], [5.0, 4.0, 6.0]])
    for name in ("median", "max", "min"):
        mine, theirs = getattr(tc, name)(tc.tensor(x), 1), getattr(torch, name)(torch.tensor(x), 1)
        np.testing.assert_array_equal(mine.values.numpy(), theirs.values.numpy())
        np.testing.assert_array_equal(mine.indices.numpy(), theirs.indices.numpy())
    same("quantile", x, 0.5, dim=1)
    same("median", x)
    same("argmax", x, dim=1)


# --- scans ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (0, 3), (4,), (2, 3, 4)])
@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod", "cummax", "cummin", "logcumsumexp"])
def test_scans(name, dim, shape):
    if name in ("cummax", "cummin") and 0 in shape:
        return  # PyTorch's indices of nothing require a gradient
    same(name, randn(*shape), dim=dim)


@pytest.mark.parametrize("data", [[2, 0, 3, 4], [2, 0, 3, 0, 5], [0, 1, 2], [1, 2, 0]])
def test_cumprod_with_zeros(data):
    same("cumprod", np.array(data, dtype=float), dim=0)
    twice = []
    for library in (tc, torch):
        x = library.tensor(np.array(data, dtype=float), requires_grad=True)
        seed = library.tensor(np.arange(1.0, len(data) + 1))
        grad = tc.grad if library is tc else torch.autograd.grad
        (first,) = grad((library.cumprod(x, 0) * seed).sum(), x, create_graph=True)
        (second,) = grad((first * seed).sum(), x)
        twice.append(second.numpy())
    np.testing.assert_allclose(*twice, rtol=1e-12)


def test_running_extremes_with_ties_and_nan():
    for data in ([1.0, 1.0, 0.0, 1.0], [2.0, nan, 3.0, 1.0]):
        for name in ("cummax", "cummin"):
            mine, theirs = getattr(tc, name)(tc.tensor(data), 0), getattr(torch, name)(torch.tensor(data), 0)
            np.testing.assert_array_equal(mine.values.numpy(), theirs.values.numpy())
            np.testing.assert_array_equal(mine.indices.numpy(), theirs.indices.numpy())


# --- sorting --------------------------------------------------------------------------------------


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sort(dim, descending):
    same("sort", spread(3, 4, 2), dim=dim, descending=descending)
    same("argsort", spread(3, 4, 2), dim=dim, descending=descending)
    ties = np.array([[1.0, 0.0, 1.0, nan, 0.0], [2.0, 2.0, 2.0, 1.0, nan]])
    mine = tc.sort(tc.tensor(ties), -1, descending)
    theirs = torch.sort(torch.tensor(ties), stable=True, dim=-1, descending=descending)
    np.testing.assert_array_equal(mine.indices.numpy(), theirs.indices.numpy())
    np.testing.assert_array_equal(mine.values.numpy(), theirs.values.numpy())


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize(("k", "dim"), [(0, 0), (1, -1), (3, 1), (4, -2)])
def test_topk(k, dim, largest):
    same("topk", spread(5, 4, 3), k, dim=dim, largest=largest)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(("k", "dim"), [(1, 0), (3, -1), (4, 1)])
def test_kthvalue(k, dim, keepdim):
    same("kthvalue", spread(4, 5, 4), k, dim=dim, keepdim=keepdim)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize(
    "data", [np.array([[3, 1], [3, 2]]), np.zeros(0), np.array(5.0), np.array([nan, 1.0, nan])]
)
def test_unique(data, inverse, counts):
    mine = tc.unique(tc.tensor(data), return_inverse=inverse, return_counts=counts)
    theirs = torch.unique(torch.tensor(data), return_inverse=inverse, return_counts=counts)
    pairs = zip(mine, theirs, strict=True) if inverse or counts else [(mine, theirs)]
    for one, other in pairs:
        np.testing.assert_array_equal(one.numpy(), other.numpy())
        assert str(other.dtype) == f"torch.{one.dtype}"
