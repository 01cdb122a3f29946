"""What a function looks at besides its arguments: the names around it, and what stands behind them.

    model, alpha = LeNet5(), 0.5

    def step(x):                      around it: model, alpha
        return alpha * model(x)

A captured step asks before every replay whether all of it is as it was. Numbers and words are compared by
value, everything else by identity: another model of the same name is noticed, another weight in the same one
is state, and none of our business here.
"""

from __future__ import annotations

import dis
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_BY_VALUE = (bool, int, float, complex, str, bytes, type(None))
# Nobody replaces these between two steps, and a function has many of them.
_IGNORED = (BuiltinFunctionType, FunctionType, ModuleType, type)


def snapshot(names: Iterable[str], values: Mapping[str, Any]) -> dict[str, object]:
    """Those names that there are: values of numbers and words, identities of everything else.

    >>> snapshot(["a", "b"], {"a": 1, "c": 2})
    {'a': 1}
    """
    found: dict[str, object] = {}
    for name in names:
        if name in values:
            value = values[name]
            found[name] = value if isinstance(value, _BY_VALUE) else ("object", id(value))
    return found


def surroundings(function: Callable[..., Any]) -> Callable[[], dict[str, object]]:
    """A function that tells what is around `function` now.

    >>> def outer():
    ...     factor = 2
    ...     def double(x):
    ...         return factor * x
    ...     def change():
    ...         nonlocal factor
    ...         factor = 3
    ...     return double, change
    >>> double, change = outer()
    >>> look = surroundings(double)
    >>> look()
    {'factor': 2}
    >>> change()
    >>> look()
    {'factor': 3}
    """
    owner: Mapping[str, Any] = {}
    if isinstance(function, MethodType):
        owner, function = getattr(function.__self__, "__dict__", {}), function.__func__
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:  # an object that is called, a partial: it looks at itself
        return dict
    around = getattr(function, "__globals__", {})
    cells = dict(zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False))
    names = [name for name in _globals(code) if not isinstance(around.get(name), _IGNORED)]
    attributes = code.co_names if owner else ()

    def look() -> dict[str, object]:
        seen = snapshot(names, around) | snapshot(attributes, owner)
        for name, cell in cells.items():
            try:
                seen |= snapshot([name], {name: cell.cell_contents})
            except ValueError:  # not assigned yet
                continue
        return seen

    return look


def _globals(code: CodeType) -> list[str]:
    """The global names that the function reads, or one written inside of it."""
    own = [
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    ]
    inner = [name for one in code.co_consts if isinstance(one, CodeType) for name in _globals(one)]
    return list(dict.fromkeys([*own, *inner]))


def generators() -> tuple[object, ...]:
    """The states of the random numbers that Python and NumPy share with everybody."""
    numpy_random = sys.modules.get("numpy.random")
    shared = () if numpy_random is None else tuple(map(str, numpy_random.get_state()))
    return (random.getstate(), *shared)
