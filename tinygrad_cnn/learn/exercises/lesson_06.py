"""Exercises of lesson 06, convolution forward: windows, rotated kernels, sizes, channels, counts, edges."""

from __future__ import annotations

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.learn.exercise import exercise


# The numbers of the lesson.
def image(rows: list[list[int]]) -> Tensor:
    """Rows as one picture with one channel."""
    return tc.tensor([[rows]], dtype="float64")


A = image([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
B = image([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
U = image([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
T = image([[0, 1], [2, 3]])
x0 = [[6, 3, 4, 6, 2], [7, 4, 4, 6, 1], [2, 6, 2, 2, 7], [4, 3, 7, 7, 2], [5, 4, 1, 7, 3]]
x1 = [[5, 5, 1, 7, 3], [4, 0, 3, 1, 5], [4, 3, 0, 0, 2], [2, 6, 1, 7, 3], [3, 7, 6, 5, 5]]
x2 = [[6, 5, 2, 3, 6], [3, 7, 0, 2, 4], [2, 6, 4, 0, 6], [1, 3, 0, 3, 5], [1, 1, 0, 1, 4]]
w0 = [
    [[-1, 1, 1], [1, 1, 2], [0, -2, 1]],
    [[-1, 1, -1], [-1, 1, 2], [-1, -1, 1]],
    [[-1, -1, 1], [1, -2, 2], [2, -1, 2]],
]
w1 = [
    [[-1, -2, 1], [1, 1, 2], [-2, 2, 2]],
    [[-2, -2, -2], [-2, 1, 0], [0, -2, 0]],
    [[0, -2, 0], [2, -1, -1], [-2, 1, -2]],
]
x = tc.tensor([[x0, x1, x2]], dtype="float64")
w = tc.tensor([w0, w1], dtype="float64")


@exercise(
    "06.1",
    hints=[
        "Move the window one cell down from where the picture shows it; then twice to the right.",
        "The five 1s of the kernel are its corners and its middle: count how many of these cells are 1 in A.",
        "For the first number the corners are 0, 1, 0, 1 and the middle is 0.",
    ],
)
def second_row():
    """The second row of A ⋆ B

    The kernel counts the 1s at its corners and in its middle. In the three windows there are 2, 4 and 3.
    """
    return F.conv2d(A, B)[0, 0, 1]


@second_row.mistake("That is the first row. The second one begins one cell further down.")
def _():
    return F.conv2d(A, B)[0, 0, 0]


@second_row.mistake("That is the second column: the window moved down. A row comes from moving to the right.")
def _():
    return F.conv2d(A, B)[0, 0, :, 1]


@second_row.mistake("All 1s of the window were counted. Only those count that lie under a 1 of the kernel.")
def _():
    return F.conv2d(A, tc.ones_like(B))[0, 0, 1]


@exercise(
    "06.2",
    hints=[
        "Rotate T by 180° first. Then do what ⋆ does.",
        "The rotated T is [[3, 2], [1, 0]]: rows in reverse order, and columns too.",
        "The first number is 0 · 3 + 1 · 2 + 3 · 1 + 4 · 0.",
    ],
)
def true_convolution():
    """U ∗ T, the convolution of the mathematicians

    Rotated by 180°, T is [[3, 2], [1, 0]]; then ⋆ as always. The first number is
    0·3 + 1·2 + 3·1 + 4·0 = 5.
    """
    return F.conv2d(U, tc.flip(T, (2, 3)))


@true_convolution.mistake(
    "That is U ⋆ T, the cross-correlation. For U ∗ T the kernel is rotated by 180° first."
)
def _():
    return F.conv2d(U, T)


@true_convolution.mistake(
    "The kernel was flipped from left to right only. A rotation by 180° swaps up and down, too."
)
def _():
    return F.conv2d(U, tc.flip(T, (3,)))


@true_convolution.mistake(
    "The kernel was flipped upside down only. A rotation by 180° swaps left and right, too."
)
def _():
    return F.conv2d(U, tc.flip(T, (2,)))


@true_convolution.mistake("The picture was rotated as well. Both rotated give U ⋆ T again, only backwards.")
def _():
    return F.conv2d(tc.flip(U, (2, 3)), tc.flip(T, (2, 3)))


@exercise(
    "06.3",
    hints=[
        "First the reach of the kernel, dilation · (kernel − 1) + 1; then the last place where it fits.",
        "Padding stands on both sides: there are size + 2 · padding cells. `//` divides and rounds down.",
        "`(size + 2 * padding - reach) // stride + 1`, and the reach is in the first hint.",
    ],
    samples=[
        (5, 3, 1, 0, 1),
        (227, 11, 4, 0, 1),
        (224, 7, 2, 3, 1),
        (28, 5, 1, 2, 1),
        (32, 3, 1, 2, 2),
        (33, 5, 3, 2, 3),
    ],
)
def output_size(size, kernel, stride, padding, dilation):
    """How many windows fit along one side

    The window may begin at size + 2 · padding − reach + 1 places, and every stride-th of them is taken; an
    incomplete step at the end is dropped, so the quotient is rounded down before the 1 is added.
    """
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1


@output_size.mistake(
    "The + 1 is missing: the window at the very beginning counts, too. A fence has one post more."
)
def _(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride


@output_size.mistake("Padding stands on both sides: the picture grows by 2 · padding.")
def _(size, kernel, stride, padding, dilation):
    return (size + padding - dilation * (kernel - 1) - 1) // stride + 1


@output_size.mistake(
    "The dilation is ignored: with gaps the kernel reaches over dilation · (kernel − 1) + 1 cells."
)
def _(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - kernel) // stride + 1


@output_size.mistake(
    "The reach is a little too long: there are kernel − 1 gaps, so dilation · (kernel − 1) + 1."
)
def _(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - dilation * kernel) // stride + 1


@output_size.mistake("A window that hangs over the end is not taken: round down, with `//`.")
def _(size, kernel, stride, padding, dilation):
    return -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1


@output_size.mistake("`/` gives fractions of a window. Round down, with `//`.")
def _(size, kernel, stride, padding, dilation):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


@output_size.mistake("The stride is ignored: of all places only every stride-th one is taken.")
def _(size, kernel, stride, padding, dilation):
    return size + 2 * padding - dilation * (kernel - 1)


@exercise(
    "06.4",
    hints=[
        "The middle of the window lies on the corner itself. Which of its cells lie in the frame of zeros?",
        "Four cells are left, at the lower left of the window: 7 and 3, and below them 1 and 5.",
        "Rotated by 180°, w0[1] is [[1, −1, −1], [2, 1, −1], [−1, 1, −1]]. Its lower left is 2, 1, −1, 1.",
    ],
)
def upper_right_corner():
    """x1 ∗ w0[1] at row 0 and column 4

    Of the window only 7, 3, 1 and 5 are inside the picture. Under the rotated kernel they give
    7·2 + 3·1 + 1·(−1) + 5·1 = 21. The slides print the digits in the wrong order.
    """
    kernel = tc.flip(w[:1, 1:2], (2, 3))
    return F.conv2d(x[:, 1:2], kernel, padding=1)[0, 0, 0, 4]


@upper_right_corner.mistake("That is what the slides print. Which numbers of x1 lie under the window?")
def _():
    return 12


@upper_right_corner.mistake(
    "The kernel was not rotated. The slides compute ∗, so it is turned by 180° first."
)
def _():
    return F.conv2d(x[:, 1:2], w[:1, 1:2], padding=1)[0, 0, 0, 4]


@upper_right_corner.mistake(
    "The window lies inside the picture. With padding 1 its middle is on the corner itself."
)
def _():
    return F.conv2d(x[:, 1:2], tc.flip(w[:1, 1:2], (2, 3)))[0, 0, 0, 2]


@upper_right_corner.mistake("Row and column are swapped: that is the lower left corner.")
def _():
    return F.conv2d(x[:, 1:2], tc.flip(w[:1, 1:2], (2, 3)), padding=1)[0, 0, 4, 0]


@exercise(
    "06.5",
    hints=[
        "How many numbers does one filter have? It has a kernel for each of the 6 planes that come in.",
        "One filter: 6 · 5 · 5 weights and 1 bias. There are 16 filters.",
    ],
)
def parameters_of_conv2():
    """The number of parameters of 16 filters over 6 channels

    A filter has 6 kernels of 25 weights and one bias, 151 numbers. There are 16 filters: 16 · 151 = 2,416.
    """
    return sum(parameter.numel() for parameter in tc.nn.Conv2d(6, 16, 5).parameters())


@parameters_of_conv2.mistake("The biases are missing: one for each of the 16 filters.")
def _():
    return 16 * 6 * 5 * 5


@parameters_of_conv2.mistake("Each filter has a kernel for each of the 6 channels, not one kernel in all.")
def _():
    return 16 * (5 * 5 + 1)


@parameters_of_conv2.mistake(
    "That is a bias for every kernel. A filter adds up its 6 kernels, then one bias."
)
def _():
    return 16 * 6 * (5 * 5 + 1)


@parameters_of_conv2.mistake("That is one bias for the whole layer. Each of the 16 filters has one.")
def _():
    return 16 * 6 * 5 * 5 + 1


@parameters_of_conv2.mistake("The biases go with the planes that come out, 16, not with the 6 that come in.")
def _():
    return 16 * 6 * 5 * 5 + 6


@exercise(
    "06.6",
    hints=[
        "At a level edge pixels differ from those above and below. Which kernel subtracts rows?",
        "Look at the signs: in Sobel x the columns differ, in Sobel y the rows.",
    ],
)
def finds_the_horizon():
    """The kernel that answers at level edges only

    Sobel y takes the row below less the row above. On an upright edge both rows are the same: it answers 0.
    """
    return "Sobel y"


@finds_the_horizon.mistake(
    "Sobel x takes right less left: it answers where the picture changes along x, that is, at upright "
    "edges. At a level one left and right are the same."
)
def _():
    return "Sobel x"


@finds_the_horizon.mistake("The Laplacian answers at the horizon, but at the sides of the tower as well.")
def _():
    return "Laplacian"


@finds_the_horizon.mistake(
    "Blur is the mean of the neighbours: it answers everywhere, and least of all at edges."
)
def _():
    return "blur"
