# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 90
# ---

# %% [markdown]
# # 06 · Convolution forward
#
# One small question, asked at every place of a picture: how a convolution looks at images, window by window.
#
# **After this lesson you can**
#
# - compute a convolution and a pooling by hand, with stride, padding and dilation,
# - tell a cross-correlation from a convolution, and say which of the two a library computes,
# - predict the size of every output and count the parameters of every layer,
# - follow several channels through several kernels, and find a misprint in other people's numbers,
# - choose a kernel that blurs, sharpens or finds edges.
#
# **You need** lessons 02 (shapes in a graph) and 04 (tensors). **Time:** about 90 minutes with the exercises.

# %%
import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · What a picture is
#
# A grey picture is a table of numbers: 0 is black, 1 is white. A picture in colour is three such tables, for red,
# green and blue.

# %%
photo = tc.tensor(tc.data.landscape(96))
gray = tc.tensor(tc.data.landscape(96, gray=True))
tc.viz.plot_images([photo, gray])

# %% [markdown]
# Here are 6 × 6 of the grey numbers, in percent: the left side of the lighthouse, where a white stripe meets a red one.
# On the left is the sky, on the right are the two stripes, and between them there are edges.

# %%
tc.viz.plot_arrays({"a part of it, in percent": (100 * gray[..., 30:36, 59:65]).round()})

# %% [markdown]
# No single number says *tower*. What says it is how a number differs from its **neighbours**: an edge is a
# place where they jump. And an edge is an edge **wherever** it is, at the left of the picture or at the right.
#
# So we ask one small question, *what is going on in these few pixels?*, and we ask the same question at every place.
# That is a convolution. The question is a little table of weights, called the **kernel**.
#
# ## 2 · Window by window
#
# The lecture's example is a picture X of 5 × 5 numbers and a kernel K of 3 × 3. The library wants pictures in
# four dimensions: how many pictures, how many channels, rows, columns, or (N, C, H, W) for short. Ours is one
# picture with one channel, and `image` adds the two brackets.


# %%
def image(rows):
    return tc.tensor([[rows]], dtype="float64")


X = image([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
K = image([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
X.shape, K.shape

# %% [markdown]
# Lay the kernel onto the upper left corner of X. Nine numbers of X lie under nine weights: multiply each pair, add up
# the products, and write down the sum. Then move the kernel by one cell and do the same again.

# %%
tc.viz.plot_window(X, K, [(0, 0), (0, 1)])

# %% [markdown]
# In a formula, with i and j for the place of the window, k and l for a cell inside it:
#
# O[i, j] = Σ over k, l of X[i + k, j + l] · K[k, l]
#
# We write O = X ⋆ K. The products are large where bright pixels meet large weights, so each number of O says how
# well the window *matches* the kernel. A window of 3 has three places in a row of 5, so O is 3 × 3.

# %%
X.name, K.name = "X", "K"
with tc.record():
    out = F.conv2d(X, K)

out.name = "O"
out

# %% [markdown]
# The step player slides the window through all nine places. Run the cell, press *slide*, or click into O to see
# where one of its numbers comes from.

# %%
tc.step(out)

# %% [markdown]
# ### Exercise 06.1 · A row by hand
#
# Many courses show this one as an animation: the pixels are 0 or 1, and so are the weights. The first output is 4, since
# four of the five 1s of B lie on a 1 of A.
#
# What is the *second row* of the output? Three windows, three numbers.

# %%
A = image([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]])
B = image([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
tc.viz.plot_arrays({"A": A, "B": B}, kind={"B": "weights"}, mark={"A": (slice(3), slice(3))}, signs=["⋆"])

# %%
second_row = ...

# %%
tc.learn.check("06.1", second_row)

# %% [markdown]
# Stuck? `tc.learn.hint("06.1")` gives a hint, and the next one when you ask again. `tc.learn.solution("06.1")` shows
# how it is done.
#
# ## 3 · Turned around: two operations under one name
#
# What does a kernel do to a picture that is black but for a single white pixel? Wherever the window meets that
# pixel, one weight is written down:

# %%
spot = image([[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
digits = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
turned = tc.flip(digits, (2, 3))  # rows and columns in reverse order: a rotation by 180°
tc.viz.plot_arrays(
    {
        "spot": spot,
        "digits": digits,
        "spot ⋆ digits": F.conv2d(spot, digits),
        "spot ∗ digits": F.conv2d(spot, turned),
    },
    kind={"digits": "weights"},
)

# %% [markdown]
# With ⋆ the kernel comes out turned around! While the window moves to the *right*, the pixel moves through it to the *left*,
# and meets the last weights first. Whoever wants the kernel back as it was has to rotate it by 180° beforehand.
# So there are two operations:
#
# | | formula | the kernel | who computes it |
# |---|---|---|---|
# | **cross-correlation** X ⋆ K | Σ X[i + k, j + l] · K[k, l] | as it is | `F.conv2d`, PyTorch, Keras: every layer called "convolution" |
# | **convolution** X ∗ K | Σ X[i − k, j − l] · K[k, l] | rotated by 180° | mathematics, signal processing, `np.convolve` |
#
# Mathematicians like ∗ because its factors may be swapped and grouped as you like: X ∗ K = K ∗ X. A network does not
# care. Its weights are *learned*, and if they are needed the other way round, then that is how they are learned. So
# the field says convolution and computes the cross-correlation, which saves a rotation. So do we, and from here
# on "convolution" means ⋆ unless there is a ∗. But if you carry a kernel from one world into the other, rotate it:

# %%
signal, slope = [1.0, 2.0, 3.0, 4.0], [1.0, 0.0, -1.0]
print("NumPy:  ", np.convolve(signal, slope, "valid"))
print("library:", F.conv1d(tc.tensor([[signal]]), tc.tensor([[slope]])).numpy()[0, 0])

# %% [markdown]
# ### Exercise 06.2 · The true one
#
# The picture shows U ⋆ T. Compute U ∗ T, the convolution of the mathematicians: four numbers, in two rows.

# %%
U = image([[0, 1, 2], [3, 4, 5], [6, 7, 8]])
T = image([[0, 1], [2, 3]])
tc.viz.plot_arrays({"U": U, "T": T, "U ⋆ T": F.conv2d(U, T)}, kind={"T": "weights"}, signs=["⋆", "="])

# %%
true_convolution = ...

# %%
tc.learn.check("06.2", true_convolution)

# %% [markdown]
# ## 4 · Steps, frames and gaps
#
# Three numbers say where the windows lie, and each changes the size of the output. (In the formulas of this section W
# is the width of the picture and K that of the kernel.)
#
# **Stride S**: the window moves by S cells at a time. With a stride of 2 there are about half as many places in a row,
# and a quarter as many outputs.

# %%
tc.viz.plot_window(X, K, (0, 1), stride=2)

# %% [markdown]
# **Padding P**: a frame of P zeros around the picture. Without it an output is smaller than its input, and the
# pixels of the border lie in fewer windows than the others: the corner lies in one only. With a frame the window may
# begin outside, and the 3 × 3 numbers of U give 3 × 3 outputs:

# %%
tc.viz.plot_window(U, K, (0, 1), padding=1)

# %% [markdown]
# Three paddings have names:
#
# | name | P | what it means |
# |---|---|---|
# | *valid* | 0 | only windows that lie inside |
# | *same* | (K − 1) / 2 | the output is as large as the input, at stride 1; the reason why kernels have odd sizes |
# | *full* | K − 1 | every window that touches at least one pixel; lesson 07 needs it to go backward |
#
# `F.conv2d` knows the first two by name; for *full* it wants the number:

# %%
for padding in ("valid", "same", 2):
    print(f"padding={padding!r}: {F.conv2d(X, K, padding=padding).shape}")

# %% [markdown]
# **Dilation D**: gaps in the kernel. With D = 2 its cells are two apart, so nine weights reach over 5 × 5 cells. It
# sees farther and costs nothing more.

# %%
tc.viz.plot_window(X, K, (0, 0), dilation=2)

# %% [markdown]
# ### How large is the output?
#
# Count along one side. The picture has W cells, with padding W + 2P. The kernel reaches over D · (K − 1) + 1 cells.
# The first window begins at cell 0; the last one must still fit, so it begins at W + 2P − reach at the latest. Of
# these places every S-th is taken, and what is left over at the end is not looked at:
#
# output size = ⌊ (W + 2P − reach) / S ⌋ + 1, with reach = D · (K − 1) + 1
#
# The brackets ⌊ ⌋ round down. Without gaps the reach is K, and this is the lecture's (W − K + 2P) / S + 1.
#
# ### Exercise 06.3 · The formula as a function
#
# Write it in Python, for one side. The check tries it on several layers, among them the first one of AlexNet (2012):
# 227 pixels, a kernel of 11, a stride of 4, no padding, no gaps (dilation 1), and 55 windows.


# %%
def output_size(size, kernel, stride, padding, dilation):
    # ⌊ (W + 2P − reach) / S ⌋ + 1
    ...


# %%
tc.learn.check("06.3", output_size)

# %% [markdown]
# ### A window without weights: pooling
#
# A window can ask simpler questions, too. *Max pooling* asks for the largest number in it, *average pooling* for
# the mean. There is nothing to learn in that. Its stride is usually as large as the window, so that windows lie side
# by side:

# %%
M = image([[1, 1, 3, 4], [3, 6, 2, 8], [3, 9, 1, 0], [1, 3, 3, 4]])
tc.viz.plot_arrays(
    {"M": M, "largest of each 2 × 2": F.max_pool2d(M, 2), "their mean": F.avg_pool2d(M, 2)},
    mark={"M": [(slice(0, 2), slice(0, 2))], "largest of each 2 × 2": (0, 0), "their mean": (0, 0)},
)

# %% [markdown]
# The picture is halved, and what was found survives: a 9 is a 9, wherever in its window it stood. The size follows the
# formula above. A 3 × 3 window with stride 1 over the picture X from section 2 has nine places again:

# %%
F.max_pool2d(X, 3, stride=1)

# %% [markdown]
# ## 5 · Colours: a kernel for every channel
#
# A picture in colour has three channels, and each has a kernel of its own. What the three find at a place is
# **added up**, and a **bias** is added to that. Here is the upper left corner of a photograph, already with its
# frame of zeros, and the kernels of the lecture:

# %%
red = [[0, 0, 0], [0, 156, 155], [0, 153, 154]]
green = [[0, 0, 0], [0, 167, 166], [0, 164, 165]]
blue = [[0, 0, 0], [0, 163, 162], [0, 160, 161]]
kr = [[-1, -1, 1], [0, 1, -1], [0, 1, 1]]
kg = [[1, 0, 0], [1, -1, -1], [1, 0, -1]]
kb = [[0, 1, 1], [0, 1, 0], [1, -1, 1]]
corner = tc.tensor([[red, green, blue]], dtype="float64")
kernels = tc.tensor([[kr, kg, kb]], dtype="float64")
tc.viz.plot_arrays(
    {"red": red, "green": green, "blue": blue, "K red": kr, "K green": kg, "K blue": kb},
    kind={"K red": "weights", "K green": "weights", "K blue": "weights"},
)

# %%
print("red, green, blue:", (corner * kernels).sum((2, 3)).numpy()[0])
print("sum and bias 1:  ", F.conv2d(corner, kernels, tc.tensor([1.0], dtype="float64")).item())

# %% [markdown]
# Three pictures went in, *one* number came out. The three kernels together are one **filter**, and it makes one
# plane of outputs. Who wants several planes, say one for each kind of edge, takes several filters. So the shapes are
#
# | what | shape |
# |---|---|
# | pictures | (N, C, H, W): C channels |
# | weights | (O, C, KH, KW): O filters, each with a kernel for every channel |
# | biases | (O): one for each filter |
# | output | (N, O, H', W'): a plane for each filter; they are the channels of the next layer |
#
# ### The demo of cs231n
#
# Many know this one from the web page of Stanford's course on CNNs: a picture of 5 × 5 with three channels, two
# filters of 3 × 3, padding 1. The lecture's slides redo it with numbers of their own, and with ∗, so the kernels are
# rotated first.

# %%
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

x = tc.tensor([[x0, x1, x2]], dtype="float64", name="x")
w = tc.tensor([w0, w1], dtype="float64")
b = tc.tensor([1, 0], dtype="float64")

# %% [markdown]
# Filter 0 first. In the player each place of the window has three rows now, one for each channel, and their sums are
# added up. (Run the cell, and slide.)

# %%
rotated = tc.flip(w, (2, 3))
filter0 = rotated[:1]
filter0.name = "filter 0"
with tc.record():
    sums = F.conv2d(x, filter0, padding=1)

sums.name = "sums"
tc.step(sums)

# %% [markdown]
# With the biases, 1 and 0, these are the planes of both filters:

# %%
v = F.conv2d(x, rotated, b, padding=1)
tc.viz.plot_arrays({"v[0]": v[0, 0], "v[1]": v[0, 1]})

# %% [markdown]
# In a network a ReLU follows, which turns what is negative into 0: of v[0] it leaves most, of v[1] next to nothing.
#
# ### Exercise 06.4 · Who is right?
#
# The slides also show what a single kernel makes of its channel, before the sum. For x1 and its kernel w0[1] they
# print **12** in the upper right corner of x1 ∗ w0[1], at row 0 and column 4.
#
# Compute this number yourself. Mind the rotation, and the frame of zeros.

# %%
upper_right_corner = ...

# %%
tc.learn.check("06.4", upper_right_corner)

# %% [markdown]
# Now the whole plane v[0], as the slides print it, against ours:

# %%
printed = np.array(
    [
        [0, 34, 39, 23, 35],
        [-12, 27, 48, 7, 28],
        [-2, 20, 28, 48, 5],
        [-1, 27, 41, 39, 17],
        [-6, 15, 34, 18, 35],
    ]
)
for i, j in np.argwhere(v[0, 0].numpy() != printed):
    print(f"row {i}, column {j}: {v[0, 0, i, j].item():.0f}, the slides print {printed[i, j]}")

# %% [markdown]
# A slip: perhaps the eye fell on the 48 in the row above. It happens to everybody who computes 50 sums of 27 products
# by hand. So let us check the single planes as well.
#
# ### Groups: channels that do not see each other
#
# To see what each kernel makes of *its* channel we have to leave out the sum. That is what `groups` does: the
# channels are dealt into groups, and a filter sees only its own. With as many groups as channels each kernel has one
# channel to itself. This is a **depthwise** convolution, and its weights have the shape (3, 1, 3, 3):

# %%
depthwise = rotated[0].unsqueeze(1)
planes = F.conv2d(x, depthwise, padding=1, groups=3)
print(depthwise.shape, planes.shape)
print("sum of the planes, plus bias = v[0]:", np.array_equal(planes[0].sum(0) + b[0], v[0, 0]))
print(f"x0 ∗ w0[0] at row 4, column 1: {planes[0, 0, 4, 1].item():.0f}, the slides print 16")

# %% [markdown]
# The third misprint. (`python examples/cs231n_convolution.py` finds all three.)
#
# Depthwise layers are not only good for checking. Small networks for phones look at every channel by itself, and
# then mix the channels with kernels of 1 × 1 (`F.separable_conv2d`). For 3 × 3 kernels and many channels that takes about
# a ninth of the weights.
#
# A 1 × 1 kernel looks at a single pixel, but at all of its channels. You have met one already: it makes the grey picture
# of section 1 out of the coloured one, with weights for how bright red, green and blue appear to us.

# %%
luma = tc.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
print("the same as before:", np.allclose(F.conv2d(photo, luma), gray, atol=1 / 255))

# %% [markdown]
# ## 6 · Counting
#
# What does a layer cost? A filter has K · K weights for each of C channels, and one bias; there are O filters:
#
# parameters = O · (C · K · K + 1)
#
# The size of the picture does not occur in it. Ten filters of 3 × 3 over a picture of 256 × 256 in colour:

# %%
tc.summary(tc.nn.Conv2d(3, 10, 3), (1, 3, 256, 256))

# %% [markdown]
# 280 parameters, and each takes part in 64,516 = 254 · 254 windows: the products are 17 million, but the question has
# to be learned only once. A layer in which every neuron looks at every pixel pays for each pixel instead. For 20
# neurons and a photograph of 640 × 480 in colour (the `meta` backend counts without making any weights):

# %%
with tc.use_backend("meta"):
    dense = tc.nn.Linear(640 * 480 * 3, 20)

f"{dense.weight.numel():,} weights and {dense.bias.numel()} biases"

# %% [markdown]
# (The slide says 19,353,600. Divide by 921,600 inputs, and you see that somebody counted 21 neurons.)
#
# A whole network, as the lecture counts it in Keras: (26, 26, 10) → (13, 13, 10) → 1690 → 10, with the channels last.
# Here they come first, as in PyTorch; the numbers are the same.

# %%
network = tc.nn.Sequential(
    tc.nn.Conv2d(1, 10, 3), tc.nn.ReLU(), tc.nn.MaxPool2d(2), tc.nn.Flatten(), tc.nn.Linear(1690, 10)
)
tc.summary(network, (1, 1, 28, 28))

# %% [markdown]
# ### Exercise 06.5 · The second convolution of LeNet-5
#
# It takes the 6 planes that the first one made, and makes 16 of them, with kernels of 5 × 5. How many parameters does
# it have, with its biases?

# %%
parameters_of_conv2 = ...

# %%
tc.learn.check("06.5", parameters_of_conv2)

# %% [markdown]
# ### Two small kernels see as far as a large one
#
# A number behind one 3 × 3 kernel has seen 3 × 3 pixels. Behind a second one it has seen 5 × 5: its window of 3 × 3
# numbers has seen that many together. Let all weights be 1; then every pixel counts as often as there are ways from it
# to the output:

# %%
ones = tc.ones(1, 1, 3, 3, dtype="float64")
tc.viz.plot_arrays(
    {"first": ones, "second": ones, "both, one after the other": F.conv2d(ones, ones, padding=2)},
    kind="weights",
    signs=["then", "="],
)

# %% [markdown]
# With C channels in and out, two kernels of 3 × 3 have 18 · C² weights and one of 5 × 5 has 25 · C². Three see as far
# as one of 7 × 7, for 27 · C² instead of 49 · C². And a ReLU fits between them. That is why deep networks have small
# kernels. Those 5 × 5 pixels are the **receptive field** of the output.
#
# ## 7 · Kernels with a meaning
#
# Long before anybody learned kernels, people invented them. Here are some, on the grey picture. The first four give
# pictures again:


# %%
identity = [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
blur = [[1 / 25] * 5] * 5
motion = [[1 / 9] * 9]
sharpen = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]


def through(rows):
    return F.conv2d(gray, tc.tensor([[rows]], dtype="float32"))


tc.viz.plot_images(
    [through(rows) for rows in (identity, blur, motion, sharpen)],
    ["identity", "blur", "motion blur", "sharpen"],
    columns=4,
    range=(0, 1),
)

# %% [markdown]
# - **Identity** has a single 1 in the middle, and copies.
# - **Blur** takes the mean of 25 neighbours. Differences between them disappear.
# - **Motion blur** takes the mean of 9 pixels in a row, as if the camera had moved sideways. Upright edges smear,
#   level ones stay.
# - **Sharpen** takes 5 times the pixel less its four neighbours, so that it exaggerates how it differs from them.
#
# In all four the weights add up to 1. That is why a flat part of the picture, where all pixels are the same, stays as
# bright as it was. Kernels that look for *edges* add up to 0: in a flat part they answer 0, "nothing to see here".

# %%
laplacian = [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
sobel_x = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
sobel_y = [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]
tc.viz.plot_arrays({"Laplacian": laplacian, "Sobel x": sobel_x, "Sobel y": sobel_y}, kind="weights")

# %% [markdown]
# ### Exercise 06.6 · Who sees the horizon?
#
# Between sea and sky runs a level edge. Which kernel answers there, but keeps silent at the upright sides of the tower?
# Choose `"blur"`, `"Laplacian"`, `"Sobel x"` or `"Sobel y"`, and only then look at the pictures below.

# %%
finds_the_horizon = ...

# %%
tc.learn.check("06.6", finds_the_horizon)

# %%
gx, gy = through(sobel_x), through(sobel_y)
tc.viz.plot_images(
    [through(laplacian), gx, gy, (gx * gx + gy * gy).sqrt()],
    ["Laplacian", "Sobel x", "Sobel y", "Sobel, magnitude"],
    columns=4,
    range=(-2, 2),
)

# %% [markdown]
# Grey is 0: no answer. Sobel x is white where the picture gets brighter to the right, and black where it gets
# darker. Sobel y does the same downward, so the horizon is black: there the bright sky ends. The **magnitude**,
# √(gx² + gy²), is large at edges of every direction. The Laplacian compares a pixel with the mean of its four
# neighbours and finds all edges too, each as a dark line beside a bright one.
#
# ### What a CNN makes of it
#
# After a convolution, a network applies ReLU, *keep the good matches, forget the rest*, and pools, *that it was found
# matters more than where exactly*:

# %%
kept = F.relu(gy)
tc.viz.plot_images(
    [kept, F.max_pool2d(kept, 2)], ["Sobel y, ReLU", "max pooling, 2 × 2"], columns=4, range=(-2, 2)
)

# %% [markdown]
# The horizon is gone: at that place the answer was negative. A network that needs it learns a second filter, with the
# signs reversed. What is left has a quarter of the numbers, and still shows where the level edges are.
#
# ### Who chooses the weights?
#
# Nobody has to. Suppose that we are shown the picture, and what Sobel y makes of it, but not the kernel. Start with
# nine zeros, and go down the slope of the squared error:

# %%
kernel = tc.zeros(1, 1, 3, 3, requires_grad=True)
optimizer = tc.optim.Adam([kernel], lr=0.1)
for _ in range(800):
    optimizer.zero_grad()
    F.mse_loss(F.conv2d(gray, kernel), gy).backward()
    optimizer.step()

tc.viz.plot_arrays({"learned": (100 * kernel).round() / 100}, kind="weights")

# %% [markdown]
# That is Sobel y, to two digits: the kernel was *learned* from an example. A network does that with thousands of weights, and the example is not even
# an image, but only the right class. How the slope of a kernel is computed is the subject of the next lesson.
#
# ## What to take with you
#
# - A convolution asks the same question, a kernel, at every place: products, and their sum.
# - What the field calls convolution is the cross-correlation ⋆. The convolution ∗ rotates the kernel by 180°.
# - Output size: ⌊(W + 2P − reach) / S⌋ + 1, with reach = D · (K − 1) + 1.
# - A filter has a kernel for each channel, adds up what they find, and makes one plane. Parameters: O · (C · K · K + 1),
#   however large the picture.
# - Weights that add up to 1 keep the brightness; weights that add up to 0 find differences.
# - Check printed numbers.
#
# **What to read next:** lesson 07 goes backward through the same windows. In this project: `tinygrad_cnn/windows.py`
# has the formula of section 4, the upper half of `tinygrad_cnn/ops/window.py` the convolution, and
# `python examples/cs231n_convolution.py page.html` writes the demo as a page that you can hand out. V. Dumoulin, F.
# Visin, *A guide to convolution arithmetic for deep learning*, 2016, draws every case of section 4.
#
# **Sources.** The numbers of X and K, the corner in colour and the demo's slides are those of the lectures that this
# project grew out of; the demo itself is A. Karpathy's, in the notes of Stanford's course cs231n. Convolutions that
# learn: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*, Proc.
# IEEE 86, 1998. Small kernels in a row: K. Simonyan, A. Zisserman, *Very deep convolutional networks for large-scale
# image recognition*, 2015. Depthwise and 1 × 1: F. Chollet, *Xception*, CVPR 2017. The weights for grey: ITU-R
# BT.601.
