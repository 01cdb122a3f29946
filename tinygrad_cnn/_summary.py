"""A table of a network's layers: what comes out of each, what it learns, and what it costs.

The network is run once on the meta backend, which computes shapes and nothing else, with stand-ins for its
weights. So the largest network takes milliseconds, its weights are neither copied nor touched, and a shape
that does not fit is found with the name of the layer where it happens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._node import Node
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import use_backend
from tinygrad_cnn.dtypes import DType, DTypeLike, Shape, Spec, as_dtype, as_shape, float32
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.graph import Recording, record
from tinygrad_cnn.nn import Module, Parameter
from tinygrad_cnn.nn._hooks import Hooks
from tinygrad_cnn.ops.creation import zeros

_WIDTH = 80
_RULE = "\u2500" * _WIDTH


@dataclass
class Row:
    """One layer of the table.

    Attributes:
        path: its dotted name, "" for the whole network.
        kind: its class.
        depth: 0 for the whole network, 1 for its parts, ...
        outputs: the shapes that it returned at its last call; empty when it was never called.
        parameters: how many numbers it holds itself, without its parts (with them, where they are hidden).
        multiply_adds: products of a weight and an input that it computed itself.
    """

    path: str
    kind: str
    depth: int
    outputs: tuple[Shape, ...] = ()
    parameters: int = 0
    multiply_adds: int = 0

    @property
    def name(self) -> str:
        """What the table shows: the attribute and the class, indented."""
        attribute = self.path.rpartition(".")[2]
        return "  " * self.depth + (f"{attribute} ({self.kind})" if attribute else self.kind)


@dataclass(frozen=True)
class Summary:
    """The table and its totals; printing it shows them.

    Attributes:
        rows: the layers, in the order they were assigned.
        inputs: shapes and dtypes that the network was run on.
        parameters: how many numbers the network holds that can be learned; `trainable`: that are not frozen.
        parameter_bytes: the memory they take.
        multiply_adds: of one forward pass, matrix products and convolutions only.
        result_bytes: the memory of all results of one forward pass, as kept for training.
    """

    rows: tuple[Row, ...]
    inputs: tuple[Spec, ...]
    parameters: int
    trainable: int
    parameter_bytes: int
    multiply_adds: int
    result_bytes: int

    def __str__(self) -> str:
        lines = list(_table(self.rows))
        shapes = ", ".join(f"{spec.shape} {spec.dtype}" for spec in self.inputs)
        trainable = "all" if self.trainable == self.parameters else f"{self.trainable:,}"
        return "\n".join(
            [
                *lines,
                _RULE,
                f"input          {shapes}",
                f"parameters     {self.parameters:,}, {trainable} trainable; {_bytes(self.parameter_bytes)}",
                f"forward pass   {self.multiply_adds:,} multiply-adds; "
                f"results take {_bytes(self.result_bytes)}",
            ]
        )

    __repr__ = __str__


def summary(
    model: Module,
    input_size: Sequence[Any],
    *,
    dtype: DTypeLike | None = None,
    depth: int | None = None,
) -> Summary:
    """List the layers of a network, without computing anything.

    Args:
        model: the network; it is not changed and nothing is drawn or computed.
        input_size: the shape of its input, batch included: (1, 3, 224, 224); or several shapes.
        dtype: of the inputs; by default that of the parameters.
        depth: hide what is nested deeper and count it with what contains it.

    Raises:
        ShapeError: a layer that cannot take what it is given; the message names the layer.

    >>> import tinygrad_cnn as tc
    >>> network = tc.nn.Sequential(tc.nn.Conv2d(1, 10, 3), tc.nn.Flatten(), tc.nn.Linear(6760, 10))
    >>> result = tc.summary(network, (1, 1, 28, 28))
    >>> result.parameters, result.multiply_adds
    (67710, 128440)
    """
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            "a summary is made of a network", argument="model", expected="nn.Module", got=type(model).__name__
        )
    parameters = list(model.parameters())
    kind = _input_dtype(parameters) if dtype is None else as_dtype(dtype)
    twin = _on_meta(model)
    with use_backend("meta"), no_grad(), record() as recording:
        watch = _Watch(twin, recording)
        inputs = [zeros(*shape, dtype=kind) for shape in _shapes(input_size)]
        twin(*inputs)
    results = [spec for node in recording if node.op and not node.op.view for spec in node.outputs]
    return Summary(
        rows=_folded(list(watch.rows.values()), depth),
        inputs=tuple(Spec(value.shape, value.dtype) for value in inputs),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        parameter_bytes=sum(parameter.numel() * parameter.dtype.itemsize for parameter in parameters),
        multiply_adds=sum(row.multiply_adds for row in watch.rows.values()),
        result_bytes=sum(_count(spec.shape) * spec.dtype.itemsize for spec in results),
    )


def _input_dtype(parameters: Sequence[Tensor]) -> DType:
    return next((parameter.dtype for parameter in parameters if parameter.dtype.is_floating), float32)


def _shapes(input_size: Sequence[Any]) -> list[Shape]:
    """One shape, or a list of several."""
    several = len(input_size) > 0 and all(isinstance(size, Sequence) for size in input_size)
    return [as_shape(size) for size in (input_size if several else [input_size])]


# --- running it on nothing ------------------------------------------------------------------------


def _on_meta(model: Module) -> Module:
    """A copy of the network whose tensors are only shapes; hooks, which may want values, stay behind."""
    stand_ins: dict[int, Any] = {}
    for module in model.modules():
        stand_ins[id(module._hooks)] = Hooks()
        for value in vars(module).values():
            if isinstance(value, Tensor):
                stand_ins[id(value)] = _stand_in(value)
    return copy.deepcopy(model, stand_ins).eval()


def _stand_in(value: Tensor) -> Tensor:
    plain = zeros(*value.shape, dtype=value.dtype, backend="meta")
    return Parameter(plain, value.requires_grad) if isinstance(value, Parameter) else plain


class _Watch:
    """Sees every call inside a network, and whose each recorded operation is."""

    def __init__(self, model: Module, recording: Recording) -> None:
        self.rows: dict[str, Row] = {}
        self.recording = recording
        self.running: list[Row] = []
        self.counted = 0  # how many recorded operations already belong to a row
        counted: set[Parameter] = set()
        for path, module in model.named_modules():
            own = {value for value in vars(module).values() if isinstance(value, Parameter)} - counted
            counted |= own
            level = path.count(".") + 1 if path else 0
            row = Row(path, type(module).__name__, level, parameters=sum(value.numel() for value in own))
            self.rows[path] = row
            module.forward = self._watched(module.forward, row)  # type: ignore[method-assign]

    def _watched(self, forward: Callable[..., Any], row: Row) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._count_operations()
            self.running.append(row)
            output = forward(*args, **kwargs)
            self._count_operations()
            self.running.pop()
            row.outputs = tuple(value.shape for value in _tensors(output))
            return output

        return watched

    def _count_operations(self) -> None:
        """What was recorded since the last look was computed by the innermost module that is running."""
        if self.running:
            for node in self.recording[self.counted :]:
                self.running[-1].multiply_adds += _multiply_adds(node)
        self.counted = len(self.recording)


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        yield from _tensors(list(output.values()))
    elif isinstance(output, (tuple, list)):
        for item in output:
            yield from _tensors(item)


def _multiply_adds(node: Node) -> int:
    """How many products a matrix product or convolution sums up; everything else is small beside them."""
    name = node.name
    if name == "matmul":
        return _count(node.outputs[0].shape) * node.spec("x").shape[-1]
    if name == "conv":
        return _count(node.outputs[0].shape) * _count(node.spec("w").shape[1:])
    if name == "conv_input_grad":  # forward, a transposed convolution
        return _count(node.spec("grad").shape) * _count(node.spec("w").shape[1:])
    return 0


def _count(shape: Shape) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


# --- the table ------------------------------------------------------------------------------------


def _folded(rows: list[Row], depth: int | None) -> tuple[Row, ...]:
    """The rows down to a depth; deeper ones are added to the one that contains them."""
    if depth is None:
        return tuple(rows)
    if depth < 0:
        raise ArgumentError("a depth cannot be negative", argument="depth", expected="0 or more", got=depth)
    shown: list[Row] = []
    for row in rows:
        if row.depth <= depth:
            shown.append(row)
        else:
            shown[-1] = replace(
                shown[-1],
                parameters=shown[-1].parameters + row.parameters,
                multiply_adds=shown[-1].multiply_adds + row.multiply_adds,
            )
    return tuple(shown)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the table, 80 columns wide."""
    cells = [
        (
            row.name,
            ", ".join(map(str, row.outputs)) or "not called",
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        )
        for row in rows
    ]
    header = ("layer", "output shape", "parameters", "multiply-adds")
    shape, parameters, products = (
        max(len(line[column]) for line in [header, *cells]) for column in range(1, 4)
    )
    shape = min(shape, 28)
    name = _WIDTH - shape - parameters - products - 6
    for number, line in enumerate([header, *cells]):
        yield (
            f"{_clipped(line[0], name):<{name}}  {_clipped(line[1], shape):<{shape}}  "
            f"{line[2]:>{parameters}}  {line[3]:>{products}}"
        )
        if number == 0:
            yield _RULE


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _bytes(count: int) -> str:
    """Bytes in the unit that fits.

    >>> _bytes(640), _bytes(246_824)
    ('640 bytes', '241.0 KiB')
    """
    if count < 1024:
        return f"{count} bytes"
    size, units = count / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"
