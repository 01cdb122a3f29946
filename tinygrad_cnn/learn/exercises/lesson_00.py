"""Exercises of lesson 00, the tour: a shape, a number, a function."""

from __future__ import annotations

import tinygrad_cnn as tc
from tinygrad_cnn.learn.exercise import exercise


@exercise(
    "00.1",
    hints=[
        "The table above has the shape for one picture, in the row LeNet5: (1, 10).",
        "The first number of a shape counts the pictures; each of them gets ten scores.",
    ],
)
def shape_of_scores():
    """The shape of the scores of 64 pictures

    A row for each picture, and in it ten scores, one for each kind of clothes: (64, 10). Look it up in
    tc.summary(model, (64, 1, 28, 28)).
    """
    return 64, 10


@shape_of_scores.mistake("Those are the scores of one picture. Here 64 go through the network at once.")
def _():
    return 1, 10


@shape_of_scores.mistake("A shape counts the pictures first: rows are pictures, columns are scores.")
def _():
    return 10, 64


@shape_of_scores.mistake("That would be a number for each picture. Each gets ten scores, one for each kind.")
def _():
    return (64,)


@shape_of_scores.mistake(
    "That is how many numbers come out. A shape says how they are arranged: (pictures, scores each)."
)
def _():
    return 640


@shape_of_scores.mistake("That is what goes in: 64 grey pictures. At the other end come out scores.")
def _():
    return 64, 1, 28, 28


@exercise(
    "00.2",
    hints=[
        "How much does c change when a changes by 1, and how much does d change when c does?",
        "∂c/∂a = 4 and ∂d/∂c = 2. Along a chain gradients multiply.",
    ],
)
def gradient_of_d():
    """The gradient of d with respect to a

    Each line doubles: 2 · 2 · 2 = 8. Along a chain gradients multiply; where a number is used twice, they add
    up.
    """
    a = tc.tensor(1.0, requires_grad=True)
    b = a + a
    c = b + b
    d = c + c
    d.backward()
    return a.grad


@gradient_of_d.mistake(
    "That is 2 + 2 + 2. Each line doubles what is behind it: along a chain, gradients multiply."
)
def _():
    return 6.0


@gradient_of_d.mistake("That is the gradient of c. The new line doubles it once more.")
def _():
    return 4.0


@gradient_of_d.mistake("That is how d changes with c, the last piece of the way. Go on, back to a.")
def _():
    return 2.0


@gradient_of_d.mistake("That is one doubling too many: there are three lines, so three factors of 2.")
def _():
    return 16.0


@gradient_of_d.mistake("That is how far d moves when a moves by 0.001. How many times as far is that?")
def _():
    return 0.008


@exercise(
    "00.3",
    hints=[
        "Go through both lists in step, count where they agree, and divide by how many there are.",
        "sum(answer == label for answer, label in zip(answers, labels)) counts: True is 1, False is 0.",
    ],
    samples=[([2, 0, 1, 1], [2, 0, 3, 1]), ([9, 9, 4, 7, 1], [9, 2, 1, 7, 3])],
)
def share_right(answers, labels):
    """The share of answers that are right

    Count where the two agree and divide by how many there are: 3 of 4 are 0.75. It is called the accuracy.
    """
    right = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    return right / len(labels)


@share_right.mistake("That is how many are right. Divide by the number of answers.")
def _(answers, labels):
    return sum(answer == label for answer, label in zip(answers, labels, strict=True))


@share_right.mistake("That is the share that is wrong: you count where the lists differ.")
def _(answers, labels):
    return sum(answer != label for answer, label in zip(answers, labels, strict=True)) / len(labels)


@share_right.mistake("That is in percent. A share is between 0 and 1.")
def _(answers, labels):
    return 100 * share_right.answer()(answers, labels)


@share_right.mistake(
    "That is 0 for every list. Either nothing was counted, or == compared whole lists (compare one by one), "
    "or // dropped the fraction (use /)."
)
def _(answers, labels):
    return answers == labels


@share_right.mistake(
    "Only the first pair was counted: the return stands inside the loop. Move it below, to the left."
)
def _(answers, labels):
    return (answers[0] == labels[0]) / len(labels)


@share_right.mistake(
    "That is 1 for every list. Either all pairs were counted, the wrong ones, too, or the function returned "
    "at the first pair."
)
def _(answers, labels):
    return len(answers) / len(labels)
