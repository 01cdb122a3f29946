"""What every operation is tried on, one list for the tests and for the table of what is tested.

An operation is declared with samples, rules and flags; from these follow the questions below. Each question
gives its examples, and an example is something to run that must not raise:

    forward        every sample: all outputs equal plain loops, shapes and dtypes are the inferred ones
    gradient       every rule on every sample: equal to central differences
    second order   the same for the gradient of the gradient
    broadcasting   inputs of unlike shapes: the result and the gradients of inputs stretched beforehand
    errors         inputs that cannot be: a typed error that names the argument

The tests run these examples one by one; `python -m tinygrad_cnn.testing.coverage` counts them.

>>> from tinygrad_cnn._op import REGISTRY
>>> for example in QUESTIONS["gradient"](REGISTRY["log_softmax"]):
...     example.run()
...     print(example)
log_softmax-0 on numpy
log_softmax-0 on numpy(overrides=False)
log_softmax-1 on numpy
log_softmax-1 on numpy(overrides=False)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import Op
from tinygrad_cnn._sample import Draw, Sample
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import grad
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import Shape, Spec, broadcast
from tinygrad_cnn.errors import TinygradCNNError
from tinygrad_cnn.testing._differences import gradient_of
from tinygrad_cnn.testing._gradcheck import gradcheck
from tinygrad_cnn.testing._reasons import TRUSTING
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.refusals import Refusal, refusals_of
from tinygrad_cnn.testing.samples import (
    Case,
    arrays,
    cases,
    draw_arrays,
    first_output,
    has_gradient,
    library_operations,
    tensors,
)

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


class Example(NamedTuple):
    """Something to run that must not raise."""

    op: Op
    label: str
    run: Callable[[], object]

    def __repr__(self) -> str:
        return self.label


def examples(question: str) -> list[Example]:
    """The examples of one question, of all the library's operations."""
    return [example for op in library_operations() for example in QUESTIONS[question](op)]


def numpy_backends() -> tuple[Backend, Backend]:
    """NumPy twice: with its fast kernels, and with the readable ones that operations are declared with."""
    return get_backend("numpy"), get_backend("numpy", overrides=False)


# --- forward --------------------------------------------------------------------------------------


def _forward(op: Op) -> Iterator[Example]:
    for case, backend, dtype in itertools.product(cases(op), numpy_backends(), TOLERANCE):
        yield Example(
            op, f"{case} in {dtype} on {backend}", partial(forward_equals_loops, case, backend, dtype)
        )


def forward_equals_loops(case: Case, backend: Backend, dtype: str) -> None:
    """All outputs, the hidden ones too, equal plain loops, in the shapes and dtypes that `infer` told."""
    params = {**case.op.defaults, **case.sample.params}
    expected = _as_tuple(REFERENCES[case.op.name](*arrays(case, dtype=dtype), **params))
    inputs = tensors(case, backend, dtype=dtype)
    specs = case.op.infer(*inputs, **params)
    results = _as_tuple(run_kernel(case, inputs))
    assert len(results) == len(expected), "another number of outputs than the reference"
    for result, reference, spec in zip(results, expected, _as_specs(specs), strict=True):
        told = (spec.shape, spec.dtype.name)
        assert (np.shape(result), np.asarray(result).dtype.name) == told, "not what infer told"
        assert np.shape(result) == reference.shape, "another shape than the reference"
        np.testing.assert_allclose(
            np.asarray(result, dtype=float),
            reference.astype(float),
            rtol=TOLERANCE[dtype],
            atol=TOLERANCE[dtype],
        )


def run_kernel(case: Case, inputs: list[Tensor]) -> Any:
    """What the operation's kernel on that backend returns for the inputs' arrays."""
    backend, op = inputs[0].backend, case.op
    kernel = backend.kernels.get(op.name, op.kernel)
    return kernel(backend, *[value.array for value in inputs], **op.defaults | case.sample.params)


def _as_tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _as_specs(inferred: Any) -> tuple[Spec, ...]:
    return (inferred,) if isinstance(inferred, Spec) else inferred  # a Spec is a tuple too


# --- gradients ------------------------------------------------------------------------------------


def _gradient(op: Op) -> Iterator[Example]:
    for case, backend in itertools.product(cases(op), numpy_backends()):
        if has_gradient(case):
            yield Example(op, f"{case} on {backend}", partial(gradients_are_right, case, backend))


def gradients_are_right(case: Case, backend: Backend) -> None:
    """Every rule of the operation equals central differences on a sample."""
    gradcheck(first_output(case), tensors(case, backend))


def _second_order(op: Op) -> Iterator[Example]:
    # Once: a rule's own gradient follows from the operations it is written with, not from their kernels.
    for case in cases(op):
        if has_gradient(case):
            yield Example(op, str(case), partial(gradients_of_gradients_are_right, case))


def gradients_of_gradients_are_right(case: Case) -> None:
    """The gradient of every rule's result equals central differences of that result."""
    gradcheck(*gradient_of(first_output(case), tensors(case, "numpy")))


# --- broadcasting ---------------------------------------------------------------------------------

STRETCHED: tuple[Shape, ...] = ((3, 1), (4,), (), (2, 1, 1), (0, 1, 1, 1))
# Matrix products broadcast what stands before the last two dimensions.
STACKED = (((3,), (2, 3, 4)), ((2, 1, 3, 2), (4, 2, 3)), ((1, 2, 3), (5, 3, 1)), ((0, 2, 3), (3, 2)))


def _broadcasting(op: Op) -> Iterator[Example]:
    for shapes in _unlike_shapes(op):
        yield Example(op, f"{op.name} of {shapes}", partial(broadcasting_is_stretching, op, shapes))


def _unlike_shapes(op: Op) -> list[tuple[Shape, ...]]:
    """Shapes that its inputs may have together; none for an operation that stretches nothing."""
    if op.name == "matmul":
        return list(STACKED)
    several = len(op.input_names) > 1 and not op.variadic
    if not several or op.name in TRUSTING or not _stretches(op):
        return []
    return list(itertools.permutations(STRETCHED, len(op.input_names)))


def _stretches(op: Op) -> bool:
    """Whether `infer` takes inputs of unlike shapes and gives what they stretch to."""
    case = cases(op)[0]
    shapes = list(itertools.islice(itertools.cycle(STRETCHED[:-1]), len(op.input_names)))
    specs = [Spec(shape, value.dtype) for shape, value in zip(shapes, tensors(case, "meta"), strict=True)]
    try:
        inferred = op.infer(*specs, **op.defaults | case.sample.params)
    except TinygradCNNError:
        return False
    return _as_specs(inferred)[0].shape == broadcast(*shapes)


def broadcasting_is_stretching(op: Op, shapes: tuple[Shape, ...]) -> None:
    """Unlike shapes give the result and the gradients of inputs that NumPy has stretched beforehand."""
    sample = cases(op)[0].sample
    draws = [
        Draw(draw.kind, shape, draw.low, draw.high) for draw, shape in zip(sample.inputs, shapes, strict=True)
    ]
    drawn = draw_arrays(op, Sample(*draws, **sample.params))
    stretched = [
        np.broadcast_to(array, shape) for array, shape in zip(drawn, _common(op, shapes), strict=True)
    ]
    result, gradients = _with_gradients(op, drawn, sample.params)
    expected, full_gradients = _with_gradients(op, stretched, sample.params)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    for array, got, full in zip(drawn, gradients, full_gradients, strict=True):
        if got is not None and full is not None:
            np.testing.assert_allclose(got, _summed_to(full, array.shape), rtol=1e-12, atol=1e-12)


def _common(op: Op, shapes: tuple[Shape, ...]) -> list[Shape]:
    """The shapes that the inputs are stretched to."""
    if op.name != "matmul":
        return [broadcast(*shapes)] * len(shapes)
    stack = broadcast(*[shape[:-2] for shape in shapes])
    return [shape if len(shape) == 1 else (*stack, *shape[-2:]) for shape in shapes]


def _with_gradients(
    op: Op, numbers: list[NDArray[Any]], params: Mapping[str, Any]
) -> tuple[NDArray[Any], list[NDArray[Any] | None]]:
    inputs = [
        tensor(array, requires_grad=array.dtype.kind == "f" and op.rule(position) is not None)
        for position, array in enumerate(numbers)
    ]
    result = op(*inputs, **params)
    if not result.requires_grad:
        return result.numpy(), [None] * len(inputs)
    seed = np.linspace(-1, 2, result.numel()).reshape(result.shape)
    found = iter(grad(result, [value for value in inputs if value.requires_grad], tensor(seed)))
    gradients = [next(found) if value.requires_grad else None for value in inputs]
    return result.numpy(), [None if gradient is None else gradient.numpy() for gradient in gradients]


def _summed_to(full: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """What arrives at an input of that shape: the sum over everything it was stretched along."""
    extra = full.ndim - len(shape)
    summed = full.sum(axis=tuple(range(extra)))
    ones = tuple(axis for axis, size in enumerate(shape) if size == 1)
    total: NDArray[Any] = summed.sum(axis=ones, keepdims=True)
    return total


# --- errors ---------------------------------------------------------------------------------------


def _errors(op: Op) -> Iterator[Example]:
    for refusal in refusals_of(op):
        yield Example(op, f"{op.name}: {refusal}", partial(is_refused, refusal))


def is_refused(refusal: Refusal) -> None:
    """The call fails with the error that was announced, and its message says which argument is wrong."""
    error = _error_of(refusal)
    assert error is not None, f"{refusal} is not refused"
    expected = refusal.argument or error.argument
    assert expected, "the message names no argument"
    assert error.argument == expected, f"the message blames {error.argument}, not {expected}"
    assert (error.expected, error.got, error.hint) != (None, None, None), "it says nothing of what came"


def _error_of(refusal: Refusal) -> TinygradCNNError | None:
    try:
        refusal.call()
    except refusal.error as error:
        return error
    return None


QUESTIONS: dict[str, Callable[[Op], Iterator[Example]]] = {
    "forward": _forward,
    "gradient": _gradient,
    "second order": _second_order,
    "broadcasting": _broadcasting,
    "errors": _errors,
}
