# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 60
# ---

# %% [markdown]
# # 02 · Computation graphs
#
# A network is a picture of who is computed from whom: read it, walk it forward and backward, close it and open it.
#
# **After this lesson you can**
#
# - read a computation graph: its leaves, its operations, and the shape on every arrow,
# - say which way gradients take through it, and which weights they cannot reach,
# - tell what a forward pass keeps for the backward pass, in bytes,
# - close a network to a few boxes, open one of them, and go down to single numbers,
# - say what is recorded, what is not, and when it is gone.
#
# **You need** lesson 01 (derivatives, and why they add up) and the product of two matrices: row times column.
# **Time:** about 60 minutes with the exercises.

# %%
import tempfile

import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · Four lines, one picture
#
# Lesson 01 drew every number. A network has thousands of them, so we draw whole *arrays* instead. This one has two
# layers:
#
# | line | what it does |
# |---|---|
# | v = W1 x | ten measurements x become four weighted sums |
# | h = σ(v) | the sigmoid squeezes each sum into a number between 0 and 1 |
# | z = W2 h | these four become two sums: a *score* for each of two classes |
# | ŷ = softmax(z) | scores become probabilities: exponentials, divided by their sum |
#
# The *weights* W1 and W2 are what the network learns. It has not learned anything yet: all of them are 0.
#
# In Python these are four lines as well; only softmax needs two. `tc.record()` keeps every value, so that we can
# look at it later. `tc.name_scope` says which operations belong together under one name.

# %%
x = tc.tensor(np.arange(10.0).reshape(10, 1), name="x")
W1 = tc.tensor(np.zeros((4, 10)), requires_grad=True, name="W1")
W2 = tc.tensor(np.zeros((2, 4)), requires_grad=True, name="W2")

with tc.record():
    v = W1 @ x
    h = F.sigmoid(v)
    z = W2 @ h
    with tc.name_scope("Softmax"):
        e = z.exp()
        ŷ = e / e.sum(0, keepdim=True)

# %% [markdown]
# While Python ran these lines, the library wrote down what was computed from what. That record is the **computation
# graph**. We call the steps as TensorFlow and its TensorBoard do; the second product gets a number, because a name
# is given only once.

# %%
v.name, h.name, z.name, ŷ.name = "MatMul", "Sigmoid", "MatMul_1", "ŷ"

slide = tc.Graph.of(ŷ)
slide.draw(fold="Softmax", direction="right")

# %% [markdown]
# How to read it, from left to right:
#
# | in the picture | it is | here |
# |---|---|---|
# | grey box | a leaf: data that comes from outside | x |
# | blue box | a leaf: a *parameter*, weights that learn | W1, W2 |
# | ellipse | an operation, with its symbol; @ is the product of two matrices | MatMul, Sigmoid, MatMul_1 |
# | arrow, or *edge* | the result of one flows into the other; beside it the shape of the array | (4, 1) |
# | box with ⊞ | several operations, closed | Softmax |
# | double line | the result | Softmax |
#
# A *leaf* was not computed from anything. Everything else is an operation. Both are called **nodes**. The order of
# the lines in the program is not in the picture, only who needs whom: MatMul must be ready before Sigmoid, but when
# W2 is made does not matter.

# %% [markdown]
# ## 2 · Shapes and values
#
# The shapes tell the most about a network, and they can be checked without computing anything:
#
# - a product of matrices, (m, k) @ (k, n) → (m, n): the inner two must be equal, and vanish,
# - a function that is applied number by number, such as σ: the shape stays.
#
# The picture is only one view of the graph. Behind it are plain lists, `graph.nodes` and `graph.edges`:

# %%
for node in slide.nodes:
    print(f"{node.kind:>9}  {node.name:<12} {node.outputs[0].shape}")

# %% [markdown]
# ### Exercise 02.1 · Shapes of a larger network
#
# The same four lines, with other sizes. Now x holds 32 images at once, one in each column, and an image has 784
# pixels: x has the shape (784, 32), W1 the shape (128, 784), W2 the shape (10, 128). Which shapes do h and z have?
# Answer with two shapes, a comma between them.

# %%
shapes_of_h_and_z = ...

# %%
tc.learn.check("02.1", shapes_of_h_and_z)

# %% [markdown]
# ### What flows along the arrows
#
# Every value was kept. Let us look at those of softmax: `graph.zoom` opens the box. What comes in from outside, the
# result of MatMul_1, stands there like data.

# %%
slide.zoom("Softmax").draw(values=True)

# %% [markdown]
# Where all weights are 0, all scores are 0. Each exponential is 1, their sum is 2, and either class gets ½: the
# network has no opinion. Note the two arrows that leave eˣ. The exponentials are needed twice, once to be summed up
# and once to be divided. Such a fork is why gradients add up, as lesson 01 has shown.

# %% [markdown]
# ## 3 · Forward, and back
#
# A network that can be read off the page: three measurements, two sums, two classes. Its weights are not 0, and at
# its end stands a *loss*, one number that says how wrong it is. The target y has a 1 at the true class. Of the
# logarithms only that of the true class counts:
#
# L = −Σ y · ln ŷ
#
# This is 0 where the true class has the probability 1, and the larger the less likely it was held to be.

# %%
x = tc.tensor([[1.0], [2.0], [-1.0]], dtype="float64", name="x")
W1 = tc.tensor([[0.5, 0.25, 1.0], [-1.0, 1.5, 1.0]], dtype="float64", requires_grad=True, name="W1")
W2 = tc.tensor([[1.0, -1.0], [-1.0, 2.0]], dtype="float64", requires_grad=True, name="W2")
y = tc.tensor([[1.0], [0.0]], dtype="float64", name="y")

# %%
with tc.record():
    v = W1 @ x
    h = F.sigmoid(v)
    z = W2 @ h
    with tc.name_scope("Softmax"):
        e = z.exp()
        ŷ = e / e.sum(0, keepdim=True)
    with tc.name_scope("Loss"):
        L = -(y * ŷ.log()).sum()

v.name, h.name, z.name, e.name, ŷ.name, L.name = "v", "h", "z", "e", "ŷ", "L"
graph = tc.Graph.of(L)
print(f"L = {L.item():.3f}")
graph.draw(fold=["Softmax", "Loss"], values=True, direction="right")

# %% [markdown]
# The first class is the true one, and the network gives it only 23 %: L is −ln 0.2327 = 1.458. (The line below the
# picture says what the strongest colours stand for, over all numbers of the graph. The largest, 3.411, and the
# smallest are inside of the closed boxes: 3.411 is the sum of the two exponentials, −1.458 is ln 0.2327.)
#
# That was the **forward pass**. To learn, we need to know how L changes when a weight changes a little: ∂L/∂W1 and
# ∂L/∂W2. The **backward pass** visits the nodes in the opposite order. It begins at L with ∂L/∂L = 1. At each
# operation it knows ∂L/∂(its result), and a rule of the operation makes from it ∂L/∂(each of its inputs), the chain
# rule in one step. When it arrives at the weights, it is done.
#
# Each node on its way gets a partner, its gradient. The *twin view* draws both: black arrows lead forward, orange
# ones back.

# %%
graph.draw(view="twin", fold=["Softmax", "Loss"], direction="right")

# %% [markdown]
# Look who has no partner: x and y. They are data, nobody asks for their gradient, so it is not computed. (The green
# dots come in section 4.)
#
# Now walk it yourself. Step forward through the values, then back through the gradients; each has the shape of the
# array that it belongs to. The player shows the rule of every step. In a rule, g is the gradient that has arrived at
# an operation, and hᵀ is h with rows and columns swapped. (Run the cell if you see a still picture.)

# %%
tc.step(graph)

# %% [markdown]
# ### The backward pass is a graph, too
#
# The rules are written with operations themselves, so the backward pass has a graph of its own. It reads from right
# to left, as the mirror image of the forward graph.

# %%
graph.draw(view="backward", fold=["Softmax", "Loss"], direction="right")

# %% [markdown]
# Find the two rules in it. At σ the gradient is multiplied by h · (1 − h): at the bottom a minus, a product, and
# another product. At a matrix product it is multiplied by the *other* factor, with rows and columns swapped (that
# is what `permute` does): ∂L/∂W2 = ∂L/∂z · hᵀ and ∂L/∂h = W2ᵀ · ∂L/∂z. Lesson 04 derives it.
#
# ### Exercise 02.2 · A network of zeros
#
# Back to section 1, where all of W1 and W2 is 0, and with such a loss at the end. Which weights get a gradient that
# is not all 0? Follow the orange arrows, and ask at each node by what the gradient is multiplied there. Answer with
# exactly one of these four words, quotes included: `"W1"`, `"W2"`, `"both"`, `"neither"`.

# %%
weights_that_move = ...

# %%
tc.learn.check("02.2", weights_that_move)

# %% [markdown]
# ## 4 · What the forward pass keeps
#
# The rules need values of the forward pass: h, W2, x and some more. In both pictures these are the green dotted
# arrows, with their size. A number takes 8 bytes in float64, as here, and 4 bytes in float32, as is usual. So h, two
# numbers, takes 16 bytes. Two rules need it, that of W2 h once and that of σ twice, in h · (1 − h): these are the
# three green arrows from h in the last picture. But h is kept only once:

# %%
kept = {graph.nodes[saved.source].name: saved.bytes for node in graph.nodes for saved in node.saved}
kept

# %% [markdown]
# The two pictures count this in two ways. The arrows of the twin view say what each rule *reads*. Both closed boxes
# read ŷ, so its 16 bytes are in the 40 B at ∂ Softmax and again beside the arrow to ∂ Loss. The boxes of the
# backward view say what is *kept*, each value once: ŷ counts at ∂ Loss, and 24 B are left for ∂ Softmax.
#
# The data x and y and the weights W2 are there anyway. The rest are results on the way, called *activations*, and
# they are why training needs so much more memory than prediction: everything green must wait until the backward
# pass comes by. Note that v and z are missing. σ and the exponential find their slopes from their *results*,
# h · (1 − h) and e, so nobody has to keep what went in.
#
# ### Exercise 02.3 · The memory of a sigmoid
#
# A layer of 256 neurons computes h = σ(v) for 64 samples at once, in float32: h has the shape (256, 64). How many
# bytes, exactly, are kept for the rule of this σ?

# %%
bytes_kept = ...

# %%
tc.learn.check("02.3", bytes_kept)

# %% [markdown]
# ## 5 · Close it, open it
#
# Nobody can read a graph of a thousand nodes. Name scopes divide it into boxes, and boxes may contain boxes. Every
# `tc.nn.Module` opens a scope by itself, under the name that it has in the network. Here is our network once more,
# from ready-made layers:


# %%
class TwoLayers(tc.nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = tc.nn.Linear(10, 4)
        self.scores = tc.nn.Linear(4, 2)

    def forward(self, x):
        return self.scores(F.sigmoid(self.hidden(x)))


network = tc.Graph.of(TwoLayers()(tc.zeros(1, 10)))
network.draw(fold=1)

# %% [markdown]
# `fold=1` leaves one level of boxes open; `fold=0` closes the outermost, and a name or a list of names closes only
# these. A closed box still says the shape of what comes out and how many numbers it learns. And this is inside of
# `hidden`:

# %%
network.zoom("hidden").draw()

# %% [markdown]
# Two things differ from our own lines. A layer adds a *bias*, one number for each sum. And samples are rows here,
# not columns, as is usual: x has the shape (1, 10), one sample with ten measurements, and instead of W1 x the layer
# computes x W1ᵀ. The name of a node begins with the boxes that it is in:

# %%
[node.name for node in network.nodes if node.kind == "parameter"]

# %% [markdown]
# ### Exercise 02.4 · How many numbers does it learn?
#
# Write a function that counts the numbers that a graph learns: of all nodes whose `kind` is `"parameter"`, how many
# numbers they hold together. The shape of a node is `node.outputs[0].shape`. For the network above the function
# returns 44 + 10 = 54; it is tried on this one, and on LeNet-5.


# %%
def count_parameters(graph):
    # your lines go here
    ...


# %%
tc.learn.check("02.4", count_parameters)

# %% [markdown]
# ## 6 · Down to single numbers
#
# The other direction: not a larger box, but what happens inside of one operation. `graph.element` takes one number
# of a result and shows what it was computed from, as lesson 01 would draw it. The first number of v = W1 x, row
# times column:

# %%
graph.element((0, 0), of=v).draw()

# %% [markdown]
# Three products, two sums. The next picture goes further back from the first number of z = W2 h, two operations
# deep. It opens σ, too, which is 1 / (1 + e⁻ᵛ):

# %%
graph.element((0, 0), of=z, depth=2).draw()

# %% [markdown]
# Boxes, arrays, numbers: three views of one computation. You choose how close you look; the values are the same.
#
# ### Exercise 02.5 · Products in a product
#
# In the larger network of exercise 02.1, W1 has the shape (128, 784) and x the shape (784, 32). How many
# multiplications of two numbers, exactly, are in the single node W1 @ x? (Python may do the arithmetic.)

# %%
multiplications = ...

# %%
tc.learn.check("02.5", multiplications)

# %% [markdown]
# ## 7 · What is recorded, and for how long
#
# Recording costs memory, so it happens only where a gradient may be wanted: an operation is recorded when one of its
# inputs was, or is a leaf with `requires_grad=True`. (Inside `tc.record()` everything is recorded.) There are two
# ways to say that no gradient is wanted.
#
# **In a block**, for instance when a trained network only predicts. No graph arises, and nothing is kept:

# %%
with tc.no_grad():
    prediction = W2 @ F.sigmoid(W1 @ x)

prediction.requires_grad

# %% [markdown]
# **For one value:** `detach()` gives a tensor with the same numbers and without a past. What does that change?
# `graph.diff` compares two graphs:

# %%
whole = (W2 @ F.sigmoid(W1 @ x)).sum()
cut = (W2 @ F.sigmoid(W1 @ x).detach()).sum()

tc.Graph.of(whole).diff(tc.Graph.of(cut)).draw()

# %% [markdown]
# The value after the cut is a leaf like any other data (+), and everything before it is gone (−). The result of
# both lines is the same number. But a backward pass from `cut` never comes to W1.
#
# ### Exercise 02.6 · Half of a square
#
# Let a = 3 and L = a · a.detach(), with `a` a leaf that learns. Which number does the backward pass leave in
# `a.grad`?

# %%
slope_of_a = ...

# %%
tc.learn.check("02.6", slope_of_a)

# %% [markdown]
# ### One walk, and it is gone
#
# A backward pass is usually followed by new weights, and the old values are of no more use. So the walk lets go of
# everything green as soon as it is done. Who walks twice is told so:

# %%
whole = (W2 @ F.sigmoid(W1 @ x)).sum()
whole.backward()

try:
    whole.backward()
except tc.errors.ReleasedGraphError as error:
    print(error)

# %% [markdown]
# In training this does not happen, because each step computes everything anew. Every error of this library reads
# like this one: what was expected, what came, in which line of *your* program, and what to try.
#
# ## 8 · Take it with you
#
# A graph with its values and its walk is data, and fits into a file. Somebody who opens it needs neither your
# program nor your images. (The folder here is a temporary one; you would write `graph.save("two_layers.json")`.)

# %%
folder = tempfile.mkdtemp()
graph.save(f"{folder}/two_layers.json")

again = tc.Graph.load(f"{folder}/two_layers.json")
print(again, "with", len(again.events), "events of the backward walk")

# %% [markdown]
# `again` can be drawn, closed and opened like `graph`, and the player plays it. Only `element` needs a graph that was
# computed here: it runs the operations once more, on single numbers, and a file has none that could be run. Other
# ways out:
#
# | line | what you get |
# |---|---|
# | `graph.render("network.svg")` | a picture in a file; also .png, .pdf, and .tex for a paper |
# | `tc.step(graph, "network.html")` | the player as one page, for any browser |
# | `graph.to_tensorboard("logs")` | the graph for TensorBoard: `tensorboard --logdir logs`, tab *Graphs* |
#
# TensorBoard shows the boxes of section 1, closed, and opens one when you click on it twice. (It is a program of its
# own, to be installed with `pip install tensorboard tensorboardX`.)
#
# ## What to take with you
#
# - A graph holds who is computed from whom. Leaves are data and parameters; everything else is an operation.
# - The backward pass is a second graph, the mirror image of the first. Every gradient has the shape of its array.
# - What the rules need is kept from the forward pass until the walk is over: that is the memory of training.
# - Scopes are for people: close what you trust, open what you doubt, down to single numbers.
# - No record, no gradient: `no_grad`, `detach`, and a second walk after the first.
#
# **What to read next:** lesson 03 follows every path of a small graph with pencil and paper. In this project:
# `tinygrad_cnn/graph.py` is what you have read here as data, `tinygrad_cnn/_walk.py` is the backward walk on one
# page, and `python examples/graph_slide.py` draws the network of section 1 into files.
#
# **Sources.** The network of section 1 is from the lectures that this project grew out of. Graphs of arrays with a
# backward graph beside them: M. Abadi et al., *TensorFlow: A system for large-scale machine learning*, 2016. Their
# closed and opened boxes: K. Wongsuphasawat et al., *Visualizing dataflow graphs of deep learning models in
# TensorFlow*, 2018. The backward walk itself: A. Griewank, *Who invented the reverse mode of differentiation?*,
# 2012.
