"""What a backend is, and how plug-ins are found.

A backend brings the arrays: a namespace of array functions with the Array API's names (`xp`) and the few
functions below that the standard lacks. Operations are written against it, so a third party adds a
backend without touching this package: subclass `Backend`, announce it under the entry-point group
`tinygrad_cnn.backends`, and run the conformance tests.

    [project.entry-points."tinygrad_cnn.backends"]
    mine = "my_package:MyBackend"
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ContextDecorator, nullcontext
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from tinygrad_cnn import _context
from tinygrad_cnn._program import Plan, Program
from tinygrad_cnn._signature import described, nearest
from tinygrad_cnn._source import add_library
from tinygrad_cnn.dtypes import DType, Shape, as_index
from tinygrad_cnn.errors import (
    ArgumentError,
    BackendError,
    BackendUnavailable,
    TinygradCNNError,
    UnknownName,
)

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from numpy.typing import NDArray

    from tinygrad_cnn._op import Op

Array: TypeAlias = Any  # whatever the backend computes with
Kernel: TypeAlias = Callable[..., Any]
_Function = TypeVar("_Function", bound=Callable[..., Any])

ENTRY_POINT_GROUP = "tinygrad_cnn.backends"
ENVIRONMENT_VARIABLE = "TINYGRAD_CNN_BACKEND"
DEFAULT = "numpy"

_DEVICES = {"cuda": "cupy", "gpu": "cupy", "cpu": "numpy"}  # what people call them who think of devices
_ADVICE = {"tf32": "it is for GPUs: use_backend('cupy', tf32=True)"}  # on options that one backend has


class Backend(ABC):
    """Arrays and the functions on them that operations are made of.

    Kernels are pure: they read arrays and return new ones (or views). Only `assign` writes.
    """

    name: ClassVar[str]
    executes: ClassVar[bool] = True  # False: shapes and dtypes only, no kernel is ever run
    kernels: Mapping[str, Kernel] = {}  # overrides of the operations' own kernels, by operation name
    xp: ModuleType  # the array namespace, with the names of the Python Array API standard

    # --- in and out

    @abstractmethod
    def asarray(self, data: object, dtype: DType | None = None) -> Array:
        """A new array holding a copy of `data` (nested sequences, numbers or a host array)."""

    def upload(self, data: NDArray[Any], dtype: DType) -> Array:
        """`asarray` of a batch that was made on the host; it may still be on its way when this returns."""
        return self.asarray(data, dtype)

    def keeps(self, nbytes: int) -> bool:
        """Whether to hold a copy of a data set of this size, for a `DataLoader` to make its batches of.

        Worth it where arrays lie in a memory of their own, and there is room. Batches are then made by
        `data.sketch.gather_images`, or a kernel of that name in `kernels`.
        """
        return False

    @abstractmethod
    def to_numpy(self, array: Array) -> Any:
        """The array on the host as a `numpy.ndarray`, without a copy where memory is shared."""

    @abstractmethod
    def dtype_of(self, array: Array) -> DType:
        """The dtype in which an array holds its elements: its tensor's own, or a wider one of that kind."""

    @abstractmethod
    def full(self, shape: Shape, value: float, dtype: DType) -> Array:
        """A new array filled with one value."""

    @abstractmethod
    def assign(self, target: Array, value: Array) -> None:
        """Write `value` into the memory of `target`: the only function that changes an array."""

    def array_dtype(self, dtype: DType) -> Any:
        """What the array namespace calls a dtype."""
        return self.full((), 0, dtype).dtype

    def widens(self, op: Op) -> bool:
        """Whether an operation on floats of 16 bits is to be computed in float32 (see `_narrow`).

        By default all are that compute. A backend whose functions do so by themselves says which.
        """
        return not (op.view or op.mutates)

    # --- what the standard lacks

    @abstractmethod
    def windows(self, x: Array, kernel: Shape, stride: Shape, dilation: Shape) -> Array:
        """Every window of x (*B, *S) as a view (*B, *S', *K); S' is counted without padding.

        How many leading dimensions `*B` there are follows from `len(kernel)`.
        """

    @abstractmethod
    def scatter_add(self, target: Array, index: tuple[Array | slice, ...], value: Array) -> Array:
        """A copy of `target` with `value` added at `index`; places named twice receive both."""

    @abstractmethod
    def pad(self, x: Array, padding: tuple[tuple[int, int], ...], value: float) -> Array:
        """x with (before, after) cells of `value` around each dimension."""

    @abstractmethod
    def erf(self, x: Array) -> Array:
        """The error function, 2/√π ∫₀ˣ exp(−t²) dt."""

    @abstractmethod
    def random_bits(self, seed: Array, counter: Array, n: int) -> Array:
        """n words of Philox4x32-10, as unsigned 32-bit integers: words 0 .. n−1 from block `counter` on.

        Every backend returns the same words (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
        SC 2011); `seed` and `counter` are 0-d int64 arrays.
        """

    # --- around operations

    # Runs the kernel of one operation, `run(kernel, arrays, params)`, where something has to be around every
    # single one; None where a kernel is simply called.
    run: Callable[[Kernel, list[Array], Mapping[str, Any]], Any] | None = None

    def step(self) -> AbstractContextManager[object]:
        """Entered once around a backward walk or a training step, never per operation.

        A place to silence floating-point warnings, choose a stream, limit threads.
        """
        return nullcontext()

    # After how many steps a training loop looks at what they measured. A device that computes later stands
    # still while somebody looks, so there it should be many.
    steps_ahead: ClassVar[int] = 1

    def check(self, wrong: Callable[[], Array], error: Callable[[Array], TinygradCNNError]) -> None:
        """Raise `error(mask)` if anything in the mask `wrong()` is True: how operations check values.

        They are functions, so that a backend inside of `ahead` may do it later or otherwise.
        """
        mask = wrong()
        if bool(self.xp.any(mask)):
            raise error(mask)

    def ahead(self) -> AbstractContextManager[object]:
        """Inside, nobody waits for the backend: what `check` finds, `look_back` tells.

        For steps that can be taken back and done again. A backend that computes at once checks at once.
        """
        return nullcontext()

    def look_back(self) -> None:  # noqa: B027 - whoever checks at once has nothing to look back at
        """Wait, and raise `LateError` if a check inside of `ahead` has failed since it was last asked."""

    def plan_settings(self) -> object:
        """What plans are made for besides the program, such as a number of threads."""
        return None

    def set_num_threads(self, n: int) -> None:
        """Compute on n processor threads from now on, where the backend has a choice."""
        raise BackendError(f"the {self.name} backend does not compute on processor threads")

    def synchronize(self) -> None:  # noqa: B027 - a backend that computes at once has nothing to wait for
        """Wait until everything asked of the backend has been computed."""

    def memory(self) -> dict[str, int]:
        """Bytes held by the backend, where it knows."""
        return {}

    def plan(self, program: Program) -> Plan:
        """How a recorded step (`tc.capture`) will be replayed; here, by calling every kernel in turn.

        A backend that can do better (planned memory, fused kernels, a graph on the device) overrides it.
        """
        return Plan(program)

    def info(self) -> dict[str, str]:
        """Facts for people (`tinygrad-cnn doctor`): versions, devices, which path an operation takes.

        What stands under "advice" is shown on a line of its own.
        """
        return {}

    options: Mapping[str, Any] = {}  # what `use_backend` was given besides the name

    def __str__(self) -> str:
        """The name, with options where there are any: "numpy(overrides=False)"."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}({options})" if options else self.name

    def __repr__(self) -> str:
        return f"<backend {self}>"


# --- the registry ---------------------------------------------------------------------------------


@cache
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # 40 ms, which `import tinygrad_cnn` need not pay

    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def backends() -> tuple[str, ...]:
    """The names of every installed backend; none of them is imported for it.

    >>> import tinygrad_cnn as tc
    >>> {"meta", "numpy"} <= set(tc.backends())
    True
    """
    return tuple(sorted(_entry_points()))


@cache
def _load(name: str, options: tuple[tuple[str, Any], ...]) -> Backend:
    points = _entry_points()
    if name not in points:
        unknown = UnknownName.among(name, points, kind="backend", argument="backend")
        device = name.partition(":")[0]
        if device in _DEVICES:
            unknown.hint = f"did you mean {_DEVICES[device]!r}?"
        raise unknown
    try:
        factory = points[name].load()
    except ImportError as error:
        raise BackendUnavailable(
            f"the {name} backend cannot be imported: {error}",
            hint=f"install what it needs, or choose another: {', '.join(backends())}",
        ) from error
    add_library(sys.modules[points[name].module])  # an error in it is shown at the line that used it
    try:
        backend = factory(**dict(options))
    except TypeError as error:
        _refuse_unknown(dict(options), name, inspect.signature(factory))
        raise BackendError(
            f"the {name} backend does not take these options: {error}", argument="options", got=dict(options)
        ) from error
    if not isinstance(backend, Backend):
        raise BackendError(
            f"the entry point {points[name].value!r} does not make a backend",
            expected="a subclass of tinygrad_cnn.backend.Backend",
            got=type(backend).__name__,
        )
    backend.options = dict(options)
    return backend


def default_backend() -> str:
    """The name of the backend that is taken where nobody chose one: TINYGRAD_CNN_BACKEND's, or "numpy"."""
    return os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT


def _refuse_unknown(options: dict[str, Any], name: str, signature: inspect.Signature) -> None:
    """The error for an option that a backend does not have, if there is one among these."""
    taken = signature.parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        return
    for option, value in options.items():
        if option not in taken:
            raise BackendError(
                f"the {name} backend has no option {option!r}",
                argument=option,
                expected=described(signature) or "no options",
                got=f"{option}={value!r}"[:60],
                hint=_ADVICE.get(option) or nearest(option, signature),
            ) from None


def get_backend(name: str | Backend | None = None, **options: Any) -> Backend:
    """The backend of that name, or the one in force here.

    Chosen by: the argument, then `use_backend`, then the environment variable TINYGRAD_CNN_BACKEND, then
    "numpy". There is never a silent fallback: a backend that cannot run raises `BackendUnavailable`.

    >>> import tinygrad_cnn as tc
    >>> with tc.use_backend("meta"):
    ...     tc.get_backend().name
    'meta'
    """
    if isinstance(name, Backend):
        return name
    if name is None:
        chosen = _context.current().backend
        if chosen is not None:
            return chosen
        name = default_backend()
    return _load(name, tuple(sorted(options.items())))


class use_backend(ContextDecorator):  # noqa: N801 - used as a function is
    """Create tensors on another backend inside this block.

    Tensors that are there already stay where they are, and so do the models made of them: make a model inside
    of the block, or move it with `model.to(...)`.

    Args:
        name: one of `tc.backends()`.
        options: the backend's own, e.g. `use_backend("numpy", overrides=False)`.

    Raises:
        UnknownName: no such backend is installed.
        BackendUnavailable: it is installed but cannot run here; says why.
        BackendError: it does not take these options.

    >>> import tinygrad_cnn as tc
    >>> with tc.use_backend("meta"):
    ...     print(tc.zeros(1000, 1000, 1000).shape)
    (1000, 1000, 1000)
    """

    def __init__(self, name: str | Backend, **options: Any) -> None:
        self._is_used = True  # nothing to say about one that could not be made
        self._backend = get_backend(name, **options)
        self._tokens: list[Any] = []
        self._is_used = False

    def __enter__(self) -> Backend:
        self._is_used = True
        context = _context.current()._replace(backend=self._backend)
        self._tokens.append(_context.enter(context))
        return self._backend

    def __exit__(self, *exception: object) -> None:
        _context.leave(self._tokens.pop())

    def _recreate_cm(self) -> use_backend:
        return use_backend(self._backend)  # a decorated function may run in several threads at once

    def __call__(self, function: _Function) -> _Function:
        self._is_used = True
        return super().__call__(function)

    def __del__(self) -> None:
        if not self._is_used:
            warnings.warn(
                f"use_backend({self._backend.name!r}) by itself changes nothing: "
                "with tc.use_backend(...): changes it for the block below",
                RuntimeWarning,
                stacklevel=2,
            )


def set_num_threads(n: int) -> None:
    """Let the backend in force compute on n processor threads (it takes all cores by default).

    Results are bitwise repeatable for the same number of threads.

    >>> import tinygrad_cnn as tc
    >>> tc.set_num_threads(2)
    """
    if as_index(n, argument="n") < 1:
        raise ArgumentError("at least one thread computes", argument="n", expected=">= 1", got=n)
    get_backend().set_num_threads(n)
