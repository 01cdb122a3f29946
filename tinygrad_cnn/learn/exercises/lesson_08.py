"""Exercises of lesson 08, LeNet-5 on Fashion-MNIST: a pixel, sizes, a loss, steps, recall, when to stop."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.learn.exercise import exercise

# The numbers of the lesson.
validation_losses = [0.92, 0.71, 0.64, 0.60, 0.61, 0.58, 0.63, 0.62, 0.66, 0.75, 0.81]

_MEAN, _DEVIATION = 0.285673, 0.353686  # of the pixels, as the notebook prints them


@exercise(
    "08.1",
    hints=[
        "The network sees (byte / 255 − mean) / deviation. Both of bytes / 255 are printed above.",
        "0 / 255 is 0; the mean is 0.2857 and the deviation 0.3537.",
    ],
)
def black():
    """What the network sees where a pixel is black

    (0 − 0.2857) / 0.3537 = −0.81. Black is below the mean, so it is negative. White becomes
    (1 − 0.2857) / 0.3537 = 2.02.
    """
    mini = tc.data.load("fashion-mini")
    return (0 / 255 - mini.mean[0]) / mini.std[0]


@black.mistake("That is the byte itself, or the byte / 255. The mean is still to be subtracted.")
def _():
    return 0.0


@black.mistake("The mean is subtracted; now divide by the deviation, 0.3537.")
def _():
    return -_MEAN


@black.mistake("The size is right, but black is below the mean, so 0 − 0.2857 is negative.")
def _():
    return _MEAN / _DEVIATION


@black.mistake("That is divided by the variance. The deviation is its square root, 0.3537.")
def _():
    return -_MEAN / _DEVIATION**2


@black.mistake("That is what white becomes. Black is the byte 0.")
def _():
    return (1 - _MEAN) / _DEVIATION


@exercise(
    "08.2",
    hints=[
        "A 5 × 5 kernel without padding makes 28 − 5 + 1 of 28. Go on from there, as in the list above.",
        "28 → 24 → pool 12 → 8 → pool 4. Each of the 16 maps has 4 × 4 numbers.",
    ],
)
def inputs_of_fc1():
    """How many numbers arrive at fc1 without padding

    The sizes are 28 → 24 → 12 → 8 → 4, and there are 16 maps: 16 · 4 · 4 = 256.
    """
    x = tc.zeros(1, 1, 28, 28)
    x = F.max_pool2d(F.conv2d(x, tc.zeros(6, 1, 5, 5)), 2)
    x = F.max_pool2d(F.conv2d(x, tc.zeros(16, 6, 5, 5)), 2)
    return x.numel()


@inputs_of_fc1.mistake("That is one map of 4 × 4. There are 16 of them.")
def _():
    return 16


@inputs_of_fc1.mistake("That is with padding, as it is now. Without it conv1 makes 24 × 24 of 28 × 28.")
def _():
    return 400


@inputs_of_fc1.mistake("That is before the last pooling, which makes 4 × 4 of each map of 8 × 8.")
def _():
    return 16 * 8 * 8


@inputs_of_fc1.mistake("Those are six maps. It is conv2, with 16 kernels, whose maps arrive at fc1.")
def _():
    return 6 * 4 * 4


@exercise(
    "08.3",
    hints=[
        "Who knows nothing gives each of the 26 classes the same probability.",
        "The loss is −ln(1/26).",
    ],
)
def first_loss():
    """The loss of a network that guesses among 26 letters

    −ln(1/26) = ln 26 = 3.26. More classes, more to lose: with ten it is 2.30.
    """
    return np.log(26)


@first_loss.mistake("That is the value for ten classes. Here there are 26.")
def _():
    return math.log(10)


@first_loss.mistake("That is the logarithm of base 10. The library uses the natural one.")
def _():
    return math.log10(26)


@first_loss.mistake("That is the logarithm of base 2. The library uses the natural one.")
def _():
    return math.log2(26)


@first_loss.mistake("The logarithm of 1/26 is negative, and the loss is minus that.")
def _():
    return -math.log(26)


@first_loss.mistake("That is the probability of each letter. The loss is minus its logarithm.")
def _():
    return 1 / 26


@exercise(
    "08.4",
    hints=[
        "Each step takes one batch. How many batches are 60,000 images?",
        "60,000 / 64 = 937.5: the last batch has 32 images, and it is a step as well.",
    ],
)
def steps_per_epoch():
    """Steps of an epoch over 60,000 images

    60,000 / 64 = 937.5: there are 937 full batches and one of 32 images, together 938 steps.
    """
    full, rest = divmod(60_000, 64)
    return full + (rest > 0)


@steps_per_epoch.mistake("Those are the full batches. The 32 images that are left make one more step.")
def _():
    return 60_000 // 64


@steps_per_epoch.mistake(
    "60,000 / 64 is 937.5, but there is no half step: the 32 images that are left make one."
)
def _():
    return 60_000 / 64


@steps_per_epoch.mistake("That is one step an image. A step takes a whole batch.")
def _():
    return 60_000


@steps_per_epoch.mistake(
    "That is for the 6,000 images of this lesson. All of Fashion-MNIST has 60,000 to train on."
)
def _():
    return 94


@steps_per_epoch.mistake("That is with the test images, too. They are not trained on, so they cost no steps.")
def _():
    return math.ceil(70_000 / 64)


@exercise(
    "08.5",
    hints=[
        "The images of a class that were recognised stand on the diagonal: np.diag(counts).",
        "All images of a class stand in its row: counts.sum(axis=1) adds up every row.",
    ],
    samples=[
        (np.array([[8, 2, 0], [1, 6, 3], [0, 0, 10]]),),
        (np.array([[30, 10], [5, 15]]),),
    ],
)
def recall(counts):
    """The recall of every class, from counts

    On the diagonal stands how many of each class were recognised, and its row adds up to how many there
    are.
    """
    return np.diag(counts) / counts.sum(axis=1)


@recall.mistake(
    "That is the precision: it divides by the columns, by how often a class was the answer. Add up the rows."
)
def _(counts):
    return np.diag(counts) / counts.sum(axis=0)


@recall.mistake("That is divided by the number of all images. Each class is compared with its own row only.")
def _(counts):
    return np.diag(counts) / counts.sum()


@recall.mistake("That is the accuracy, one number for all classes. Recall is one number for each.")
def _(counts):
    return np.trace(counts) / counts.sum()


@recall.mistake("That is the share that was not recognised. Recall is the rest of the row, up to 1.")
def _(counts):
    return 1 - np.diag(counts) / counts.sum(axis=1)


@recall.mistake("Those are counts. A share is a count divided by how many there are, the sum of the row.")
def _(counts):
    return np.diag(counts)


@exercise(
    "08.6",
    hints=[
        "Go through the epochs, and keep in mind which one was the best so far. A loss that goes up once is "
        "not yet a reason to stop.",
        "0.58 in epoch 6 is the best. Patience 3 waits for three epochs without a better one: 7, 8 and 9.",
    ],
)
def stopped_and_kept():
    """After which epoch it stops, and whose weights are kept

    The loss 0.61 of epoch 5 is followed by something better, so training goes on. After the 0.58 of epoch 6
    come three epochs without a better one: it stops after epoch 9, and goes back to the weights of epoch 6.
    """
    epoch = best = 1
    while epoch - best < 3:
        epoch += 1
        best = int(np.argmin(validation_losses[:epoch])) + 1
    return epoch, best


@stopped_and_kept.mistake("It stops there, but the last weights are worse than those of the best epoch, 6.")
def _():
    return 9, 9


@stopped_and_kept.mistake(
    "Epochs 7, 8 and 9 are three without a better one: after the third, patience is over."
)
def _():
    return 10, 6


@stopped_and_kept.mistake("Epochs 7 and 8 are only two without a better one. Patience 3 waits for the third.")
def _():
    return 8, 6


@stopped_and_kept.mistake(
    "That stops the first time the loss goes up. With patience it goes on, and finds 0.58."
)
def _():
    return 5, 4


@stopped_and_kept.mistake("Nobody knows in epoch 6 that it is the best; that shows three epochs later.")
def _():
    return 6, 6


@stopped_and_kept.mistake("Both numbers are counted from 0. The first epoch is epoch 1.")
def _():
    return 8, 5


@stopped_and_kept.mistake("Both numbers are right, in the other order: (stopped, kept).")
def _():
    return 6, 9
