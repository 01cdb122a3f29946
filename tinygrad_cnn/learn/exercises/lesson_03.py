"""Exercises of lesson 03, logistic regression by hand: ŷ, the loss, paths, slopes, a step of descent."""

from __future__ import annotations

import math

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.learn.exercise import exercise

# The numbers of the lesson.
W = tc.tensor([[0.65, 1.19], [0.69, -0.92]], dtype="float64")
X = tc.tensor([[0.2, 0.7], [0.8, 0.1], [0.3, 0.5]], dtype="float64")
labels = tc.tensor([0, 1, 0])

ŷ = F.softmax(X @ W.T, 1)


@exercise(
    "03.1",
    hints=[
        "Do what section 2 did, with x = [0.8, 0.1]: first the two scores, z = W x.",
        "z1 = 0.65 · 0.8 + 1.19 · 0.1 = 0.639 and z2 = 0.69 · 0.8 − 0.92 · 0.1 = 0.46. Now h, H, h1 / H.",
    ],
)
def probability():
    """ŷ1 of the second sample

    Its scores, 0.639 and 0.46, are close to each other, and so are the probabilities, 0.545 and 0.455.
    """
    z = W @ X[1]
    h = z.exp()
    return h[0] / h.sum()


@probability.mistake("That is ŷ2, the probability of the other class. The two add up to 1.")
def _():
    return ŷ[1, 1]


@probability.mistake("Right in percent. A probability is a number from 0 to 1.")
def _():
    return 100 * ŷ[1, 0]


@probability.mistake("These are ŷ1 and ŷ2. The question is for ŷ1 only, the first of them.")
def _():
    return ŷ[1]


@probability.mistake("That is h1 = exp(z1). Divide by H = h1 + h2, so that the probabilities add up to 1.")
def _():
    return (W @ X[1])[0].exp()


@probability.mistake("The scores were divided by their sum. First comes the exponential: h = exp(z).")
def _():
    z = W @ X[1]
    return z[0] / z.sum()


@probability.mistake("Rows and columns of W are swapped: z1 takes the first row, 0.65 and 1.19.")
def _():
    return F.softmax(W.T @ X[1], 0)[0]


@probability.mistake("That is ŷ1 of the first sample. Here x = [0.8, 0.1].")
def _():
    return ŷ[0, 0]


@exercise(
    "03.2",
    hints=[
        "y = [0, 1]: of the two terms of the sum only one is left.",
        "L = −ln ŷ2, with ŷ2 = 1 − ŷ1 from the exercise before.",
    ],
)
def loss():
    """The loss L of the second sample

    Only the true class counts: L = −ln ŷ2 = −ln 0.4554 = 0.787. A classifier that tosses a coin loses
    ln 2 = 0.693; this one is a little worse than that, because it bets on the wrong class.
    """
    return F.cross_entropy(W @ X[1], labels[1])


@loss.mistake("The true class of the second sample is the second one: y = [0, 1].")
def _():
    return -ŷ[1, 0].log()


@loss.mistake("The logarithm of a number below 1 is negative, and the loss is minus that.")
def _():
    return ŷ[1, 1].log()


@loss.mistake("That is the logarithm of base 10, as some slides use it. ln is the natural one.")
def _():
    return -ŷ[1, 1].log() / math.log(10)


@exercise(
    "03.3",
    hints=[
        "Follow the arrows from b2. The first crossing is at h2: which nodes use it?",
        "h2 goes into ŷ2 and into H; and H goes into both ŷ1 and ŷ2.",
    ],
)
def paths_of_b2():
    """How many paths lead from b2 to L

    b2 reaches L straight through ŷ2, and through H it reaches ŷ1 and ŷ2: h2 → ŷ2, h2 → H → ŷ1, h2 → H → ŷ2.
    """
    return 3


@paths_of_b2.mistake("ŷ2 is reached in two ways: from h2 directly, and from h2 through H. Both count.")
def _():
    return 2


@paths_of_b2.mistake("That is the direct path through ŷ2 only. H = h1 + h2 depends on b2, too.")
def _():
    return 1


@exercise(
    "03.4",
    hints=[
        "Write the sum over paths for b2 as section 3 does for b1, with y1 and y2 changing places.",
        "−y2 + y1 · h2/H + y2 · h2/H = ŷ2 − y2, and for the first sample y2 = 0.",
    ],
)
def slope_of_b2():
    """∂L/∂b2 of the first sample

    ∂L/∂b2 = ŷ2 − y2 = 0.1871 − 0. It is the slope of b1 with the sign changed: what one class gains in
    probability, the other one loses.
    """
    y2 = 0
    return F.softmax(W @ X[0], 0)[1] - y2


@slope_of_b2.mistake(
    "That is ∂L/∂b1, or the sign got lost: ŷ2 is larger than y2 = 0, so the slope is positive."
)
def _():
    return -ŷ[0, 1]


@slope_of_b2.mistake("y2 of the first sample is 0, not 1: nothing is subtracted.")
def _():
    return ŷ[0, 1] - 1


@slope_of_b2.mistake("That is the probability of class 1. For b2 take ŷ2 and y2.")
def _():
    return ŷ[0, 0]


@exercise(
    "03.5",
    hints=[
        "w12 is multiplied by x2 on its way into z1. Which factor does that add to every path of b1?",
        "∂z1/∂b1 = 1, but ∂z1/∂w12 = x2. Everything behind z1 is the same: ŷ1 − y1.",
    ],
)
def slope_of_w12():
    """∂L/∂w12 of the second sample

    Every path goes through z1, and ∂z1/∂w12 = x2: so ∂L/∂w12 = (ŷ1 − y1) · x2 = 0.545 · 0.1 = 0.0545.
    """
    y1, x2 = 0, X[1, 1]
    return (F.softmax(W @ X[1], 0)[0] - y1) * x2


@slope_of_w12.mistake("That is ∂L/∂b1 = ŷ1 − y1. The weight's paths have one factor more: ∂z1/∂w12 = x2.")
def _():
    return ŷ[1, 0]


@slope_of_w12.mistake("That is ∂L/∂w11. w12 stands in row 1, column 2, and meets x2 = 0.1.")
def _():
    return ŷ[1, 0] * X[1, 0]


@slope_of_w12.mistake("y1 of the second sample is 0: its class is the second one.")
def _():
    return (ŷ[1, 0] - 1) * X[1, 1]


@exercise(
    "03.6",
    hints=[
        "Average ŷ2 − y2 over the three samples; then b2 ← b2 − α · (that average), from b2 = 0.",
        "For each sample ŷ2 − y2 is minus ŷ1 − y1. So what is the average, compared with that of b1?",
    ],
    tolerance=0.1,  # people start from the rounded 0.03, which leads to 0.003
)
def b2_after_one_step():
    """b2 after one step with α = 0.1

    The average slope of b2 is −0.0323, so b2 goes up as far as b1 goes down: 0 − 0.1 · (−0.0323) = 0.00323.
    """
    b = tc.zeros(2, dtype="float64", requires_grad=True)
    F.cross_entropy(F.linear(X, W, b), labels).backward()
    tc.optim.SGD([b], lr=0.1).step()
    return b[1]


@b2_after_one_step.mistake(
    "That is b1, or a step uphill: descent subtracts the slope, and a negative slope moves b2 up."
)
def _():
    return -0.1 * (ŷ[:, 0] - tc.tensor([1.0, 0.0, 1.0], dtype="float64")).mean()


@b2_after_one_step.mistake("The slopes were added up. The loss of a batch is the average, so divide by 3.")
def _():
    return 0.1 * (ŷ[:, 0] - tc.tensor([1.0, 0.0, 1.0], dtype="float64")).sum()


@b2_after_one_step.mistake("The direction is right, the step too long: multiply the slope by α = 0.1.")
def _():
    return (ŷ[:, 0] - tc.tensor([1.0, 0.0, 1.0], dtype="float64")).mean()


@b2_after_one_step.mistake("That is the slope of b2. A step goes against it, and only by α = 0.1 of it.")
def _():
    return -(ŷ[:, 0] - tc.tensor([1.0, 0.0, 1.0], dtype="float64")).mean()
