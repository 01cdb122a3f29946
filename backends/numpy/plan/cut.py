"""Cutting: which part of the batch a thread can compute by itself.

The first dimension of the arguments is the batch. It is cut into one part for each thread, and each thread
does the whole step with its part, as if it were alone:

    conv(x, w)               needs its part of x and all of w, makes its part of the result
    conv_weight_grad(x, g)   needs its parts of x and g, makes one of several summands
    sum(x) over the batch    the same
    momentum_descent(w, g)   has nothing to do with the batch: done once

The rules say so for each operation: where its inputs have to be cut for its outputs to be what. What has no
rule is done once, on whole arrays put together from the parts, which is always right.

The idea is that of data-parallel training on several machines (J. Dean et al., "Large Scale Distributed Deep
Networks", NIPS 2012), here with threads; the rules by operation are those of Xu et al., "GSPMD: General and
Scalable Parallelization for ML Computation Graphs" (2021), arXiv:2105.04663, for a single dimension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tinygrad_cnn._steps import Step
from tinygrad_cnn.dtypes import Shape, normalize_dims


class _Sum:
    def __repr__(self) -> str:
        return "a sum over the parts"


# Where a value is: None whole; a number the dimension along which it is cut; SUM one summand in each part.
SUM: Final = _Sum()
Place: TypeAlias = "int | _Sum | None"


@dataclass(frozen=True)
class Cut:
    """How a step is done in parts.

    Attributes:
        inputs: for each, the dimension along which a part is needed; None where all of it is.
        outputs: for each, where it is afterwards.
        params: how the parameters change for a part of that size.
    """

    inputs: tuple[int | None, ...]
    outputs: tuple[Place, ...]
    params: Callable[[int], Mapping[str, Any]] | None = None


CutRule: TypeAlias = Callable[[Step, Sequence[Shape], Sequence[Shape], Sequence[Place]], "Cut | None"]


def cut_of(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """How this step is done in parts, given where its inputs are; None if it has to be done once."""
    if not any(isinstance(place, int) for place in places):
        return None
    rule = RULES.get(step.name)
    if rule is None and (step.op.broadcasts or step.name in ELEMENTWISE):
        rule = elementwise
    return None if rule is None else rule(step, inputs, outputs, places)


# --- rules ----------------------------------------------------------------------------------------


def elementwise(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """Shapes are lined up at their ends; what has the cut dimension is cut, what is stretched is not."""
    ndim = len(outputs[0])
    cuts = {
        place + ndim - len(shape)
        for shape, place in zip(inputs, places, strict=True)
        if isinstance(place, int)
    }
    if len(cuts) != 1:
        return None
    (dim,) = cuts
    needed = []
    for shape in inputs:
        own = dim - (ndim - len(shape))
        needed.append(own if own >= 0 and shape[own] == outputs[0][dim] else None)
    return Cut(tuple(needed), tuple(dim for _ in outputs))


def _images(*needs_batch: bool, out: Place = 0) -> CutRule:
    """Operations on images: these inputs have a batch in front, and so have the outputs."""

    def rule(
        step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
    ) -> Cut | None:
        needed = tuple(0 if has else None for has in (*needs_batch, *(False,) * len(inputs))[: len(inputs)])
        if any(place not in (need, None) for need, place in zip(needed, places, strict=True)):
            return None
        return Cut(needed, tuple(out for _ in outputs))

    return rule


def _rows(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """Every row by itself: what happens along other dimensions than the batch does not concern the cut."""
    dims = normalize_dims(step.params.get("dims", step.params.get("dim")), len(inputs[0]))
    if 0 in dims or not set(places) <= {0, None}:
        return None
    return Cut(tuple(0 for _ in inputs), tuple(0 for _ in outputs))


def _reduction(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """A sum along other dimensions keeps the cut; along the cut one, every part makes a summand."""
    (place,) = places
    assert isinstance(place, int)
    dims = normalize_dims(step.params["dim"], len(inputs[0]))
    if place in dims:
        return Cut((place,), (SUM,)) if step.name == "sum" else None
    kept = place if step.params["keepdim"] else place - sum(dim < place for dim in dims)
    return Cut((place,), (kept,))


def _sum_to(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    (place,) = places
    assert isinstance(place, int)
    own = place - (len(inputs[0]) - len(outputs[0]))
    if own < 0 or outputs[0][own] != inputs[0][place]:
        return Cut((place,), (SUM,))
    return Cut((place,), (own,), _resized("shape", outputs[0], own))


def _reshape(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """Whatever happens behind the batch does not concern the cut."""
    if places[0] != 0 or not outputs[0] or outputs[0][0] != inputs[0][0]:
        return None
    return Cut((0,), (0,), _resized("shape", outputs[0], 0))


def _permute(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    (place,) = places
    dims = [dim % len(inputs[0]) for dim in step.params["dims"]]
    assert isinstance(place, int)
    return Cut((place,), (dims.index(place),))


def _matmul(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    """Rows of x make rows of the product; columns of y its columns; the inner dimension a sum."""
    if len(inputs[0]) != 2 or len(inputs[1]) != 2:
        return None
    match tuple(places):
        case (0, None):
            return Cut((0, None), (0,))
        case (None, 1):
            return Cut((None, 1), (1,))
        case (1, 0) | (1, None) | (None, 0):
            return Cut((1, 0), (SUM,))
    return None


def _expand(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    (place,) = places
    assert isinstance(place, int)
    own = place + len(outputs[0]) - len(inputs[0])
    return Cut((place,), (own,), _resized("shape", outputs[0], own))


def _joined(
    step: Step, inputs: Sequence[Shape], outputs: Sequence[Shape], places: Sequence[Place]
) -> Cut | None:
    if normalize_dims(step.params["dim"], len(outputs[0])) == (0,) or not set(places) <= {0, None}:
        return None
    return Cut(tuple(0 for _ in inputs), (0,))


def _resized(name: str, shape: Shape, dim: int) -> Callable[[int], Mapping[str, Any]]:
    """The parameter that names the output's shape, for a part of that many."""
    return lambda size: {name: (*shape[:dim], size, *shape[dim + 1 :])}


# Operations that look at every number by itself; of those with several inputs most say so (`broadcasts`).
# fmt: off
ELEMENTWISE: Final = frozenset((
    "abs", "acos", "acosh", "alias", "asin", "asinh", "atan", "atanh", "bitwise_and", "bitwise_not",
    "bitwise_or", "bitwise_xor", "cast", "ceil", "clamp", "clone", "cos", "cosh", "eq", "erf", "exp",
    "expm1", "floor", "floor_divide", "ge", "gt", "isfinite", "isinf", "isnan", "le", "leaky_relu", "log",
    "log10", "log1p", "log2", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "neg",
    "reciprocal", "relu", "relu_grad", "remainder", "round", "rsqrt", "sigmoid", "sign", "sin", "sinh",
    "softplus", "sqrt", "square", "tan", "tanh", "trunc", "within",
))
# fmt: on

# Kernels that write images, (N, C, *S), and expect the batch last in memory.
MAKES_IMAGES: Final = frozenset(
    {
        "conv",
        "conv_input_grad",
        "max_pool",
        "max_pool_gather",
        "max_pool_scatter",
        "sum_pool",
        "sum_pool_input_grad",
    }
)

RULES: Final[Mapping[str, CutRule]] = {
    "cat": _joined,
    "col2im": _images(True),
    "conv": _images(True),
    "conv_input_grad": _images(True),
    "conv_weight_grad": _images(True, True, out=SUM),
    "expand": _expand,
    "im2col": _images(True),
    "log_softmax": _rows,
    "matmul": _matmul,
    "max_pool": _images(True),
    "max_pool_gather": _images(True, True),
    "max_pool_scatter": _images(True, True),
    "mean": _reduction,
    "permute": _permute,
    "reshape": _reshape,
    "softmax_cross_entropy": _rows,
    "standardize": _rows,
    "sum": _reduction,
    "sum_pool": _images(True),
    "sum_pool_input_grad": _images(True),
    "sum_to": _sum_to,
}
