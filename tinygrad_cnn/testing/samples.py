"""The examples that operations were declared with, as arrays of numbers.

Every operation says with `samples=[Sample(reals(2, 3), dim=1), ...]` on what it should be tried. Here such
a sample becomes numbers, the same ones each time: real numbers that are all different, also between the
inputs of one sample, and not near the places where functions have kinks (0, halves, tenths).

>>> from tinygrad_cnn._op import REGISTRY
>>> for case in cases(REGISTRY["log_softmax"]):
...     print(case, [array.shape for array in arrays(case)], case.sample.params)
log_softmax-0 [(2, 3)] {'dim': 1}
log_softmax-1 [(2, 3, 2)] {'dim': -2}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import REGISTRY, Op
from tinygrad_cnn._sample import Draw, Sample
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTypeLike, Spec, as_dtype, float64

OUR_OPERATIONS = "tinygrad_cnn.ops."  # where the library's own operations are declared


class Case(NamedTuple):
    """One operation on one of its samples."""

    op: Op
    number: int

    @property
    def sample(self) -> Sample:
        sample: Sample = self.op.samples[self.number]
        return sample

    def __repr__(self) -> str:
        return f"{self.op.name}-{self.number}"


def library_operations() -> list[Op]:
    """Every operation that the library itself declares, without those of users and tests."""
    return [op for op in REGISTRY.values() if op.__module__.startswith(OUR_OPERATIONS)]


def cases(*ops: Op) -> list[Case]:
    """Every sample of the operations given (of all the library's own, when none is)."""
    return [Case(op, number) for op in ops or library_operations() for number in range(len(op.samples))]


def first_output(case: Case) -> Callable[..., Tensor]:
    """The operation with its sample's parameters as a function of its inputs: its differentiable output."""

    def function(*inputs: Tensor) -> Tensor:
        results = case.op(*inputs, **case.sample.params)
        first: Tensor = results[0] if isinstance(results, tuple) else results
        return first

    return function


def has_gradient(case: Case) -> bool:
    """Whether there is a gradient on this sample: even an operation with rules may give integers (a cast)."""
    specs = [Spec(array.shape, as_dtype(array.dtype)) for array in arrays(case)]
    inferred = case.op.infer(*specs, **case.op.defaults | case.sample.params)
    first = inferred if case.op.single else inferred[0]
    return bool(case.op.rules) and bool(first.dtype.is_floating)


def arrays(case: Case, *, dtype: DTypeLike = float64) -> list[NDArray[Any]]:
    """The inputs of a sample: real ones in `dtype`, integers in int64, masks in bool."""
    return draw_arrays(case.op, case.sample, dtype=dtype)


def draw_arrays(op: Op, sample: Sample, *, dtype: DTypeLike = float64) -> list[NDArray[Any]]:
    """The same for a sample that the operation was not declared with."""
    generator = np.random.default_rng(20)
    draws = sample.inputs
    places = iter(_distinct_places([draw.shape for draw in draws if draw.kind == "reals"], generator))
    drawn = [_real(next(places), draw) if draw.kind == "reals" else _whole(draw, generator) for draw in draws]
    related = _RELATED.get(op.name, list)(drawn)
    target = get_backend("numpy").array_dtype(as_dtype(dtype))
    return [array.astype(target) if array.dtype.kind == "f" else array for array in related]


def tensors(
    case: Case, backend: str | Backend, *, dtype: DTypeLike = float64, requires_grad: bool = True
) -> list[Tensor]:
    """The inputs of a case on a backend; those that have a gradient rule require a gradient."""
    return [
        tensor(
            array,
            backend=backend,
            requires_grad=requires_grad
            and as_dtype(array.dtype).is_floating
            and case.op.input_name(position) in case.op.rules,
        )
        for position, array in enumerate(arrays(case, dtype=dtype))
    ]


def _distinct_places(
    shapes: Iterable[tuple[int, ...]], generator: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Fractions between 0 and 1, evenly spaced and dealt at random to all the shapes together."""
    sizes = list(shapes)
    counts = [int(np.prod(shape)) for shape in sizes]
    total = max(sum(counts), 1)
    fractions = generator.permutation((np.arange(total) + 0.5) / total)
    ends = np.cumsum(counts)
    return [
        fractions[end - count : end].reshape(shape)
        for end, count, shape in zip(ends, counts, sizes, strict=True)
    ]


def _real(places: NDArray[np.float64], draw: Draw) -> NDArray[np.float64]:
    values = draw.low + (draw.high - draw.low) * places
    tenth = np.round(values, 1)
    # Kinks stand at 0, at halves and at bounds such as 0.1: step aside by less than numbers are apart.
    return np.asarray(
        values + np.where(abs(values - tenth) < 2e-3, np.where(values < tenth, -4e-3, 4e-3), 0.0)
    )


def _whole(draw: Draw, generator: np.random.Generator) -> NDArray[Any]:
    if draw.kind == "booleans":
        return np.asarray(generator.random(draw.shape) < 0.5)
    return np.asarray(generator.integers(int(draw.low), int(draw.high), draw.shape))


def _with_statistics_of_x(drawn: list[NDArray[Any]]) -> list[NDArray[Any]]:
    g, x, weight, *_ = drawn
    axes = (0, *range(2, x.ndim))
    return [g, x, weight, x.mean(axis=axes), x.var(axis=axes)]


# Inputs that are not drawn one by one, because a kernel may rely on how they hang together.
_RELATED = {"batch_norm_grad": _with_statistics_of_x}
