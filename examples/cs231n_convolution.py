"""The convolution demo of Stanford's course cs231n, number by number, and three misprints that it finds.

    python examples/cs231n_convolution.py               prints all planes and the misprints
    python examples/cs231n_convolution.py page.html     writes a page on which the window slides

A 5 × 5 image with three channels is padded with a frame of zeros and goes through two filters of 3 × 3. The
slides compute a true convolution: the kernel is rotated by 180° before it slides. The rest of the field,
and this library, leaves the rotation out (and calls the cross-correlation that remains a convolution), so
the kernels are flipped here first.

Each filter has one kernel a channel. What a kernel makes of its channel is a plane of its own; the planes are
added up, the bias is added, and what is negative becomes 0:

    v[o] = x[0] ∗ w[o][0] + x[1] ∗ w[o][1] + x[2] ∗ w[o][2] + b[o],      y = ReLU(v)
"""

from __future__ import annotations

import sys

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

IMAGE = [
    [[6, 3, 4, 6, 2], [7, 4, 4, 6, 1], [2, 6, 2, 2, 7], [4, 3, 7, 7, 2], [5, 4, 1, 7, 3]],
    [[5, 5, 1, 7, 3], [4, 0, 3, 1, 5], [4, 3, 0, 0, 2], [2, 6, 1, 7, 3], [3, 7, 6, 5, 5]],
    [[6, 5, 2, 3, 6], [3, 7, 0, 2, 4], [2, 6, 4, 0, 6], [1, 3, 0, 3, 5], [1, 1, 0, 1, 4]],
]
FILTERS = [
    [
        [[-1, 1, 1], [1, 1, 2], [0, -2, 1]],
        [[-1, 1, -1], [-1, 1, 2], [-1, -1, 1]],
        [[-1, -1, 1], [1, -2, 2], [2, -1, 2]],
    ],
    [
        [[-1, -2, 1], [1, 1, 2], [-2, 2, 2]],
        [[-2, -2, -2], [-2, 1, 0], [0, -2, 0]],
        [[0, -2, 0], [2, -1, -1], [-2, 1, -2]],
    ],
]
BIASES = [1, 0]

# What the slides print: v whole, and two numbers of single planes, by (filter, channel, row, column).
PRINTED = [
    [
        [0, 34, 39, 23, 35],
        [-12, 27, 48, 7, 28],
        [-2, 20, 28, 48, 5],
        [-1, 27, 41, 39, 17],
        [-6, 15, 34, 18, 35],
    ],
    [
        [-24, -18, -16, -7, -8],
        [-10, -43, -12, -12, -6],
        [-26, -3, -60, -10, -16],
        [-60, -20, -27, -45, 4],
        [-8, -3, 5, 17, 28],
    ],
]
PRINTED_OF_PLANES = {(0, 0, 4, 1): 16, (0, 1, 0, 4): 12}


def demo() -> tuple[tc.Tensor, tc.Tensor]:
    """The whole computation, recorded: v and the sum of y, from which a gradient can flow back."""
    x = tc.tensor([IMAGE], dtype="float64", requires_grad=True, name="x")
    w = tc.tensor(FILTERS, dtype="float64", requires_grad=True, name="w")
    b = tc.tensor(BIASES, dtype="float64", requires_grad=True, name="b")
    with tc.record():
        rotated = tc.flip(w, (2, 3))
        rotated.name = "rotated"
        v = F.conv2d(x, rotated, b, padding=1)
        v.name = "v"
        y = F.relu(v)
        y.name = "y"
        L = y.sum()
        L.name = "L"
    return v, L


def plane(filter: int, channel: int) -> tc.Tensor:
    """What one kernel makes of its channel: x[channel] ∗ w[filter][channel], of shape (5, 5)."""
    image = tc.tensor([[IMAGE[channel]]], dtype="float64")
    kernel = tc.tensor([[FILTERS[filter][channel]]], dtype="float64")
    return F.conv2d(image, tc.flip(kernel, (2, 3)), padding=1)[0, 0]


def misprints() -> list[str]:
    """Where the slides and the computation disagree."""
    v, _ = demo()
    found = []
    for (filter, channel, row, column), printed in PRINTED_OF_PLANES.items():
        right = int(plane(filter, channel)[row, column].item())
        if right != printed:
            where = f"(x[{channel}] ∗ w[{filter}][{channel}])[{row}, {column}]"
            found.append(f"{where} is {right}, the slides print {printed}")
    for filter, rows in enumerate(PRINTED):
        for row, numbers in enumerate(rows):
            for column, printed in enumerate(numbers):
                right = int(v[0, filter, row, column].item())
                if right != printed:
                    found.append(f"v[{filter}][{row}, {column}] is {right}, the slides print {printed}")
    return found


def main() -> None:
    v, L = demo()
    if len(sys.argv) > 1:
        tc.viz.step(L, sys.argv[1])
        print(f"wrote {sys.argv[1]}: open it in a browser, and press 'slide'")
        return
    for filter in range(len(FILTERS)):
        for channel in range(len(IMAGE)):
            print(f"x[{channel}] ∗ w[{filter}][{channel}]\n{plane(filter, channel).numpy()}\n")
        print(f"v[{filter}], their sum and the bias {BIASES[filter]}\n{v[0, filter].numpy()}\n")
    print("Misprints on the slides:", *misprints(), sep="\n  ")


if __name__ == "__main__":
    main()
