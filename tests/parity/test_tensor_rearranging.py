"""Moving, repeating, picking and multiplying tensors: the same calls to PyTorch and to us."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import parity, randn, spread, torch

import tinygrad_cnn as tc


def several(shapes):
    """An array of each shape, no two alike."""
    return [np.asarray(randn(*shape) + number) for number, shape in enumerate(shapes)]


def same(name, *arrays, **options):
    """The tensor function of that name in both libraries."""
    parity(name, *arrays, ours=getattr(tc, name), theirs=getattr(torch, name), **options)


def same_method(name, x, *arguments, **options):
    """The method of that name, on a tensor of the numbers x."""

    def call(t):
        return getattr(t, name)(*arguments, **options)

    parity(f"Tensor.{name}", x, ours=call, theirs=call)


def same_of_list(name, arrays, **options):
    """A function of a list of tensors."""
    parity(
        name,
        *arrays,
        ours=lambda *tensors: getattr(tc, name)(tensors, **options),
        theirs=lambda *tensors: getattr(torch, name)(tensors, **options),
    )


# --- movement -------------------------------------------------------------------------------------

X = randn(2, 3, 4)
MOVEMENTS = [
    ("reshape", X, (4, -1)),
    ("reshape", X, 6, 4),
    ("view", X, 2, -1),
    ("permute", X, 2, 0, -2),
    ("permute", X, (0, 2, 1)),
    ("transpose", X, 0, -1),
    ("swapaxes", X, 1, 2),
    ("swapdims", X, -1, 0),
    ("movedim", X, 0, -1),
    ("movedim", X, (0, 1), (-1, 0)),
    ("moveaxis", X, [2, 0], [0, 1]),
    ("flatten", X),
    ("flatten", X, 1),
    ("flatten", X, 0, -2),
    ("flatten", randn()),
    ("unflatten", X, 2, (2, -1)),
    ("unflatten", X, -1, (2, 1, 2)),
    ("unflatten", randn(0, 4), 1, (-1, 2)),
    ("ravel", X),
    ("squeeze", randn(1, 3, 1)),
    ("squeeze", randn(1, 3, 1), 0),
    ("squeeze", randn(1, 3, 1), 1),
    ("squeeze", randn(1, 3, 1), (0, -1)),
    ("unsqueeze", X, 1),
    ("unsqueeze", X, -1),
    ("unsqueeze", randn(), 0),
    ("expand", randn(3, 1), 2, 3, 4),
    ("expand", randn(3, 1), -1, 4),
    ("broadcast_to", randn(3, 1), (2, 3, 4)),
    ("flip", X, 0, 2),
    ("flip", X, (1,)),
    ("flip", X, -1),
    ("fliplr", X),
    ("flipud", X),
    ("roll", X, 1, 0),
    ("roll", X, -5, 2),
    ("roll", X, (1, -2), (0, 2)),
    ("roll", X, (1, 1), (1, 1)),
    ("roll", X, 7),
    ("roll", randn(), 3),
    ("roll", randn(0, 2), 1, 0),
    ("tile", X, (2,)),
    ("tile", X, (2, 1, 3)),
    ("tile", X, 2, 1, 1, 2),
    ("tile", randn(), (2, 2)),
    ("repeat", X, 1, 2, 3),
    ("repeat", X, 2, 1, 1, 2),
    ("repeat", X, 0, 1, 1),
    ("repeat_interleave", X, 2),
    ("repeat_interleave", X, 3, 1),
    ("repeat_interleave", X, 0, -1),
    ("repeat_interleave", randn(), 2),
    ("t", randn(2, 3)),
    ("t", randn(3)),
    ("contiguous", X),
    ("clone", X),
    ("triu", X),
    ("triu", X, 1),
    ("tril", X, -1),
    ("tril", randn(3, 2)),
    ("diagonal", X),
    ("diagonal", X, 1, 1, 2),
    ("diagonal", X, -1, -1, 0),
    ("diagonal", X, 9),
    ("diag", randn(3)),
    ("diag", randn(3), -2),
    ("diag", randn(3, 4)),
    ("diag", randn(3, 4), 2),
    ("diag_embed", randn(2, 3)),
    ("diag_embed", randn(2, 3), 1),
    ("diag_embed", randn(2, 3), -1, 0, 2),
    ("trace", randn(3, 4)),
    ("trace", randn(0, 3)),
]


@pytest.mark.parametrize("case", MOVEMENTS, ids=lambda case: f"{case[0]}{case[1].shape}{case[2:]}")
def test_movements(case):
    same_method(*case)


@pytest.mark.parametrize("name", ["fliplr", "flipud", "ravel", "triu", "tril", "diag", "trace", "t"])
def test_movements_are_functions_too(name):
    same(name, randn(3, 4))


def test_triangles_drop_what_is_not_finite():
    x = np.array([[np.nan, np.inf], [1.0, np.nan]])
    same("triu", x, 1)
    same("tril", x, -1)


@pytest.mark.parametrize("repeats", [[2, 0, 1], [3], [0, 0, 0]])
def test_repeat_interleave_by_a_vector(repeats):
    same("repeat_interleave", randn(2, 3), np.array(repeats), dim=1)
    same("repeat_interleave", randn(3), np.array(repeats))


def test_in_the_shape_of_another():
    for name, shape in (("view_as", (6, 4)), ("reshape_as", (24,)), ("expand_as", (2, 2, 3, 4))):
        mine, theirs = tc.zeros(shape), torch.zeros(shape)
        parity(
            name,
            X,
            ours=lambda x, name=name, other=mine: getattr(x, name)(other),
            theirs=lambda x, name=name, other=theirs: getattr(x, name)(other),
        )


@pytest.mark.parametrize("name", ["atleast_1d", "atleast_2d", "atleast_3d"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 1)])
def test_at_least(name, shape):
    same(name, randn(*shape))
    same(name, randn(*shape), randn(2))


@pytest.mark.parametrize("shapes", [[(2, 3), (2, 3)], [(3,), (3,)], [(), ()], [(2, 3, 4), (2, 3, 4)]])
@pytest.mark.parametrize("name", ["hstack", "vstack", "dstack", "stack"])
def test_stacks(name, shapes):
    same_of_list(name, several(shapes))


def test_cat():
    same_of_list("cat", [randn(2, 1), randn(2, 3)], dim=1)
    same_of_list("cat", [randn(0, 2), randn(3, 2)], dim=-2)
    same_of_list("stack", [randn(2, 3), randn(2, 3) * 2], dim=-1)


CUTS = [
    ("split", X, 2, 2),
    ("split", X, 3, -1),
    ("split", X, [1, 0, 2], 1),
    ("chunk", X, 2, 2),
    ("chunk", X, 3, 2),
    ("chunk", X, 7, 1),
    ("tensor_split", X, 3, 2),
    ("tensor_split", X, 5, 1),
    ("tensor_split", X, (1, 3), 2),
    ("tensor_split", X, [-1], 0),
    ("tensor_split", X, (2, 1, 9), 1),
    ("unbind", X, 1),
    ("unbind", X),
]


@pytest.mark.parametrize("case", CUTS, ids=lambda case: f"{case[0]}{case[2:]}")
def test_cuts(case):
    same_method(*case)


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("shapes", [[(2,), (3,)], [(2,)], [(2,), (), (4,)], [(0,), (3,)]])
def test_meshgrid(shapes, indexing):
    same("meshgrid", *several(shapes), indexing=indexing)


def test_broadcast_tensors():
    same("broadcast_tensors", randn(3, 1), randn(4), randn())


# --- picking --------------------------------------------------------------------------------------

INDEX = np.array([[2, 0], [1, 1]])


def test_gather_and_scatter():
    x, src = randn(3, 4), randn(2, 2)
    for dim in (0, 1, -1):
        same("gather", x, dim, INDEX)
        same("scatter_add", x, dim, INDEX, src)
        # PyTorch has no gradient for a src that is larger than its index.
        same("scatter_add", np.zeros((3, 4), dtype=int), dim, INDEX, np.arange(9).reshape(3, 3))
    distinct = np.array([[2, 0], [0, 1]])
    for dim in (0, 1, -2):
        same("scatter", x, dim, distinct, src)
        same("scatter", x, dim, distinct, 2.5)
        same("scatter", np.zeros((3, 4), dtype=int), dim, distinct, np.arange(9).reshape(3, 3))
    same("gather", np.arange(12).reshape(3, 4), 1, np.zeros((3, 0), dtype=int))


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_slices_by_index(dim):
    x, index = randn(3, 4, 3), np.array([2, 0, 2])
    same("index_select", x, dim, index)
    shape = list(x.shape)
    shape[dim] = 3
    same("index_add", x, dim, index, randn(*shape))
    same("index_add", x, dim, index, randn(*shape), alpha=-0.5)
    same("index_select", x, dim, np.zeros(0, dtype=int))
    same_method("select", x, dim, -1)
    same_method("narrow", x, dim, 1, 2)
    same_method("narrow", x, dim, -2, 0)


def test_take_along_dim():
    x = randn(3, 4)
    same("take_along_dim", x, np.array([[3], [0], [1]]), dim=1)
    same("take_along_dim", x, np.array([[2, 0, 1, 1]]), dim=0)
    same("take_along_dim", x, np.array([11, 0, 5]))


def test_masks():
    x, mask = randn(2, 3), np.array([[True, False, True], [False, False, True]])
    same("masked_fill", x, mask, 7.5)
    same("masked_fill", x, np.array([True, False, True]), float("-inf"))
    same("masked_fill", randn(3), mask, 0.0)
    same("masked_fill", np.arange(6).reshape(2, 3), mask, 4)
    same("masked_select", x, mask)
    same("masked_select", randn(3), mask)
    same("where", mask, x, 0.0)
    same("where", mask, 1.0, x)
    same("where", mask, x, randn(3))
    parity(
        "Tensor.where",
        x,
        ours=lambda t: t.where(tc.tensor(mask), 3.0),
        theirs=lambda t: t.where(torch.tensor(mask), 3.0),
    )


@pytest.mark.parametrize("data", [[[0, 3], [5, 0]], [0.0, 2.0], [[], []], 5, 0])
def test_nonzero(data):
    data = np.array(data)
    same("nonzero", data)
    same("nonzero", data, as_tuple=True)


@pytest.mark.parametrize(
    "key",
    [
        np.array([0, 0, 1]),
        (slice(None), np.array([True, False, True])),
        (None, 1),
        (Ellipsis, np.array([[0], [2]])),
        (np.array([1, 0]), slice(1, None), np.array([3, -1])),
        (slice(None, None, 2), -1),
    ],
    ids=str,
)
def test_case_25_and_26_indexing(key):
    def native(library):
        def entry(part):
            return library.tensor(part) if isinstance(part, np.ndarray) else part

        return tuple(map(entry, key)) if isinstance(key, tuple) else entry(key)

    parity("[]", X, ours=lambda x: x[native(tc)], theirs=lambda x: x[native(torch)])


@pytest.mark.parametrize("relaid", [np.asfortranarray, lambda a: a[::-1, ::-1], lambda a: a.T])
def test_case_27_layouts(relaid):
    x = relaid(spread(4, 4))
    same("cumsum", x, dim=0)
    same("cumprod", x, dim=1)
    same("sort", x, dim=0)
    same("roll", x, 1, 0)
    same("triu", x)
    same("norm", x, p=3, dim=0)


# --- products -------------------------------------------------------------------------------------

EINSUMS = [
    ("ik,kj->ij", (2, 3), (3, 4)),
    ("ik,kj", (2, 3), (3, 4)),
    ("ij->ji", (2, 3)),
    ("ba", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iij->ij", (3, 3, 2)),
    ("iijj", (2, 2, 3, 3)),
    ("iji,j->i", (3, 2, 3), (2,)),
    ("iii", (2, 2, 2)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (3,), (2,)),
    ("i,j->ji", (3,), (2,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,kl->il", (2, 3), (2, 4)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (2, 3, 2)),
    ("...ij,jk", (2, 2, 3), (3, 4)),
    ("i...,i...->...", (3, 2), (3, 2)),
    ("...", (2, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("i...->i", (3, 2, 2)),
    ("bn,anm,bm->ba", (2, 3), (4, 3, 5), (2, 5)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("i,j,k->kji", (2,), (3,), (4,)),
    ("ij,jk,kl,li", (2, 3), (3, 2), (2, 3), (3, 2)),
    ("Ab,bA->bA", (2, 3), (3, 2)),
    (" i j , j k -> i k ", (2, 3), (3, 4)),
    ("ij,j->ij", (2, 3), (1,)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    (",i->i", (), (3,)),
    (",", (), ()),
    ("", ()),
    ("ij,jk->ik", (2, 0), (0, 4)),
    ("ij,jk->ik", (0, 2), (2, 4)),
    ("nchw,ochw->no", (2, 3, 2, 2), (4, 3, 2, 2)),
]


@pytest.mark.parametrize("case", EINSUMS, ids=str)
def test_einsum(case):
    equation, *shapes = case
    parity(
        equation,
        *several(shapes),
        ours=lambda *tensors: tc.einsum(equation, *tensors),
        theirs=lambda *tensors: torch.einsum(equation, *tensors),
    )


def test_einsum_of_integers_and_of_a_list():
    x, y = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)
    mine = tc.einsum("ij,jk->ik", [tc.tensor(x), tc.tensor(y)])
    np.testing.assert_array_equal(mine.numpy(), x @ y)
    assert mine.dtype is tc.int64


@pytest.mark.parametrize(
    ("right", "dims"),
    [
        ((3, 4, 2), 2),
        ((4, 2), 1),
        ((2,), 0),
        ((3, 2), ([1], [0])),
        ((3, 4, 2), ([1, 2], [0, 1])),
        ((3, 4), ([-1, -2], [1, 0])),
        ((2, 3, 4), 3),
    ],
)
def test_tensordot(right, dims):
    same("tensordot", randn(2, 3, 4), randn(*right) + 1, dims=dims)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("dot", [(3,), (3,)]),
        ("dot", [(0,), (0,)]),
        ("mv", [(2, 3), (3,)]),
        ("mm", [(2, 3), (3, 4)]),
        ("mm", [(2, 0), (0, 4)]),
        ("bmm", [(2, 3, 4), (2, 4, 1)]),
        ("outer", [(2,), (3,)]),
        ("kron", [(2, 3), (3, 2)]),
        ("kron", [(3,), (2, 2)]),
        ("kron", [(), (2, 2)]),
        ("matmul", [(3,), (3,)]),
        ("matmul", [(3,), (2, 3, 4)]),
        ("matmul", [(5, 1, 2, 3), (4, 3, 2)]),
        ("matmul", [(2, 3), (3,)]),
    ],
)
def test_case_29_products(name, shapes):
    same(name, *several(shapes))


@pytest.mark.parametrize("options", [{}, {"beta": 0.5, "alpha": 2.0}])
def test_addmm(options):
    same("addmm", randn(4), randn(2, 3), randn(3, 4), **options)
    same("addmm", randn(2, 1), randn(2, 3), randn(3, 4), **options)


# --- making them ----------------------------------------------------------------------------------

MADE = [
    ("full", (2, 3), 7.0),
    ("full", (2,), 7),
    ("full", (), True),
    ("zeros", 2, 3),
    ("zeros", (2, 0)),
    ("ones", 3),
    ("arange", 5),
    ("arange", 1, 10, 3),
    ("arange", 5, 0, -2),
    ("arange", 0.0, 1.0, 0.25),
    ("linspace", 0, 1, 5),
    ("linspace", 3.0, -2.0, 7),
    ("linspace", 1, 5, 1),
    ("linspace", 1, 5, 0),
    ("eye", 3),
    ("eye", 2, 4),
]


@pytest.mark.parametrize("case", MADE, ids=lambda case: f"{case[0]}{case[1:]}")
def test_made_tensors(case):
    name, *arguments = case
    mine, theirs = getattr(tc, name)(*arguments), getattr(torch, name)(*arguments)
    assert str(theirs.dtype) == f"torch.{mine.dtype}"
    assert mine.shape == tuple(theirs.shape)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_made_like_another(dtype):
    x = np.ones((2, 3), dtype=dtype)
    for name, *arguments in (("zeros_like",), ("ones_like",), ("full_like", 1)):
        same(name, x, *arguments)
    same_method("new_zeros", x, (2, 2))
    same_method("new_ones", x, 3)
    same_method("new_full", x, (2,), 1)


@pytest.mark.parametrize("name", ["half", "float", "double", "int", "long", "bool"])
@pytest.mark.parametrize("dtype", ["float64", "int32", "bool"])
def test_casts(name, dtype):
    x = np.array([[1.7, -1.7, 0.0]]).astype(dtype)
    mine, theirs = getattr(tc.tensor(x), name)(), getattr(torch.tensor(x), name)()
    assert str(theirs.dtype) == f"torch.{mine.dtype}"
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_facts():
    mine, theirs = tc.zeros(2, 3), torch.zeros(2, 3)
    for name in ("dim", "numel", "nelement", "is_floating_point"):
        assert getattr(mine, name)() == getattr(theirs, name)()
    assert tc.arange(2).type_as(mine).dtype is tc.float32
    assert tc.from_numpy(np.ones(2)).dtype is tc.float64
    with pytest.raises(tc.errors.ArgumentTypeError):
        tc.from_numpy([1.0])
