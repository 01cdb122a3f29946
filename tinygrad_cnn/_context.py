"""The modes an operation runs under: one immutable record in one context variable.

Grad mode, the name scope, the chosen backend, anomaly detection and recording all change how the next
operation behaves. They live together in a `Context`, so an operation reads a single context variable, a
`with` block restores all of them even after an exception, and every thread has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_cnn.errors import ArgumentTypeError, TinygradCNNError

if TYPE_CHECKING:
    from tinygrad_cnn._node import Edge, Node
    from tinygrad_cnn._tape import Tape
    from tinygrad_cnn._tensor import Tensor
    from tinygrad_cnn.backend import Backend
    from tinygrad_cnn.dtypes import DType


class Context(NamedTuple):
    """What holds for operations from here on."""

    grad: bool = True
    scope: str = ""  # "LeNet5/conv1"
    backend: Backend | None = None  # None: decide by environment variable, then NumPy
    anomaly: bool = False
    recording: list[Node] | None = None  # every Node made under `tc.record()`, in order
    origin: Edge | None = None  # inside a gradient rule: the forward edge it belongs to
    tape: Tape | None = None  # listens while a step is captured
    autocast: DType | None = None  # what matrix products and convolutions are computed in; None: what comes
    guard: Tensor | None = None  # a bool; where it is False, `assign` leaves everything as it is


_current: ContextVar[Context] = ContextVar("tinygrad_cnn", default=Context())  # noqa: B039 - immutable
current = _current.get


@contextmanager
def changed(**fields: Any) -> Iterator[None]:
    """Run a block under a changed context; never held open across a generator's `yield`."""
    token = _current.set(_current.get()._replace(**fields))
    try:
        yield
    finally:
        _current.reset(token)


# The same without the `with`, for the hot path: `token = enter(context)`, and `leave(token)` in a `finally`.
enter: Callable[[Context], Token[Context]] = _current.set
leave: Callable[[Token[Context]], None] = _current.reset


class _Mode(ContextDecorator):
    """A context manager that also decorates functions, nests, and can be entered again."""

    _field: str
    _value: bool

    def __init__(self) -> None:
        self._tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        fields: dict[str, Any] = {self._field: self._value}
        self._tokens.append(_current.set(_current.get()._replace(**fields)))

    def __exit__(self, *exception: object) -> None:
        _current.reset(self._tokens.pop())

    def _recreate_cm(self) -> _Mode:
        return type(self)()  # a decorated function may run in several threads at once


class no_grad(_Mode):  # noqa: N801 - the field's name for it
    """Operations in this block record nothing for the backward pass (also a decorator).

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 2.0], requires_grad=True)
    >>> with tc.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    _field, _value = "grad", False


class enable_grad(_Mode):  # noqa: N801
    """Record again inside a `no_grad` block.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(2.0, requires_grad=True)
    >>> with tc.no_grad(), tc.enable_grad():
    ...     y = w * 3
    >>> y.requires_grad
    True
    """

    _field, _value = "grad", True


class detect_anomaly(_Mode):  # noqa: N801
    """Check every result, forward and backward, and name the first operation that made a NaN or infinity.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([-1.0])
    >>> with tc.detect_anomaly():  # doctest: +IGNORE_EXCEPTION_DETAIL
    ...     (x * float("nan")).exp()
    Traceback (most recent call last):
    tinygrad_cnn.errors.NonFiniteError: mul: ...
    """

    _field, _value = "anomaly", True


def is_grad_enabled() -> bool:
    """Whether operations are being recorded for a backward pass right now.

    >>> import tinygrad_cnn as tc
    >>> with tc.no_grad():
    ...     tc.is_grad_enabled()
    False
    """
    return current().grad


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Name the operations of this block: `conv1`, or `block1/conv1` when nested.

    Drawings put a box around a scope; every `Module` opens one by itself.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(2.0, requires_grad=True)
    >>> with tc.name_scope("square"):
    ...     b = a * a
    >>> b.node.scope
    'square'
    """
    if not isinstance(name, str) or not name or "/" in name:
        raise ArgumentTypeError(
            "a scope needs a name without '/'", argument="name", expected="a non-empty str", got=repr(name)
        )
    outer = current().scope
    inner = f"{outer}/{name}" if outer else name
    with changed(scope=inner):
        try:
            yield
        except TinygradCNNError as error:
            error.scope = error.scope or inner  # the innermost scope passes here first
            raise
