"""Constructors that explain a wrong call.

Python's own message names the function that happens to have the arguments, "_Conv.__init__() got an
unexpected keyword argument"; people called `nn.Conv2d`. Classes made by `Explaining` answer with their own
name, what they take, and the nearest argument to a mistyped one. A call that is right costs nothing.
"""

from __future__ import annotations

import difflib
import inspect
from abc import ABCMeta
from collections.abc import Mapping
from typing import Any

from tinygrad_cnn.dtypes import DType
from tinygrad_cnn.errors import ArgumentTypeError


class Explaining(ABCMeta):
    """The type of classes that explain a wrong call.

    Attributes:
        without_effect: arguments that PyTorch has and that mean nothing here; they are accepted, so that
            programs written for it run.
        advice: what PyTorch takes and this class does not, names of arguments or texts as their values, and
            what to write instead.
    """

    without_effect: frozenset[str] = frozenset()
    advice: Mapping[str, str] = {"device": "leave it out: tensors live on backends, tc.use_backend('cupy')"}

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError as error:
            if isinstance(error, ArgumentTypeError):
                raise
            kept = {name: value for name, value in kwargs.items() if name not in cls.without_effect}
            explained = _explained(cls, args, kept)
            if explained is None and kept == kwargs:  # the call was right, and something inside was not
                raise
        if explained is not None:
            raise explained
        return super().__call__(*args, **kept)

    @property
    def __signature__(cls) -> inspect.Signature:
        """What `help` and editors show: the constructor's arguments, not those of this metaclass."""
        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


def _explained(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ArgumentTypeError | None:
    """What is wrong with calling a class like that; None if nothing is."""
    signature: inspect.Signature = cls.__signature__
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        unknown = [name for name in kwargs if name not in signature.parameters]
        return ArgumentTypeError(
            f"{cls.__name__}: {error}",
            argument=unknown[0] if unknown else None,
            expected=f"{cls.__name__}({described(signature)})",
            got=f"{cls.__name__}({_call(args, kwargs)})",
            hint=_advised(cls, [*unknown, *args]) or (nearest(unknown[0], signature) if unknown else None),
        )
    return None


def _advised(cls: Any, words: list[Any]) -> str | None:
    """The advice about the first of these names and values that there is any about."""
    return next((cls.advice[word] for word in words if isinstance(word, str) and word in cls.advice), None)


def _call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What was passed, in brief."""
    return ", ".join([*map(_brief, args), *(f"{name}={_brief(value)}" for name, value in kwargs.items())])


def _brief(value: Any) -> str:
    """A text or a number as it was written; of anything larger, such as a list of weights, what it is."""
    return repr(value)[:30] if isinstance(value, (str, int, float, DType)) else type(value).__name__


def nearest(name: str, signature: inspect.Signature) -> str | None:
    """A hint at the argument that was probably meant."""
    found = difflib.get_close_matches(name, signature.parameters, n=1)
    return f"did you mean {found[0]!r}?" if found else None


def described(signature: inspect.Signature) -> str:
    """The arguments with their defaults, without annotations, which would fill a page."""
    return ", ".join(
        str(parameter.replace(annotation=inspect.Parameter.empty))
        for parameter in signature.parameters.values()
    )
