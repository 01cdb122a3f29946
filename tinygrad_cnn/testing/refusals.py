"""What operations refuse: calls that must fail with a typed error whose message names the wrong argument.

Nothing is silently broadcast, cast, cut or skipped. Beside the catalogue below, some refusals follow from an
operation's declaration: a `dim` that is not there, shapes that fit to nothing, two floating dtypes at once.

>>> from tinygrad_cnn._op import REGISTRY
>>> for refusal in refusals_of(REGISTRY["log_softmax"]):
...     print(refusal, "->", refusal.error.__name__, refusal.argument)
log_softmax((2, 3) int64, dim=0) -> DTypeError x
log_softmax((2, 3) float64, dim=9) -> DimensionError dim
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import FUNCTIONS, METHODS, REGISTRY, Op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    DTypeError,
    IndexingError,
    LabelError,
    NonFiniteError,
    ShapeError,
    TinygradCNNError,
)
from tinygrad_cnn.ops.creation import zeros
from tinygrad_cnn.testing._reasons import TRUSTING
from tinygrad_cnn.testing.samples import Case, cases, tensors


class Refusal(NamedTuple):
    """A call that must fail.

    Attributes:
        function: the operation, function or method that is called; `name` is its name.
        error: the class of the error.
        argument: the one that its message names; None where any will do.
        inputs, params: what it is called with.
    """

    name: str
    function: Callable[..., Any]
    error: type[TinygradCNNError]
    argument: str | None
    inputs: tuple[Any, ...]
    params: dict[str, Any]

    def call(self) -> Any:
        """Call it; raises the error, if all is well."""
        return self.function(*self.inputs, **self.params)

    def __repr__(self) -> str:
        shown = [_shown(value) for value in self.inputs]
        return f"{self.name}({', '.join([*shown, *(f'{k}={_shown(v)}' for k, v in self.params.items())])})"


def _shown(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.shape} {value.dtype}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)


def refused(
    name: str, error: type[TinygradCNNError], argument: str, /, *inputs: Any, **params: Any
) -> Refusal:
    """One row of the catalogue: a function, a method or an operation, by name."""
    function = FUNCTIONS.get(name) or METHODS.get(name) or REGISTRY[name]
    return Refusal(name, function, error, argument, inputs, params)


def refusals_of(op: Op) -> list[Refusal]:
    """The refusals of an operation: those of the catalogue, then those that its declaration promises."""
    listed = [refusal for refusal in CATALOGUE if OPERATION_OF.get(refusal.name, refusal.name) == op.name]
    return [*listed, *([] if op.name in TRUSTING else _promised(cases(op)[0]))]


# --- the catalogue --------------------------------------------------------------------------------

X, WIDE = zeros(2, 3), zeros(2, 3, dtype="float64")
WHOLE = tensor([[0, 1, 2], [3, 4, 5]])
MASK = tensor([[True, False, True], [False, True, True]])
VECTOR, EMPTY, SCALAR = zeros(3), zeros(0), zeros()
IMAGE, KERNEL = zeros(1, 2, 4, 4), zeros(3, 2, 2, 2)
WINDOW: dict[str, Any] = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
POOL: dict[str, Any] = {
    "kernel_size": (2, 2),
    "stride": (2, 2),
    "padding": ((0, 0), (0, 0)),
    "ceil_mode": False,
}

CATALOGUE = (
    # arithmetic
    *(
        refused(name, ShapeError, "x and y", X, zeros(2))
        for name in ("add", "mul", "div", "maximum", "minimum")
    ),
    *(refused(name, DTypeError, "x", MASK, MASK) for name in ("sub", "remainder", "floor_divide")),
    *(refused(name, DTypeError, "x", MASK) for name in ("neg", "sign", "square", "relu")),
    *(refused(name, DTypeError, "x", MASK) for name in ("floor", "ceil", "round", "trunc")),
    refused("add", ArgumentTypeError, "y", X, "1"),
    refused("add", ArgumentTypeError, "y", tensor([1], dtype="uint8"), 300),
    refused("add", ArgumentTypeError, "y", X),
    refused("add", ArgumentTypeError, "x", None, X),
    refused("pow", ArgumentError, "y", WHOLE, -1),
    # comparison
    *(refused(name, ShapeError, "x and y", X, zeros(2)) for name in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(
        refused(name, ShapeError, "x and y", MASK, X[:, :2])
        for name in ("logical_and", "logical_or", "logical_xor")
    ),
    *(refused(name, DTypeError, "x", X, X) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    refused("bitwise_not", DTypeError, "x", X),
    refused("where", ShapeError, "condition and x and y", MASK, X, zeros(4)),
    refused("where", DTypeError, "condition", X, X, X),
    # activation
    refused("clamp", ArgumentError, "min", X),
    refused("clamp", ArgumentTypeError, "max", X, max="1"),
    refused("softplus", ArgumentError, "beta", X, beta=0),
    # movement
    refused("reshape", ShapeError, "shape", X, 4, 2),
    refused("reshape", ShapeError, "shape", X, -1, -1),
    refused("expand", ShapeError, "shape", X, 4, 3),
    refused("expand", ShapeError, "shape", X, 3),
    refused("broadcast_to", ShapeError, "shape", X, (-1, 3)),
    refused("flip", DimensionError, "dims", X, 2),
    refused("permute", DimensionError, "dims", X, 0, 0),
    refused("permute", DimensionError, "dims", X, 0),
    refused("transpose", DimensionError, "dim1", X, 0, 2),
    refused("squeeze", DimensionError, "dim", X, 2),
    refused("unsqueeze", DimensionError, "dim", X, 4),
    refused("flatten", DimensionError, "start_dim", X, 1, 0),
    # joining
    refused("cat", ShapeError, "tensors[1]", [X, zeros(2, 2)]),
    refused("cat", ShapeError, "tensors", [SCALAR, SCALAR]),
    refused("cat", ArgumentTypeError, "tensors", X),
    refused("cat", ArgumentTypeError, "tensors[1]", [X, 1.0]),
    refused("cat", DTypeError, "tensors[1]", [X, WIDE]),
    refused("stack", ShapeError, "tensors[1]", [X, VECTOR]),
    refused("stack", ArgumentTypeError, "tensors", []),
    refused("split", ShapeError, "split_size", X, [1, 2], dim=0),
    refused("split", ArgumentError, "split_size", X, 0),
    refused("chunk", ArgumentError, "chunks", X, 0),
    refused("unbind", DimensionError, "dim", X, 2),
    refused("pad", ShapeError, "padding", X, padding=((1, 1),)),
    refused("pad", ShapeError, "padding", X, padding=((1, 1), (-1, 0))),
    # indexing
    refused("__getitem__", IndexingError, "index", X, 2),
    refused("__getitem__", DTypeError, "index", X, tensor([0.5])),
    refused("take", IndexingError, "index", X, tensor([2]), key=("pick",)),
    refused("take", DTypeError, "indices[0]", X, tensor([0.5]), key=("pick",)),
    refused("gather", ShapeError, "index", X, 1, tensor([[0], [0], [0]])),
    refused("gather", DTypeError, "index", X, 0, X),
    refused("gather", IndexingError, "index", X, 1, tensor([[3]])),
    refused("gather", IndexingError, "index", X, 1, tensor([[-1]])),
    refused("scatter_add", ShapeError, "src", X, 0, WHOLE, zeros(2, 2)),
    refused("take_along_dim", ShapeError, "indices", X, tensor([0]), 0),
    # reductions
    *(
        refused(name, DimensionError, "dim", X, (0, -2))
        for name in ("sum", "mean", "var", "std", "all", "any", "amax", "amin")
    ),
    refused("sum", DimensionError, "dim", SCALAR, 1),
    refused("sum", ArgumentTypeError, "dim", X, "rows"),
    refused("sum", ArgumentTypeError, "axis", X, axis=0),
    *(refused(name, DTypeError, "x", WHOLE) for name in ("mean", "var", "std")),
    refused("var", ArgumentTypeError, "correction", X, correction=0.5),
    refused("prod", DimensionError, "dim", X, -3),
    *(refused(name, ShapeError, "x", EMPTY) for name in ("amax", "amin", "argmax", "argmin", "max", "min")),
    refused("argmin", ShapeError, "x", zeros(2, 0), 1),
    refused("max_along", ShapeError, "x", zeros(2, 0), dim=1),
    refused("min_along", ShapeError, "x", zeros(2, 0), dim=1),
    refused("sort", DimensionError, "dim", X, 2),
    refused("argsort", DimensionError, "dim", X, 2),
    refused("topk", ArgumentError, "k", X, 4),
    # products
    refused("matmul", ShapeError, "y", X, X),
    refused("matmul", ShapeError, "y", X, 3.0),
    refused("matmul", DTypeError, "y", X, WIDE.T),
    refused("outer", ShapeError, "y", VECTOR, X),
    refused("euclidean_norm", DTypeError, "x", WHOLE),
    # losses
    refused("softmax", DTypeError, "x", WHOLE, 0),
    refused("softmax", DimensionError, "dim", X, 2),
    refused("log_softmax", DTypeError, "x", WHOLE, dim=0),
    refused("one_hot", DTypeError, "labels", VECTOR, 3),
    refused("one_hot", ArgumentError, "num_classes", tensor([0]), 0),
    refused("one_hot", LabelError, "target", tensor([0, 3]), 3),
    refused("ratio_of_sums", DTypeError, "weights", X, WIDE),
    refused("all_finite", NonFiniteError, "values[1]", X, tensor([math.nan])),
    refused("all_finite", DTypeError, "values[0]", WHOLE),
    refused("any_non_finite", DTypeError, "values[0]", WHOLE),
    refused("within", ArgumentError, "p", tensor([0.5, 1.5]), low=0, high=1, argument="p", loss="a loss"),
    # windows
    refused("conv", ShapeError, "x", IMAGE[0], KERNEL, **WINDOW, groups=1),
    refused("conv", ShapeError, "w", IMAGE, zeros(3, 1, 2, 2), **WINDOW, groups=1),
    refused("conv", ArgumentError, "groups", IMAGE, KERNEL, **WINDOW, groups=3),
    refused("max_pool", ShapeError, "x", IMAGE[0], **POOL, dilation=(1, 1)),
    refused(
        "max_pool", ArgumentError, "padding", IMAGE, **POOL | {"padding": ((2, 0), (0, 0))}, dilation=(1, 1)
    ),
    refused("sum_pool", ShapeError, "x", IMAGE[0], **POOL),
    refused("sum_pool_input_grad", ShapeError, "grad", IMAGE, size=(5, 5), **POOL),
    refused("im2col", ShapeError, "x", IMAGE[0], kernel_size=(2, 2), **WINDOW),
    refused("im2col", DTypeError, "x", IMAGE.to("int64"), kernel_size=(2, 2), **WINDOW),
    refused("col2im", ShapeError, "columns", X[None], output_size=(4, 4), kernel_size=(2, 2), **WINDOW),
    # tables
    refused("embedding", DTypeError, "input", X, X, padding_idx=None, scale_grad_by_freq=False),
    refused("embedding", ShapeError, "weight", WHOLE, VECTOR, padding_idx=None, scale_grad_by_freq=False),
    refused("embedding", IndexingError, "input", WHOLE, X, padding_idx=None, scale_grad_by_freq=False),
    # normalization
    refused("batch_norm", ShapeError, "x", VECTOR, VECTOR, VECTOR, eps=1e-5),
    refused("batch_norm", ShapeError, "weight", X, zeros(2), VECTOR, eps=1e-5),
    refused("standardize", DTypeError, "x", WHOLE, dims=(1,), eps=1e-5),
    refused("standardize", DimensionError, "dim", X, dims=(2,), eps=1e-5),
    # numbers out of nothing
    refused("random_mask", ArgumentError, "p", tensor([0, 0]), shape=(2,), p=1.5),
    refused("rand", DTypeError, "dtype", 3, dtype="int64"),
    refused("arange", ArgumentError, "step", 0, 5, 0),
    refused("arange", ArgumentTypeError, "end", "5"),
    refused("full", ArgumentTypeError, "fill_value", (2,), "1"),
    refused("full", ArgumentTypeError, "shape", (2.0,), 1),
    refused("zeros", ShapeError, "shape", -1),
    refused("zeros", DTypeError, "dtype", 3, dtype="complex64"),
    refused("eye", ArgumentTypeError, "n", 2.5),
    # state
    refused("assign", ShapeError, "value", zeros(2), zeros(3)),
    refused("assign", DTypeError, "value", zeros(2), zeros(2, dtype="float64")),
)

# Functions and methods that hand what they get to an operation of another name.
OPERATION_OF = {"__getitem__": "slice_view", "prod": "prod_along"}


# --- what follows from a declaration --------------------------------------------------------------

ANY_SHAPES = frozenset({"ratio_of_sums", "embedding"})  # their inputs need not fit to each other


def _promised(case: Case) -> Iterator[Refusal]:
    """A `dim` that is not there; a last input that fits to nothing; two floating dtypes."""
    op, params = case.op, case.sample.params
    inputs = [value.detach() for value in tensors(case, "numpy")]
    if "dim" in op.param_names:
        yield Refusal(op.name, op, DimensionError, "dim", tuple(inputs), {**params, "dim": 9})
    if len(inputs) < 2 or op.variadic:
        return
    if op.name not in ANY_SHAPES:
        misfit = zeros(7, 2, 7, dtype=inputs[-1].dtype)
        yield Refusal(op.name, op, ShapeError, None, (*inputs[:-1], misfit), params)
    reals = [position for position, value in enumerate(inputs) if value.dtype.is_floating]
    if op.promotes is None and len(reals) > 1:
        mixed = [*inputs]
        mixed[reals[-1]] = inputs[reals[-1]].to("float32")
        yield Refusal(op.name, op, DTypeError, None, tuple(mixed), params)
