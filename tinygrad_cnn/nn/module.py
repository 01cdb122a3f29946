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

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import _advice
from tinygrad_cnn._context import is_grad_enabled, name_scope
from tinygrad_cnn._node import HookHandle
from tinygrad_cnn._signature import Explaining
from tinygrad_cnn._surroundings import snapshot
from tinygrad_cnn._tape import tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.nn import _hooks, _state
from tinygrad_cnn.nn._contents import Contents
from tinygrad_cnn.nn._hooks import BackwardHook, BackwardWatch, ForwardHook, ForwardPreHook, Hooks
from tinygrad_cnn.nn._state import IncompatibleKeys
from tinygrad_cnn.nn.parameter import Parameter

__all__ = ["Module"]


class Module(Contents, metaclass=Explaining):
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
    without_effect = frozenset({"inplace"})  # tensors never change in place

    def __init__(self) -> None:
        self.training = True
        self._buffers: dict[str, bool] = {}  # name of a buffer: is it saved?
        self._hooks = Hooks()
        self._scope = type(self).__name__  # the attribute's name, once a parent has one

    # --- assigning is registering

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Module, Parameter)):
            if "_buffers" not in vars(self):
                raise ArgumentTypeError(
                    f"{type(self).__name__} assigns a {type(value).__name__} before it exists itself",
                    argument=name,
                    expected="super().__init__() first",
                    got=f"self.{name} = {type(value).__name__}(...)",
                    hint="make super().__init__() the first line of your __init__",
                )
            self._buffers.pop(name, None)
            if isinstance(value, Module):
                self._name_part(name, value)
            else:
                value.name = value.name or name  # for drawings and messages
                value.mark_as_state()
        elif value is not None:
            self._refuse_to_lose(name, value)
        super().__setattr__(name, value)

    def _refuse_to_lose(self, name: str, value: object) -> None:
        """What replaces a part is one itself, or it would silently no longer be trained or saved."""
        present = vars(self).get(name)
        if isinstance(present, (Module, Parameter)):
            expected = "nn.Module" if isinstance(present, Module) else "nn.Parameter"
        elif name in vars(self).get("_buffers", ()) and not isinstance(value, Tensor):
            expected = "a tensor"
        else:
            return
        raise ArgumentTypeError(
            f"{type(self).__name__}.{name} would stop being a part of the module",
            argument=name,
            expected=f"{expected} or None",
            got=type(value).__name__,
            hint=f"if that is meant: del module.{name} first",
        )

    if not TYPE_CHECKING:  # a type checker knows which names do not exist

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__") or hasattr(type(self), name):
                return super().__getattribute__(name)  # a protocol, or a property that failed: Python's error
            raise _advice.missing(name, type(self).__name__, _advice.OF_MODULES, dir(self))

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._buffers.pop(name, None)

    def _name_part(self, name: str, part: Module) -> None:
        part._named(name)

    def _named(self, name: str) -> None:
        """It became an attribute of that name: so its name scope is called."""
        self._scope = name

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """The same as `self.name = param`, for names that are computed.

        Args:
            name: of the attribute it becomes.
            param: the parameter, or None for one that is not used.

        Raises:
            ArgumentError: the name has a dot in it, is empty, or already means something else.

        >>> import tinygrad_cnn as tc
        >>> module = tc.nn.Module()
        >>> module.register_parameter("scale", tc.nn.Parameter(tc.ones(2)))
        >>> module.scale
        tensor([1., 1.], requires_grad=True, name='scale')
        """
        self._register(name, param, "param", Parameter, hint="nn.Parameter(tensor)")

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as `self.name = module`, for names that are computed; arguments as `register_parameter`.

        >>> import tinygrad_cnn as tc
        >>> network = tc.nn.Module()
        >>> network.add_module("block1", tc.nn.ReLU())
        >>> network.block1
        ReLU()
        """
        self._register(name, module, "module", Module, hint="nn.ReLU() rather than nn.ReLU")

    register_module = add_module

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is part of the module's state but not learned (running statistics).

        Args:
            name: of the attribute it becomes.
            tensor: its first value, or None for a buffer that is not used.
            persistent: whether `state_dict` contains it.

        Raises:
            ArgumentError: the name has a dot in it, is empty, or already means something else.

        >>> import tinygrad_cnn as tc
        >>> module = tc.nn.Module()
        >>> module.register_buffer("mean", tc.zeros(2))
        >>> list(module.state_dict()), list(module.parameters())
        (['mean'], [])
        """
        if isinstance(tensor, Parameter):
            raise ArgumentTypeError(
                "a buffer is a plain tensor", argument="tensor", expected="Tensor or None", got="Parameter"
            )
        self._register(name, tensor, "tensor", Tensor, hint="tc.tensor(...)")
        if tensor is not None:
            tensor.name = tensor.name or name
            tensor.mark_as_state()
        self._buffers[name] = persistent

    def _register(self, name: str, value: object, argument: str, kind: type, hint: str = "") -> None:
        """Make `value` an attribute, if it is of that kind and the name is free."""
        if value is not None and not isinstance(value, kind):
            raise ArgumentTypeError(
                f"{name!r} cannot be registered",
                argument=argument,
                expected=f"{kind.__name__} or None",
                got=repr(value)[:80],
                hint=hint or None,
            )
        if not isinstance(name, str) or not name or "." in name:
            raise ArgumentError(
                "a part needs a name without dots",
                argument="name",
                expected="a non-empty str",
                got=repr(name),
            )
        replaceable = name in vars(self) and isinstance(vars(self)[name], (kind, type(None)))
        if hasattr(self, name) and not replaceable:
            raise ArgumentError(
                f"{type(self).__name__}.{name} already means something else",
                argument="name",
                expected="a name that is free",
                got=repr(name),
            )
        setattr(self, name, value)

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
        listening = tape()
        if listening is not None:
            listening.depends_on(partial(snapshot, tuple(vars(self)), vars(self)))
        hooks = self._hooks
        for before in tuple(hooks.before.values()):
            replaced = before(self, args)
            if replaced is not None:
                args = replaced if isinstance(replaced, tuple) else (replaced,)
        watch = None
        if hooks.backward and is_grad_enabled():
            watch = BackwardWatch(self, tuple(hooks.backward.values()))
            args = watch.inputs(args)
        with name_scope(self._scope):
            output = self.forward(*args, **kwargs)
        for after in tuple(hooks.after.values()):
            replaced = after(self, args, output)
            output = output if replaced is None else replaced
        return output if watch is None else watch.outputs(output)

    def register_forward_pre_hook(self, hook: ForwardPreHook) -> HookHandle:
        """Call `hook(module, inputs)` before every forward, with the tuple of positional arguments.

        What it returns, a tuple or a single value, replaces them.

        Returns:
            A handle; `handle.remove()` takes the hook away again.

        >>> import tinygrad_cnn as tc
        >>> layer = tc.nn.ReLU()
        >>> handle = layer.register_forward_pre_hook(lambda module, inputs: inputs[0] * 10)
        >>> layer(tc.tensor([-1.0, 2.0]))
        tensor([ 0., 20.])
        """
        return _hooks.register(self._hooks.before, hook)

    def register_forward_hook(self, hook: ForwardHook) -> HookHandle:
        """Call `hook(module, inputs, output)` after every forward; what it returns replaces the output.

        Returns:
            A handle; `handle.remove()` takes the hook away again.

        >>> import tinygrad_cnn as tc
        >>> layer = tc.nn.ReLU()
        >>> handle = layer.register_forward_hook(lambda module, inputs, output: print(output))
        >>> y = layer(tc.tensor([-1.0, 2.0]))
        tensor([0., 2.])
        """
        return _hooks.register(self._hooks.after, hook)

    def register_full_backward_hook(self, hook: BackwardHook) -> HookHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of a call's inputs are known.

        For each call of the module, each backward walk calls the hook once: after the rules of everything
        inside that leads to the inputs have run, and before the walk goes on to where the inputs came from.
        Gradients of parameters may still be on their way. If no input needs a gradient (data), it is called
        when the gradients of the outputs are known, before anything inside; and not at all if the walk does
        not come here, as under `tc.no_grad()` or in `tc.grad` with respect to later tensors only.

        Args:
            hook: gets two tuples, one gradient for each positional argument and one for each output; None
                for what is no tensor, needs no gradient or was not reached. What it returns, a tuple or a
                single gradient, replaces `grad_input`.

        Returns:
            A handle; `handle.remove()` takes the hook away again.

        Raises:
            ArgumentTypeError: when called, the module returns neither a tensor nor a tuple or list.

        >>> import tinygrad_cnn as tc
        >>> layer = tc.nn.ReLU()
        >>> handle = layer.register_full_backward_hook(lambda module, g_in, g_out: print(g_in))
        >>> x = tc.tensor([-1.0, 2.0], requires_grad=True)
        >>> layer(x).sum().backward()
        (tensor([0., 1.]),)
        """
        return _hooks.register(self._hooks.backward, hook)

    # --- saving and loading

    def state_dict(self) -> dict[str, Tensor]:
        """Everything to be saved, by dotted name: parameters and persistent buffers, sharing their memory.

        What is used in two places is there twice, under both names.

        >>> import tinygrad_cnn as tc
        >>> list(tc.nn.BatchNorm2d(3).state_dict())
        ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
        """
        return {name: value.detach() for name, value in self._saved_tensors()}

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
        return _state.load(dict(self._saved_tensors()), state_dict, strict, type(self).__name__)

    # --- how it looks

    def extra_repr(self) -> str:
        """What stands between the parentheses of `repr`; layers show their sizes there."""
        return ""

    def __repr__(self) -> str:
        parts = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._parts()]
        extra = self.extra_repr()
        if not parts:
            return f"{type(self).__name__}({extra})"
        return "\n  ".join([f"{type(self).__name__}(", *([extra] if extra else []), *parts]) + "\n)"
