"""Rules of single elements: derivatives from school, gone wrong."""

from __future__ import annotations

from ops.mistakes._mistake import wrong

import tinygrad_cnn as tc

ARITHMETIC = [
    wrong("mul", "x", "the other factor is forgotten", lambda g, node: g),
    wrong("mul", "x", "its own factor", lambda g, node, x: g * x),
    wrong("sub", "y", "the sign is forgotten", lambda g, node: g),
    wrong("neg", "x", "the sign is forgotten", lambda g, node: g),
    wrong("div", "x", "multiplied instead of divided", lambda g, node, y: g * y),
    wrong("div", "y", "1/y instead of 1/y²", lambda g, node, y, out: -(g * out)),
    wrong("div", "y", "the sign is forgotten", lambda g, node, y, out: g * out / y),
    wrong("remainder", "y", "taken for a constant", lambda g, node: g * 0),
    wrong("remainder", "y", "the quotient is not floored", lambda g, node, x, y: -(g * (x / y))),
    wrong("maximum", "x", "the loser", lambda g, node, x, y: tc.where(x < y, g, 0)),
    wrong("maximum", "y", "both", lambda g, node: g),
    wrong("minimum", "y", "the larger", lambda g, node, x, y: tc.where(y > x, g, 0)),
    wrong("abs", "x", "the sign of x is forgotten", lambda g, node: g),
    wrong("where", "y", "the other branch", lambda g, node, condition: tc.where(condition, g, 0)),
    wrong("where", "x", "both branches", lambda g, node: g),
]
ELEMENTWISE = [
    wrong("pow", "x", "the exponent is not lowered", lambda g, node, x, y: g * y * x**y),
    wrong("pow", "x", "the exponent is not brought down", lambda g, node, x, y: g * x ** (y - 1)),
    wrong("pow", "y", "no logarithm", lambda g, node, x, y: g * x**y),
    wrong("exp", "x", "x instead of eˣ", lambda g, node, x: g * x),
    wrong("expm1", "x", "eˣ − 1 instead of eˣ", lambda g, node, out: g * out),
    wrong("log", "x", "1 / ln x", lambda g, node, out: g / out),
    wrong("log1p", "x", "1 / x", lambda g, node, x: g / x),
    wrong("log2", "x", "the base is forgotten", lambda g, node, x: g / x),
    wrong("sqrt", "x", "of x instead of √x", lambda g, node, x: g / (2 * x)),
    wrong("rsqrt", "x", "the power is not lowered", lambda g, node, out: -0.5 * g * out),
    wrong("reciprocal", "x", "not squared", lambda g, node, out: -(g * out)),
    wrong("square", "x", "the 2 is forgotten", lambda g, node, x: g * x),
    wrong("sin", "x", "not cos", lambda g, node, out: g * out),
    wrong("cos", "x", "the sign is forgotten", lambda g, node, x: g * tc.sin(x)),
    wrong("erf", "x", "2/√π is forgotten", lambda g, node, x: g * tc.exp(-x * x)),
    wrong("tanh", "x", "not squared", lambda g, node, out: g * (1 - out)),
    wrong("sigmoid", "x", "1 + σ", lambda g, node, out: g * out * (1 + out)),
    wrong("softplus", "x", "1 − σ", lambda g, node, x: g * (1 - tc.sigmoid(x))),
    wrong("relu", "x", "everything passes", lambda g, node: g),
    wrong("leaky_relu", "x", "nothing passes below 0", lambda g, node, x: tc.where(x > 0, g, 0)),
    wrong("clamp", "x", "everything passes", lambda g, node: g),
]
TRIGONOMETRY = [
    wrong("tan", "x", "1 − tan²", lambda g, node, out: g * (1 - out * out)),
    wrong("asin", "x", "the root is forgotten", lambda g, node, x: g / (1 - x * x)),
    wrong("acos", "x", "the sign is forgotten", lambda g, node, x: g / (1 - x * x).sqrt()),
    wrong("atan", "x", "x is not squared", lambda g, node, x: g / (1 + x)),
    wrong("atan2", "y", "y instead of x", lambda g, node, y, x: g * y / (x * x + y * y)),
    wrong("atan2", "x", "the sign is forgotten", lambda g, node, y, x: g * y / (x * x + y * y)),
    wrong("sinh", "x", "not cosh", lambda g, node, out: g * out),
    wrong("cosh", "x", "the sign of cos", lambda g, node, x: -(g * tc.sinh(x))),
    wrong("asinh", "x", "the root is forgotten", lambda g, node, x: g / (x * x + 1)),
    wrong("acosh", "x", "the sign of asinh", lambda g, node, x: g / (x * x + 1).sqrt()),
    wrong("atanh", "x", "that of atan", lambda g, node, x: g / (1 + x * x)),
]
LOGARITHMS = [
    wrong("log10", "x", "the base is forgotten", lambda g, node, x: g / x),
    wrong("logaddexp", "x", "the other one's share", lambda g, node, x, y: g * tc.sigmoid(y - x)),
    wrong("logaddexp", "y", "not shared at all", lambda g, node: g),
]
