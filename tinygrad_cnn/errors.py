"""Every error the library raises on purpose.

An error is part of the lesson. Each one is built from named parts instead of a ready sentence, so that
none can forget to say what was expected, what came, which argument of which operation it was, on which
line of the user's code, and what to do:

    ShapeError: conv: the kernel looks at 4 channels, the image has 3
      argument: w
      expected: w of shape (O, 3, *K)
      got:      w of shape (6, 4, 5, 5)
      in:       LeNet5/conv1
      at:       train.py:12: y = F.conv2d(x, w)
      try:      groups=1 needs w.shape[1] == x.shape[1]

Every class also inherits the built-in exception a Python programmer would expect (a bad shape is a
`ValueError`, a bad axis an `IndexError`, ...), so `except ValueError` keeps working.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tinygrad_cnn._source import SourceLine, user_line


class TinygradCNNError(Exception):
    """The root of every error of this library.

    Args:
        problem: one sentence, without a final full stop.
        argument: the name of the argument that is wrong.
        expected: what would have been right.
        got: what came instead.
        hint: what to do about it.

    >>> import tinygrad_cnn as tc
    >>> try:
    ...     tc.ones(2, 3) @ tc.ones(2, 3)
    ... except TinygradCNNError as error:
    ...     print(error.problem, error.got, error.hint, sep="; ")
    rows of length 3 meet columns of length 2; (2, 3) @ (2, 3); transpose one of them? x @ y.T
    """

    def __init__(
        self,
        problem: str,
        *,
        argument: str | None = None,
        expected: object = None,
        got: object = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.argument = argument
        self.expected = expected
        self.got = got
        self.hint = hint
        self.op: str | None = None
        self.scope: str | None = None
        self.where: SourceLine | None = user_line(depth=2)

    def at(self, op: str, where: SourceLine | None = None, scope: str = "") -> TinygradCNNError:
        """Say in which operation it happened, on which line of the user's code, and in which module."""
        self.op = self.op or op
        self.scope = self.scope or scope or None
        self.where = where or self.where
        return self

    def __str__(self) -> str:
        title = self.problem if self.op is None else f"{self.op}: {self.problem}"
        parts = {
            "argument": self.argument,
            "expected": self.expected,
            "got": self.got,
            "in": self.scope,
            "at": self.where,
            "try": self.hint,
        }
        lines = [f"  {name + ':':<9} {part}" for name, part in parts.items() if part is not None]
        return "\n".join([title, *lines])

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (test workers); a code object does not, its text does.
        state = {**self.__dict__, "where": None if self.where is None else str(self.where)}
        return (_rebuild, (type(self), self.problem, state))


def _rebuild(kind: type[TinygradCNNError], problem: str, state: dict[str, object]) -> TinygradCNNError:
    error = kind.__new__(kind, problem)
    error.__dict__.update(state)
    return error


# --- what an operation was given ------------------------------------------------------------------


class ShapeError(TinygradCNNError, ValueError):
    """Shapes or sizes that do not fit together."""


class DTypeError(TinygradCNNError, TypeError):
    """A dtype the operation does not take, or two that it refuses to mix."""


class DimensionError(TinygradCNNError, IndexError):
    """A dimension (axis) that is out of range or named twice."""


class ArgumentError(TinygradCNNError, ValueError):
    """A parameter whose value makes no sense: a negative stride, a probability of 1.1, ..."""


class ArgumentTypeError(TinygradCNNError, TypeError):
    """An argument of the wrong kind, a missing one or one too many."""


class IndexingError(TinygradCNNError, IndexError):
    """An index outside a tensor, or of a kind that cannot index."""

    @classmethod
    def outside(cls, index: object, size: int, dim: int) -> IndexingError:
        """The index names a place that its dimension does not have."""
        return cls(
            f"index {index} is outside dimension {dim} of size {size}",
            argument="index",
            expected=f"{-size} .. {size - 1}" if size else "no index: the dimension is empty",
            got=index,
        )


class LabelError(TinygradCNNError, ValueError):
    """A class label outside 0 .. C-1; names the label and where it stands."""


class DataDependentShape(TinygradCNNError, RuntimeError):
    """A shape that depends on values, asked of a backend that has no values."""


# --- the graph and the backward walk --------------------------------------------------------------


class GradientError(TinygradCNNError, RuntimeError):
    """A gradient was asked for where there is none, or a gradient rule broke its contract."""


class CaptureError(TinygradCNNError, RuntimeError):
    """A step that cannot be recorded and replayed; says which line of it."""


class ReleasedGraphError(GradientError):
    """The graph was already walked once and its saved values are gone."""


class StaleValueError(GradientError):
    """A value saved for the backward pass was changed by `assign` before it was used."""


class ImmutableError(TinygradCNNError, TypeError):
    """An attempt to change a tensor in place."""


class NonFiniteError(TinygradCNNError, FloatingPointError):
    """A NaN or an infinity appeared; names the operation that made it."""


# --- backends -------------------------------------------------------------------------------------


class BackendError(TinygradCNNError, RuntimeError):
    """Tensors of two backends met, or a backend cannot do what was asked."""


class BackendUnavailable(BackendError):
    """A backend is known but cannot run here; says why and what to install."""


class LateError(BackendError):
    """A check of values failed while nobody waited for the backend; steps since then are worth nothing."""


class OutOfMemory(BackendError, MemoryError):
    """A device has no memory left; says what was asked for, what is held, and which batch would fit."""


class MissingName(TinygradCNNError, AttributeError):
    """An attribute that does not exist; where PyTorch has it, what to write here instead."""


# --- names and files ------------------------------------------------------------------------------


class UnknownName(TinygradCNNError, KeyError):
    """A name that is not in a list of names; shows the list and the nearest match.

    >>> print(UnknownName.among("lenet", ["lenet5", "mlp"], kind="model"))  # doctest: +ELLIPSIS
    there is no model named 'lenet'
      expected: one of lenet5, mlp
    ...
      try:      did you mean 'lenet5'?
    """

    __str__ = TinygradCNNError.__str__  # KeyError would show the repr of its argument

    @classmethod
    def among(cls, name: str, known: Iterable[str], *, kind: str, argument: str | None = None) -> UnknownName:
        names = sorted(known)
        nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        return cls(
            f"there is no {kind} named {name!r}",
            argument=argument,
            expected=f"one of {', '.join(names)}" if names else f"a {kind}, but none is known",
            hint=f"did you mean {nearest[0]!r}?" if nearest else None,
        )


class FileFormatError(TinygradCNNError, ValueError):
    """A file that is not what its name or header promises; nothing of it was used."""


class DownloadError(TinygradCNNError, OSError):
    """A file that is not on this machine and could not be fetched."""


class StateDictError(TinygradCNNError, KeyError):
    """Saved weights that do not fit a module: missing, unexpected or misshapen entries."""

    __str__ = TinygradCNNError.__str__  # KeyError would show the repr of its argument


class OptionalDependencyError(TinygradCNNError, ImportError):
    """A feature needs a package that is not installed; says which."""
