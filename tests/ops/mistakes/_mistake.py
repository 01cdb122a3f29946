"""What a row of the catalogue is, and what several rows are written with."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY

ops = SimpleNamespace(**REGISTRY)


class Mistake(NamedTuple):
    """A wrong rule for some inputs of an operation."""

    op: str
    targets: tuple[str, ...]
    words: str
    rule: Callable[..., Any]

    def __repr__(self):
        return f"{self.op} {'+'.join(self.targets)}: {self.words}"


def wrong(op, targets, words, rule):
    """One row: the operation, its input (or all that the rule serves together), what is wrong, and how."""
    return Mistake(op, tuple(targets.split()), words, rule)


def shape_of(node, name="x"):
    return node.spec(name).shape


def spread(g, node, dim, keepdim):
    """A reduction's gradient, stretched over what was reduced."""
    shape = shape_of(node)
    return (g if keepdim else g.reshape(tc.zeros(*shape).sum(dim, True).shape)).expand(shape)


def zeros_like_input(node):
    return tc.zeros(*shape_of(node), dtype=node.spec("x").dtype)
