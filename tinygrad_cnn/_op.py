"""Op: the single declaration of an operation, and `apply`, which runs and records it.

Everything about an operation stands in one place:

    @op(symbol="·", infer=elementwise, promotes="kind", broadcasts=True, method=True)
    def mul(B, x, y):
        '''x · y, element by element, with broadcasting.'''
        return B.xp.multiply(x, y)

    @mul.gradient("x", "∂L/∂x = g · y")
    def _(g, node, y):
        return g * y

The decorated function is the kernel: it gets the backend `B` and plain arrays. What a gradient rule names
after `g` and `node` is what is saved for it (inputs or outputs by name); keyword-only arguments are the
operation's parameters. Rules take and return Tensors and are written with operations, so a backward pass
is itself a graph: it can be drawn, stepped through and differentiated again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from types import MethodType
from typing import Any, Literal, TypeVar

from tinygrad_cnn import _context
from tinygrad_cnn._context import Context
from tinygrad_cnn._source import user_frame
from tinygrad_cnn._tensor import Node, Storage, Tensor, tensor
from tinygrad_cnn.backend import Array, Backend, get_backend
from tinygrad_cnn.dtypes import DType, Spec, float32, int64, promote
from tinygrad_cnn.dtypes import bool_ as bool_dtype
from tinygrad_cnn.errors import (
    ArgumentTypeError,
    BackendError,
    GradientError,
    ImmutableError,
    NonFiniteError,
    TinygradCNNError,
)

Promotion = Literal["kind", "floating"]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Input = TypeVar("_Input")

REGISTRY: dict[str, Op] = {}  # every operation, by name
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # every public function: operations and compositions of them
METHODS: dict[str, Callable[..., Any]] = {}  # everything attached to Tensor


class Sample:
    """One example of calling an operation: what it is tried on by the generated tests.

    Args:
        inputs: one `Draw` (see the helpers below) for each input.
        params: the operation's parameters.
    """

    def __init__(self, *inputs: Draw, **params: Any) -> None:
        self.inputs = inputs
        self.params = params

    def __repr__(self) -> str:
        shown = [str(draw.shape) for draw in self.inputs]
        return ", ".join([*shown, *(f"{name}={value!r}" for name, value in self.params.items())])


class Draw:
    """How to draw one input of a sample: its shape and what its numbers look like."""

    def __init__(self, kind: str, shape: tuple[int, ...], low: float, high: float) -> None:
        self.kind = kind
        self.shape = shape
        self.low = low
        self.high = high


def reals(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    """Floating-point numbers between low and high, no two alike and none near zero (kinks sit there)."""
    return Draw("reals", shape, low, high)


def integers(*shape: int, low: int = 0, high: int) -> Draw:
    """Integers low .. high−1."""
    return Draw("integers", shape, low, high)


def booleans(*shape: int) -> Draw:
    """A mask, about half of it True."""
    return Draw("booleans", shape, 0, 1)


class Rule:
    """One gradient rule: for which inputs, its formula, and what it needs."""

    __slots__ = (
        "formula",
        "function",
        "keywords",
        "params",
        "saves",
        "targets",
        "wants_needs",
        "wants_position",
    )

    def __init__(self, op: Op, targets: tuple[str, ...], formula: str, function: Callable[..., Any]) -> None:
        self.targets = targets
        self.formula = formula
        self.function = function
        parameters = list(inspect.signature(function).parameters.values())
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        if positional[:2] != ["g", "node"]:
            raise GradientError(
                f"the rule of {op.name} for {', '.join(targets)} must start with (g, node, ...)",
                got=tuple(positional),
            )
        self.saves = tuple(name for name in positional[2:])
        unknown = [name for name in self.saves if name not in op.input_names + op.outputs]
        if unknown:
            raise GradientError(
                f"the rule of {op.name} for {', '.join(targets)} asks for values that do not exist",
                expected=f"names among {', '.join(op.input_names + op.outputs)}",
                got=", ".join(unknown),
            )
        named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.wants_needs = "needs" in named
        self.wants_position = "position" in named
        self.params = tuple(name for name in op.param_names if takes_all or name in named)
        self.keywords = bool(self.params or self.wants_needs or self.wants_position)

    def __call__(self, g: Tensor, node: Node, needs: tuple[str, ...], position: int) -> Any:
        if not self.keywords:
            return self.function(g, node, *[node.value(name) for name in self.saves])
        arguments: dict[str, Any] = {name: node.params[name] for name in self.params}
        if self.wants_needs:
            arguments["needs"] = needs
        if self.wants_position:
            arguments["position"] = position
        return self.function(g, node, *[node.value(name) for name in self.saves], **arguments)


class Op:
    """An operation: kernel, shape rule, gradient rules, and the sentence a student reads.

    Calling it computes and records. Inputs come first, then parameters, by position or by name.

    Attributes:
        name: of the decorated function.
        symbol: shown in drawings.
        inputs, params: as declared; `outputs` names the results ("out" when there is one).
        rules: the gradient rules, by input name.
    """

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        symbol: str,
        infer: Callable[..., Any],
        outputs: Sequence[str],
        hidden: Sequence[str],
        nondifferentiable: Sequence[str],
        promotes: Promotion | None,
        broadcasts: bool,
        view: bool,
        mutates: bool,
        samples: Sequence[Sample],
    ) -> None:
        self.kernel = kernel
        self.name = self.__name__ = kernel.__name__
        self.__doc__ = kernel.__doc__
        self.__module__ = kernel.__module__
        self.symbol = symbol
        self.infer = infer
        self.outputs = tuple(outputs)
        self.single = len(self.outputs) == 1
        self.public = len([name for name in outputs if name not in hidden])
        self.nondifferentiable = frozenset(nondifferentiable)
        self.promotes = promotes
        self.broadcasts = broadcasts
        self.view = view
        self.mutates = mutates
        self.samples = tuple(samples)
        self.rules: dict[str, Rule] = {}
        self.composite: Callable[..., Any] | None = None
        self._saves: dict[tuple[bool, ...], tuple[str, ...]] = {}

        parameters = list(inspect.signature(kernel).parameters.values())[1:]
        inputs = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
        params = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.input_names = tuple(p.name for p in inputs)
        self._rules: tuple[Rule | None, ...] = (None,) * len(inputs)
        self.param_names = tuple(p.name for p in params)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in inputs)
        self.defaults = {p.name: p.default for p in params if p.default is not p.empty}
        self.__signature__ = inspect.Signature(
            [p.replace(annotation=Tensor) for p in inputs]
            + [p if self.variadic else p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in params]
        )

    # --- declaring

    def gradient(self, *targets: str, formula: str | None = None) -> Callable[[_Function], _Function]:
        """Declare the gradient rule of one input (or of several that share their work).

        The last positional argument is the formula a student reads: `@mul.gradient("x", "∂L/∂x = g·y")`.
        """
        *names, text = (*targets, formula) if formula is not None else targets
        unknown = [name for name in names if name not in self.input_names]
        if unknown or not names:
            raise GradientError(
                f"{self.name} has no input named {', '.join(unknown)}",
                expected=f"among {', '.join(self.input_names)}, then the formula",
                got=targets,
            )

        def declare(function: _Function) -> _Function:
            rule = Rule(self, tuple(names), str(text), function)
            for name in names:
                self.rules[name] = rule
            self._rules = tuple(self.rules.get(name) for name in self.input_names)
            self._saves.clear()
            return function

        return declare

    def as_composite(self, function: _Function) -> _Function:
        """Declare what a fused operation is made of.

        Under `create_graph=True` the walk differentiates the composite, and a test holds the two equal.
        """
        self.composite = function
        return function

    # --- asking

    def input_name(self, position: int) -> str:
        names = self.input_names
        return names[position] if position < len(names) else names[-1]

    def named_inputs(self, name: str, inputs: Sequence[_Input]) -> list[tuple[str, _Input]]:
        """The input of that name; of a variadic one, each under a numbered name."""
        position = self.input_names.index(name)
        if not self.variadic or position < len(self.input_names) - 1:
            return [(name, inputs[position])]
        return [(f"{name}.{number}", value) for number, value in enumerate(inputs[position:])]

    def rule(self, position: int) -> Rule | None:
        """The gradient rule of the input at that position; None where it is nondifferentiable."""
        rules = self._rules
        return rules[position] if position < len(rules) else rules[-1]

    def saves(self, needs: tuple[bool, ...]) -> tuple[str, ...]:
        """The names to save when the inputs at True positions need a gradient."""
        names = self._saves.get(needs)
        if names is None:
            rules = [self.rule(position) for position, need in enumerate(needs) if need]
            wanted = {name for rule in rules if rule is not None for name in rule.saves}
            if self.composite is not None:
                wanted.update(self.input_names)
            names = self._saves[needs] = tuple(sorted(wanted))
        return names

    # --- calling

    def __call__(self, *args: Any, **params: Any) -> Any:
        if not params and len(args) == len(self.input_names) and not self.param_names:
            return apply(self, args, params)
        if self.variadic:
            inputs: tuple[Any, ...] = args
        else:
            inputs, params = self._bind(args, params)
        if self.defaults:
            params = {**self.defaults, **params}
        if params:
            params = {name: _frozen(value) for name, value in params.items()}
            if len(params) != len(self.param_names) or any(name not in self.param_names for name in params):
                raise self._misfit(params)
        return apply(self, inputs, params)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _bind(self, args: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort positional and named arguments into inputs and parameters."""
        arity = len(self.input_names)
        if len(args) < arity:
            named = dict(params)
            missing = [name for name in self.input_names[len(args) :] if name not in named]
            if missing:
                raise ArgumentTypeError(
                    "an input is missing",
                    argument=missing[0],
                    expected=f"{self.name}{self.__signature__}",
                    got=f"{len(args)} positional argument{'s' if len(args) != 1 else ''}",
                ).at(self.name)
            args = args + tuple(named.pop(name) for name in self.input_names[len(args) :])
            return args, named
        if len(args) > arity:
            extra = args[arity:]
            if len(extra) > len(self.param_names):
                raise ArgumentTypeError(
                    "too many arguments", expected=f"{self.name}{self.__signature__}", got=f"{len(args)}"
                ).at(self.name)
            return args[:arity], {**dict(zip(self.param_names, extra, strict=False)), **params}
        return args, params

    def _misfit(self, params: dict[str, Any]) -> TinygradCNNError:
        unknown = [name for name in params if name not in self.param_names]
        missing = [name for name in self.param_names if name not in params]
        return ArgumentTypeError(
            f"unknown argument {unknown[0]!r}" if unknown else f"the argument {missing[0]!r} is missing",
            argument=(unknown or missing)[0],
            expected=f"{self.name}{self.__signature__}",
            got=", ".join(params) or "nothing",
        ).at(self.name)

    def __repr__(self) -> str:
        return f"<op {self.name}{self.__signature__}>"


def op(
    *,
    symbol: str,
    infer: Callable[..., Any],
    outputs: Sequence[str] = ("out",),
    hidden: Sequence[str] = (),
    nondifferentiable: Sequence[str] = (),
    promotes: Promotion | None = None,
    broadcasts: bool = False,
    view: bool = False,
    mutates: bool = False,
    method: bool = False,
    public: bool = True,
    samples: Sequence[Sample] = (),
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an operation; the decorated function is its default kernel.

    Args:
        symbol: what drawings write into its node.
        infer: shape and dtype of the outputs from those of the inputs, before anything is computed;
            returns a `Spec`, or a tuple of them; raises errors naming the argument.
        outputs: their names; the first is the differentiable one.
        hidden: outputs that only the gradient rules see (a pool's winners, a batch's statistics).
        nondifferentiable: inputs that never get a gradient (indices, masks, targets).
        promotes: "kind": inputs of several dtypes meet in one; "floating": and integers become float32.
        broadcasts: inputs stretch to one shape; their gradients are summed back.
        view: the result may share the first input's memory.
        mutates: writes into its first input (`assign` only).
        method: also a method of Tensor.
        public: also a function of the package.
        samples: examples that the generated tests run.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.dtypes import Spec
    >>> @tc.op(symbol="x³", infer=lambda x: Spec(x.shape, x.dtype), public=False)
    ... def cube(B, x):
    ...     '''The third power.'''
    ...     return x * x * x
    >>> @cube.gradient("x", "∂L/∂x = g · 3x²")
    ... def _(g, node, x):
    ...     return g * (3 * x * x)
    >>> x = tc.tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def declare(kernel: Callable[..., Any]) -> Op:
        declared = Op(
            kernel,
            symbol=symbol,
            infer=infer,
            outputs=outputs,
            hidden=hidden,
            nondifferentiable=nondifferentiable,
            promotes=promotes,
            broadcasts=broadcasts,
            view=view,
            mutates=mutates,
            samples=samples,
        )
        REGISTRY[declared.name] = declared
        if public:
            FUNCTIONS[declared.name] = declared
        return attach(declared) if method else declared

    return declare


def attach(method: _Function) -> _Function:
    """Make a function (or operation) a method of Tensor."""
    METHODS[method.__name__] = method
    setattr(Tensor, method.__name__, method)
    return method


def attach_operator(name: str, operation: Op, *, reflects: bool = True) -> None:
    """Make an operation one of Python's operators: "add" is `x + y`, and `2 + y` by reflection."""

    def forward(*operands: Any) -> Any:
        try:
            return apply(operation, operands, {})
        except ArgumentTypeError:
            if name in ("eq", "ne"):  # `t == None` is a question Python may answer: no
                return NotImplemented
            raise

    def reflected(self: Tensor, other: Any) -> Any:
        return apply(operation, (other, self), {})

    setattr(Tensor, f"__{name}__", forward)
    if reflects:
        setattr(Tensor, f"__r{name}__", reflected)


def function(*, method: bool = False) -> Callable[[_Function], _Function]:
    """Announce a public function composed of operations, so that it is exported like one."""

    def declare(composition: _Function) -> _Function:
        FUNCTIONS[composition.__name__] = composition
        return attach(composition) if method else composition

    return declare


def _frozen(value: Any) -> Any:
    """Lists become tuples: parameters are kept with the Node and must not change behind its back."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


# --- running and recording ------------------------------------------------------------------------


def apply(op: Op, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run an operation on its inputs; record it when a gradient may be asked for later."""
    context = _context.current()
    backend: Backend | None = None
    all_tensors = True
    for value in args:
        if not isinstance(value, Tensor):
            all_tensors = False
        elif backend is None:
            backend = value.backend
        elif value.backend is not backend:
            raise _mixed_backends(op, args)
    try:
        inputs: Sequence[Tensor] = args if all_tensors and args else _constants(op, args, backend)
        if op.promotes is not None:
            inputs = _promoted(op, inputs)
        inferred = op.infer(*inputs, **params)
    except TinygradCNNError as error:
        raise error.at(op.name) from error.__cause__
    specs: tuple[Spec, ...] = (inferred,) if op.single else inferred
    backend = inputs[0].backend
    if op.mutates:
        _require_assignable(inputs[0])
    arrays = _run(op, backend, inputs, specs, params)
    if op.mutates:
        inputs[0].storage.version += 1
        if context.recording is not None:
            _record(op, params, inputs, specs, (), context, False)
        return inputs[0]

    storage = inputs[0].storage if op.view else None
    outputs: tuple[Tensor, ...]
    if op.single:
        outputs = (Tensor(arrays[0], specs[0].shape, specs[0].dtype, backend, storage),)
    else:
        pairs = zip(arrays, specs, strict=True)
        outputs = tuple([Tensor(array, spec.shape, spec.dtype, backend, storage) for array, spec in pairs])
    if context.anomaly:
        _check_finite(op, inputs, outputs)
    requires_grad = context.grad and _needs_gradient(op, inputs)
    if requires_grad or context.recording is not None:
        _record(op, params, inputs, specs, outputs, context, requires_grad)
    return outputs[0] if op.public == 1 else outputs[: op.public]


def _needs_gradient(op: Op, inputs: Sequence[Tensor]) -> bool:
    """Whether some input requires a gradient that the operation can give."""
    if op.rules:
        for position, value in enumerate(inputs):
            if value._requires_grad and op.rule(position) is not None:
                return True
    return False


def _run(
    op: Op, backend: Backend, inputs: Sequence[Tensor], specs: tuple[Spec, ...], params: dict[str, Any]
) -> Sequence[Array]:
    """The outputs' arrays, by the backend's kernel or the operation's own."""
    if not backend.executes:
        return [backend.full(shape, 0, dtype) for shape, dtype in specs]
    kernel = backend.kernels.get(op.name, op.kernel)
    try:
        result = kernel(backend, *[value.array for value in inputs], **params)
    except TinygradCNNError as error:
        raise error.at(op.name) from error.__cause__
    arrays = (result,) if op.single else result
    if all([spec.shape for spec in specs]):  # noqa: C419 - a list is faster than a generator here
        return arrays
    # A reduction to one element may come back as a bare number; every tensor holds an array.
    return [a if spec.shape else backend.xp.asarray(a) for a, spec in zip(arrays, specs, strict=True)]


def _record(
    op: Op,
    params: dict[str, Any],
    inputs: Sequence[Tensor],
    specs: tuple[Spec, ...],
    outputs: tuple[Tensor, ...],
    context: Context,
    requires_grad: bool,
) -> None:
    """Make the Node that remembers this operation and what its rules will need."""
    # Before the Node itself: a leaf's Node may be made here, and parents need lower serial numbers.
    parents = tuple([(value.node, value._index) for value in inputs])
    node = Node(specs, requires_grad)
    node.op = op
    node.params = params
    node.inputs = parents
    if context.scope:
        node.scope = context.scope
    if context.origin is not None:
        node.origin = context.origin
    frame = user_frame(3)
    if frame is not None:
        node._code, node._offset = frame.f_code, frame.f_lasti
    if requires_grad:
        names = op.saves(tuple([value._requires_grad for value in inputs]))
        if names:
            node.saved = {key: held for name in names for key, held in _held(op, name, inputs, outputs)}
    for index, value in enumerate(outputs):
        value._node = node
        value._index = index
    if outputs:
        outputs[0]._requires_grad = requires_grad
    if context.recording is not None:
        node.values = tuple(value.detach() for value in outputs)
        context.recording.append(node)


def _held(
    op: Op, name: str, inputs: Sequence[Tensor], outputs: tuple[Tensor, ...]
) -> list[tuple[str, tuple[Any, Storage, int]]]:
    """What a Node holds on to for its rules: the value, and the version of its memory now."""
    if name in op.input_names:
        return [
            (key, (value, value.storage, value.storage.version))
            for key, value in op.named_inputs(name, inputs)
        ]
    # Of an output the array, not the Tensor: a Node that owned its own Tensor would be a cycle.
    value = outputs[op.outputs.index(name)]
    return [(name, ((value.array, value.backend), value.storage, value.storage.version))]


# --- preparing the inputs -------------------------------------------------------------------------


def _constants(op: Op, args: Sequence[Any], backend: Backend | None) -> list[Tensor]:
    """Numbers and host arrays become constants on the backend of the tensors they meet."""
    if not args:
        raise ArgumentTypeError("at least one tensor is needed", argument=op.input_names[0])
    if backend is None:
        backend = get_backend()
    elif len(args) == 2:  # the commonest case by far, x · 2.0 and 2.0 · x, without ceremony
        first, second = args
        if type(second) is float and first.dtype.is_floating:
            return [first, _constant(second, first.dtype, backend)]
        if type(first) is float and second.dtype.is_floating:
            return [_constant(first, second.dtype, backend), second]
    tensors = [
        tensor(value, backend=backend) if not isinstance(value, Tensor) and _has_dimensions(value) else value
        for value in args
    ]
    takes_part = [
        value
        for position, value in enumerate(tensors)
        if isinstance(value, Tensor) and op.input_name(position) not in op.nondifferentiable
    ]
    met = promote(*takes_part) if takes_part else None
    return [
        value if isinstance(value, Tensor) else _number(value, met, backend, op.input_name(position))
        for position, value in enumerate(tensors)
    ]


def _has_dimensions(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0


def _number(value: Any, met: DType | None, backend: Backend, argument: str) -> Tensor:
    """A bare number takes the dtype of the tensors it meets; a float lifts integers to float32."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if isinstance(value, bool) or kind == "b":
        own = bool_dtype
    elif isinstance(value, int) or kind in ("i", "u"):
        own = int64
    elif isinstance(value, float) or kind == "f":
        own = float32
    else:
        raise ArgumentTypeError(
            "an operand is not a number, an array or a tensor",
            argument=argument,
            expected="Tensor, number or numpy.ndarray",
            got=f"{type(value).__name__}: {value!r}"[:80],
        )
    dtype = own if met is None else promote(Spec((1,), met), Spec((), own))
    try:
        return _constant(value, dtype, backend)
    except OverflowError as error:
        raise ArgumentTypeError(
            f"{value} does not fit into {dtype}", argument=argument, expected=f"a number within {dtype}"
        ) from error


def _constant(number: Any, dtype: DType, backend: Backend) -> Tensor:
    constant = Tensor(backend.asarray(number, dtype), (), dtype, backend)
    constant.name = f"{number:g}"  # so that drawings show it
    return constant


def _promoted(op: Op, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
    """Cast inputs of several dtypes to the one they meet in; the casts are Nodes of the graph."""
    first = inputs[0].dtype
    for value in inputs:
        if value.dtype is not first:
            break
    else:
        if op.promotes == "kind" or first.is_floating:
            return inputs
    names = op.nondifferentiable if op.rules else frozenset()
    skipped = [op.input_name(position) in names for position in range(len(inputs))]
    target = promote(*[value for value, skip in zip(inputs, skipped, strict=True) if not skip])
    if op.promotes == "floating" and not target.is_floating:
        target = float32
    cast = REGISTRY["cast"]
    return [
        value if skip or value.dtype is target else apply(cast, (value,), {"dtype": target})
        for value, skip in zip(inputs, skipped, strict=True)
    ]


# --- what can go wrong ----------------------------------------------------------------------------


def _mixed_backends(op: Op, args: Iterable[Any]) -> BackendError:
    named = [
        f"{op.input_name(position)} on {value.backend.name}"
        for position, value in enumerate(args)
        if isinstance(value, Tensor)
    ]
    error = BackendError(
        "the tensors live on different backends",
        argument=" and ".join(part.split(" on ")[0] for part in named),
        expected="one backend",
        got=", ".join(named),
        hint="move one of them: t.to('numpy')",
    )
    error.at(op.name)
    return error


def _require_assignable(target: Tensor) -> None:
    if not target.is_leaf:
        raise ImmutableError(
            "only a leaf can be assigned to: the graph still describes how this value was computed",
            argument="target",
            expected="a leaf (parameter, buffer, or a tensor made by tc.tensor)",
            got=f"the result of {target.node.name}",
            hint="t.detach() cuts a value out of its graph",
        ).at("assign")


def _check_finite(op: Op, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Anomaly mode: raise for a NaN, and for an infinity that did not come in with the inputs."""
    out = outputs[0]
    if not out.dtype.is_floating or not out.backend.executes:
        return
    xp = out.backend.xp
    if bool(xp.all(xp.isfinite(out.array))):
        return
    came_in = [
        op.input_name(position)
        for position, value in enumerate(inputs)
        if value.dtype.is_floating and not bool(xp.all(xp.isfinite(value.array)))
    ]
    has_nan = bool(xp.any(xp.isnan(out.array)))
    if came_in and not has_nan:
        return
    what = "NaN" if has_nan else "infinity"
    origin = _context.current().origin
    error = NonFiniteError(
        f"the result holds {what}"
        + (f"; it came in with {', '.join(came_in)}" if came_in else ", though every input is finite")
        + ("" if origin is None else f" (computing the gradient of {origin.consumer.name})"),
        expected="finite numbers",
        got=f"{int(xp.sum(~xp.isfinite(out.array)))} of {out.numel()} elements are not finite",
        hint="look at its inputs: a logarithm of 0, a division by 0, a learning rate too high?",
    )
    raise error.at(op.name, None if origin is None else origin.consumer.source)
