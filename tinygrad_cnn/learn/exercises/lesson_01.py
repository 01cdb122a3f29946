"""Exercises of lesson 01, a scalar learns: a step of descent, fan-outs, a quotient, a sigmoid, a neuron."""

from __future__ import annotations

import math

import tinygrad_cnn as tc
from tinygrad_cnn.learn.exercise import exercise

# What the lesson imports from the scalar backend; this package knows no backend by name.
Scalar = type(tc.tensor(0.0, backend="scalar").array.item())

# The numbers of the lesson.
x1, x2 = tc.tensor(1.0, dtype="float64"), tc.tensor(-2.0, dtype="float64")
w1, w2 = tc.tensor(0.8, dtype="float64"), tc.tensor(0.2, dtype="float64")
b = tc.tensor(0.1, dtype="float64")
o = (w1 * x1 + w2 * x2 + b).tanh()


def L(w):
    return (2 * w - 3) ** 2


def slope(f, x, h=1e-3):
    return (f(x + h) - f(x - h)) / (2 * h)


@exercise(
    "01.1",
    hints=[
        "You need the slope of L at w = 3. Measure it with `slope`, or differentiate (2w − 3)².",
        "It is 2 · (2w − 3) · 2 = 12: the square gives one factor of 2, and 2w the other. Now w − α · 12.",
    ],
)
def w_after_one_step():
    """w after one step from 3

    On this side of the minimum the slope is positive, 12, so w goes down: 3 − 0.05 · 12 = 2.4.
    """
    return 3 - 0.05 * slope(L, 3)


@w_after_one_step.mistake("That went uphill, away from 1.5. The step is subtracted: w − α · slope.")
def _():
    return 3 + 0.05 * slope(L, 3)


@w_after_one_step.mistake(
    "The slope was taken as 6. It is 12: 2w moves twice as fast as w, which is another factor of 2."
)
def _():
    return 3 - 0.05 * slope(L, 3) / 2


@w_after_one_step.mistake("That is the step without α: the slope is multiplied by 0.05 first.")
def _():
    return 3 - slope(L, 3)


@w_after_one_step.mistake("That is how far w moves. It began at 3.")
def _():
    return -0.05 * slope(L, 3)


@w_after_one_step.mistake("That is the size of the step, α times the slope. It is taken away from 3.")
def _():
    return 0.05 * slope(L, 3)


@w_after_one_step.mistake("That is the slope at 3. Now take the step from there: w − α · slope.")
def _():
    return slope(L, 3)


@w_after_one_step.mistake(
    "The loss was subtracted. It says how wrong w is; the way to go is in the slope of L."
)
def _():
    return 3 - 0.05 * L(3)


@exercise(
    "01.2",
    hints=[
        "There are two fan-outs: b goes into the product twice, and a goes into the sum twice.",
        "b = 6. Each side of b · b gets the other as a factor, 6, so b collects 6 + 6 = 12. Now the sum.",
    ],
)
def slope_of_a():
    """∂c/∂a of c = b · b with b = a + a, at a = 3

    b collects 6 + 6 = 12 from the product, and the sum sends 12 to a twice: 24. Algebra agrees: c = 4a², its
    slope is 8a.
    """
    a = Scalar(3.0)
    b = a + a
    c = b * b
    c.backward()
    return a.grad


@slope_of_a.mistake(
    "Half of it: at one of the two fan-outs only one contribution was counted. Both a and b are used twice."
)
def _():
    return 12.0


@slope_of_a.mistake("Only one contribution was counted at a, and only one at b. Add up both, in both places.")
def _():
    return 6.0


@slope_of_a.mistake("That is c itself, 6 · 6. How fast does it change when a does?")
def _():
    return 36.0


@slope_of_a.mistake("That is the answer for c = b + b. In a product each side gets the other as a factor.")
def _():
    return 4.0


@exercise(
    "01.3",
    hints=[
        "From a to b1 there are 2 paths. From a to b2: each of those goes on in 2 ways. And so on.",
        "The walk does not follow paths, it visits numbers: a, b1, b2 and so on, each of them once.",
    ],
)
def paths_and_numbers():
    """How many paths there are in ten doublings, and how many numbers

    Every doubling offers two arrows, so there are 2 · 2 · … · 2 = 2¹⁰ = 1024 paths, each with slope 1, and
    the gradient of a is 1024. The walk finds it with 11 numbers. That is why it adds up before it goes on.
    """
    a = Scalar(1.0)
    b10 = a
    for _ in range(10):
        b10 = b10 + b10
    b10.backward()
    return int(a.grad), len(b10.history())


@paths_and_numbers.mistake(
    "That counts arrows. A path takes one of two at every doubling, so their numbers multiply."
)
def _():
    return 20, 11


@paths_and_numbers.mistake("The paths are right. The history holds a, too: 1 + 10 numbers.")
def _():
    return 1024, 10


@paths_and_numbers.mistake(
    "The paths are right. b is one number, even if two arrows leave it: every doubling adds one."
)
def _():
    return 1024, 21


@paths_and_numbers.mistake("One doubling is missing: b1 = a + a is the first of ten, with two paths already.")
def _():
    return 512, 11


@exercise(
    "01.4",
    hints=[
        "z sends to each parent what has arrived at it, times the local derivative for that parent.",
        "The local derivatives are 1 / y = 0.5 for x and −x / y² = −1.5 for y. Both are multiplied by 10.",
    ],
)
def sent_back():
    """What a quotient of 6 and 2 sends back when 10 arrives

    To x goes 10 · 1/2 = 5, to y goes 10 · (−6/4) = −15. The larger y, the smaller the quotient.
    """
    x, y = Scalar(6.0), Scalar(2.0)
    z = x / y
    z.backward(10.0)
    return x.grad, y.grad


@sent_back.mistake("Those are the local derivatives. Both are multiplied by what has arrived at z, 10.")
def _():
    return 0.5, -1.5


@sent_back.mistake("The sign for y is missing: with a larger divisor the quotient gets smaller.")
def _():
    return 5.0, 15.0


@sent_back.mistake("The derivative for y is −x / y², with the square of y.")
def _():
    return 5.0, -30.0


@sent_back.mistake("That would be right for 1 / y. Here x = 6 is above the line: −x / y².")
def _():
    return 5.0, -2.5


@sent_back.mistake("Those are the gradients of a product. For a quotient: 1 / y and −x / y².")
def _():
    return 20.0, 60.0


@sent_back.mistake("Both numbers are right, but not in this order: first what goes to x, then to y.")
def _():
    return -15.0, 5.0


@exercise(
    "01.5",
    hints=[
        "Do as in the cell with tanh: begin with a Scalar, compute y from it (exp is its method), walk back, "
        "read the gradient.",
        "x = Scalar(x); y = 1 / (1 + (-x).exp()); and y.backward() fills x.grad.",
    ],
    samples=[(0.0,), (0.5,), (-2.0,), (3.0,)],
)
def sigmoid_slope(x):
    """The slope of σ at x, by the engine

    Negation, exponential, sum and quotient, and the engine does the rest. In terms of the result the slope is
    y · (1 − y), at most ¼, at x = 0.
    """
    x = Scalar(x)
    y = 1 / (1 + (-x).exp())
    y.backward()
    return x.grad


@sigmoid_slope.mistake("That is the value of σ. Its slope is in x.grad, after y.backward().")
def _(x):
    return 1 / (1 + math.exp(-x))


@sigmoid_slope.mistake(
    "The size is right, the sign is not. Either the exponent has lost its minus, σ(x) = 1 / (1 + e⁻ˣ), or "
    "the result was negated."
)
def _(x):
    x = Scalar(x)
    (1 / (1 + x.exp())).backward()
    return x.grad


@sigmoid_slope.mistake(
    "The gradient is still 0. Either y.backward() was not called, or this Scalar takes no part in y: another "
    "one does, or math.exp made a plain number of it. Write x = Scalar(x), and use x from there on."
)
def _(x):
    return Scalar(x).grad


@sigmoid_slope.mistake("That is 1 − y², the rule of tanh. That of σ is another one; the engine knows it.")
def _(x):
    return 1 - (1 / (1 + math.exp(-x))) ** 2


@exercise(
    "01.6",
    hints=[
        "Walk back from o to z, and on to the product w1 · x1. What does a product give to x1?",
        "∂o/∂x1 = (1 − o²) · w1, with o = 0.4621 and w1 = 0.8.",
    ],
)
def slope_of_x1():
    """∂o/∂x1 of the neuron

    The slope of tanh, 1 − o² = 0.786, arrives at the product, and x1 gets the other factor: 0.786 · 0.8 =
    0.629.
    """
    return (1 - o * o) * w1


@slope_of_x1.mistake(
    "That is what arrives at the product, and also ∂o/∂w1, as x1 = 1. x1 gets the other factor, w1 = 0.8."
)
def _():
    return (1 - o * o) * x1


@slope_of_x1.mistake("That is ∂o/∂w2, with x2 = −2 as the factor. Asked for is x1; its factor is w1 = 0.8.")
def _():
    return (1 - o * o) * x2


@slope_of_x1.mistake("That is the other input, x2, with its weight 0.2.")
def _():
    return (1 - o * o) * w2


@slope_of_x1.mistake("That is ∂z/∂x1. Between z and o there is tanh, with the slope 1 − o².")
def _():
    return w1


@slope_of_x1.mistake("The slope of tanh is 1 − o², from its result o = 0.4621, and not from z.")
def _():
    z = w1 * x1 + w2 * x2 + b
    return (1 - z * z) * w1


@slope_of_x1.mistake("That is the rule of the sigmoid, o · (1 − o). For tanh it is 1 − o².")
def _():
    return o * (1 - o) * w1
