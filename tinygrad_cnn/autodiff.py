"""Gradients on request: `grad` returns them, `backward` adds them to `.grad` of the leaves.

Both check what they were given and drain the walk of `_walk`, where the chain rule is.

    (slope,) = tc.grad(loss, w)         nothing but the gradient; several, and of each other
    loss.backward()                     w.grad, b.grad ... for an optimizer
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn import _context
from tinygrad_cnn._op import attach
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn._walk import Visit, added, arriving, walk
from tinygrad_cnn.errors import ArgumentTypeError, GradientError
from tinygrad_cnn.ops.movement import clone


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of (the sum of) `outputs` with respect to `inputs`, without touching any `.grad`.

    Args:
        outputs: one tensor or several; each a scalar unless it has its own `grad_outputs`.
        inputs: the tensors to differentiate by; leaves or intermediate results.
        grad_outputs: the gradient to start from, one for each output, of its shape; None for scalars.
        retain_graph: keep the graph for another walk; by default only with `create_graph`.
        create_graph: make the gradients themselves differentiable.

    Returns:
        A tuple with a Tensor for each input, None where the output does not depend on it.

    Raises:
        GradientError: an output that requires no gradient, or a non-scalar one without a gradient.
        ReleasedGraphError: the graph was walked before without `retain_graph`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(3.0, requires_grad=True)
    >>> (slope,) = tc.grad(x * x, x, create_graph=True)
    >>> (curvature,) = tc.grad(slope, x)
    >>> slope, curvature
    (tensor(6., from=add), tensor(2.))
    """
    outputs = _as_tensors(outputs, "outputs")
    inputs = _as_tensors(inputs, "inputs")
    for number, value in enumerate(inputs):
        if not value.requires_grad:
            raise GradientError(
                f"input {number} does not require a gradient",
                argument="inputs",
                expected="tensors with requires_grad=True",
                got=repr(value.name or value.shape),
                hint="tc.tensor(..., requires_grad=True), before computing with it",
            )
    starts = seeds(outputs, grad_outputs)
    recording = _context.current().recording is not None
    retain = (create_graph or recording) if retain_graph is None else retain_graph
    with outputs[0].backend.step():
        return arriving(outputs, starts, inputs, retain_graph=retain, create_graph=create_graph)


@attach
def backward(self: Tensor, gradient: Tensor | None = None, *, retain_graph: bool = False) -> None:
    """Walk backward from this tensor and add the gradients to `.grad` of the leaves.

    Args:
        gradient: where to start: the gradient of some scalar with respect to this tensor, of its shape.
            A scalar tensor starts from 1.
        retain_graph: keep saved values and edges for another walk.

    Raises:
        GradientError: not a scalar and no gradient given, or nothing here requires a gradient.
        ReleasedGraphError: a second walk without `retain_graph`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True)
    >>> b = a + a
    >>> c = b + b
    >>> c.backward()
    >>> a.grad
    tensor(4.)
    """
    starts = seeds((self,), gradient)
    # Memory that this walk made and gave to nobody yet may be kept as it is; anything else is copied, so
    # that no gradient ever shares memory with another tensor.
    started = Tensor(None, (), self.dtype, self.backend).storage.serial
    taken: set[int] = set()
    recording = _context.current().recording is not None
    with self.backend.step():
        for event in walk((self,), starts, retain_graph=retain_graph or recording):
            if isinstance(event, Visit) and (event.node.is_leaf or event.node.retains):
                leaf = event.node.tensor
                if leaf is not None:
                    _accumulate(leaf, event.cotangent, started, taken)


def _accumulate(leaf: Tensor, cotangent: Tensor, started: int, taken: set[int]) -> None:
    if leaf.grad is not None:
        leaf.grad = added(leaf.grad, cotangent, False).detach()
        return
    serial = cotangent.storage.serial
    if serial < started or serial in taken:
        with _context.changed(grad=False, recording=None):  # no step of the walk, but one of a captured step
            leaf.grad = clone(cotangent)
    else:
        taken.add(serial)
        leaf.grad = cotangent.detach()


def _as_tensors(value: Tensor | Sequence[Tensor], argument: str) -> tuple[Tensor, ...]:
    tensors = (value,) if isinstance(value, Tensor) else tuple(value)
    if not tensors or not all(isinstance(one, Tensor) for one in tensors):
        raise ArgumentTypeError(
            "gradients are taken of tensors, with respect to tensors",
            argument=argument,
            expected="a Tensor or a non-empty sequence of them",
            got=repr(value)[:80],
        )
    return tensors


def seeds(
    outputs: Sequence[Tensor], gradients: Tensor | Sequence[Tensor | None] | None
) -> tuple[Tensor, ...]:
    """The cotangent that each output starts from, checked; 1 for a scalar."""
    if gradients is None or isinstance(gradients, Tensor) or not isinstance(gradients, (list, tuple)):
        given: Sequence[Tensor | None] = (gradients,) * len(outputs)  # type: ignore[assignment]
    else:
        given = gradients
    if len(given) != len(outputs):
        raise GradientError(
            "each output needs its own starting gradient",
            argument="grad_outputs",
            expected=f"{len(outputs)} gradients",
            got=len(given),
        )
    return tuple(_seed(output, gradient) for output, gradient in zip(outputs, given, strict=True))


def _seed(output: Tensor, gradient: Tensor | None) -> Tensor:
    if not output.requires_grad:
        raise GradientError(
            "this tensor was not computed from anything that requires a gradient",
            expected="requires_grad=True on an input, and no tc.no_grad() around the computation",
            got=repr(output.name) if output.name else f"a tensor of shape {output.shape}, {output.dtype}",
            hint="tc.tensor(..., requires_grad=True). If an input has it: comparisons, argmax, roundings, "
            "integers, .detach() and operations without a gradient rule pass none on",
        )
    backend = output.backend
    if gradient is None:
        if output.shape:
            raise GradientError(
                "only a scalar has one obvious gradient to start from",
                argument="gradient",
                expected="a scalar, or a gradient of the output's shape",
                got=f"shape {output.shape}",
                hint="reduce it first: loss.mean().backward(); or pass gradient=tc.ones(...)",
            )
        return Tensor(backend.full((), 1, output.dtype), (), output.dtype, backend)
    if not isinstance(gradient, Tensor):
        raise ArgumentTypeError(
            "a starting gradient must be a tensor", argument="gradient", expected="Tensor", got=type(gradient)
        )
    if gradient.shape != output.shape or gradient.dtype is not output.dtype:
        raise GradientError(
            "a starting gradient looks like its output",
            argument="gradient",
            expected=f"shape {output.shape}, {output.dtype}",
            got=f"shape {gradient.shape}, {gradient.dtype}",
        )
    return gradient
