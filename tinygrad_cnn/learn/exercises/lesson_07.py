"""Exercises of lesson 07, convolution backward: both gradients, who uses a cell, a stride, winners."""

from __future__ import annotations

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.learn.exercise import exercise


def _plane(rows):
    """A small image or kernel with its two leading axes."""
    return tc.tensor([[rows]], dtype="float64")


# --- ∂L/∂F ----------------------------------------------------------------------------------------

_image = _plane([[2, 0, 1], [1, 3, 0], [0, 1, 2]])
_gradient = _plane([[1, -1], [2, 0]])


@exercise(
    "07.1",
    hints=[
        "Who used f00? All four outputs, each with another x. Section 3 adds up four such contributions.",
        "Let ∂L/∂O slide over X: ∂L/∂f00 = 2 · 1 + 0 · (−1) + 1 · 2 + 3 · 0. For f01 go one cell on.",
    ],
)
def kernel_gradient():
    """∂L/∂F of a small convolution

    ∂L/∂F = X ⋆ ∂L/∂O: the gradient slides over the image as it is. Its first place gives 2 − 0 + 2 + 0 = 4,
    the place on its right 0 − 1 + 6 + 0 = 5, and so on.
    """
    x = tc.tensor([[[[2, 0, 1], [1, 3, 0], [0, 1, 2]]]], dtype="float64")
    g = tc.tensor([[[[1, -1], [2, 0]]]], dtype="float64")
    return F.conv2d(x, g)[0, 0]


@kernel_gradient.mistake(
    "∂L/∂O was rotated by 180°. For the gradient of the kernel nothing is turned: f00 meets x00 in O00."
)
def _():
    return F.conv2d(_image, _gradient.flip((2, 3)))


@kernel_gradient.mistake(
    "These are the four contributions to f00. Their sum is ∂L/∂f00; the other three belong to other windows."
)
def _():
    return _image[0, 0, :2, :2] * _gradient[0, 0]


@kernel_gradient.mistake(
    "The contributions were averaged. What the outputs send adds up; nobody divides by 4."
)
def _():
    return F.conv2d(_image, _gradient) / 4


@kernel_gradient.mistake("No zeros around X here: ∂L/∂F is as large as F, which has 2 × 2 numbers.")
def _():
    return F.conv2d(_image, _gradient, padding=1)


# --- who uses a cell ------------------------------------------------------------------------------


@exercise(
    "07.2",
    hints=[
        "There are 3 × 3 places for the kernel. Which of them cover the cell?",
        "Count along one side first: how many of its three places cover cell 0, how many cell 1, ...? "
        "Then multiply rows and columns.",
    ],
)
def outputs_of_x00_x02_x22():
    """How many outputs use a corner, the middle of an edge, and the centre

    Along a side of 5 cells a kernel of 3 has 3 places; they cover the cells 1, 2, 3, 2, 1 times. A cell is
    used (times of its row) · (times of its column): 1 · 1, 1 · 3, 3 · 3.
    """
    image = tc.zeros(1, 1, 5, 5, requires_grad=True)
    F.conv2d(image, tc.ones(1, 1, 3, 3)).sum().backward()
    return tuple(int(image.grad[0, 0, i, j].item()) for i, j in [(0, 0), (0, 2), (2, 2)])


@outputs_of_x00_x02_x22.mistake(
    "The kernel has nine numbers, but only the centre meets all. At how many places does it cover the corner?"
)
def _():
    return 9, 9, 9


@outputs_of_x00_x02_x22.mistake(
    "That includes places where the kernel hangs over the edge, as with padding 1. Here it has to lie inside."
)
def _():
    return 4, 6, 9


@outputs_of_x00_x02_x22.mistake(
    "Those are the numbers of the picture, for a kernel of 2 × 2. This one is 3 × 3."
)
def _():
    return 1, 2, 4


@outputs_of_x00_x02_x22.mistake("The kernel moves along rows and along columns: the two counts multiply.")
def _():
    return 1, 3, 3


# --- ∂L/∂X ----------------------------------------------------------------------------------------

_kernel = _plane([[1, 0], [2, -1]])
_framed = _plane([[0, 0, 0, 0], [0, 1, 3, 0], [0, 0, 2, 0], [0, 0, 0, 0]])


@exercise(
    "07.3",
    hints=[
        "Each output hands its gradient back to its window, through the kernel. Add where windows overlap.",
        "1 · F goes to the upper left window, 3 · F to the upper right, 0 · F and 2 · F to the lower ones.",
    ],
)
def image_gradient():
    """∂L/∂X of a small convolution

    The kernel, rotated by 180°, slides over ∂L/∂O with zeros around. The centre, for example, gets
    1 · (−1) + 3 · 2 + 0 · 0 + 2 · 1 = 7. X is not needed: the slope of f · x by x is f.
    """
    f = tc.tensor([[[[1, 0], [2, -1]]]], dtype="float64")
    g = tc.tensor([[[[1, 3], [0, 2]]]], dtype="float64")
    return F.conv2d(F.pad(g, (1, 1, 1, 1)), f.flip((2, 3)))[0, 0]


@image_gradient.mistake(
    "The kernel was not rotated. O00 saw x00 through f00, so x00 gets 1 · f00; yours gets 1 · f11."
)
def _():
    return F.conv2d(_framed, _kernel)


@image_gradient.mistake(
    "That is the centre alone. Put zeros around ∂L/∂O and go on sliding: ∂L/∂X is as large as X, 3 × 3."
)
def _():
    return F.conv2d(_framed, _kernel.flip((2, 3)))[..., 1:2, 1:2]


@image_gradient.mistake(
    "The kernel was mirrored left to right only. A rotation by 180° also turns it upside down."
)
def _():
    return F.conv2d(_framed, _kernel.flip(3))


@image_gradient.mistake(
    "The kernel was transposed. A rotation by 180° exchanges f00 with f11, and f01 with f10."
)
def _():
    return F.conv2d(_framed, _kernel.transpose(2, 3))


@image_gradient.mistake("Where windows overlap, only the last one is left. What the outputs send adds up.")
def _():
    return [[1, 3, 0], [0, 2, 0], [0, 4, -2]]


# --- a stride -------------------------------------------------------------------------------------

_row = tc.tensor([[[1, 2, 3]]], dtype="float64")
_two = tc.tensor([[[1, 10]]], dtype="float64")


@exercise(
    "07.4",
    hints=[
        "Which three numbers does the first output look at, and which three the second?",
        "Hand 1 · [1, 2, 3] back to x0, x1, x2, and 10 · [1, 2, 3] to x2, x3, x4. One cell is in both.",
    ],
)
def line_gradient():
    """∂L/∂x of a line, stride 2

    The first output hands [1, 2, 3] back to x0, x1, x2, the second [10, 20, 30] to x2, x3, x4. They meet at
    x2: 3 + 10 = 13.
    """
    x = tc.zeros(1, 1, 5, dtype="float64", requires_grad=True)
    out = F.conv1d(x, tc.tensor([[[1, 2, 3]]], dtype="float64"), stride=2)
    out.backward(tc.tensor([[[1, 10]]], dtype="float64"))
    return x.grad[0, 0]


@line_gradient.mistake(
    "The stride was ignored: the second window begins two cells behind the first, not one."
)
def _():
    return F.conv_transpose1d(_two, _row)


@line_gradient.mistake(
    "The kernel is turned the wrong way: x0 was multiplied by 1, its first number, and gets 1."
)
def _():
    return F.conv_transpose1d(_two, _row.flip(2), stride=2)


@line_gradient.mistake("x2 lies in both windows. The first output has something for it as well: 1 · 3.")
def _():
    return 1, 2, 10, 20, 30


@line_gradient.mistake("x2 lies in both windows. The second output has something for it as well: 10 · 1.")
def _():
    return 1, 2, 3, 20, 30


# --- winners --------------------------------------------------------------------------------------

_tied = _plane([[1, 5, 2], [3, 4, 4], [0, 2, 1]])
_sent = _plane([[1, 2], [3, 4]])


def _first_wins(x, g):
    """∂L/∂X of max pooling, 2 × 2, stride 1."""
    x = x.detach().requires_grad_()
    return tc.grad(F.max_pool2d(x, 2, stride=1), x, g)[0]


def _last_wins(x, g):
    """The same where the last of equals wins: everything read backward."""
    return _first_wins(x.flip((2, 3)), g.flip((2, 3))).flip((2, 3))


@exercise(
    "07.5",
    hints=[
        "Write down the four windows and mark the winner of each. A cell can win twice.",
        "The 5 wins both upper windows. The lower right one has two equal 4s: the first, row by row, wins.",
    ],
)
def pooling_gradient():
    """∂L/∂X of max pooling with overlapping windows

    The 5 wins the two upper windows and gets 1 + 2. The 4 in the centre wins the lower left window
    and, as the first of two equals, the lower right one: 3 + 4. All others get nothing.
    """
    x = tc.tensor([[[[1, 5, 2], [3, 4, 4], [0, 2, 1]]]], dtype="float64", requires_grad=True)
    F.max_pool2d(x, 2, stride=1).backward(tc.tensor([[[[1, 2], [3, 4]]]], dtype="float64"))
    return x.grad[0, 0]


@pooling_gradient.mistake(
    "Two cells win twice, and only the last gradient is left. What arrives from several windows adds up."
)
def _():
    return [[0, 2, 0], [0, 4, 0], [0, 0, 0]]


@pooling_gradient.mistake(
    "Two cells of the lower right window are equal, and both got the 4. Only the first, row by row, wins."
)
def _():
    return np.maximum(_first_wins(_tied, _sent).numpy(), _last_wins(_tied, _sent).numpy())


@pooling_gradient.mistake("Of equal cells the first wins, row by row; here the last one did.")
def _():
    return _last_wins(_tied, _sent)


@pooling_gradient.mistake(
    "The two equal cells shared the 4. That would be fair, but only the first one wins."
)
def _():
    return (_first_wins(_tied, _sent) + _last_wins(_tied, _sent)) / 2


@pooling_gradient.mistake(
    "That is average pooling: each cell gets a quarter. Of a maximum the winner gets all."
)
def _():
    x = _tied.detach().requires_grad_()
    return tc.grad(F.avg_pool2d(x, 2, stride=1), x, _sent)[0]


# --- max pooling backward, in code ----------------------------------------------------------------

_SAMPLES = [  # windows side by side; windows that overlap, with equals; all negative, and stride ≠ size
    (
        np.array([[1.0, 1.0, 3.0, 4.0], [3.0, 6.0, 2.0, 8.0], [3.0, 9.0, 1.0, 0.0], [1.0, 3.0, 3.0, 4.0]]),
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        2,
        2,
    ),
    (np.array([[1.0, 5.0, 2.0], [3.0, 4.0, 4.0], [0.0, 2.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), 2, 1),
    (-np.array([[3.0, 2.0, 5.0, 2.5, 1.0], [4.0, 9.0, 6.0, 7.0, 8.0]]), np.array([[1.0, 10.0]]), 2, 3),
]


@exercise(
    "07.6",
    hints=[
        "Begin with zeros and visit all windows; np.ndindex(*gradient.shape) gives their places. Where the "
        "largest number of a window stands, add its gradient.",
        "Window (i, j) begins at row i · stride, column j · stride. Inside it, the first maximum stands at "
        "np.unravel_index(window.argmax(), window.shape).",
    ],
    samples=_SAMPLES,
)
def max_pool_backward(x, gradient, size, stride):
    """The gradient of max pooling, as a function

    Each window adds its gradient at the place of its maximum. `argmax` takes the first of equals, and += lets
    a cell win several times.
    """
    back = np.zeros_like(x)
    for i, j in np.ndindex(*gradient.shape):
        top, left = i * stride, j * stride
        window = x[top : top + size, left : left + size]
        row, column = np.unravel_index(window.argmax(), window.shape)
        back[top + row, left + column] += gradient[i, j]
    return back


def _windows(gradient, size, stride):
    """Where each window lies, with its gradient."""
    for (i, j), value in np.ndenumerate(gradient):
        yield (slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)), value


@max_pool_backward.mistake("A cell that wins several windows keeps only the last gradient: use +=, not =.")
def _(x, gradient, size, stride):
    back = np.zeros_like(x)
    for window, value in _windows(gradient, size, stride):
        back[window][np.unravel_index(x[window].argmax(), (size, size))] = value
    return back


@max_pool_backward.mistake(
    "Of several cells that are equal to the maximum, all got the gradient. Choose the first."
)
def _(x, gradient, size, stride):
    back = np.zeros_like(x)
    for window, value in _windows(gradient, size, stride):
        back[window] += value * (x[window] == x[window].max())
    return back


@max_pool_backward.mistake(
    "argmax counts from the corner of the window. In x the place is i · stride and j · stride further on."
)
def _(x, gradient, size, stride):
    back = np.zeros_like(x)
    for window, value in _windows(gradient, size, stride):
        back[np.unravel_index(x[window].argmax(), (size, size))] += value
    return back


@max_pool_backward.mistake("The windows move by `size`, one beside the other. They should move by `stride`.")
def _(x, gradient, size, stride):
    back = np.zeros_like(x)
    for window, value in _windows(gradient, size, size):
        if x[window].size:
            back[window][np.unravel_index(x[window].argmax(), x[window].shape)] += value
    return back


@max_pool_backward.mistake("That is average pooling: the window shares its gradient. Give it to the maximum.")
def _(x, gradient, size, stride):
    back = np.zeros_like(x)
    for window, value in _windows(gradient, size, stride):
        back[window] += value / size**2
    return back
