"""Module: a part of a network, with its parameters and its smaller parts.

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = nn.Linear(784, 100)      # assigning is registering
            self.fc2 = nn.Linear(100, 10)

        def forward(self, x):
            return self.fc2(self.fc1(x).relu())

A module is an ordinary object. Its parameters are those of its attributes that are a `Parameter`, its parts
those that are a `Module`; nothing else is kept about them. Calling a module opens a name scope, so a drawing
shows the boxes "Net", "Net/fc1" and "Net/fc2" without a word from you.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar

from tinygrad_cnn._context import name_scope
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DTypeLike
from tinygrad_cnn.errors import ArgumentTypeError
from tinygrad_cnn.nn import _state
from tinygrad_cnn.nn._state import IncompatibleKeys
from tinygrad_cnn.nn.parameter import Parameter

__all__ = ["Module"]

ForwardHook = Callable[["Module", tuple[Any, ...], Any], Any]
_Self = TypeVar("_Self", bound="Module")


class Module:
    """The base of every layer and network: subclass it, assign parts in `__init__`, compute in `forward`.

    Attributes:
        training: whether dropout drops and batch normalization looks at the batch; see `train` and `eval`.

    >>> import tinygrad_cnn as tc
    >>> class Scale(tc.nn.Module):
    ...     def __init__(self, factor):
    ...         super().__init__()
    ...         self.factor = tc.nn.Parameter(factor)
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> scale = Scale(3.0)
    >>> y = scale(tc.tensor([1.0, 2.0]))
    >>> y, y.node.scope
    (tensor([3., 6.], from=mul), 'Scale')
    """

    training: bool

    def __init__(self) -> None:
        self.training = True
        self._buffers: dict[str, bool] = {}  # name of a buffer: is it saved?
        self._forward_hooks: list[ForwardHook] = []
        self._scope = type(self).__name__  # the attribute's name, once a parent has one

    # --- assigning is registering

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Module, Parameter)):
            if "_buffers" not in self.__dict__:
                raise ArgumentTypeError(
                    f"{type(self).__name__} assigns a {type(value).__name__} before it exists itself",
                    argument=name,
                    expected="super().__init__() first",
                    got=f"self.{name} = {type(value).__name__}(...)",
                    hint="make super().__init__() the first line of your __init__",
                )
            if isinstance(value, Module):
                value._scope = name
            elif value.name is None:
                value.name = name  # for drawings and messages
        super().__setattr__(name, value)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is part of the module's state but not learned (running statistics).

        Args:
            name: of the attribute it becomes.
            tensor: its first value, or None for a buffer that is not used.
            persistent: whether `state_dict` contains it.

        >>> import tinygrad_cnn as tc
        >>> module = tc.nn.Module()
        >>> module.register_buffer("mean", tc.zeros(2))
        >>> list(module.state_dict()), list(module.parameters())
        (['mean'], [])
        """
        if tensor is not None and (not isinstance(tensor, Tensor) or isinstance(tensor, Parameter)):
            raise ArgumentTypeError(
                "a buffer is a plain tensor",
                argument="tensor",
                expected="Tensor or None",
                got=type(tensor).__name__,
            )
        if tensor is not None:
            tensor.name = tensor.name or name
        self._buffers[name] = persistent
        setattr(self, name, tensor)

    # --- computing

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass defines it, and callers call the module itself."""
        raise ArgumentTypeError(
            f"{type(self).__name__} does not say what it computes",
            expected="a method forward(self, x)",
            got="none",
            hint=f"define forward in class {type(self).__name__}",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with name_scope(self._scope):
            output = self.forward(*args, **kwargs)
        for hook in tuple(self._forward_hooks):
            replaced = hook(self, args, output)
            output = output if replaced is None else replaced
        return output

    def register_forward_hook(self, hook: ForwardHook) -> Callable[[], None]:
        """Call `hook(module, inputs, output)` after every forward; what it returns replaces the output.

        Returns:
            A function that removes the hook again.

        >>> import tinygrad_cnn as tc
        >>> layer = tc.nn.ReLU()
        >>> remove = layer.register_forward_hook(lambda module, inputs, output: print(output))
        >>> y = layer(tc.tensor([-1.0, 2.0]))
        tensor([0., 2.])
        """
        self._forward_hooks.append(hook)

        def remove() -> None:
            if hook in self._forward_hooks:
                self._forward_hooks.remove(hook)

        return remove

    # --- what is inside

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The parts directly inside, with their names.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Linear(2, 3), tc.nn.ReLU())
        >>> [(name, type(part).__name__) for name, part in network.named_children()]
        [('0', 'Linear'), ('1', 'ReLU')]
        """
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def children(self) -> Iterator[Module]:
        """The parts directly inside."""
        return (child for _, child in self.named_children())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """The module itself (named "") and everything inside, each once, with dotted names.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Sequential(tc.nn.Sequential(tc.nn.ReLU()))
        >>> [name for name, _ in network.named_modules()]
        ['', '0', '0.0']
        """
        return self._named_modules(prefix, set())

    def _named_modules(self, prefix: str, seen: set[Module]) -> Iterator[tuple[str, Module]]:
        if self in seen:
            return
        seen.add(self)
        yield prefix, self
        for name, child in self.named_children():
            yield from child._named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator[Module]:
        """The module itself and everything inside, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter, of the parts too, each once, with its dotted name.

        >>> import tinygrad_cnn as tc
        >>> [(name, p.shape) for name, p in tc.nn.Linear(3, 2).named_parameters()]
        [('weight', (2, 3)), ('bias', (2,))]
        """
        return _each_once((name, p) for name, p in self._named_tensors() if isinstance(p, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """Every parameter, of the parts too, each once: what an optimizer is given.

        >>> import tinygrad_cnn as tc
        >>> sum(parameter.numel() for parameter in tc.nn.Linear(784, 10).parameters())
        7850
        """
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Every buffer, of the parts too, each once, with its dotted name.

        >>> import tinygrad_cnn as tc
        >>> [name for name, _ in tc.nn.BatchNorm2d(3).named_buffers()]
        ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return _each_once((name, b) for name, b in self._named_tensors() if not isinstance(b, Parameter))

    def buffers(self) -> Iterator[Tensor]:
        """Every buffer, of the parts too, each once."""
        return (buffer for _, buffer in self.named_buffers())

    def _named_tensors(self, *, persistent: bool = False) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers, module by module; a tensor used in two places comes twice."""
        for prefix, module in self.named_modules():
            dot = f"{prefix}." if prefix else ""
            own = vars(module)
            for name, value in own.items():
                if isinstance(value, Parameter):
                    yield dot + name, value
            for name, is_saved in module._buffers.items():
                if own[name] is not None and (is_saved or not persistent):
                    yield dot + name, own[name]

    # --- saving and loading

    def state_dict(self) -> dict[str, Tensor]:
        """Everything to be saved, by dotted name: parameters and persistent buffers, sharing their memory.

        >>> import tinygrad_cnn as tc
        >>> list(tc.nn.BatchNorm2d(3).state_dict())
        ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        return {name: value.detach() for name, value in self._named_tensors(persistent=True)}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Overwrite parameters and buffers with saved ones; everything is checked before anything is changed.

        Args:
            state_dict: tensors or arrays, by the names of `state_dict()`.
            strict: False leaves alone what is missing and what is unexpected.

        Returns:
            The names that were missing and those that were unexpected (empty unless `strict=False`).

        Raises:
            StateDictError: entries missing, unexpected, or of another shape or dtype; lists them all.

        >>> import tinygrad_cnn as tc
        >>> layer, twin = tc.nn.Linear(2, 1), tc.nn.Linear(2, 1)
        >>> twin.load_state_dict(layer.state_dict())
        IncompatibleKeys(missing_keys=(), unexpected_keys=())
        >>> bool((layer.weight == twin.weight).all())
        True
        """
        return _state.load(
            dict(self._named_tensors(persistent=True)), state_dict, strict, type(self).__name__
        )

    # --- changing everything inside

    def apply(self: _Self, function: Callable[[Module], Any]) -> _Self:
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

    def zero_grad(self) -> None:
        """Forget the gradients of every parameter."""
        for parameter in self.parameters():
            parameter.grad = None

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

    # --- how it looks

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`; layers show their sizes there."""
        return ""

    def __repr__(self) -> str:
        parts = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        extra = self.extra_repr()
        if not parts:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join([f"{type(self).__name__}(", *([extra] if extra else []), *parts]) + "\n)"


_Tensor = TypeVar("_Tensor", bound=Tensor)


def _each_once(named: Iterator[tuple[str, _Tensor]]) -> Iterator[tuple[str, _Tensor]]:
    seen = set()
    for name, tensor in named:
        if tensor not in seen:
            seen.add(tensor)
            yield name, tensor
