"""Exercises of lesson 05: odds, a divergence, a batch, underflow, log-sum-exp, smoothed labels."""

from __future__ import annotations

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.learn.exercise import exercise

# Names of the lesson.
weather = tc.tensor([0.8, 0.2], dtype="float64")
even = tc.tensor([0.5, 0.5], dtype="float64")


def cross_entropy(p, q):
    return -(p * q.log2()).sum()


def divergence(p, q):
    return (p * (p / q).log2()).sum()


# What the mistakes are made with.
scores = tc.tensor([3.0, 1.0, -2.0], dtype="float64")
right_classes = tc.tensor([0.72, 0.52, 0.30], dtype="float64")


@exercise(
    "05.1",
    hints=[
        "Divide the two probabilities before you compute them: what do they have in common?",
        "The sum of the exponentials cancels. What is left is exp(z1) / exp(z2) = exp(z1 − z2).",
    ],
)
def times_as_likely():
    """How many times as likely the first class is as the second

    Only the difference of the two scores counts: exp(3 − 1) = exp(2) = 7.39.
    The third one does not matter.
    """
    ŷ = F.softmax(tc.tensor([3.0, 1.0, -2.0], dtype="float64"), dim=0)
    return ŷ[0] / ŷ[1]


@times_as_likely.mistake(
    "That is the lead of 2 points itself. Its exponential is the factor between the probabilities."
)
def _():
    return scores[0] - scores[1]


@times_as_likely.mistake(
    "The scores were divided by each other. Divide the probabilities, or the exponentials."
)
def _():
    return scores[0] / scores[1]


@times_as_likely.mistake("Upside down: that is how many times as likely the second class is as the first.")
def _():
    return (scores[1] - scores[0]).exp()


@times_as_likely.mistake(
    "That is by how much the first is more likely, a difference. How many times is a quotient."
)
def _():
    ŷ = F.softmax(scores, dim=0)
    return ŷ[0] - ŷ[1]


@times_as_likely.mistake("The exponential of the softmax has the base e = 2.718, not 10.")
def _():
    return 10 ** (scores[0] - scores[1])


@exercise(
    "05.2",
    hints=[
        "The formula of section 3 with p and q in changed places. Which of them stands before the logarithm?",
        "0.5 · log₂(0.5 / 0.8) + 0.5 · log₂(0.5 / 0.2). The first term is negative, the second larger.",
    ],
)
def cost_in_bits():
    """D(p ‖ q) in bits, for a coin that is believed to be bent

    0.5 · log₂(0.5 / 0.8) + 0.5 · log₂(0.5 / 0.2) = −0.339 + 0.661 = 0.322. The other way round it was 0.278:
    the divergence is no distance, and it matters who is the truth and who believes.
    """
    return divergence(even, weather)


@cost_in_bits.mistake(
    "That is D(q ‖ p), from section 3. The days come with the probabilities of the truth: p = [0.5, 0.5]."
)
def _():
    return divergence(weather, even)


@cost_in_bits.mistake("That is the whole cross-entropy. The coin itself is worth H(p) = 1 bit; subtract it.")
def _():
    return cross_entropy(even, weather)


@cost_in_bits.mistake("That is the natural logarithm, so nats. For bits divide by ln 2, or take log₂.")
def _():
    return divergence(even, weather) * np.log(2)


@cost_in_bits.mistake(
    "The fraction in the logarithm is upside down: it is p / q. A divergence is never negative."
)
def _():
    return -divergence(even, weather)


@exercise(
    "05.3",
    hints=[
        "Take each sample's own loss, then do what section 4 says of batches.",
        "The table has the three losses in its column ln. Average them.",
    ],
)
def loss_of_the_batch():
    """The mean cross-entropy of the lectures' three samples

    (0.3285 + 0.6539 + 1.2040) / 3 = 0.7288.
    Each sample's loss is a logarithm, and only then comes the mean.
    """
    probabilities = tc.tensor([[0.72, 0.28], [0.52, 0.48], [0.30, 0.70]], dtype="float64")
    return F.cross_entropy(probabilities.log(), tc.tensor([0, 0, 0]))


@loss_of_the_batch.mistake(
    "That is the mean in base 10, as on the slides. The library says ln: ln 10 = 2.3026 times as much."
)
def _():
    return -right_classes.log10().mean()


@loss_of_the_batch.mistake("The three losses were added up. The loss of a batch is their mean: divide by 3.")
def _():
    return -right_classes.log().sum()


@loss_of_the_batch.mistake(
    "That is the logarithm of the mean probability. First take the logarithm of each, then the mean."
)
def _():
    return -right_classes.mean().log()


@loss_of_the_batch.mistake("A probability below 1 has a negative logarithm, and the loss is minus that.")
def _():
    return right_classes.log().mean()


@exercise(
    "05.4",
    hints=[
        "What is exp(−200)? The smallest positive number in float32 is about 10⁻⁴⁵.",
        "exp(−200) is about 10⁻⁸⁷, which float32 rounds to 0, for both classes. Now divide by their sum.",
    ],
)
def without_the_shift():
    """What softmax without the shift makes of two very negative scores

    Both exponentials are rounded to 0 (they underflow), their sum is 0, and 0 / 0 is NaN. With the shift both
    scores become 0, both exponentials 1, and both probabilities ½.
    """
    with np.errstate(invalid="ignore"):
        h = tc.tensor([-200.0, -200.0]).exp()
        return str((h / h.sum())[0].item())


@without_the_shift.mistake(
    "That is right on paper, and with the shift. But float32 has no number as small as exp(−200)."
)
def _():
    return "half"


@without_the_shift.mistake(
    "The exponentials are 0, that is true. But so is their sum, by which they are divided."
)
def _():
    return "zero"


@without_the_shift.mistake(
    "exp overflows to infinity for large positive scores. Here it underflows to 0, above and below the line."
)
def _():
    return "infinity"


@exercise(
    "05.5",
    samples=[
        (tc.tensor([1.0, 2.0, 3.0]),),
        (tc.tensor([1000.0, 1000.0]),),
        (tc.tensor([-1000.0, -1000.0]),),
    ],
    hints=[
        "Section 6 has the formula: subtract the largest score first, and put it back at the end.",
        "m = z.max(); then m + ln Σⱼ exp(zⱼ − m). Try it with tc.tensor([1000.0, 1000.0]): 1000.693.",
    ],
)
def log_sum_exp(z):
    """ln Σⱼ exp(zⱼ), without overflow

    With m = max z the largest exponential is exp(0) = 1: no overflow, and the sum is at least 1,
    so there is no ln 0.
    """
    m = z.max()
    return m + (z - m).exp().sum().log()


@log_sum_exp.mistake(
    "Right on paper, but scores of 1000 overflow and those of −1000 give ln 0. Subtract the maximum first."
)
def _(z):
    with np.errstate(all="ignore"):
        return z.exp().sum().log()


@log_sum_exp.mistake(
    "The maximum was subtracted, but not added again at the end: the result should grow with the scores."
)
def _(z):
    return (z - z.max()).exp().sum().log()


@log_sum_exp.mistake("The sum is not in a logarithm yet: m + ln Σⱼ exp(zⱼ − m).")
def _(z):
    return z.max() + (z - z.max()).exp().sum()


@log_sum_exp.mistake(
    "First the sum, then its logarithm. The logarithm of each exponential is the score again."
)
def _(z):
    return z.max() + (z - z.max()).exp().log().sum()


@log_sum_exp.mistake("That is the largest score alone, a good estimate. The others belong into the sum, too.")
def _(z):
    return z.max()


@exercise(
    "05.6",
    hints=[
        "The slope is ŷ − q. So the question is: what is the target q of the right class after smoothing?",
        "It keeps 0.9 and gets its own share of the tenth: 0.1 / 10.",
    ],
    tolerance=0.005,  # 0.9 and 0.91 are close
)
def smoothed_optimum():
    """At which ŷ of the right class the gradient vanishes

    Where ŷ = q, and the target of the right class is q = 0.9 · 1 + 0.1 / 10 = 0.91;
    each other class has 0.01.
    """
    q = 0.9 * F.one_hot(tc.tensor(0), 10) + 0.1 / 10
    return q[0]


@smoothed_optimum.mistake(
    "Almost: the tenth is handed out to all ten classes, so the right one gets a hundredth back."
)
def _():
    return 0.9


@smoothed_optimum.mistake(
    "That would be the goal without smoothing, y = 1. The slope is ŷ − q, with the smoothed target q."
)
def _():
    return 1.0


@smoothed_optimum.mistake("That is the target of each wrong class. The right one keeps its 0.9 besides.")
def _():
    return 0.01


@smoothed_optimum.mistake(
    "With equal shares for ten classes everybody would have a tenth. Only a tenth is handed out so."
)
def _():
    return 0.1
