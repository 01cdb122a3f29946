"""Exercises of lesson 02, computation graphs: shapes, reach of gradients, memory, counting, detaching."""

from __future__ import annotations

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.learn.exercise import exercise

_LAYERS = tc.nn.Sequential(tc.nn.Linear(10, 4), tc.nn.Sigmoid(), tc.nn.Linear(4, 2))  # of section 5
_NETWORK = tc.Graph.of(_LAYERS(tc.zeros(1, 10)))
_LENET = tc.Graph.of(tc.models.LeNet5()(tc.zeros(1, 1, 28, 28)))


@exercise(
    "02.1",
    hints=[
        "A product of matrices, (m, k) @ (k, n) → (m, n), and σ keeps the shape. Begin with v = W1 x.",
        "v and h have as many rows as W1 and as many columns as x. Then z = W2 h: as many rows as W2.",
    ],
)
def shapes_of_h_and_z():
    """The shapes of h and z

    (128, 784) @ (784, 32) is (128, 32), and σ keeps it; (10, 128) @ (128, 32) is (10, 32). Each column is an
    image, from its pixels to the scores of ten classes: the number of images stays the same all the way.
    """
    h = F.sigmoid(tc.zeros(128, 784) @ tc.zeros(784, 32))
    z = tc.zeros(10, 128) @ h
    return h.shape, z.shape


@shapes_of_h_and_z.mistake("The 32 images got lost: each of them has its own column, in x, in h and in z.")
def _():
    return (128, 1), (10, 1)


@shapes_of_h_and_z.mistake("Rows and columns are swapped: W1 x has the rows of W1 and the columns of x.")
def _():
    return (32, 128), (32, 10)


@shapes_of_h_and_z.mistake("The inner number, 784 or 128, vanishes: the columns of a product are those of x.")
def _():
    return (128, 784), (10, 128)


@shapes_of_h_and_z.mistake("These are the shapes of v and h. σ keeps the shape; z comes after W2.")
def _():
    return (128, 32), (128, 32)


@exercise(
    "02.2",
    hints=[
        "W2 is the nearer one: ∂L/∂W2 = ∂L/∂z · hᵀ. Is ∂L/∂z zero, when ŷ is [½, ½]? Is h zero?",
        "On to W1 the gradient passes ∂L/∂h = W2ᵀ · ∂L/∂z. What is that, when all of W2 is 0?",
    ],
)
def weights_that_move():
    """Which weights of the network of zeros get a gradient that is not 0

    ∂L/∂W2 = ∂L/∂z · hᵀ with h = ½: that is not 0. But ∂L/∂h = W2ᵀ · ∂L/∂z = 0, so nothing reaches W1. After
    one step W2 has changed, and W1 moves, too: but all four rows of it in the same way, for ever. This is why
    networks begin with random weights.
    """
    x = tc.arange(10.0).reshape(10, 1)
    W1 = tc.zeros(4, 10, requires_grad=True)
    W2 = tc.zeros(2, 4, requires_grad=True)
    ŷ = F.softmax(W2 @ F.sigmoid(W1 @ x), 0)
    (-ŷ[0, 0].log()).backward()
    (moving,) = [name for name, W in {"W1": W1, "W2": W2}.items() if W.grad.abs().sum() > 0]
    return moving


@weights_that_move.mistake(
    "Not W1: on the way from z to h the gradient is multiplied by W2, which is all zeros."
)
def _():
    return "both"


@weights_that_move.mistake('That is "both". But W1 gets nothing: on its way there the gradient meets W2 = 0.')
def _():
    return "W1 and W2"


@weights_that_move.mistake('Two names are "both". But only one is right: what does W2 = 0 do to ∂L/∂h?')
def _():
    return "W1, W2"


@weights_that_move.mistake("The other one. Before it comes to W1, the gradient is multiplied by W2 = 0.")
def _():
    return "W1"


@weights_that_move.mistake("At W2 the gradient is multiplied by h, and h = σ(0) = ½. So W2 gets something.")
def _():
    return "neither"


@weights_that_move.mistake('That is "neither". But h = σ(0) = ½ is not 0, and ∂L/∂W2 = ∂L/∂z · hᵀ.')
def _():
    return "none"


@exercise(
    "02.3",
    hints=[
        "The rule of σ needs only its result, h. How many numbers are in it?",
        "256 · 64 numbers, each of 4 bytes in float32.",
    ],
)
def bytes_kept():
    """The bytes that a sigmoid keeps for its rule

    Its result h, 256 · 64 numbers of 4 bytes: 65,536 bytes, which is 64 KiB. Twice as many samples, twice as
    much: when memory runs out in training, a smaller batch helps.
    """
    v = tc.zeros(256, 64, dtype="float32", requires_grad=True)
    graph = tc.Graph.of(F.sigmoid(v))
    return sum(saved.bytes for node in graph.nodes for saved in node.saved)


@bytes_kept.mistake("That is how many numbers h has. In float32 each of them takes 4 bytes.")
def _():
    return 256 * 64


@bytes_kept.mistake(
    "Twice too much. In float32 a number takes 4 bytes, not 8; and of v and h only h is kept."
)
def _():
    return 256 * 64 * 8


@bytes_kept.mistake("That is for one sample. h holds 64 of them.")
def _():
    return 256 * 4


@bytes_kept.mistake("Right in KiB. The question is for bytes, and a KiB has 1024 of them.")
def _():
    return 256 * 64 * 4 // 1024


@exercise(
    "02.4",
    hints=[
        'Go through graph.nodes, and look only at those with kind == "parameter".',
        "How many numbers a shape holds is the product of its sizes: np.prod(node.outputs[0].shape).",
    ],
    samples=[(_NETWORK,), (_LENET,)],
)
def count_parameters(graph):
    """How many numbers a graph learns

    For each parameter the product of its shape, and the sum of these. LeNet-5 learns 61,706 numbers,
    48,120 of them in a single layer, fc1.
    """
    return sum(np.prod(node.outputs[0].shape) for node in graph.nodes if node.kind == "parameter")


@count_parameters.mistake("That counts the parameter arrays. Count the numbers in them: multiply each shape.")
def _(graph):
    return sum(node.kind == "parameter" for node in graph.nodes)


@count_parameters.mistake("The biases are missing. They learn, too: every node of this kind counts.")
def _(graph):
    shapes = [node.outputs[0].shape for node in graph.nodes if node.kind == "parameter"]
    return sum(np.prod(shape) for shape in shapes if len(shape) > 1)


@count_parameters.mistake("The data was counted, too. It is a leaf, but it does not learn: look at the kind.")
def _(graph):
    return sum(np.prod(node.outputs[0].shape) for node in graph.nodes if node.is_leaf)


@count_parameters.mistake("That counts every node. Results on the way do not learn: look at the kind.")
def _(graph):
    return sum(np.prod(node.outputs[0].shape) for node in graph.nodes)


@count_parameters.mistake("The sizes of a shape were added. (4, 10) holds 4 · 10 numbers.")
def _(graph):
    return sum(sum(node.outputs[0].shape) for node in graph.nodes if node.kind == "parameter")


@count_parameters.mistake("That is the first parameter only. A return inside the loop ends it.")
def _(graph):
    return next(np.prod(node.outputs[0].shape) for node in graph.nodes if node.kind == "parameter")


@exercise(
    "02.5",
    hints=[
        "One number of the result: row times column, so as many products as the row is long.",
        "784 products for each number of the result, and the result has the shape (128, 32).",
    ],
)
def multiplications():
    """How many multiplications are in W1 @ x

    784 for each of the 128 · 32 numbers of the result: 3,211,264. That is why the picture shows one node.
    """
    W1, x = tc.zeros(128, 784), tc.zeros(784, 32)
    products_of_one_number = W1.shape[1]
    return (W1 @ x).numel() * products_of_one_number


@multiplications.mistake("That is for one number of the result. How many numbers does the result have?")
def _():
    return 784


@multiplications.mistake("That is how many numbers the result has. Each of them is a sum of many products.")
def _():
    return 128 * 32


@multiplications.mistake("That is for one image, for one column of x. There are 32 of them.")
def _():
    return 128 * 784


@multiplications.mistake("784 is counted twice: a number of W1 meets one row of x, which is 32 numbers.")
def _():
    return 128 * 784 * 784 * 32


@exercise(
    "02.6",
    hints=[
        "a.detach() has the value 3 and no past. Draw the graph: how many arrows lead from a to L?",
        "L = a · 3, where the 3 is a constant for the backward pass.",
    ],
)
def slope_of_a():
    """What the backward pass of a · a.detach() leaves in a.grad

    Only the first factor leads back to a; the second is the constant 3, so the slope is 3. Without detach
    both factors lead back, and the slope of a² is 2a = 6.
    """
    a = tc.tensor(3.0, requires_grad=True)
    L = a * a.detach()
    L.backward()
    return a.grad


@slope_of_a.mistake(
    "That is the slope of a². Here the second factor is cut off: no gradient goes back through it."
)
def _():
    return 6.0


@slope_of_a.mistake("Only the second factor is cut off. The first one still leads back to a.")
def _():
    return 0.0


@slope_of_a.mistake("That is the value of L, not its slope.")
def _():
    return 9.0


@slope_of_a.mistake("On its way back the gradient 1 is multiplied by the other factor, which is 3.")
def _():
    return 1.0
