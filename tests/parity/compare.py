"""The same call to PyTorch and to us: results and gradients must agree.

    parity("elu", randn(4, 5), alpha=0.5)                     F.elu and torch.nn.functional.elu
    parity("einsum", x, y, ours=tc..., theirs=torch...)       any pair of functions of the arrays
    layer_parity("Conv2d", randn(2, 3, 8, 8), args=(3, 4, 3)) nn.Conv2d with PyTorch's weights in it

Every comparison is made in float64 to 1e-9 and in float32 to the tolerances of `torch.testing`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

torch = pytest.importorskip("torch", reason="PyTorch, the reference, is not installed")

TOLERANCES = {"float64": {"rtol": 1e-9, "atol": 1e-9}, "float32": {"rtol": 1.3e-6, "atol": 1e-5}}


def randn(*shape: int) -> Any:
    """Normal numbers, the same ones each time for a shape."""
    return np.random.default_rng([*shape]).standard_normal(shape)


def spread(*shape: int, step: float = 0.25) -> Any:
    """Numbers that are all different and lie `step` apart, in random order: no ties, none is 0."""
    total = int(np.prod(shape))
    places = np.random.default_rng([*shape, 7]).permutation(total)
    return ((places - total // 2) * step + step / 3).reshape(shape)


def parity(
    name: str, *arrays: Any, ours: Any = None, theirs: Any = None, tolerance: Any = None, **options: Any
) -> None:
    """Compare a function of both libraries on the same numbers: every result, and the gradient of every
    floating-point array with respect to all floating-point results together.

    Args:
        name: of the function in both `functional` rooms (and in messages).
        arrays: positional arguments; those of floats get a gradient. None stays None.
        ours, theirs: the functions, where they are not found by name.
        tolerance: {"float32": {...}} where PyTorch itself computes less exactly.
        options: keyword arguments; arrays among them are constants.
    """
    mine = ours or getattr(F, name)
    reference = theirs or getattr(torch.nn.functional, name)
    for dtype, usual in TOLERANCES.items():
        limits = {**usual, **(tolerance or {}).get(dtype, {})}
        cast = [_cast(array, dtype) for array in arrays]
        keywords = {key: _cast(value, dtype) for key, value in options.items()}
        inputs = [_leaf(tc.tensor, array) for array in cast]
        theirs_in = [_leaf(torch.tensor, array) for array in cast]
        results = _several(mine(*inputs, **_constants(tc.tensor, keywords)))
        expected = _several(reference(*theirs_in, **_constants(torch.tensor, keywords)))
        _compare(results, expected, inputs, theirs_in, limits, f"{name} in {dtype}")


def layer_parity(
    name: str,
    *arrays: Any,
    args: tuple[Any, ...] = (),
    train: bool = True,
    dtype: str = "float64",
    **options: Any,
) -> None:
    """Compare a layer of both libraries, ours with PyTorch's weights loaded by `state_dict`: names of the
    state, results, gradients of inputs and parameters, and the state after a forward pass."""
    theirs = getattr(torch.nn, name)(*args, **_constants(torch.tensor, options)).to(getattr(torch, dtype))
    ours = getattr(tc.nn, name)(*args, **_constants(tc.tensor, options)).to(dtype)
    state = {key: value.detach().numpy() for key, value in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state), name
    ours.load_state_dict(state)
    for layer in (ours, theirs):
        layer.train(train)
    cast = [_cast(array, dtype) for array in arrays]
    inputs = [_leaf(tc.tensor, array) for array in cast]
    theirs_in = [_leaf(torch.tensor, array) for array in cast]
    results, expected = _several(ours(*inputs)), _several(theirs(*theirs_in))
    mine, reference = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert list(mine) == list(reference), name
    _compare(
        results,
        expected,
        [*inputs, *mine.values()],
        [*theirs_in, *reference.values()],
        TOLERANCES[dtype],
        name,
    )
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(
            ours.state_dict()[key].numpy(), value.detach().numpy(), **TOLERANCES[dtype], err_msg=key
        )


def _cast(value: Any, dtype: str) -> Any:
    is_real = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.astype(dtype) if is_real else value


def _leaf(library: Any, array: Any) -> Any:
    if not isinstance(array, np.ndarray):
        return array
    return library(array, requires_grad=True) if array.dtype.kind == "f" else library(array)


def _constants(library: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    return {key: library(v) if isinstance(v, np.ndarray) else v for key, v in keywords.items()}


def _several(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def _compare(
    results: list[Any], expected: list[Any], inputs: list[Any], theirs: list[Any], limits: Any, what: str
) -> None:
    assert len(results) == len(expected), what
    for result, reference in zip(results, expected, strict=True):
        assert result.shape == tuple(reference.shape), what
        assert str(result.dtype) == str(reference.dtype).removeprefix("torch."), what
        np.testing.assert_allclose(result.numpy(), reference.detach().numpy(), **limits, err_msg=what)
        assert result.requires_grad == reference.requires_grad, what
    pairs = [(r, e) for r, e in zip(results, expected, strict=True) if r.requires_grad]
    if not pairs:
        return
    seeds = [np.cos(np.arange(float(r.numel())) + 1).reshape(r.shape) for r, _ in pairs]
    wanted = [i for i, value in enumerate(inputs) if isinstance(value, tc.Tensor) and value.requires_grad]
    mine = tc.grad(
        [r for r, _ in pairs],
        [inputs[i] for i in wanted],
        [tc.tensor(s, dtype=r.dtype) for s, (r, _) in zip(seeds, pairs, strict=True)],
    )
    reference = torch.autograd.grad(
        [e for _, e in pairs],
        [theirs[i] for i in wanted],
        [torch.tensor(s, dtype=e.dtype) for s, (_, e) in zip(seeds, pairs, strict=True)],
        allow_unused=True,
    )
    for place, got, right in zip(wanted, mine, reference, strict=True):
        message = f"gradient of argument {place} of {what}"
        if right is None:
            assert got is None or not got.numpy().any(), message
        else:
            assert got is not None, message
            np.testing.assert_allclose(got.numpy(), right.numpy(), **limits, err_msg=message)
