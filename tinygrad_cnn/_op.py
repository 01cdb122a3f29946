"""Op: the single declaration of an operation.

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
import sys
from collections.abc import Callable, Container, Sequence
from types import MethodType
from typing import Any, Literal, TypeVar

from tinygrad_cnn._apply import apply
from tinygrad_cnn._autocast import Autocast
from tinygrad_cnn._rule import Rule
from tinygrad_cnn._sample import Sample
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, TinygradCNNError

Promotion = Literal["kind", "floating"]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Input = TypeVar("_Input")

REGISTRY: dict[str, Op] = {}  # every operation, by name
FUNCTIONS: dict[str, Callable[..., Any]] = {}  # every public function: operations and compositions of them
METHODS: dict[str, Callable[..., Any]] = {}  # everything attached to Tensor


class Op:
    """An operation: kernel, shape rule, gradient rules, and the sentence a student reads.

    Calling it computes and records. Inputs come first, then parameters, by position or by name.

    Attributes:
        name: what messages, graphs and backends call it.
        symbol: shown in drawings.
        inputs, params: as declared; `outputs` names the results ("out" when there is one).
        rules: the gradient rules, by input name.
    """

    def __init__(
        self,
        kernel: Callable[..., Any],
        *,
        name: str,
        symbol: str,
        infer: Callable[..., Any],
        outputs: Sequence[str],
        hidden: Sequence[str],
        nondifferentiable: Sequence[str],
        promotes: Promotion | None,
        broadcasts: bool,
        view: bool,
        mutates: bool,
        autocast: Autocast | None,
        samples: Sequence[Sample],
    ) -> None:
        self.kernel = kernel
        self.name = self.__name__ = name
        self.__doc__ = kernel.__doc__
        self.__module__ = kernel.__module__
        self.is_ours = kernel.__module__.startswith("tinygrad_cnn.")
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
        self.autocast = autocast
        self.samples = tuple(samples)
        self.rules: dict[str, Rule] = {}
        self.composite: Callable[..., Any] | None = None
        self.saves_something = False
        self._saves: dict[tuple[bool, ...], tuple[str, ...]] = {}

        parameters = list(inspect.signature(kernel).parameters.values())[1:]
        inputs = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
        params = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.input_names = tuple(p.name for p in inputs)
        self._rules: tuple[Rule | None, ...] = (None,) * len(inputs)
        self.param_names = tuple(p.name for p in params)
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in inputs)
        self.positions = {p.name: place for place, p in enumerate(inputs) if p.kind is not p.VAR_POSITIONAL}
        self.meeting = self._meeting()
        self.defaults = {p.name: p.default for p in params if p.default is not p.empty}
        self.__signature__ = inspect.Signature(
            [p.replace(annotation=Tensor) for p in inputs]
            + [p if self.variadic else p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in params]
        )

    def _meeting(self) -> Container[int]:
        """The positions of the inputs whose dtypes meet in a promotion; masks and indices keep their own."""
        taking_part = [p for p, name in enumerate(self.input_names) if name not in self.nondifferentiable]
        if self.variadic and self.input_names[-1] not in self.nondifferentiable:
            return range(taking_part[0], sys.maxsize)
        return frozenset(taking_part)

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
            self.saves_something = self.saves_something or bool(rule.saves)
            self._saves.clear()
            return function

        return declare

    def as_composite(self, function: _Function) -> _Function:
        """Declare what a fused operation is made of.

        Under `create_graph=True` the walk differentiates the composite, and a test holds the two equal.
        """
        self.composite = function
        self.saves_something = True
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
        if params or self.param_names:
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
        numpy_names = {"axis": "dim", "axes": "dims", "keepdims": "keepdim"}
        nearest = numpy_names.get(unknown[0]) if unknown else None
        return ArgumentTypeError(
            f"unknown argument {unknown[0]!r}" if unknown else f"the argument {missing[0]!r} is missing",
            argument=(unknown or missing)[0],
            expected=f"{self.name}{self.__signature__}",
            got=", ".join(unknown or params) or "nothing",
            hint=f"did you mean {nearest!r}?" if nearest else None,
        ).at(self.name)

    def __repr__(self) -> str:
        return f"<op {self.name}{self.__signature__}>"


def op(
    *,
    symbol: str,
    infer: Callable[..., Any],
    name: str | None = None,
    outputs: Sequence[str] = ("out",),
    hidden: Sequence[str] = (),
    nondifferentiable: Sequence[str] = (),
    promotes: Promotion | None = None,
    broadcasts: bool = False,
    view: bool = False,
    mutates: bool = False,
    autocast: Autocast | None = None,
    method: bool = False,
    public: bool = True,
    samples: Sequence[Sample] = (),
) -> Callable[[Callable[..., Any]], Op]:
    """Declare an operation; the decorated function is its default kernel.

    Args:
        symbol: what drawings write into its node.
        infer: shape and dtype of the outputs from those of the inputs, before anything is computed;
            returns a `Spec`, or a tuple of them; raises errors naming the argument.
        name: what messages, graphs and backends call it; by default the function's own name.
        outputs: their names; the first is the differentiable one.
        hidden: outputs that only the gradient rules see (a pool's winners, a batch's statistics).
        nondifferentiable: inputs that never get a gradient (indices, masks, targets).
        promotes: "kind": inputs of several dtypes meet in one; "floating": and integers become float32.
        broadcasts: inputs stretch to one shape; their gradients are summed back.
        view: the result may share the first input's memory.
        mutates: writes into its first input (`assign` only).
        autocast: what `tc.amp.autocast` casts the inputs to: "narrow" for its own dtype, "float32" for that,
            "widest" for the widest among them; None leaves them as they come.
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
            name=name or kernel.__name__,
            symbol=symbol,
            infer=infer,
            outputs=outputs,
            hidden=hidden,
            nondifferentiable=nondifferentiable,
            promotes=promotes,
            broadcasts=broadcasts,
            view=view,
            mutates=mutates,
            autocast=autocast,
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
