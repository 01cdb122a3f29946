# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 75
# ---

# %% [markdown]
# # 04 · From scalars to tensors
#
# A rule for whole tables of numbers is the rule for single numbers, written once: here it is derived, seen and tested.
#
# **After this lesson you can**
#
# - tell the shape that broadcasting gives, and sum a gradient back over the copies,
# - say what a sum, a mean and a maximum send back,
# - derive ∂L/∂A = G Bᵀ and ∂L/∂B = Aᵀ G from single numbers, and find them again from the shapes alone,
# - explain why a reshape and a transpose to the same shape send a gradient to different places,
# - put a gradient rule of your own to the test, and learn from `gradcheck` what is wrong with it.
#
# **You need** lessons 01 (why gradients add up) and 02 (reading a graph). **Time:** about 75 minutes with the
# exercises.

# %%
import tinygrad_cnn as tc


def table(rows, name, learns=False):
    return tc.tensor(rows, dtype="float64", requires_grad=learns, name=name)


# %% [markdown]
# ## 1 · A slope for every number
#
# A *tensor* is a table of numbers, and an operation on tensors is many operations on numbers, written once. Its
# derivative is nothing new either: every number has a slope of its own, so **∂L/∂X has the shape of X**.
#
# Take L = Σ x², the sum over all numbers of a table. Six numbers, six small graphs side by side, and in each of them
# the slope is 2x:

# %%
X = table([[1, 2], [3, 4], [5, 6]], "X", learns=True)
(X * X).sum().backward()

tc.viz.plot_arrays({"X": X, "∂L/∂X": X.grad}, kind={"∂L/∂X": "gradient"})

# %% [markdown]
# As long as all tables have the same shape, numbers meet one by one, and lesson 01 says it all. It gets interesting
# where shapes differ.
#
# ## 2 · Broadcasting: copies that nobody makes
#
# Three samples with two numbers each, and a bias: *the same* two numbers are to be added to every sample.

# %%
X = table([[1, 2], [3, 4], [5, 6]], "X")
b = table([10, 20], "b", learns=True)

tc.viz.plot_arrays({"X": X, "b": b, "X + b": X + b}, signs=["+", "="], kind={"b": "weights"})

# %% [markdown]
# The row b acts as if it stood there three times. This is *broadcasting*, and its rule has two sentences:
#
# 1. Write the shapes below each other, **aligned at the right**; a missing size counts as 1.
# 2. Two sizes in a column must be equal, or one of them is 1: then that tensor is **repeated** to fit the other.
#
# ```text
# X        3   2                r        3   1
# b            2                c        1   4
# X + b    3   2                r + c    3   4
# ```
#
# On the left, b is repeated. On the right both are: a column r and a row c fill a whole table.

# %%
r = table([[0], [10], [20]], "r", learns=True)
c = table([[1, 2, 3, 4]], "c", learns=True)
T = r + c

tc.viz.plot_arrays({"r": r, "c": c, "T": T}, signs=["+", "="], kind={"r": "weights", "c": "weights"})

# %% [markdown]
# In the computer's memory nothing is copied: the same number is read again. For the derivative that makes no
# difference. What counts is how often it is *used*.
#
# ### Exercise 04.1 · All differences
#
# P holds five points of the plane in shape (5, 1, 2), Q four points in shape (4, 2). What is the shape of P − Q?
# Answer with a tuple, such as `(5, 2)`.

# %%
shape_of_differences = ...

# %%
tc.learn.check("04.1", shape_of_differences)

# %% [markdown]
# ## 3 · The gradient of a copy is a sum
#
# Let Y = X + b be the beginning of something longer. All that b has to know of the rest is how strongly each number
# of Y changes the loss: G = ∂L/∂Y, a table of the shape of Y. Here we make up such a G. The loss that has exactly
# this gradient is L = Σ G ⊙ Y, where ⊙ multiplies number by number.

# %%
G = table([[1, 2], [4, 1], [3, -2]], "G")
with tc.record():
    Y = X + b
    Y.name = "Y"
    L = (G * Y).sum()
    L.name = "L"

# %% [markdown]
# Now zoom in: `.element()` makes a graph in which every single number stands on its own. b[0] reaches only the first
# column of Y, so we look at the part of the loss that belongs to this column. Black numbers go forward, red ones come
# back (also to X and G, which nobody asked for).

# %%
with tc.record():
    first_column = (G * (X + b))[:, 0].sum()
    first_column.name = "L"

numbers = tc.Graph.of(first_column).element()
numbers.draw(gradients=True, highlight=numbers.paths("b[0]").edges)

# %% [markdown]
# b[0] is used three times, once a sample, and on the way back three numbers arrive: 1, 4 and 3, the first column of
# G. They add up to 8, because gradients add up where a value is used more than once. It is the fan-out of lesson 01.
#
# **What was copied on the way forward is summed on the way back.** For each tensor: sum over the dimensions in which
# it was repeated, and only over those.
#
# In the graph of whole tensors the arrows that leave b[0] and b[1] are one arrow from b, and the sum is easily
# overlooked. Step through it: on the way back, a table of shape (3, 2) leaves `+`, and two numbers arrive at b.

# %%
tc.step(L)

# %% [markdown]
# In T = r + c of section 2, r was repeated along the rows and c down the columns. So the gradient of r is the sum of
# each row of G, and that of c the sum of each column. (`T.backward(G)` begins the walk with a G of ours.)

# %%
G = table([[1, 0, 2, 0], [3, 1, 0, 1], [0, 0, -1, 5]], "G")
T.backward(G)

mark = {"G": 1, "∂L/∂r": (1, 0)}
tc.viz.plot_arrays({"G": G, "∂L/∂r": r.grad, "∂L/∂c": c.grad}, kind="gradient", mark=mark)

# %% [markdown]
# ### Exercise 04.2 · Sum it back
#
# Write the function that every library for automatic differentiation has somewhere. A tensor of the given `shape` was
# repeated; g is the gradient of the result. Return the gradient of the tensor. You need `g.sum(dim)`, which drops a
# dimension, and `g.sum(dim, keepdim=True)`, which keeps it with size 1.


# %%
def unbroadcast(g, shape): ...


# %%
tc.learn.check("04.2", unbroadcast)

# %% [markdown]
# ## 4 · Reductions: the mirror image
#
# A sum turns many numbers into one. Each of them counts once, so the slope of each is 1, and the gradient of the sum is
# handed to *all* of them. **What was summed on the way forward is copied on the way back.** It is broadcasting in the
# mirror.
#
# A maximum looks at all numbers, but only the largest one decides. Move one of the others a little: nothing happens.
# So the largest takes the whole gradient, and the others get 0.
#
# Here each row of X is reduced to one number. 6 arrives at the result of the first row, 3 at that of the second:

# %%
X = table([[1, 5, 2], [4, 0, 3]], "X", learns=True)
G = table([[6], [3]], "G")
(through_sum,) = tc.grad(X.sum(1, keepdim=True), X, G)
(through_max,) = tc.grad(X.amax(1, keepdim=True), X, G)

gradients = {"G": G, "through sum": through_sum, "through max": through_max}
tc.viz.plot_arrays({"X": X} | gradients, kind=dict.fromkeys(gradients, "gradient"))

# %% [markdown]
# ### Exercise 04.3 · Through a mean
#
# The rows of the same X are averaged instead, `X.mean(1)`. Again 6 arrives at the first result and 3 at the second.
# What is ∂L/∂X? Write it as a list of two rows.

# %%
through_mean = ...

# %%
tc.learn.check("04.3", through_mean)

# %% [markdown]
# ## 5 · One element of a matrix product
#
# A matrix product C = A B is a table of small tasks. Each number of C takes a row of A and a column of B, multiplies
# them number by number and adds up:
#
# C[i, j] = Σₖ A[i, k] · B[k, j]
#
# The rows of A must be as long as the columns of B. In shapes, (4, 3) @ (3, 2) gives (4, 2): the inner sizes meet, the
# outer ones stay.

# %%
A = table([[1, 2, 3], [0, 1, 3], [2, -1, 1], [1, 1, 1]], "A", learns=True)
B = table([[1, 0], [2, -1], [1, 3]], "B", learns=True)
with tc.record():
    C = A @ B
    C.name = "C"

mark = {"A": 0, "B": (slice(None), 1), "C": (0, 1)}
tc.viz.plot_arrays({"A": A, "B": B, "C": C}, signs=["@", "="], kind={"B": "weights"}, mark=mark)

# %% [markdown]
# Read it as a layer: A holds four samples with three numbers each, B the weights of two outputs. The marked 7 is the
# second output of the first sample. Zoomed in, it is this graph:

# %%
tc.Graph.of(C).element((0, 1)).draw()

# %% [markdown]
# Products and sums, nothing else. Their derivatives we know, so we can find those of the matrix product.
#
# ## 6 · The rule of the matrix product
#
# Again some G arrives, of the shape of C. What does A[0, 1] change? In C[0, 0] it meets B[1, 0], in C[0, 1] it meets
# B[1, 1]; the other rows of C do not know it. So two paths lead from A[0, 1] to L, and the part of the loss that
# belongs to the first row of C has both of them:

# %%
G = table([[3, 1], [-1, 2], [2, 0], [1, 1]], "G")
with tc.record():
    first_row = (G * (A @ B))[0].sum()
    first_row.name = "L"

numbers = tc.Graph.of(first_row).element()
numbers.draw(highlight=numbers.paths("A[0, 1]").edges)

# %% [markdown]
# Along a path the slopes multiply. A sum has slope 1, and the slope of a product is the other factor: on the upper
# path first B[1, 0] and then G[0, 0], on the lower one B[1, 1] and G[0, 1]. What arrives on both paths adds up:
#
# ∂L/∂A[0, 1] = G[0, 0] · B[1, 0] + G[0, 1] · B[1, 1] = 3 · 2 + 1 · (−1) = 5
#
# Nothing is special about row 0 and column 1. For any place i, k:
#
# ∂L/∂A[i, k] = Σⱼ G[i, j] · B[k, j]
#
# A row of G meets a *row* of B. A matrix product wants a column there, so turn B over: Bᵀ[j, k] = B[k, j]. Now it is a
# matrix product, too:
#
# **∂L/∂A = G Bᵀ**

# %%
product = {"G": G, "Bᵀ": B.T, "∂L/∂A": G @ B.T}
kinds = {"G": "gradient", "Bᵀ": "weights", "∂L/∂A": "gradient"}
mark = {"G": 0, "Bᵀ": (slice(None), 1), "∂L/∂A": (0, 1)}

tc.viz.plot_arrays(product, signs=["@", "="], kind=kinds, mark=mark)

# %% [markdown]
# ### Exercise 04.4 · One weight
#
# Now the other factor. Which numbers of C does B[1, 0] change, and what does it meet there? Compute ∂L/∂B[1, 0] with
# the same A and G, by hand.

# %%
slope_of_b10 = ...

# %%
tc.learn.check("04.4", slope_of_b10)

# %% [markdown]
# ### And the other factor
#
# B[k, j] is used in every row of C, that is, by every sample. Its gradient is a sum over the samples i:
#
# ∂L/∂B[k, j] = Σᵢ A[i, k] · G[i, j]
#
# Columns of A meet columns of G; turn A over, and it is a matrix product again:
#
# **∂L/∂B = Aᵀ G**
#
# A weight is shared by all samples of a batch, just as a bias is, and the sum over the batch is inside this product.
# The player shows both rules with their numbers, in the steps `A ← C` and `B ← C`:

# %%
with tc.record():
    C = A @ B
    C.name = "C"
    L = (G * C).sum()
    L.name = "L"

tc.step(L)

# %% [markdown]
# ### The shapes leave no other choice
#
# If you forget these rules, you can find them again. A gradient has the shape of its tensor, and it is made of G and
# the *other* factor. Here A is (4, 3), B is (3, 2), and G is (4, 2):
#
# | wanted | made of | fits |
# |---|---|---|
# | ∂L/∂A (4, 3) | G (4, 2) and B (3, 2) | G Bᵀ : (4, 2) @ (2, 3) |
# | ∂L/∂B (3, 2) | A (4, 3) and G (4, 2) | Aᵀ G : (3, 4) @ (4, 2) |
#
# In any other order, or with any other transpose, the inner sizes do not meet, or the shape is not the wanted one.
# (Where sizes happen to be equal, shapes do not decide. Make them different while you think.)
#
# ### Exercise 04.5 · A linear layer
#
# Layers keep their weights the other way round, a row for each output: Z = X Wᵀ, with X of shape (4, 3), W of shape
# (2, 3), and G = ∂L/∂Z of shape (4, 2). Which one is ∂L/∂W: `"X.T @ G"`, `"G.T @ X"`, `"G @ X"` or `"X @ G.T"`?

# %%
gradient_of_w = ...

# %%
tc.learn.check("04.5", gradient_of_w)

# %% [markdown]
# ## 7 · Reshape and transpose only move numbers
#
# Some operations compute nothing. They give each number another place, and on the way back each gradient returns to
# the place where its number came from. For a transpose that is the transpose again; for a reshape, the reshape to the
# old shape.
#
# Take care not to mix them up: both turn (2, 3) into (3, 2), but the numbers land in different places.

# %%
X = table([[1, 2, 3], [4, 5, 6]], "X", learns=True)

tc.viz.plot_arrays({"X": X, "X.T": X.T, "X.reshape(3, 2)": X.reshape(3, 2)})

# %% [markdown]
# So the same G goes back to different places, too:

# %%
G = table([[1, 2], [3, 4], [5, 6]], "G")
(through_transpose,) = tc.grad(X.T, X, G)
(through_reshape,) = tc.grad(X.reshape(3, 2), X, G)

gradients = {"G": G, "back through X.T": through_transpose, "back through reshape": through_reshape}
tc.viz.plot_arrays(gradients, kind="gradient")

# %% [markdown]
# ## 8 · Three zoom levels, one gradient
#
# We have met three ways to look at a computation: as *modules* (boxes that know their weights), as *tensor
# operations*, and as *single numbers*. They are three views of one thing, so their gradients must be the same. Let us
# check, with a linear layer of one output, two samples, and, so that it ends in a single number, the mean of tanh.

# %%
model = tc.nn.Linear(2, 1, dtype="float64")
model.load_state_dict({"weight": table([[0.5, -0.2]], "weight"), "bias": table([0.1], "bias")})
X = table([[1, 2], [3, -1]], "X")
with tc.record():
    loss = model(X).tanh().mean()
    loss.name = "L"

graph = tc.Graph.of(loss)

# %% [markdown]
# **Modules.** `fold=0` closes all boxes. The library walks back, and the layer has its gradients:

# %%
graph.draw(fold=0)

# %%
loss.backward()
by_module = [*model.weight.grad.flatten(), *model.bias.grad]

# %% [markdown]
# **Tensor operations.** Open the box: a matrix product and a sum (`permute` is the transpose Wᵀ). To go back by hand,
# follow the arrows from L upwards. At each node a rule of this lesson does it; only that tanh has the slope 1 − tanh² is
# one of lesson 01.

# %%
graph.draw(direction="down")

# %%
with tc.no_grad():
    Y = (X @ model.weight.T + model.bias).tanh()
    G_Y = tc.ones_like(Y) / Y.numel()
    G_Z = G_Y * (1 - Y * Y)
    by_tensors = [*(G_Z.T @ X).flatten(), *G_Z.sum(0)]

# %% [markdown]
# **Single numbers.** Only sums, products and tanh are left. Both samples use weight[0, 0], so two paths lead from it to
# L.

# %%
numbers = graph.element()
numbers.draw(direction="down", highlight=numbers.paths("weight[0, 0]").edges)

# %% [markdown]
# Now the gradients of all three, with fourteen decimals:

# %%
visits = [event for event in numbers.backward() if event.kind == "visit"]
arrived = {numbers.nodes[visit.node].label: visit.value for visit in visits}
names = ["weight[0, 0]", "weight[0, 1]", "bias[0]"]

print(f"{'':12} {'module':>18} {'tensors':>18} {'single numbers':>18}")
for name, module, tensors in zip(names, by_module, by_tensors, strict=True):
    print(f"{name:12} {module.item():18.14f} {tensors.item():18.14f} {arrived[name].item():18.14f}")

# %% [markdown]
# The same numbers. So think at the level that is most convenient: in modules when you build, in tensors when you
# derive, in single numbers when you doubt.
#
# ## 9 · Proof by nudging
#
# There is a second judge of a gradient, one that needs no graph at all: nudge each input a little to both sides and
# look at what the result does, (f(x + h) − f(x − h)) / 2h. Lesson 01 did that by hand; `tc.testing.gradcheck` does it
# for every element of every input. It tries one place only, so to a mathematician it is no proof. But it is very hard
# for a wrong rule to get past it.
#
# Let us declare an operation of our own, `shift`, which adds b to every row of x, and forget the most important thing
# of this lesson in its gradient rule. `infer` tells the shape of the result, `backend` is what computes (NumPy here),
# and the text beside an input's name is the formula that players and messages show.


# %%
@tc.op(symbol="shift", infer=lambda x, b: tc.Spec(x.shape, x.dtype), public=False)
def shift(backend, x, b):
    return x + b


@shift.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@shift.gradient("b", "∂L/∂b = g")
def _(g, node):
    return g


# %%
x = table([[1, 2], [3, 4], [5, 6]], "x", learns=True)
b = table([10, 20], "b", learns=True)

try:
    shift(x, b).sum().backward()
except tc.errors.GradientError as error:
    print(error)

# %% [markdown]
# The engine does not even need the numbers: a gradient must have the shape of its tensor, and this one has not. (What
# it suggests is the usual solution: with `broadcasts=True` it sums back by itself, as your function of exercise 04.2
# does.)
#
# Suppose somebody repairs the *shape*, and takes the first row of g. Now the shape fits, and nobody complains:


# %%
@shift.gradient("b", "∂L/∂b = the first row of g")
def _(g, node):
    return g[0]


shift(x, b).sum().backward()
b.grad

# %% [markdown]
# Wrong all the same: each number of b is used three times, so its slope is 3. A shape that fits proves nothing.
# `gradcheck` makes up a G of random numbers, nudges, and compares:

# %% tags=["varies"]
try:
    tc.testing.gradcheck(shift, [x, b])
except tc.errors.GradientError as error:
    print(error)

# %% [markdown]
# It found the input, the rule, and even the mistake: only the first of three places counts, so a sum is missing. With
# the sum in its place, the rule passes:


# %%
@shift.gradient("b", "∂L/∂b = the sum of g over its rows")
def _(g, node):
    return g.sum(0)


tc.testing.gradcheck(shift, [x, b])

# %% [markdown]
# ### Exercise 04.6 · A rule of your own
#
# Another operation multiplies: `scale(x, w)` multiplies each column of x, of shape (samples, features), by a weight of
# its own from w, of shape (features,). Write the gradient rule for w: g is the gradient of the result, and has the
# shape of x. (Which numbers of x does w[0] meet, and how often is it used?)


# %%
def rule_for_w(g, x, w): ...


# %%
tc.learn.check("04.6", rule_for_w)

# %% [markdown]
# ## What to take with you
#
# - A gradient has the shape of its tensor, a slope for every number.
# - What was copied forward is summed backward; what was summed forward is copied backward. A mean hands out equal
#   shares, a maximum gives everything to the winner.
# - For C = A B: ∂L/∂A = G Bᵀ and ∂L/∂B = Aᵀ G. The sum over the batch is inside the second one.
# - Reshape and transpose send each gradient back to where its number came from.
# - Modules, tensors and single numbers agree. When in doubt: different sizes, single numbers, `gradcheck`.
#
# **What to read next:** lesson 05 asks where the G of a classifier comes from. In this project:
# `tinygrad_cnn/ops/stretching.py` has broadcasting and its sum, each the gradient of the other;
# `tinygrad_cnn/ops/linalg.py` opens with the indices of section 6; `tinygrad_cnn/testing/_diagnosis.py` is how
# `gradcheck` finds out which mistake it was.
#
# **Sources.** Broadcasting follows NumPy (its user guide, *Broadcasting*). Matrix rules for automatic
# differentiation: M. B. Giles, *Collected matrix derivative results for forward and reverse mode algorithmic
# differentiation*, 2008; at more leisure, T. Parr and J. Howard, *The matrix calculus you need for deep learning*,
# 2018. A layer as the product of a matrix with its input is that of the lectures that this project grew out of.
