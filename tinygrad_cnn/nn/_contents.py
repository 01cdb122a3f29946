"""What is inside a module: its parts, parameters and buffers, each under a dotted name.

    Net
    ├── conv1          "conv1"
    │   ├── weight     "conv1.weight"
    │   └── bias       "conv1.bias"
    └── fc             "fc"

A part used in two places has two names, and so has a parameter ("weight tying"). Lists for an optimizer hold
each thing once, under its first name; what is saved holds it under every name.

Here are the methods of `Module` that look at all this, and those that change all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DTypeLike
from tinygrad_cnn.errors import ArgumentTypeError, UnknownName
from tinygrad_cnn.nn import _state
from tinygrad_cnn.nn.parameter import Parameter, forget_gradient

if TYPE_CHECKING:
    from tinygrad_cnn.nn.module import Module

_Self = TypeVar("_Self", bound="Contents")
_Thing = TypeVar("_Thing")
_Tensor = TypeVar("_Tensor", bound=Tensor)
Named: TypeAlias = Iterator[tuple[str, _Thing]]


class Contents:
    """The half of `Module` that goes through what was assigned to it."""

    training: bool
    _buffers: dict[str, bool]

    # --- parts

    def _parts(self) -> Named[Module]:
        """The parts directly inside, under every name they have."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Contents))  # type: ignore[misc]

    def named_children(self) -> Named[Module]:
        """The parts directly inside, each once, with their names.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Linear(2, 3), tc.nn.ReLU())
        >>> [(name, type(part).__name__) for name, part in network.named_children()]
        [('0', 'Linear'), ('1', 'ReLU')]
        """
        return _each_once(self._parts())

    def children(self) -> Iterator[Module]:
        """The parts directly inside, each once."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Named[Module]:
        """The module itself (named `prefix`) and everything inside, with dotted names.

        Args:
            prefix: put before every name.
            remove_duplicate: False gives what is used in several places under each of its names.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Sequential(tc.nn.ReLU()))
        >>> [name for name, _ in network.named_modules()]
        ['', '0', '0.0']
        """
        everything = self._walk(prefix)
        return _each_once(everything) if remove_duplicate else everything

    def _walk(self, prefix: str) -> Named[Module]:
        yield prefix, self  # type: ignore[misc]
        for name, part in self._parts():
            yield from part._walk(_joined(prefix, name))

    def modules(self) -> Iterator[Module]:
        """The module itself and everything inside, each once."""
        return (module for _, module in self.named_modules())

    # --- parameters and buffers

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Named[Parameter]:
        """Every parameter with its dotted name.

        Args:
            prefix: put before every name.
            recurse: False leaves out those of the parts.
            remove_duplicate: False gives what is used in several places under each of its names.

        >>> import tinygrad_cnn as tc
        >>> [(name, p.shape) for name, p in tc.nn.Linear(3, 2).named_parameters()]
        [('weight', (2, 3)), ('bias', (2,))]
        """
        return self._tensors(_own_parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter, each once: what an optimizer is given. `recurse=False` leaves out the parts'.

        >>> import tinygrad_cnn as tc
        >>> sum(parameter.numel() for parameter in tc.nn.Linear(784, 10).parameters())
        7850
        """
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Named[Tensor]:
        """Every buffer with its dotted name; arguments as for `named_parameters`.

        >>> import tinygrad_cnn as tc
        >>> [name for name, _ in tc.nn.BatchNorm2d(3).named_buffers()]
        ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return self._tensors(_own_buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer, each once. `recurse=False` leaves out the parts'."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _saved_tensors(self) -> Named[Tensor]:
        """What `state_dict` holds: module by module its parameters, then its persistent buffers."""
        return self._tensors(_own_state, "", True, False)

    def _tensors(
        self, own: Callable[[Contents], Iterable[tuple[str, _Tensor]]], prefix: str, recurse: bool, once: bool
    ) -> Named[_Tensor]:
        modules = self.named_modules(prefix, once) if recurse else iter([(prefix, self)])
        named = ((_joined(path, name), tensor) for path, module in modules for name, tensor in own(module))
        return _each_once(named) if once else named

    # --- one of them

    def get_submodule(self, target: str) -> Module:
        """The part with that dotted name; "" is the module itself.

        Raises:
            UnknownName: there is none; the error lists those there are.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Sequential(tc.nn.ReLU()))
        >>> network.get_submodule("0.0")
        ReLU()
        """
        return _called(target, self.named_modules(remove_duplicate=False), "module")

    def get_parameter(self, target: str) -> Parameter:
        """The parameter with that dotted name.

        Raises:
            UnknownName: there is none; the error lists those there are.

        >>> import tinygrad_cnn as tc
        >>> tc.nn.Sequential(tc.nn.Linear(2, 3)).get_parameter("0.weight").shape
        (3, 2)
        """
        return _called(target, self.named_parameters(remove_duplicate=False), "parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer with that dotted name.

        Raises:
            UnknownName: there is none; the error lists those there are.

        >>> import tinygrad_cnn as tc
        >>> tc.nn.BatchNorm2d(3).get_buffer("running_var")
        tensor([1., 1., 1.], name='running_var')
        """
        return _called(target, self.named_buffers(remove_duplicate=False), "buffer")

    # --- changing everything inside

    def apply(self: _Self, function: Callable[[Any], Any]) -> _Self:
        """Call `function` on everything inside and then on this module; returns the module.

        >>> import tinygrad_cnn as tc
        >>> def zero(module):
        ...     if isinstance(module, tc.nn.Linear):
        ...         tc.nn.init.zeros_(module.weight)
        >>> tc.nn.Sequential(tc.nn.Linear(2, 1)).apply(zero)[0].weight
        tensor([[0., 0.]], requires_grad=True, name='weight')
        """
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self: _Self, mode: bool = True) -> _Self:
        """Switch dropout and batch statistics on, here and in every part; returns the module."""
        if not isinstance(mode, bool):
            raise ArgumentTypeError(
                "the mode is training or not",
                argument="mode",
                expected="True or False",
                got=type(mode).__name__,
                hint="tc.Trainer(...) trains a network",
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: _Self) -> _Self:
        """Switch dropout and batch statistics off: the network is used, not trained.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Dropout(0.5)).eval()
        >>> network[0].training
        False
        """
        return self.train(False)

    def requires_grad_(self: _Self, requires_grad: bool = True) -> _Self:
        """Freeze every parameter (False), or let it learn again; returns the module.

        >>> import tinygrad_cnn as tc
        >>> layer = tc.nn.Linear(2, 1).requires_grad_(False)
        >>> layer(tc.ones(1, 2)).requires_grad
        False
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of every parameter: `.grad` becomes None, or zeros."""
        for parameter in self.parameters():
            forget_gradient(parameter, set_to_none)

    def to(self: _Self, target: DTypeLike | Backend) -> _Self:
        """Move every parameter and buffer to another backend, or its floats to another dtype; in place.

        Parameters stay the objects they are, so an optimizer that holds them still does; but its own state
        stays where it was: move the model first.

        Args:
            target: the name of a backend ("cupy"), or a floating dtype ("float64", tc.float64).

        >>> import tinygrad_cnn as tc
        >>> tc.nn.Linear(2, 1).to("float64").weight.dtype
        tinygrad_cnn.float64
        """
        for tensor in chain(self.parameters(), self.buffers()):
            _state.move(tensor, target)
        return self

    def half(self: _Self) -> _Self:
        """The same as `to("float16")`; to train, `tc.amp.autocast` is the better way."""
        return self.to("float16")

    def bfloat16(self: _Self) -> _Self:
        """The same as `to("bfloat16")`; to train, `tc.amp.autocast` is the better way."""
        return self.to("bfloat16")

    def float(self: _Self) -> _Self:
        """The same as `to("float32")`."""
        return self.to("float32")

    def double(self: _Self) -> _Self:
        """The same as `to("float64")`: for checking gradients."""
        return self.to("float64")


def _own_parameters(module: Contents) -> Named[Parameter]:
    return ((name, value) for name, value in vars(module).items() if isinstance(value, Parameter))


def _own_buffers(module: Contents) -> Named[Tensor]:
    return ((name, vars(module)[name]) for name in module._buffers if vars(module)[name] is not None)


def _own_state(module: Contents) -> Named[Tensor]:
    yield from _own_parameters(module)
    yield from ((name, buffer) for name, buffer in _own_buffers(module) if module._buffers[name])


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _each_once(named: Named[_Thing]) -> Named[_Thing]:
    seen = set()
    for name, thing in named:
        if thing not in seen:
            seen.add(thing)
            yield name, thing


def _called(target: str, named: Named[_Thing], kind: str) -> _Thing:
    known = dict(named)
    if target not in known:
        raise UnknownName.among(target, known, kind=kind, argument="target")
    return known[target]
