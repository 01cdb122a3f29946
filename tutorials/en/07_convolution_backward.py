# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 90
# ---

# %% [markdown]
# # 07 · Convolution backward
#
# A kernel learns from every place that it has looked at. Four small equations, taken apart once, say how.
#
# **After this lesson you can**
#
# - say which outputs a number of the image or of the kernel took part in, and write its gradient as a sum over
#   them,
# - compute both gradients of a convolution with a sliding window, and say which of them needs the kernel rotated,
# - check any gradient with finite differences,
# - say what bias, channels, stride, padding and dilation change,
# - send a gradient back through max pooling, average pooling and ReLU.
#
# **You need** lessons 03 (a gradient is a sum over paths) and 06 (convolution forward). **Time:** about 90 minutes
# with the exercises.

# %%
import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · Four equations
#
# A kernel F of 2 × 2 numbers slides over an image X of 3 × 3 numbers. There are four places for it, so the output O
# has 2 × 2 numbers. Each is the sum of four products:
#
#     O00 = x00·f00 + x01·f01 + x10·f10 + x11·f11
#     O01 = x01·f00 + x02·f01 + x11·f10 + x12·f11
#     O10 = x10·f00 + x11·f01 + x20·f10 + x21·f11
#     O11 = x11·f00 + x12·f01 + x21·f10 + x22·f11
#
# That is all there is to a convolution, and all we need today. (As in lesson 06, ⋆ slides the kernel as it is. In
# code, F is the module of functions, so there the kernel is called `kernel`.)

# %%
X = tc.tensor([[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]], dtype="float64", requires_grad=True, name="X")
kernel = tc.tensor([[[[1, 2], [3, 4]]]], dtype="float64", requires_grad=True, name="F")
with tc.record():
    output = F.conv2d(X, kernel)
output.name = "O"

window = (slice(0, 2), slice(1, 3))
tc.viz.plot_arrays(
    {"X": X, "F": kernel, "O": output},
    kind={"F": "weights"},
    mark={"X": window, "O": (0, 1)},
    signs=["⋆", "="],
)

# %% [markdown]
# The marked window gives O01 = 2·1 + 3·2 + 5·3 + 6·4 = 47. A tensor operation is made of operations on numbers,
# and the graph can zoom in on those behind one element. Here is O00. (Our tensors have four axes: image, channel,
# row, column. So in the picture x01 is called X[0, 0, 0, 1]: image 0, channel 0, row 0, column 1.)

# %%
tc.Graph.of(output).element((0, 0, 0, 0)).draw(direction="right")

# %% [markdown]
# ## 2 · A loss that shows its digits
#
# In a network O goes on through more layers until there is a loss L. On the way back, those layers hand over ∂L/∂O:
# for each of the four outputs, by how much L grows when that output grows by 1. From there on it is the
# convolution's turn, and it has to answer two questions: what is ∂L/∂F, so that the kernel can learn, and what is
# ∂L/∂X, so that the layers in front of it can?
#
# For a moment we choose ∂L/∂O ourselves, such that the answers can be read like a text:
#
# L = 1000 · O00 + 100 · O01 + 10 · O10 + 1 · O11
#
# Then ∂L/∂O is the table of these four factors, G. Whatever comes from O00 will stand in the thousands, whatever
# comes from O01 in the hundreds, and so on.

# %%
G = tc.tensor([[[[1000, 100], [10, 1]]]], dtype="float64", name="G")
with tc.record():
    loss = (G * output).sum()
loss.name = "L"

tc.viz.plot_arrays({"G = ∂L/∂O": G}, kind="gradient")

# %% [markdown]
# ## 3 · The gradient of the kernel
#
# Take f00. It stands in all four equations, each time beside another x:
#
#     O00 = x00·f00 + …      so  ∂O00/∂f00 = x00
#     O01 = x01·f00 + …          ∂O01/∂f00 = x01
#     O10 = x10·f00 + …          ∂O10/∂f00 = x10
#     O11 = x11·f00 + …          ∂O11/∂f00 = x11
#
# Four paths lead from f00 to L, one through each output. The slopes along a path multiply, and the paths add up:
#
# ∂L/∂f00 = 1000 · x00 + 100 · x01 + 10 · x10 + 1 · x11 = 1000 + 200 + 40 + 5 = **1245**
#
# Read the digits: 1, 2, 4, 5. They are the upper left corner of X, the four numbers that f00 was laid upon. In the
# same way f11 was laid upon 5, 6, 8, 9, the lower right corner:

# %%
names, kinds = ("X", "∂L/∂O", "∂L/∂F"), ("data", "gradient", "gradient")
tc.viz.plot_window(X, G, [(0, 0), (1, 1)], names=names, kinds=kinds)

# %% [markdown]
# So here ∂L/∂O is what slides over X, as if it were a kernel, and what comes out is ∂L/∂F:
#
# **∂L/∂F = X ⋆ ∂L/∂O**
#
# Let backpropagation say it, too:

# %%
loss.backward()
kernel.grad[0, 0]

# %% [markdown]
# A kernel is used at every place, so it gathers a contribution from every place. That is the fan-out of lesson 01,
# once for each output. Note what is *not* in the formula: the kernel itself. ∂L/∂F needs what went in, X, and what
# came back, ∂L/∂O.
#
# ### Exercise 07.1 · ∂L/∂F
#
# Other numbers, the same sizes. What is ∂L/∂F? Answer with rows and columns, such as `[[1, 2], [3, 4]]`.
#
#     X = 2 0 1      ∂L/∂O = 1 −1
#         1 3 0              2  0
#         0 1 2

# %%
kernel_gradient = ...

# %%
tc.learn.check("07.1", kernel_gradient)

# %% [markdown]
# ## 4 · The gradient of the image: who used it?
#
# Now the other question. Find x11 in the four equations: all four use it. It lies in every window, each time in
# another corner, so each time it meets another number of the kernel:

# %%
windows = {f"O{i}{j} sees": (slice(i, i + 2), slice(j, j + 2)) for i, j in np.ndindex(2, 2)}
tc.viz.plot_arrays(dict.fromkeys(windows, X), mark=windows)

# %% [markdown]
# The whole way from X to L, number by number, is a graph of 52 nodes, too many for this page (`numbers.draw()` draws
# it). Ask it how many paths lead from x11 to L, and for the sum over them:

# %%
numbers = tc.Graph.of(loss).element()
paths = numbers.paths("X[0, 0, 1, 1]")
print(numbers)
print(f"{paths.count} paths, ∂L/∂x11 = {paths.total:.0f}")

# %% [markdown]
# Four paths, one through each output:
#
# | through | slope ∂O/∂x11 | slope ∂L/∂O | product |
# |---|---|---|---|
# | O00 | f11 = 4 | 1000 | 4000 |
# | O01 | f10 = 3 | 100 | 300 |
# | O10 | f01 = 2 | 10 | 20 |
# | O11 | f00 = 1 | 1 | 1 |
#
# Before we go on with these digits: not every x is as popular as x11. The corner x00 stands in one equation only. How
# often is each number used? Let every slope on the way be 1, those of the outputs and those of the kernel; then the
# gradient of the image counts the paths:

# %%
(times_used,) = tc.grad(F.conv2d(X, tc.ones_like(kernel)).sum(), X)
tc.viz.plot_arrays({"how many outputs use it": times_used})

# %% [markdown]
# ### Exercise 07.2 · Popular cells
#
# A kernel of 3 × 3 slides over an image of 5 × 5, stride 1, no padding. How many outputs use the corner x00? How many
# the cell x02, in the middle of the upper edge? And how many the centre, x22? Answer with three numbers, `(…, …, …)`.

# %%
outputs_of_x00_x02_x22 = ...

# %%
tc.learn.check("07.2", outputs_of_x00_x02_x22)

# %% [markdown]
# ## 5 · Handing back, and turning the kernel
#
# There are two ways to look at the same sum. The first is that of the *outputs*. O00 looked at the upper left window
# through the kernel, so it hands its gradient back to these four cells, through the same kernel: 1000 · F. O01 hands
# 100 · F back to the upper right window, and so on. Where windows overlap, the cells add up what they get:

# %%
parts = {}
for i, j in np.ndindex(2, 2):
    (slopes,) = tc.grad(output[0, 0, i, j], X, retain_graph=True)
    parts[f"from O{i}{j}"] = G[0, 0, i, j] * slopes

tc.viz.plot_arrays({**parts, "∂L/∂X": X.grad}, kind="gradient", signs=["+", "+", "+", "="])

# %% [markdown]
# The second way is that of the *cells*. x11 asks all outputs around it what they have for it. The answers come in the
# order 4, 3, 2, 1: the kernel backward. No wonder: O00, above and left of x11, saw x11 at its own lower right, with
# f11. O11 saw it at its upper left, with f00. Seen from a cell, the kernel stands on its head.
#
# So turn it by 180° and let it slide over ∂L/∂O. A corner such as x00 has one output only; for it the kernel hangs
# over the edge, where zeros stand. With zeros all around, every position counts at which the kernel covers at least
# one output: that is the *full* convolution.

# %%
rotated = kernel.flip((2, 3))
names, kinds = ("∂L/∂O", "rot180(F)", "∂L/∂X"), ("gradient", "weights", "gradient")
tc.viz.plot_window(G, rotated, [(0, 0), (1, 1)], padding=1, names=names, kinds=kinds)

# %% [markdown]
# The corner x00 gets 1000 · f00, the centre 4321. Compare
# the numbers with the sum of the four windows above: they are the same.
#
# **∂L/∂X = ∂L/∂O with zeros around ⋆ rot180(F)**
#
# Lesson 06 told cross-correlation, which slides the kernel as it is, from convolution, ∗, which turns it first. Here
# they meet: what goes forward as a cross-correlation goes backward as a convolution, ∂L/∂X = ∂L/∂O ∗ F.
#
# ### Exercise 07.3 · ∂L/∂X
#
# What is ∂L/∂X, for an image of 3 × 3? (X itself is not given. Do you need it?)
#
#     F = 1  0      ∂L/∂O = 1 3
#         2 −1              0 2

# %%
image_gradient = ...

# %%
tc.learn.check("07.3", image_gradient)

# %% [markdown]
# ## 6 · Is it right?
#
# A derivative is the slope of a function, and slopes can be measured. Move one number a little up and a little down,
# look at L, and divide: (L(x11 + h) − L(x11 − h)) / 2h, a *central difference*. With h = 0.001:

# %%
nudge = np.zeros((1, 1, 3, 3))
nudge[0, 0, 1, 1] = 0.001
difference = (G * F.conv2d(X + nudge, kernel)).sum() - (G * F.conv2d(X - nudge, kernel)).sum()
print(f"measured: {difference.item() / 0.002:.4f}")
print(f"derived:  {X.grad[0, 0, 1, 1].item():.4f}")

# %% [markdown]
# `gradcheck` does that for every number of every input, and compares:

# %%
tc.testing.gradcheck(F.conv2d, (X, kernel))

# %% [markdown]
# And the *scalar* backend, where each number remembers how it was computed, does not know our two formulas at all. It
# walks back through the four equations, product by product. The largest difference between the two gradients:

# %%
with tc.use_backend("scalar"):
    x = tc.tensor(X.tolist(), dtype="float64", requires_grad=True)
    f = tc.tensor(kernel.tolist(), dtype="float64")
    (F.conv2d(x, f) * tc.tensor(G.tolist(), dtype="float64")).sum().backward()

print(np.abs(np.array(x.grad.tolist()) - X.grad.numpy()).max())

# %% [markdown]
# ### What if somebody forgets to turn the kernel?
#
# Let us make that mistake on purpose, with a small convolution of our own, for one image of one channel. Lesson 04 has
# told how an operation is declared: `infer` says the shape of the result, and the function below computes it. Here it
# adds up shifted copies of the image, one for each number of the kernel:


# %%
def fitting(x, w):
    return tc.Spec((1, 1, x.shape[2] - w.shape[2] + 1, x.shape[3] - w.shape[3] + 1), x.dtype)


@tc.op(symbol="⋆", infer=fitting, public=False)
def slide(backend, x, w):
    rows, columns = fitting(x, w).shape[2:]
    places = np.ndindex(*w.shape[2:])
    return sum(w[..., i : i + 1, j : j + 1] * x[..., i : i + rows, j : j + columns] for i, j in places)


# %% [markdown]
# Its gradient rules are our two formulas, written with `slide` itself (g is ∂L/∂O). But in the first one the kernel is
# not turned:


# %%
@slide.gradient("x", "∂L/∂x = g ⋆ w, with zeros around g")
def _(g, node, w):
    return slide(F.pad(g, (1, 1, 1, 1)), w)


@slide.gradient("w", "∂L/∂w = x ⋆ g")
def _(g, node, x):
    return slide(x, g)


# %%
try:
    tc.testing.gradcheck(slide, (X, kernel))
except tc.errors.GradientError as error:
    print(error.hint.replace("; ", "\n"))

# %% [markdown]
# The check names the rule and the mistake. With `w.flip((2, 3))` in the first rule it has nothing to say; try it.
#
# ## 7 · Step through it
#
# Now with a loss as it occurs in practice. Somebody tells us the output that we should have had, T, and L is the sum
# of the squared differences. In the player, choose `X ← O` and then `F ← O` in the list of all steps: there the button
# *slide* moves the window, once over ∂L/∂O with its zeros and once over X, number by number. (*Predict, then reveal*
# asks you first. Run the cell if you see a still picture.)

# %%
T = tc.tensor([[[[36, 49], [67, 74]]]], dtype="float64", name="T")
with tc.record():
    output = F.conv2d(X, kernel)
    difference = output - T
    loss = (difference * difference).sum()
output.name, difference.name, loss.name = "O", "D", "L"

graph = tc.Graph.of(loss)
tc.step(graph)

# %% [markdown]
# The walk back is a computation, too, and has a graph of its own. It begins at ∂L/∂L = 1; dotted green is what was
# saved on the way forward; and it ends in two operations, one for each gradient of the convolution:

# %%
graph.draw(view="backward")

# %% [markdown]
# ⋆ᵀ is called `conv_input_grad` in this library, and x⋆g `conv_weight_grad`. With `conv` itself they are three faces
# of one sum: take g · x · f wherever a number of ∂L/∂O, one of X and one of F meet, and add up. Whoever has two of the
# tables can compute the slope by the third. So the gradients of each of the three operations are the other two, and
# one short file, `tinygrad_cnn/ops/window.py`, is all that convolutions need to learn.
#
# ## 8 · Bias, channels, images
#
# A **bias** is added to every output. Each output hands it its gradient, times 1:

# %%
b = tc.zeros(1, dtype="float64", requires_grad=True)
(G * F.conv2d(X, kernel, b)).sum().backward()
b.grad

# %% [markdown]
# Thousands, hundreds, tens, ones: everybody sent something. ∂L/∂b is the sum of ∂L/∂O.
#
# With several **channels**, output channel o adds up what its kernels F[o, c] see in the input channels c. Nothing new
# happens, only more of it:
#
# | who | is used by | gets |
# |---|---|---|
# | the bias b[o] | all outputs of channel o | Σ ∂L/∂O[o] |
# | the kernel F[o, c] | output channel o alone, on input channel c | X[c] ⋆ ∂L/∂O[o] |
# | the input channel X[c] | every output channel | Σ over o of ∂L/∂O[o] ∗ F[o, c] |
#
# For example one input channel and two output channels, with G[o] for ∂L/∂O of channel o. The first sends from its
# upper left corner, the second from its lower right one, each through its own kernel. They meet at x11: 4 + 10 · 5.

# %%
two = tc.tensor([[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]], dtype="float64")
sent = tc.tensor([[[[1, 0], [0, 0]], [[0, 0], [0, 10]]]], dtype="float64")
(slopes,) = tc.grad(F.conv2d(X, two), X, sent)
tc.viz.plot_arrays(
    {"G[0]": sent[0, 0], "F[0]": two[0], "G[1]": sent[0, 1], "F[1]": two[1], "∂L/∂X": slopes},
    kind={"G[0]": "gradient", "F[0]": "weights", "G[1]": "gradient", "F[1]": "weights", "∂L/∂X": "gradient"},
    signs=["∗", "+", "∗", "="],
)

# %% [markdown]
# In a batch of several **images** all use the same kernels and biases: what these get is the sum over the images.
#
# Read the third row of the table once more. It is a convolution that leads from output channels to input channels. So
# on the way back the kernels are rotated in space, *and* the two axes of channels change places. That is one call:

# %%
tc.manual_seed(0)
images = tc.randn(2, 3, 5, 5, dtype="float64", requires_grad=True)  # two images of three channels
kernels = tc.randn(4, 3, 2, 2, dtype="float64")  # four output channels
g = tc.randn(2, 4, 4, 4, dtype="float64")

(slopes,) = tc.grad(F.conv2d(images, kernels), images, g)
by_hand = F.conv2d(F.pad(g, (1, 1, 1, 1)), kernels.flip((2, 3)).transpose(0, 1))
np.allclose(slopes.numpy(), by_hand.numpy(), rtol=1e-12)

# %% [markdown]
# ## 9 · Stride, padding, dilation
#
# **Stride.** With stride 2 the kernel skips every other place. The outputs are the same as with stride 1, but most of
# them were never computed. On the way back we put zeros where they would have been, and the rest stays as it is. A
# 3 × 3 kernel over a 5 × 5 image, in steps of two cells:

# %%
large = tc.zeros(1, 1, 5, 5, dtype="float64", requires_grad=True)
wide = tc.arange(1.0, 10, dtype="float64").reshape(1, 1, 3, 3)
(slopes,) = tc.grad(F.conv2d(large, wide, stride=2), large, G)

spread = np.zeros((1, 1, 3, 3))
spread[..., ::2, ::2] = G
tc.viz.plot_arrays(
    {"∂L/∂O": G, "∂L/∂O, spread": spread, "F": wide, "∂L/∂X": slopes},
    kind={"F": "weights", "∂L/∂O": "gradient", "∂L/∂O, spread": "gradient", "∂L/∂X": "gradient"},
    mark={"∂L/∂X": (2, 2)},
    signs=["→", "∗", "="],
)

# %% [markdown]
# The centre is the only cell that all four outputs use, and it says with which number of F: 9, 7, 3, 1, the corners,
# backward. For ∂L/∂F the same zeros stand between the numbers of ∂L/∂O while it slides over X: a stride on the way
# forward is a dilation on the way back. (And a dilation becomes a stride.)
#
# **Padding.** Forward, zeros around the image are cells like all others, so they get a gradient. Nobody wants it: it
# is cut off. Here a 3 × 3 kernel keeps the size of a 3 × 3 image with one ring of zeros. What every cell would get, and
# the part that is kept:

# %%
around = F.pad(X.detach(), (1, 1, 1, 1)).requires_grad_()
ones = tc.ones(1, 1, 3, 3, dtype="float64")
(uncut,) = tc.grad(F.conv2d(around, wide).sum(), around)
(kept,) = tc.grad(F.conv2d(X, wide, padding=1).sum(), X)
tc.viz.plot_arrays(
    {"∂L/∂O": ones, "with the padding": uncut, "∂L/∂X": kept},
    kind="gradient",
    mark={"with the padding": (slice(1, 4), slice(1, 4))},
    signs=["→", "→"],
)

# %% [markdown]
# Put together, for a kernel of K cells a side (with a dilation, count the cells between its numbers as well):
#
# | forward | ∂L/∂X: rot180(F) slides over ∂L/∂O | ∂L/∂F: ∂L/∂O slides over X |
# |---|---|---|
# | no options | with K − 1 zeros around ∂L/∂O | as they are |
# | padding P | with K − 1 − P zeros around ∂L/∂O | with P zeros around X |
# | stride S | with S − 1 zeros between the numbers of ∂L/∂O | with the same zeros: a dilation of S |
# | dilation D | with F spread as on the way forward | in steps of D: a stride of D |
#
# (Cells at the end of an image that no window reached get 0.) All of it at once, checked:

# %%
picture = tc.randn(1, 2, 7, 6, dtype="float64", requires_grad=True)
pair = tc.randn(4, 2, 3, 2, dtype="float64", requires_grad=True)
tc.testing.gradcheck(lambda x, w: F.conv2d(x, w, stride=2, padding=1, dilation=2), (picture, pair))

# %% [markdown]
# ### Exercise 07.4 · A line with stride 2
#
# A kernel [1, 2, 3] slides over a line of five numbers with stride 2. There are two outputs, and ∂L/∂O = [1, 10]. What
# is ∂L/∂x, five numbers?

# %%
line_gradient = ...

# %%
tc.learn.check("07.4", line_gradient)

# %% [markdown]
# ## 10 · Pooling and ReLU
#
# These have no kernel to learn; they only decide where a gradient goes.
#
# **Max pooling** keeps the largest number of each window and forgets the others. If one of the others grew a little,
# nothing would change: its slope is 0. If the winner grows by 1, so does the output: its slope is 1. So the winner
# takes all. **Average pooling** of four cells gives each of them the slope ¼, so all get the same quarter.

# %%
rows = [[1, 1, 3, 4], [3, 6, 2, 8], [3, 9, 1, 0], [1, 3, 3, 4]]
image = tc.tensor([[rows]], dtype="float64", requires_grad=True)
g = tc.tensor([[[[4, 8], [12, 16]]]], dtype="float64")
(winner,) = tc.grad(F.max_pool2d(image, 2), image, g)
(shared,) = tc.grad(F.avg_pool2d(image, 2), image, g)
tc.viz.plot_arrays(
    {"X": image, "∂L/∂O": g, "∂L/∂X, maximum": winner, "∂L/∂X, average": shared},
    kind={"∂L/∂O": "gradient", "∂L/∂X, maximum": "gradient", "∂L/∂X, average": "gradient"},
    mark={"X": [(1, 1), (1, 3), (2, 1), (3, 3)]},
)

# %% [markdown]
# Two things to know about maxima. When windows *overlap*, a cell can win several times, and what it gets adds up, as
# always when a value is used more than once. And when two cells of a window are *equal*, one of them has to be chosen:
# this library takes the first, reading row by row.
#
# Both happen in the image of lesson 06, with windows of 3 × 3 and stride 1. Each of the nine outputs sends back a 1:

# %%
rows = [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]
image = tc.tensor([[rows]], dtype="float64", requires_grad=True)
maxima = F.max_pool2d(image, 3, stride=1)
(wins,) = tc.grad(maxima.sum(), image)
tc.viz.plot_arrays({"X": image, "maxima": maxima, "∂L/∂X": wins}, kind={"∂L/∂X": "gradient"})

# %% [markdown]
# In the first window three cells are 3, and the one in the corner wins. The 3 beside it wins the next window, where it
# is the first. The 3 in the second row wins three windows.
#
# **ReLU** is a gate for each number: open where its input is positive, closed elsewhere. What arrives at an open gate
# passes unchanged; at a closed one it ends.
#
# All three in a row, as in every convolutional network: convolution with a bias, ReLU, max pooling, on the same image
# and with the kernel of lesson 06. Step through it. At `A ← P` two of the four windows hold nothing but zeros, and have a
# winner all the same; see at `O ← A` what becomes of it.

# %%
x = image.detach()
x.name = "X"
weight = tc.tensor([[[[0, 1, 2], [2, 2, 0], [0, 1, 2]]]], dtype="float64", requires_grad=True, name="F")
bias = tc.tensor([-18.0], dtype="float64", requires_grad=True, name="b")
with tc.record():
    answer = F.conv2d(x, weight, bias)
    passed = F.relu(answer)
    pooled = F.max_pool2d(passed, 2, stride=1)
    loss = pooled.sum()
answer.name, passed.name, pooled.name, loss.name = "O", "A", "P", "L"

tc.step(loss)

# %% [markdown]
# ### Exercise 07.5 · Winners
#
# Max pooling with windows of 2 × 2 and **stride 1**. What is ∂L/∂X?
#
#     X = 1 5 2      ∂L/∂O = 1 2
#         3 4 4              3 4
#         0 2 1

# %%
pooling_gradient = ...

# %%
tc.learn.check("07.5", pooling_gradient)

# %% [markdown]
# ### Exercise 07.6 · Max pooling backward, in code
#
# Write it yourself. `x` (H, W) and `gradient`, one number for each window, are NumPy arrays; windows have
# `size` × `size` cells and move by `stride`. Return ∂L/∂x, an array of the shape of `x`.


# %%
def max_pool_backward(x, gradient, size, stride):
    # x (H, W), gradient (H', W')
    ...


# %%
tc.learn.check("07.6", max_pool_backward)

# %% [markdown]
# ## What to take with you
#
# - Ask of every number: *who used it, and with what?* Its gradient is the sum over those.
# - A number of the kernel was used at every place: ∂L/∂F = X ⋆ ∂L/∂O.
# - A cell of the image was used by the windows around it: ∂L/∂X is the kernel, rotated by 180°, sliding over ∂L/∂O
#   with zeros around it.
# - Strides put zeros between, padding cuts, channels and images add up, a bias collects everything.
# - Maxima send the gradient to the winner, averages share it, ReLU lets it through or not.
#
# **What to read next:** lesson 08 puts all of it into LeNet-5 and trains it. In this project:
# `tinygrad_cnn/ops/window.py`, the three faces, and `tinygrad_cnn/ops/pool.py`, winners and shares;
# `python examples/convolution_backward.py` prints the four equations, read off the graph, and draws it into files.
# Elsewhere: V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, 2016, has a picture for every
# combination of stride and padding, also of the way back.
#
# **Sources.** The four equations are those of the lectures that this project grew out of. Backpropagation through
# shared kernels: Y. LeCun et al., *Backpropagation applied to handwritten zip code recognition*, Neural Computation 1,
# 1989. Max pooling as the choice of a winner: M. Riesenhuber, T. Poggio, *Hierarchical models of object recognition in
# cortex*, Nature Neuroscience 2, 1999.
