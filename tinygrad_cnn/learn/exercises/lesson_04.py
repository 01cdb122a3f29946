"""Exercises of lesson 04, from scalars to tensors: shapes, sums over copies, the matrix product, a rule."""

from __future__ import annotations

import tinygrad_cnn as tc
from tinygrad_cnn.learn.exercise import exercise

# The factors of the lesson's matrix product, and the gradient that arrives at it.
A = tc.tensor([[1, 2, 3], [0, 1, 3], [2, -1, 1], [1, 1, 1]], dtype="float64")
B = tc.tensor([[1, 0], [2, -1], [1, 3]], dtype="float64")
G = tc.tensor([[3, 1], [-1, 2], [2, 0], [1, 1]], dtype="float64")


@exercise(
    "04.1",
    hints=[
        "Write the two shapes below each other, aligned at the right.",
        "5, 1, 2 above 4, 2: the last sizes agree, in the middle 1 meets 4, and in front 5 meets nothing.",
    ],
)
def shape_of_differences():
    """The shape of P − Q

    Aligned at the right, (5, 1, 2) meets (1, 4, 2): P is repeated four times, Q five times. The result holds
    the difference of each of the five points to each of the four, without a loop.
    """
    return (tc.zeros(5, 1, 2) - tc.zeros(4, 2)).shape


@shape_of_differences.mistake(
    "Right sizes, wrong order: the 5 of P stands in front, where Q has no size at all."
)
def _():
    return (4, 5, 2)


@shape_of_differences.mistake("A size of 1 does not stay 1: P is repeated four times to fit Q.")
def _():
    return (5, 1, 2)


@shape_of_differences.mistake(
    "Every point of P meets every point of Q; with (5, 2) each would meet a single one."
)
def _():
    return (5, 2)


@shape_of_differences.mistake(
    "The points are not put behind one another, as tc.cat does. Each of P meets each of Q."
)
def _():
    return (9, 2)


@shape_of_differences.mistake("All 5 · 4 differences are there, but broadcasting keeps the dimensions apart.")
def _():
    return (20, 2)


_g = tc.tensor([[1, 0, 2, 0], [3, 1, 0, 1], [0, 0, -1, 5]], dtype="float64")
_stack = tc.stack([_g, 2 * _g + 1])


@exercise(
    "04.2",
    hints=[
        "A tensor is repeated in dimensions that it does not have, and in those where its size is 1.",
        "First sum over dimension 0 until g has as many dimensions as the shape, g.ndim == len(shape).",
        "Then, for each dim where shape[dim] is 1: g = g.sum(dim, keepdim=True).",
    ],
    samples=[
        (_g, (4,)),
        (_g, (3, 1)),
        (_g, (1, 4)),
        (_g, (3, 4)),
        (_g, ()),
        (_stack, (3, 1)),
        (_stack, (2, 1, 4)),
    ],
)
def unbroadcast(g, shape):
    """The gradient of a tensor before it was repeated

    Shapes are aligned at the right, so the missing dimensions are the first ones: they are summed away. Then
    every dimension of size 1 is summed, and kept. What was not repeated stays as it is.
    """
    while g.ndim > len(shape):
        g = g.sum(0)
    for dim, size in enumerate(shape):
        if size == 1:
            g = g.sum(dim, keepdim=True)
    return g


@unbroadcast.mistake(
    "The missing dimensions are summed; those where the shape says 1 have to be summed as well."
)
def _(g, shape):
    while g.ndim > len(shape):
        g = g.sum(0)
    return g


@unbroadcast.mistake("Sizes of 1 are summed; the dimensions that the shape does not have at all are not.")
def _(g, shape):
    for dim, size in enumerate(shape):
        if size == 1:
            g = g.sum(dim, keepdim=True)
    return g


@unbroadcast.mistake("That is the average over the copies. What arrives at the copies adds up: take the sum.")
def _(g, shape):
    while g.ndim > len(shape):
        g = g.mean(0)
    for dim, size in enumerate(shape):
        if size == 1:
            g = g.mean(dim, keepdim=True)
    return g


@unbroadcast.mistake(
    "That is what arrives at the first copy. What arrives at the other copies must be added."
)
def _(g, shape):
    while g.ndim > len(shape):
        g = g[0]
    for dim, size in enumerate(shape):
        if size == 1:
            g = g.narrow(dim, 0, 1)
    return g


@unbroadcast.mistake("That sums over every dimension. Sum only over those in which the tensor was repeated.")
def _(g, shape):
    return g.sum() * tc.ones(*shape, dtype="float64")


@exercise(
    "04.3",
    hints=[
        "A mean is a sum that is multiplied by 1/n. What does that factor do on the way back?",
        "Each row has three numbers: each of them gets a third of what arrives at its row.",
    ],
)
def through_mean():
    """∂L/∂X through the mean of each row

    Each number moves the mean of its row a third as fast as itself, so it gets a third of what arrives: 6/3
    is 2 in the first row, 3/3 is 1 in the second. The numbers of X do not matter.
    """
    X = tc.tensor([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]], requires_grad=True)
    X.mean(1).backward(tc.tensor([6.0, 3.0]))
    return X.grad


@through_mean.mistake(
    "That is the gradient through a sum. The mean has a factor 1/3, and so has its gradient."
)
def _():
    return [[6, 6, 6], [3, 3, 3]]


@through_mean.mistake("Divide by the numbers that are averaged, three in a row, and not by the two rows.")
def _():
    return [[3, 3, 3], [1.5, 1.5, 1.5]]


@through_mean.mistake("Each mean is over the three numbers of a row, and not over all six.")
def _():
    return [[1, 1, 1], [0.5, 0.5, 0.5]]


@through_mean.mistake(
    "That is a third of the gradient through the maximum. All numbers of a row count in its mean."
)
def _():
    return [[0, 2, 0], [1, 0, 0]]


@through_mean.mistake("The numbers of X do not come into it: the slope of a mean is 1/3 wherever X is.")
def _():
    return [[2, 10, 4], [4, 0, 3]]


@exercise(
    "04.4",
    hints=[
        "B[1, 0] is used once for each row of C. Which numbers of C are these, and what does it meet there?",
        "For C[i, 0] it meets A[i, 1], and G[i, 0] comes back: four products, one a sample.",
        "The column A[:, 1] is 2, 1, −1, 1 and the column G[:, 0] is 3, −1, 2, 1. Multiply and add up.",
    ],
)
def slope_of_b10():
    """∂L/∂B[1, 0]

    Four paths, one a sample: 2 · 3 + 1 · (−1) + (−1) · 2 + 1 · 1 = 4. A column of A meets a column of G.
    """
    return (A[:, 1] * G[:, 0]).sum()


@slope_of_b10.mistake("That is the first sample alone. All four samples use B[1, 0], and their paths add up.")
def _():
    return A[0, 1] * G[0, 0]


@slope_of_b10.mistake(
    "That is the average over the samples. Paths add up; a mean is taken only if L has one."
)
def _():
    return (A[:, 1] * G[:, 0]).mean()


@slope_of_b10.mistake(
    "Those are the numbers that B[1, 0] meets. Multiply each by what comes back there, G[i, 0]."
)
def _():
    return A[:, 1].sum()


@slope_of_b10.mistake("That is ∂L/∂B[0, 1], with row and column swapped: A[i, 1] meets B[1, 0].")
def _():
    return (A[:, 0] * G[:, 1]).sum()


@slope_of_b10.mistake("B[1, 0] belongs to the first output, column 0 of C and of G; that was column 1.")
def _():
    return (A[:, 1] * G[:, 1]).sum()


@exercise(
    "04.5",
    hints=[
        "The gradient of W has the shape of W: (2, 3). Which of the four products has it?",
        "The samples are summed over, so their size 4 must be the inner one: (2, 4) @ (4, 3).",
    ],
)
def gradient_of_w():
    """∂L/∂W of a linear layer

    G is (4, 2), so Gᵀ X is (2, 4) @ (4, 3), which has the shape of W and sums over the four samples. It is
    the transpose of Xᵀ G, the gradient of Wᵀ.
    """
    return "G.T @ X"


@gradient_of_w.mistake("That is the gradient of Wᵀ, of shape (3, 2). W itself is (2, 3): transpose it.")
def _():
    return "X.T @ G"


@gradient_of_w.mistake("That does not fit: in (4, 2) @ (4, 3) the inner sizes are 2 and 4. Transpose G.")
def _():
    return "G @ X"


@gradient_of_w.mistake("That does not fit: in (4, 3) @ (2, 4) the inner sizes are 3 and 2. Begin with Gᵀ.")
def _():
    return "X @ G.T"


_x = tc.tensor([[1, 2], [3, 4], [5, 6]], dtype="float64")
_arrived = tc.tensor([[1, -1], [0, 2], [3, 1]], dtype="float64")
_w = tc.tensor([0.5, 3], dtype="float64")


@exercise(
    "04.6",
    hints=[
        "The slope of x · w with respect to w is x. What does each place send back to w?",
        "Each place sends back g · x. And w was repeated over the samples, so what was copied is now ...",
        "Sum g * x over dimension 0, the samples.",
    ],
    samples=[(_arrived, _x, _w), (_x, _arrived, _w)],
)
def rule_for_w(g, x, w):
    """The gradient rule of scale for w

    ∂L/∂w = Σ g ⊙ x over the samples: at each place the slope of x · w is x, and a weight is used once a
    sample.
    """
    return (g * x).sum(0)


@rule_for_w.mistake(
    "At every place that is right, but w was copied to all samples: sum over them, dimension 0."
)
def _(g, x, w):
    return g * x


@rule_for_w.mistake(
    "The slope of x · w with respect to w is x, so g has to be multiplied by x before the sum."
)
def _(g, x, w):
    return g.sum(0)


@rule_for_w.mistake("That is made with the rule for x, g · w. For w the other factor counts: g · x.")
def _(g, x, w):
    return (g * w).sum(0)


@rule_for_w.mistake("That is the average over the samples. What comes back from the copies of w adds up.")
def _(g, x, w):
    return (g * x).mean(0)


@rule_for_w.mistake(
    "That sums over the features. The samples are dimension 0; one number a feature must be left."
)
def _(g, x, w):
    return (g * x).sum(1)
