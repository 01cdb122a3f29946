"""Rule: how the gradient of an operation's input is computed, and what that takes.

    @conv.gradient("w", "∂L/∂w = x ⋆ g")
    def _(g, node, x, **window):        # needs the input x, saved on the way forward, and all parameters
        ...

What a rule needs is read from the names of its arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

from tinygrad_cnn._node import Node
from tinygrad_cnn._saved import recall
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import GradientError

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op


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
            return self.function(g, node, *map(recall, repeat(node), self.saves))
        arguments: dict[str, Any] = {name: node.params[name] for name in self.params}
        if self.wants_needs:
            arguments["needs"] = needs
        if self.wants_position:
            arguments["position"] = position
        return self.function(g, node, *[recall(node, name) for name in self.saves], **arguments)
