"""apply: run an operation on its inputs, and record it when a gradient may be asked for later.

inputs     numbers and host arrays become constants; dtypes meet
infer      shapes and dtypes of the results, or the error that explains why there are none
kernel     the backend's own, or the operation's
record     a Node, if an input requires a gradient or everything is being recorded
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import _context
from tinygrad_cnn._autocast import cast_inputs
from tinygrad_cnn._context import Context
from tinygrad_cnn._create import tensor
from tinygrad_cnn._narrow import widened
from tinygrad_cnn._node import Node
from tinygrad_cnn._saved import hold
from tinygrad_cnn._source import user_frame
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend, Kernel, get_backend
from tinygrad_cnn.dtypes import DType, Spec, float16, float32, int64, promote
from tinygrad_cnn.dtypes import bool_ as bool_dtype
from tinygrad_cnn.errors import (
    ArgumentTypeError,
    BackendError,
    ImmutableError,
    NonFiniteError,
    ShapeError,
    TinygradCNNError,
)

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op


# Quicker than a comprehension, and an operation on small tensors is made of little else.
_array_of, _requires_gradient = attrgetter("array"), attrgetter("_requires_grad")


def apply(op: Op, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run an operation on its inputs; record it when a gradient may be asked for later."""
    context = _context.current()
    if context.autocast is not None and op.autocast is not None:
        args = cast_inputs(args, op.autocast, context.autocast)
    backend: Backend | None = None
    dtype: DType | None = None
    all_tensors = one_dtype = True
    for value in args:
        if not isinstance(value, Tensor):
            all_tensors = False
        elif backend is None:
            backend, dtype = value.backend, value.dtype
        elif value.backend is not backend:
            raise _mixed_backends(op, args)
        elif value.dtype is not dtype:
            one_dtype = False
    try:
        inputs: Sequence[Tensor] = args if all_tensors and args else _constants(op, args, backend)
        # Floats of one dtype, which is what most operations get, are as they should be.
        if op.promotes is not None and not (all_tensors and one_dtype and inputs[0].dtype.is_floating):
            inputs = _promoted(op, inputs)
        inferred = op.infer(*inputs, **params)
        if op.single and not isinstance(inferred, Spec):
            raise _no_spec(op, inferred)
    except TinygradCNNError as error:
        raise error.at(op.name) from error.__cause__
    specs: tuple[Spec, ...] = (inferred,) if op.single else inferred
    backend = inputs[0].backend
    if op.mutates:
        _require_assignable(inputs[0])
        if context.tape is not None:
            context.tape.remember(inputs[0])
    kernel = backend.kernels.get(op.name, op.kernel)
    if dtype is not float32 or not one_dtype:
        kernel = widened(kernel, backend, op, inputs[0].dtype, specs)
    arrays = _run(op, kernel, backend, inputs, specs, params)
    if context.tape is not None:
        context.tape.add(op, params, inputs, arrays, specs)
    if op.mutates:
        inputs[0].storage.version += 1
        if context.recording is not None:
            _record(op, params, inputs, specs, (), context, False)
        return inputs[0]

    storage = inputs[0].storage if op.view else None
    outputs: tuple[Tensor, ...]
    if op.single:
        outputs = (Tensor(arrays[0], specs[0].shape, specs[0].dtype, backend, storage),)
    else:
        pairs = zip(arrays, specs, strict=True)
        outputs = tuple([Tensor(array, spec.shape, spec.dtype, backend, storage) for array, spec in pairs])
    if context.anomaly:
        _check_finite(op, inputs, outputs)
    requires_grad = context.grad and _needs_gradient(op, inputs)
    if requires_grad or context.recording is not None:
        _record(op, params, inputs, specs, outputs, context, requires_grad)
    return outputs[0] if op.public == 1 else outputs[: op.public]


def _needs_gradient(op: Op, inputs: Sequence[Tensor]) -> bool:
    """Whether some input requires a gradient that the operation can give."""
    if op.rules:
        for position, value in enumerate(inputs):
            if value._requires_grad and op.rule(position) is not None:
                return True
    return False


def _run(
    op: Op,
    kernel: Kernel,
    backend: Backend,
    inputs: Sequence[Tensor],
    specs: tuple[Spec, ...],
    params: dict[str, Any],
) -> Sequence[Array]:
    """The outputs' arrays, by the backend's kernel or the operation's own."""
    if not backend.executes:
        return [backend.full(shape, 0, dtype) for shape, dtype in specs]
    try:
        if backend.run is None:
            result = kernel(backend, *map(_array_of, inputs), **params)
        else:
            result = backend.run(kernel, [value.array for value in inputs], params)
    except TinygradCNNError as error:
        raise error.at(op.name) from error.__cause__
    if not op.is_ours:
        _check_kernel(op, backend, (result,) if op.single else result, specs)
    # A reduction to one element may come back as a bare number; every tensor holds an array.
    if op.single:
        return (result if specs[0].shape else backend.xp.asarray(result),)
    return [a if spec.shape else backend.xp.asarray(a) for a, spec in zip(result, specs, strict=True)]


def _record(
    op: Op,
    params: dict[str, Any],
    inputs: Sequence[Tensor],
    specs: tuple[Spec, ...],
    outputs: tuple[Tensor, ...],
    context: Context,
    requires_grad: bool,
) -> None:
    """Make the Node that remembers this operation and what its rules will need."""
    # Before the Node itself: a leaf's Node may be made here, and parents need lower serial numbers.
    parents = tuple([(value._node or value.node, value._index) for value in inputs])
    node = Node(specs, requires_grad)
    node.op = op
    node.params = params
    node.inputs = parents
    if context.scope:
        node.scope = context.scope
    if context.origin is not None:
        node.origin = context.origin
    frame = user_frame(3)
    if frame is not None:
        node._code, node._offset = frame.f_code, frame.f_lasti
    if requires_grad and op.saves_something:
        names = op.saves(tuple(map(_requires_gradient, inputs)))
        if names:
            node.saved = hold(node, names, inputs, outputs)
    for index, value in enumerate(outputs):
        value._node = node
        value._index = index
    if outputs:
        outputs[0]._requires_grad = requires_grad
    if context.recording is not None:
        node.values = tuple(value.detach() for value in outputs)
        context.recording.append(node)


# --- preparing the inputs -------------------------------------------------------------------------


def _constants(op: Op, args: Sequence[Any], backend: Backend | None) -> list[Tensor]:
    """Numbers and host arrays become constants on the backend of the tensors they meet."""
    if not args:
        raise ArgumentTypeError("at least one tensor is needed", argument=op.input_names[0])
    if backend is None:
        backend = get_backend()
    dtype = _floating_dtype_met(op, args)
    if dtype is not None:
        return [value if isinstance(value, Tensor) else _constant(value, dtype, backend) for value in args]
    tensors = [
        tensor(value, backend=backend) if not isinstance(value, Tensor) and _has_dimensions(value) else value
        for value in args
    ]
    takes_part = [
        value
        for position, value in enumerate(tensors)
        if isinstance(value, Tensor) and position in op.meeting
    ]
    met = promote(*takes_part) if takes_part else None
    return [
        value if isinstance(value, Tensor) else _number(value, met, backend, op.input_name(position))
        for position, value in enumerate(tensors)
    ]


def _floating_dtype_met(op: Op, args: Sequence[Any]) -> DType | None:
    """The floating dtype in which plain numbers meet tensors (x · 2, where(mask, x, 0)): the commonest case.

    None where more has to be looked at: arrays, integers, several dtypes.
    """
    met: DType | None = None
    for position, value in enumerate(args):
        if isinstance(value, Tensor):
            if position in op.meeting:
                if met is not None and value.dtype is not met:
                    return None
                met = value.dtype
        elif type(value) is not float and type(value) is not int:
            return None
    return met if met is not None and met.is_floating else None


def _has_dimensions(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def _number(value: Any, met: DType | None, backend: Backend, argument: str) -> Tensor:
    """A bare number takes the dtype of the tensors it meets; a float lifts integers to float32."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if isinstance(value, bool) or kind == "b":
        own = bool_dtype
    elif isinstance(value, int) or kind in ("i", "u"):
        own = int64
    elif isinstance(value, float) or kind == "f":
        own = float32
    else:
        raise ArgumentTypeError(
            "an operand is not a number, an array or a tensor",
            argument=argument,
            expected="Tensor, number or numpy.ndarray",
            got=f"{type(value).__name__}: {value!r}"[:80],
        )
    dtype = own if met is None else promote(Spec((1,), met), Spec((), own))
    try:
        return _constant(value, dtype, backend)
    except OverflowError as error:
        raise ArgumentTypeError(
            f"{value} does not fit into {dtype}", argument=argument, expected=f"a number within {dtype}"
        ) from error


def _constant(number: Any, dtype: DType, backend: Backend) -> Tensor:
    constant = Tensor(backend.asarray(number, dtype), (), dtype, backend)
    constant.name = f"{number:g}"  # so that drawings show it
    return constant


def _promoted(op: Op, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Cast inputs of several dtypes to the one they meet in; the casts are Nodes of the graph."""
    last = inputs[-1].dtype  # a mask stands in front of the numbers that it chooses among
    for position, value in enumerate(inputs):
        if value.dtype is not last and position in op.meeting:
            break
    else:
        if op.promotes == "kind" or last.is_floating:
            return inputs
    target = promote(*[value for position, value in enumerate(inputs) if position in op.meeting])
    if op.promotes == "floating" and not target.is_floating:
        target = float32
    return [
        value if value.dtype is target or position not in op.meeting else value.to(target)
        for position, value in enumerate(inputs)
    ]


# --- what can go wrong ----------------------------------------------------------------------------


def _mixed_backends(op: Op, args: Iterable[Any]) -> BackendError:
    named = [
        f"{op.input_name(position)} on {value.backend}"
        for position, value in enumerate(args)
        if isinstance(value, Tensor)
    ]
    error = BackendError(
        "the tensors live on different backends",
        argument=" and ".join(part.split(" on ")[0] for part in named),
        expected="one backend",
        got=", ".join(named),
        hint="move one of them: t.to('numpy')",
    )
    error.at(op.name)
    return error


def _no_spec(op: Op, inferred: object) -> ArgumentTypeError:
    return ArgumentTypeError(
        "`infer` must say the result's shape and dtype",
        argument="infer",
        expected="a Spec, such as tc.Spec(x.shape, x.dtype)",
        got=type(inferred).__name__,
    )


def _check_kernel(op: Op, backend: Backend, arrays: Sequence[Array], specs: tuple[Spec, ...]) -> None:
    """A user's kernel returns what its `infer` has announced; our own are tested to."""
    for name, array, spec in zip(op.outputs, arrays, specs, strict=True):
        array = backend.xp.asarray(array)
        held = backend.dtype_of(backend.full((), 0, spec.dtype))
        if tuple(array.shape) != spec.shape or backend.dtype_of(array) is not held:
            raise ShapeError(
                f"the kernel of {op.name} returned something else than its `infer` announced",
                argument=name,
                expected=f"shape {spec.shape}, {held}",
                got=f"shape {tuple(array.shape)}, {backend.dtype_of(array)}",
            ).at(op.name)


def _require_assignable(target: Tensor) -> None:
    if not target.is_leaf:
        raise ImmutableError(
            "only a leaf can be assigned to: the graph still describes how this value was computed",
            argument="target",
            expected="a leaf (parameter, buffer, or a tensor made by tc.tensor)",
            got=f"the result of {target.node.name}",
            hint="t.detach() cuts a value out of its graph",
        ).at("assign")


def _check_finite(op: Op, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Anomaly mode: raise for a NaN, and for an infinity that did not come in with the inputs."""
    out = outputs[0]
    if not out.dtype.is_floating or not out.backend.executes:
        return
    xp = out.backend.xp
    if bool(xp.all(xp.isfinite(out.array))):
        return
    came_in = [
        op.input_name(position)
        for position, value in enumerate(inputs)
        if value.dtype.is_floating and not bool(xp.all(xp.isfinite(value.array)))
    ]
    has_nan = bool(xp.any(xp.isnan(out.array)))
    if came_in and not has_nan:
        return
    what = "NaN" if has_nan else "infinity"
    origin = _context.current().origin
    error = NonFiniteError(
        f"the result holds {what}"
        + (f"; it came in with {', '.join(came_in)}" if came_in else ", though every input is finite")
        + ("" if origin is None else f" (computing the gradient of {origin.consumer.name})"),
        expected="finite numbers",
        got=f"{int(xp.sum(~xp.isfinite(out.array)))} of {out.numel()} elements are not finite",
        hint=_where_to_look(op, out.dtype, has_nan, origin is not None),
    )
    where = None if origin is None else origin.consumer.source
    raise error.at(op.name, where)


def _where_to_look(op: Op, dtype: DType, has_nan: bool, in_backward: bool) -> str:
    """What usually makes the first result that is not finite."""
    if dtype is float16 and not has_nan:
        smaller = "scale the loss less (GradScaler's init_scale)" if in_backward else "standardize the images"
        other = "" if op.name == "cast" else "; or is something divided by 0?"
        return f"float16 ends at 65504: {smaller}, or compute in bfloat16{other}"
    return (
        "look at its inputs: a logarithm or a divisor of 0, an exponential of a large number, "
        "a learning rate too high?"
    )
