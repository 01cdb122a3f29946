"""Sequential: modules one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, overload

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentTypeError, IndexingError
from tinygrad_cnn.nn.module import Module

__all__ = ["Sequential"]


class Sequential(Module):
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
        named = first.items() if isinstance(first, Mapping) else enumerate(modules)
        for name, module in named:
            if not isinstance(module, Module):
                raise ArgumentTypeError(
                    "Sequential takes modules",
                    argument=f"modules[{name!r}]",
                    expected="nn.Module",
                    got=repr(module)[:80],
                    hint="a function has its module: nn.ReLU() for functional.relu",
                )
            setattr(self, str(name), module)

    def forward(self, x: Any) -> Any:
        for module in self.children():
            x = module(x)
        return x

    def __len__(self) -> int:
        return len(list(self.children()))

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        named = list(self.named_children())
        if isinstance(index, slice):
            return type(self)(dict(named[index]))
        position = as_index(index, argument="index")
        if not -len(named) <= position < len(named):
            raise IndexingError.outside(position, len(named), 0)
        return named[position][1]
