"""Containers: modules, or parameters, in a list or under names.

    Sequential                     modules one after the other: the output of each goes into the next
    ModuleList, ModuleDict         modules that your own `forward` calls as it likes
    ParameterList, ParameterDict   parameters that it computes with

A Python list in an attribute would hide its layers from `parameters()`; these show them, and are lists and
dictionaries like Python's own: append, insert, pop, items, update ... Each item is an attribute, named by its
number or key, and saved under that name: "layers.0.weight".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence
from typing import Any, ClassVar, TypeVar, overload

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentTypeError, IndexingError, UnknownName
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

_Item = TypeVar("_Item", Module, Parameter)
_Self = TypeVar("_Self", bound="_List[Any]")

# --- what they share ------------------------------------------------------------------------------


class _Container(Module):
    """A module whose attributes of one kind, modules or parameters, are its items."""

    kind: ClassVar[type[Module | Parameter]] = Module

    def _items(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if isinstance(value, self.kind)}

    def _admitted(self, value: object, key: object) -> Any:
        """The value if it is of the right kind; a tensor becomes a parameter."""
        if self.kind is Parameter and isinstance(value, Tensor) and not isinstance(value, Parameter):
            return Parameter(value)
        if isinstance(value, self.kind):
            return value
        raise ArgumentTypeError(
            f"{type(self).__name__} takes {self.kind.__name__.lower()}s",
            argument=f"[{key!r}]",
            expected=f"nn.{self.kind.__name__}",
            got=repr(value)[:80],
            hint="a function has its module: nn.ReLU() for functional.relu" if self.kind is Module else None,
        )

    def __len__(self) -> int:
        return len(self._items())

    def extra_repr(self) -> str:
        parameters = self.named_parameters(recurse=False, remove_duplicate=False)
        return ", ".join(f"({name}): {value.dtype} {value.shape}" for name, value in parameters)


class _List(_Container, MutableSequence[_Item]):
    """Items numbered "0", "1", ..."""

    def __iter__(self) -> Iterator[_Item]:
        return iter(self._items().values())

    @overload
    def __getitem__(self, index: int) -> _Item: ...
    @overload
    def __getitem__(self: _Self, index: slice) -> _Self: ...
    def __getitem__(self, index: int | slice) -> Any:
        named = list(self._items().items())
        return self._sliced(named[index]) if isinstance(index, slice) else named[self._position(index)][1]

    def _sliced(self: _Self, named: list[tuple[str, Any]]) -> _Self:
        return type(self)() + [item for _, item in named]

    def __setitem__(self, index: Any, value: Any) -> None:
        name = list(self._items())[self._position(index)]
        setattr(self, name, self._admitted(value, index))

    def __delitem__(self, index: int | slice) -> None:
        named = list(self._items().items())
        del named[index if isinstance(index, slice) else self._position(index)]
        self._fill(named)

    def insert(self, index: int, value: Any) -> None:
        """Put an item before the one at `index`; those behind it move up."""
        named = list(self._items().items())
        named.insert(as_index(index, argument="index"), ("0", self._admitted(value, index)))
        self._fill(named)

    def extend(self, values: Iterable[Any]) -> None:
        """Append all of these, or none if one is not of the right kind."""
        named = list(self._items().items())
        named += [("0", self._admitted(value, number)) for number, value in enumerate(values, len(named))]
        self._fill(named)

    def __add__(self: _Self, other: Iterable[Any]) -> _Self:
        both = type(self)()
        both.extend([*self, *other])
        return both

    def _fill(self, named: list[tuple[str, Any]]) -> None:
        """Hold these items, numbered afresh; a name that is no number was given by hand and stays."""
        for name in self._items():
            delattr(self, name)
        for position, (name, item) in enumerate(named):
            setattr(self, str(position) if name.isdecimal() else name, item)

    def _position(self, index: object) -> int:
        position = as_index(index, argument="index")
        if not -len(self) <= position < len(self):
            raise IndexingError.outside(position, len(self), 0)
        return position


class _Dict(_Container, MutableMapping[str, _Item]):
    """Items under keys."""

    # Modules are told apart by identity, though mappings compare what they hold.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self.update(items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __getitem__(self, key: str) -> _Item:
        items = self._items()
        if key not in items:
            raise UnknownName.among(key, items, kind=self.kind.__name__.lower(), argument="key")
        item: _Item = items[key]
        return item

    def __setitem__(self, key: str, value: Any) -> None:
        self._register(key, self._admitted(value, key), "value", self.kind)

    def __delitem__(self, key: str) -> None:
        self[key]  # complains if it is not there
        delattr(self, key)


class _Uncalled(_Container):
    """A container of modules that opens no name scope: in drawings its name is part of theirs, "layers.0"."""

    def _named(self, name: str) -> None:
        super()._named(name)
        for key, part in self._parts():
            self._name_part(key, part)

    def _name_part(self, key: str, part: Module) -> None:
        if self._scope != type(self).__name__:  # until it has a name of its own, its parts keep theirs
            part._named(f"{self._scope}.{key}")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise ArgumentTypeError(
            f"{type(self).__name__} holds modules and computes nothing itself",
            expected="a call of one of them",
            got=f"a call of the {type(self).__name__}",
            hint="nn.Sequential calls one after the other",
        )


# --- modules --------------------------------------------------------------------------------------


class Sequential(_List[Module]):
    """Feed the output of each module into the next.

    Args:
        modules: the modules in order, named "0", "1", ...; or one mapping of names to modules.

    `network[0]` is the first module, `network[:2]` a new Sequential of the first two (sharing them).

    >>> import tinygrad_cnn as tc
    >>> network = tc.nn.Sequential(tc.nn.Linear(4, 3), tc.nn.ReLU(), tc.nn.Linear(3, 2))
    >>> network
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): ReLU()
      (2): Linear(in_features=3, out_features=2, bias=True)
    )
    >>> list(network.state_dict())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        first = modules[0] if len(modules) == 1 else None
        if isinstance(first, Mapping) and not isinstance(first, Module):
            for name, module in first.items():
                self.add_module(str(name), self._admitted(module, name))
        else:
            self.extend(modules)

    def _sliced(self, named: list[tuple[str, Any]]) -> Sequential:
        return type(self)(dict(named))  # under the names they have here

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x


class ModuleList(_Uncalled, _List[Module]):
    """A list of modules, for a `forward` that goes through them in its own way.

    Args:
        modules: the first items.

    >>> import tinygrad_cnn as tc
    >>> class Residual(tc.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layers = tc.nn.ModuleList([tc.nn.Linear(3, 3) for _ in range(2)])
    ...
    ...     def forward(self, x):
    ...         for layer in self.layers:
    ...             x = x + layer(x).relu()
    ...         return x
    >>> list(Residual().state_dict())
    ['layers.0.weight', 'layers.0.bias', 'layers.1.weight', 'layers.1.bias']
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or ())


class ModuleDict(_Uncalled, _Dict[Module]):
    """A dictionary of modules.

    Args:
        modules: a mapping of names to modules, or pairs of them.

    >>> import tinygrad_cnn as tc
    >>> heads = tc.nn.ModuleDict({"digit": tc.nn.Linear(5, 10), "parity": tc.nn.Linear(5, 2)})
    >>> heads["parity"](tc.zeros(1, 5)).shape, list(heads)
    ((1, 2), ['digit', 'parity'])
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__(modules or ())


# --- parameters -----------------------------------------------------------------------------------


class ParameterList(_List[Parameter]):
    """A list of parameters; tensors put into it become parameters.

    Args:
        values: the first items.

    >>> import tinygrad_cnn as tc
    >>> scales = tc.nn.ParameterList([tc.ones(2), tc.ones(3)])
    >>> scales.append(tc.ones(4))
    >>> scales
    ParameterList((0): float32 (2,), (1): float32 (3,), (2): float32 (4,))
    """

    kind = Parameter

    def __init__(self, values: Iterable[Tensor] | None = None) -> None:
        super().__init__()
        self.extend(values or ())


class ParameterDict(_Dict[Parameter]):
    """A dictionary of parameters; tensors put into it become parameters.

    Args:
        parameters: a mapping of names to parameters, or pairs of them.

    >>> import tinygrad_cnn as tc
    >>> ends = tc.nn.ParameterDict({"left": tc.zeros(2), "right": tc.ones(2)})
    >>> ends["right"]
    tensor([1., 1.], requires_grad=True, name='right')
    """

    kind = Parameter

    def __init__(self, parameters: Mapping[str, Tensor] | Iterable[tuple[str, Tensor]] | None = None) -> None:
        super().__init__(parameters or ())
