"""Tensor: a value, and the Node that remembers how it was computed.

The value is an array of some backend; it never changes, except by `assign`. Operations attach themselves as
methods, so this file holds only what a tensor is: its facts, its gradient, its value on the host, copies.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import _advice
from tinygrad_cnn._context import is_grad_enabled
from tinygrad_cnn._display import describe
from tinygrad_cnn._methods import TensorMethods
from tinygrad_cnn._node import Hook, HookHandle, Node, Storage
from tinygrad_cnn._tape import refuse_reading
from tinygrad_cnn.backend import Array, Backend, get_backend
from tinygrad_cnn.dtypes import DType, Shape, Spec, normalize_dim
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    DTypeError,
    GradientError,
    ImmutableError,
)


@lru_cache(maxsize=1024)
def _leaf_specs(shape: Shape, dtype: DType) -> tuple[Spec]:
    """A graph has thousands of scalar constants; they share one description."""
    return (Spec(shape, dtype),)


def _in_place(operator: str) -> Callable[[Tensor, object], Any]:
    """`t += other` and the like: a new tensor, as everywhere, but for the leaf that is trained by hand."""

    def method(self: Tensor, other: object) -> Any:
        if not (self.is_leaf and self._requires_grad):
            return NotImplemented  # Python falls back to `t = t + other`
        if is_grad_enabled():
            raise ImmutableError(
                "a leaf that requires a gradient cannot be updated in place while gradients are recorded",
                hint="with tc.no_grad(): t -= step   or   t = t - step   for a new tensor",
            )
        return self.assign(getattr(self, operator)(other))

    return method


class Tensor(TensorMethods):
    """A multi-dimensional array of numbers that remembers how it was computed.

    Make one with `tc.tensor(...)`, `tc.zeros(...)` and friends, or by computing with others. A tensor is
    immutable: operations return new ones, and only `assign` changes a leaf's memory.

    Attributes:
        shape: the sizes of its dimensions.
        dtype: the type of its elements, `tc.float32` by default.
        grad: after `backward()`, the gradient of leaves that require one; None before.
        name: shown in drawings and messages.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> x.ndim, x.size(0), x.numel(), x.is_leaf
    (2, 2, 4, True)
    >>> y = (x * x).sum()
    >>> y.is_leaf, y.requires_grad, y.node.name
    (False, True, 'sum')
    >>> y.backward()
    >>> x.grad
    tensor([[2., 4.],
            [6., 8.]])
    """

    __slots__ = (
        "__weakref__",
        "_grad",
        "_index",
        "_is_state",
        "_name",
        "_node",
        "_requires_grad",
        "array",
        "backend",
        "dtype",
        "shape",
        "storage",
    )
    # NumPy must not take `ndarray * tensor` apart element by element: it hands over to __rmul__.
    __array_ufunc__ = None

    def __init__(
        self,
        array: Array,
        shape: Shape,
        dtype: DType,
        backend: Backend,
        storage: Storage | None = None,
    ) -> None:
        self.array = array
        self.shape = shape
        self.dtype = dtype
        self.backend = backend
        self.storage = Storage() if storage is None else storage
        self._node: Node | None = None
        self._index = 0
        self._requires_grad = False
        self._grad: Tensor | None = None
        self._name: str | None = None
        self._is_state = False

    # --- what it is

    @property
    def name(self) -> str | None:
        """What drawings and messages call it; give intermediate results one, and pictures show it.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> h = x.tanh()
        >>> h.name = "h"
        >>> [node.label for node in tc.Graph.of(h.sum()).nodes]
        ['x', 'h', '']
        """
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        if self._node is not None and self._index == 0:
            self._node.label = name

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def size(self, dim: int | None = None) -> Shape | int:
        """The shape, or the size of one dimension.

        Raises:
            DimensionError: there is no such dimension.
        """
        if dim is None:
            return self.shape
        if not self.shape:
            raise DimensionError("a 0-d tensor has no sizes", argument="dim", expected="None", got=dim)
        return self.shape[normalize_dim(dim, self.ndim)]

    def numel(self) -> int:
        """How many elements it holds."""
        total = 1
        for size in self.shape:
            total *= size
        return total

    @property
    def node(self) -> Node:
        """The Node that remembers how it was computed (a leaf's is made when first asked for)."""
        node = self._node
        if node is None:
            node = Node(_leaf_specs(self.shape, self.dtype), self._requires_grad)
            node._tensor = weakref.ref(self)
            node.label = self.name
            node.is_state = self._is_state
            self._node = node
        return node

    @property
    def is_leaf(self) -> bool:
        """True when no gradient flows through it to anything before: nothing made it, or a constant did."""
        return not self._requires_grad or self._node is None or self._node.op is None

    # --- gradients

    @property
    def requires_grad(self) -> bool:
        """Whether a backward pass computes a gradient for it."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient, or freeze; returns the tensor itself.

        >>> import tinygrad_cnn as tc
        >>> tc.tensor([1.0, 2.0]).requires_grad_().requires_grad
        True
        """
        if not self.is_leaf:
            if requires_grad:
                return self
            raise GradientError(
                "only a leaf can be told not to require a gradient",
                expected="a tensor that no operation made",
                got=f"the result of {self.node.name}",
                hint="use t.detach() for a constant copy of the value",
            )
        if requires_grad and not self.dtype.is_floating:
            raise DTypeError(
                "only floating-point tensors can require a gradient",
                argument="requires_grad",
                expected="float32 or float64",
                got=self.dtype,
                hint="t.to('float32'), or write the numbers with a decimal point",
            )
        self._requires_grad = bool(requires_grad)
        if self._node is not None and self._node.op is None:
            self._node.requires_grad = self._requires_grad
        elif requires_grad:  # recorded as the result of constants; from here on it is where things begin
            self._node, self._index = None, 0
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward()` accumulated here; set it to None to start afresh."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and (value.shape != self.shape or value.dtype is not self.dtype):
            raise GradientError(
                "a gradient looks like its tensor",
                argument="grad",
                expected=f"shape {self.shape}, {self.dtype}",
                got=f"shape {value.shape}, {value.dtype}",
            )
        self._grad = value

    def retain_grad(self) -> None:
        """Fill `.grad` of this intermediate result too (leaves always get theirs).

        Raises:
            GradientError: it requires no gradient.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor(2.0, requires_grad=True)
        >>> y = 3 * x
        >>> y.retain_grad()
        >>> (y * y).backward()
        >>> y.grad
        tensor(12.)
        """
        if not self._requires_grad:
            raise GradientError("a tensor that requires no gradient cannot retain one")
        if not self.is_leaf:
            self.node.retains = True
            self.node._tensor = weakref.ref(self)

    def register_hook(self, hook: Hook) -> HookHandle:
        """Call `hook(gradient)` when this tensor's gradient is complete; what it returns replaces it.

        Returns:
            A handle; `handle.remove()` takes the hook away again.

        Raises:
            GradientError: the tensor requires no gradient.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor(2.0, requires_grad=True)
        >>> handle = x.register_hook(lambda gradient: gradient.clamp(-1, 1))
        >>> (1000 * x).backward()
        >>> x.grad
        tensor(1.)
        """
        if not self._requires_grad:
            raise GradientError("a tensor that requires no gradient never calls a hook", argument="hook")
        node = self.node
        node.hooks = {} if node.hooks is None else node.hooks
        return HookHandle(node.hooks, hook)

    def detach(self) -> Tensor:
        """The same value, cut out of the graph; memory is shared.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor(2.0, requires_grad=True)
        >>> (x * x.detach()).backward()
        >>> x.grad
        tensor(2.)
        """
        return Tensor(self.array, self.shape, self.dtype, self.backend, self.storage)

    # --- values on the host

    def numpy(self) -> Any:
        """The value as a read-only `numpy.ndarray`; copy it to write into it.

        >>> import tinygrad_cnn as tc
        >>> tc.tensor([1.0, 2.0]).numpy().copy()
        array([1., 2.], dtype=float32)
        """
        refuse_reading("numpy()")
        array = self.backend.to_numpy(self.array).view()
        array.flags.writeable = False
        return array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def item(self) -> Any:
        """The one element of a tensor that has just one, as a Python number.

        Raises:
            ArgumentError: there are none or several.

        >>> import tinygrad_cnn as tc
        >>> tc.tensor([[2.5]]).item()
        2.5
        """
        if self.numel() != 1:
            raise ArgumentError(
                "item() reads a tensor with exactly one element",
                expected="1 element",
                got=f"{self.numel()} elements, shape {self.shape}",
                hint="reduce it first (t.sum(), t.mean()), index it (t[0, 1]), or take t.tolist()",
            )
        refuse_reading("item()")
        return self.backend.to_numpy(self.array).item()

    def tolist(self) -> Any:
        """The elements as nested Python lists of numbers.

        >>> import tinygrad_cnn as tc
        >>> tc.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        """
        refuse_reading("tolist()")
        return self.numpy().tolist()

    def __float__(self) -> float:
        refuse_reading("float(tensor)")
        return float(self.item())

    def __int__(self) -> int:
        refuse_reading("int(tensor)")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            raise ArgumentError(
                "the truth of a tensor with several elements is ambiguous",
                expected="1 element",
                got=f"shape {self.shape}",
                hint="say which you mean: (t > 0).all(), (t > 0).any()",
            )
        refuse_reading("a decision in Python (if, while, and, or, not)")
        return bool(self.item())

    def __index__(self) -> int:
        if self.dtype.kind == "floating" or self.ndim:
            raise ArgumentTypeError(
                "only a 0-d integer tensor can be an index", got=f"{self.dtype}, shape {self.shape}"
            )
        return int(self.item())

    def __len__(self) -> int:
        if not self.shape:
            raise ArgumentTypeError("a 0-d tensor has no length", hint="t.item() reads its value")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise ArgumentTypeError("a 0-d tensor cannot be iterated", hint="t.item() reads its value")
        return (self[i] for i in range(self.shape[0]))

    def __setitem__(self, key: object, value: object) -> None:
        raise ImmutableError(
            "a tensor's elements cannot be set: the backward pass may still need the old ones",
            hint="build a new tensor: tc.where(mask, new, t), tc.cat([...]), or t.assign(...) for state",
        )

    # Identity, not value: tensors are keys of dictionaries and members of sets.
    __hash__ = object.__hash__

    __iadd__, __isub__, __imul__, __itruediv__, __ipow__ = map(
        _in_place, ("__add__", "__sub__", "__mul__", "__truediv__", "__pow__")
    )

    # --- moving and copying

    def mark_as_state(self) -> None:
        """Say that a module keeps this leaf: drawings put it into its layer, and not among the data.

        >>> import tinygrad_cnn as tc
        >>> table = tc.zeros(2, name="table")
        >>> table.mark_as_state()
        >>> with tc.record():
        ...     y = table + 1
        >>> tc.Graph.of(y).node("table").kind
        'constant'
        """
        self._is_state = True
        if self._node is not None:
            self._node.is_state = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = self._copy_leaf("deepcopy")
        memo[id(self)] = copy
        if self._grad is not None:
            copy._grad = self._grad.__deepcopy__(memo)
        return copy

    def _copy_leaf(self, verb: str) -> Tensor:
        self._require_leaf(verb)
        array = self.backend.asarray(self.array, self.dtype) if self.backend.executes else self.array
        copy = type(self).__new__(type(self))
        Tensor.__init__(copy, array, self.shape, self.dtype, self.backend)
        copy._requires_grad, copy.name = self._requires_grad, self.name
        copy._is_state = self._is_state
        return copy

    def _require_leaf(self, verb: str) -> None:
        if not self.is_leaf:
            raise GradientError(
                f"{verb} of a tensor inside a graph would have to copy the graph",
                expected="a leaf",
                got=f"the result of {self.node.name}",
                hint="copy t.detach() instead",
            )

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        self._require_leaf("pickle")
        state = (self.numpy().copy(), self.dtype, self._requires_grad, self.name)
        return (_unpickle, (type(self), *state, self.backend.name, dict(self.backend.options)))

    # --- names that do not exist

    if not TYPE_CHECKING:  # a type checker knows which do

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):  # protocols that NumPy and others ask for, all the time
                raise AttributeError(name)
            raise _advice.missing(name, "Tensor", _advice.OF_TENSORS, dir(type(self)))

    # --- how it looks

    def __repr__(self) -> str:
        refuse_reading("print, or a tensor in a text,")
        return describe(self)

    def __format__(self, format_spec: str) -> str:
        refuse_reading("print, or a tensor in a text,")
        return format(self.item(), format_spec) if format_spec else str(self)


def _unpickle(
    kind: type[Tensor],
    array: Any,
    dtype: DType,
    requires_grad: bool,
    name: str | None,
    backend: str,
    options: dict[str, Any],
) -> Tensor:
    target = get_backend(backend, **options)
    result = kind.__new__(kind)
    Tensor.__init__(result, target.asarray(array, dtype), tuple(array.shape), dtype, target)
    result._requires_grad, result.name = requires_grad, name
    return result
