# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 60
# ---

# %% [markdown]
# # 03 · Logistic regression by hand
#
# One small classifier, every number of it: forward to the loss, backward along every path, one step of learning.
#
# **After this lesson you can**
#
# - compute a softmax classifier and its loss with a pocket calculator,
# - write a derivative as a sum over paths, and count the paths,
# - explain why the slope of a bias is *prediction minus truth*, ŷ − y,
# - average over a batch and take one step of gradient descent.
#
# **You need** lessons 01 (why gradients add up) and 02 (reading a graph). **Time:** about 60 minutes with the
# exercises.

# %%
import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · Two inputs, two classes
#
# Something was measured twice, x = [x1, x2], and belongs to one of two classes. Our classifier gives each class a
# *score*: a weighted sum of the inputs plus a bias. The class with the higher score wins, and the larger its lead,
# the surer the classifier is.
#
# Here are the weights (a row for each class), three samples, and their classes. The biases begin at 0.

# %%
W = tc.tensor([[0.65, 1.19], [0.69, -0.92]], dtype="float64")
X = tc.tensor([[0.2, 0.7], [0.8, 0.1], [0.3, 0.5]], dtype="float64")
labels = tc.tensor([0, 1, 0])  # the first and the third sample belong to class 1, the second to class 2

tc.viz.plot_arrays({"W": W, "X": X}, kind={"W": "weights"})

# %% [markdown]
# ## 2 · Forward, number by number
#
# Scores become probabilities in two moves. The exponential makes every score positive and keeps their order; the
# division by the sum makes them add up to 1. This is the *softmax*:
#
# | step | formula |
# |---|---|
# | products | p11 = w11 · x1, p12 = w12 · x2, p21 = w21 · x1, p22 = w22 · x2 |
# | their sums | s1 = p11 + p12, s2 = p21 + p22 |
# | scores | z1 = s1 + b1, z2 = s2 + b2 |
# | exponentials | h1 = exp(z1), h2 = exp(z2) |
# | their sum | H = h1 + h2 |
# | probabilities | ŷ1 = h1 / H, ŷ2 = h2 / H |
# | logarithms | l1 = ln ŷ1, l2 = ln ŷ2 |
# | terms of the loss | t1 = y1 · l1, t2 = y2 · l2 |
# | loss | S = t1 + t2, L = −S |
#
# (ln is the natural logarithm. Python and this library call it `log`.)
#
# The target of the first sample is y = [1, 0]: class 1 for certain, so L is −ln ŷ1. Nothing is lost when ŷ1 is 1,
# and more and more the closer it comes to 0.
#
# To see every number on its own, we compute with scalars, as on a blackboard. `tc.record()` keeps all values, and
# each value gets the name that it has in the table. Each line is an operation, or the same one for both classes.


# %%
def number(name, value, learns=False):
    return tc.tensor(value, dtype="float64", requires_grad=learns, name=name)


x1, x2 = number("x1", 0.2), number("x2", 0.7)
w11, w12 = number("w11", 0.65, learns=True), number("w12", 1.19, learns=True)
w21, w22 = number("w21", 0.69, learns=True), number("w22", -0.92, learns=True)
b1, b2 = number("b1", 0.0, learns=True), number("b2", 0.0, learns=True)
y1, y2 = number("y1", 1.0), number("y2", 0.0)

# %%
with tc.record():
    p11, p12, p21, p22 = w11 * x1, w12 * x2, w21 * x1, w22 * x2
    s1, s2 = p11 + p12, p21 + p22
    z1, z2 = s1 + b1, s2 + b2
    h1, h2 = z1.exp(), z2.exp()
    H = h1 + h2
    ŷ1, ŷ2 = h1 / H, h2 / H
    l1, l2 = ŷ1.log(), ŷ2.log()
    t1, t2 = y1 * l1, y2 * l2
    S = t1 + t2
    L = -S

# %%
rows = [
    {"p11": p11, "p12": p12, "p21": p21, "p22": p22},
    {"s1": s1, "s2": s2},
    {"z1": z1, "z2": z2},
    {"h1": h1, "h2": h2, "H": H},
    {"ŷ1": ŷ1, "ŷ2": ŷ2},
    {"l1": l1, "l2": l2},
    {"t1": t1, "t2": t2},
    {"S": S, "L": L},
]
for row in rows:
    for name, value in row.items():
        value.name = name
        print(f"{name:>3} = {value.item():z7.4f}", end="   ")  # z writes −0 as 0
    print()

# %% [markdown]
# The classifier gives class 1 a probability of 81 %, and it is class 1: a loss of only 0.207. The same numbers in
# the graph, from the inputs at the top to the loss at the bottom:

# %%
graph = tc.Graph.of(L)
graph.draw(values=True)

# %% [markdown]
# ### Exercise 03.1 · The second sample
#
# Compute ŷ1, the probability of class 1, for x = [0.8, 0.1]. Paper or Python, as you like; two or three digits are
# enough. Write your answer where the dots are, then run both cells.

# %%
probability = ...

# %%
tc.learn.check("03.1", probability)

# %% [markdown]
# Stuck? `tc.learn.hint("03.1")` gives a hint, and the next one when you ask again. `tc.learn.solution("03.1")` shows
# how it is done.
#
# ### Exercise 03.2 · Its loss
#
# The second sample belongs to class 2: y = [0, 1]. What is its loss L?

# %%
loss = ...

# %%
tc.learn.check("03.2", loss)

# %% [markdown]
# ## 3 · Every path from b1 to L
#
# How much does L change when b1 changes a little? A change of b1 moves z1, that moves h1, and at h1 the road forks:
# h1 goes into ŷ1 directly, and it goes into H, which divides *both* probabilities. Each way from b1 to L is a
# **path**. Along a path the local slopes multiply (that is the chain rule), and what arrives on different paths adds
# up (that is the chain rule for several variables). So the derivative is a sum over all paths:
#
# ∂L/∂b1 = Σ over paths of the product of the slopes along it
#
# The graph knows its paths:

# %%
paths = graph.paths("b1")
paths

# %%
graph.draw(highlight=paths)

# %% [markdown]
# Three paths. Group their slopes and the sum gets short. The slopes of a quotient ŷ = h / H are 1/H for h and
# −h/H² for H; the slope of ln ŷ is 1/ŷ = H/h; the slope of exp(z1) is h1:
#
# | path | product of the slopes | for the first sample |
# |---|---|---|
# | h1 → H → ŷ1 → L | h1 · (−h1/H²) · (−y1 · H/h1) = y1 · h1/H | 0.8129 |
# | h1 → H → ŷ2 → L | h1 · (−h2/H²) · (−y2 · H/h2) = y2 · h1/H | 0 |
# | h1 → ŷ1 → L | h1 · 1/H · (−y1 · H/h1) = −y1 | −1 |
#
# ∂L/∂b1 = y1 · h1/H + y2 · h1/H − y1
#
# One of y1 and y2 is 1, the other is 0, so the first two add up to h1/H = ŷ1, whichever class is the true one:
#
# **∂L/∂b1 = ŷ1 − y1**
#
# Prediction minus truth. Everything between, the exponentials, the quotient, the logarithm, has cancelled.

# %%
print(f"sum over the paths: {paths.total:.4f}")
print(f"ŷ1 − y1:            {ŷ1.item() - y1.item():.4f}")

# %% [markdown]
# ### Exercise 03.3 · The other bias
#
# How many paths lead from b2 to L? Count them in the picture above.

# %%
paths_of_b2 = ...

# %%
tc.learn.check("03.3", paths_of_b2)

# %% [markdown]
# ## 4 · Backward, step by step
#
# Nobody lists paths in practice: in a deep network there are more of them than atoms on earth. Backpropagation
# gets the same sum in one walk from L back to the leaves. At each node it adds up what has arrived *before* it goes
# on, so all paths that share a stretch walk it together.
#
# Step through it. The player shows the rule of each step, with its numbers; watch `h1` collect one contribution
# from ŷ1 and one from H. In a rule, g is the gradient that has arrived. For H the player writes −g · ŷ1/H, and the
# table above −h1/H²: the same slope, because ŷ1 = h1/H. (Run the cell if you see a still picture.)

# %%
tc.step(graph)

# %% [markdown]
# ### Exercise 03.4 · ∂L/∂b2 of the first sample
#
# Find it without the player. How does it relate to the slope of b1?

# %%
slope_of_b2 = ...

# %%
tc.learn.check("03.4", slope_of_b2)

# %% [markdown]
# ### Exercise 03.5 · ∂L/∂w12 of the second sample
#
# The way from w12 to L is that of b1 with two more nodes before it: w12 is multiplied by x2, and the product is added
# to the other one; b1 joins them only at z1. The sample is x = [0.8, 0.1], y = [0, 1], and its ŷ1 you know from
# exercise 03.1.

# %%
slope_of_w12 = ...

# %%
tc.learn.check("03.5", slope_of_w12)

# %% [markdown]
# ## 5 · The batch of three
#
# One sample says in which direction *it* would like to push b1. A batch asks several and takes the average. With
# tensors the whole classifier is two calls; `F.cross_entropy` contains softmax, logarithm, sum and sign.

# %%
for sample, label in zip(X, labels, strict=True):
    b = tc.zeros(2, dtype="float64", requires_grad=True)
    F.cross_entropy(F.linear(sample, W, b), label).backward()
    print(f"∂L/∂b1 = {b.grad[0].item():7.4f}")

# %% [markdown]
# Two samples would like a higher b1, one (of the other class) a lower one, and its wish is the strongest, because
# the classifier was wrong about it. The loss of the batch is the average of the three losses, so its slope is the
# average of the three slopes:

# %%
b = tc.zeros(2, dtype="float64", requires_grad=True)
batch_loss = F.cross_entropy(F.linear(X, W, b), labels)
batch_loss.backward()
print(f"loss of the batch = {batch_loss.item():.4f}")
print(f"∂L/∂b1 = {b.grad[0].item():.4f}")

# %% [markdown]
# ## 6 · One step of gradient descent
#
# The slope says which way is up. To lose less, go the other way, by a small part α (the *learning rate*) of it:
#
# b1 ← b1 − α · ∂L/∂b1

# %%
optimizer = tc.optim.SGD([b], lr=0.1)
optimizer.step()
print(f"b1 = {b[0].item():.4f}")

# %% [markdown]
# ### Exercise 03.6 · Where did b2 go?
#
# Compute b2 after this step, from b2 = 0 and α = 0.1, before you look at `b`.

# %%
b2_after_one_step = ...

# %%
tc.learn.check("03.6", b2_after_one_step)

# %% [markdown]
# ### Many steps
#
# One step changes little. Let all six numbers learn, for 200 steps. With α = 0.1 the loss would still be 0.17 after
# them, so we take longer steps now: α = 0.5. There is a limit: the slope is that of the place where a step begins, and
# a long step may end on the other side of the valley, higher up. So look at the curve. Here the loss must fall with
# every step; if it rises, α is too large.

# %%
learned = [W.detach().clone().requires_grad_(), tc.zeros(2, dtype="float64", requires_grad=True)]
optimizer = tc.optim.SGD(learned, lr=0.5)
losses = []
for _ in range(200):
    optimizer.zero_grad()
    step_loss = F.cross_entropy(F.linear(X, *learned), labels)
    step_loss.backward()
    optimizer.step()
    losses.append(step_loss.item())
losses.append(F.cross_entropy(F.linear(X, *learned), labels).item())  # after the last step

print(f"loss: {losses[0]:.4f} before, {losses[-1]:.4f} after 200 steps")
tc.viz.plot_lines({"loss of the batch": (range(201), losses)}, xlabel="step", ylabel="L")

# %% [markdown]
# ## What to take with you
#
# - A derivative is a sum over paths; along a path slopes multiply.
# - Backpropagation computes that sum without listing the paths: it adds up at every node before it goes on.
# - For softmax with cross-entropy the slope of a score is ŷ − y. That of its bias is the same, that of a weight the
#   same times its input.
# - A batch averages. A step goes against the slope.
#
# **What to read next:** lesson 04 does the same with whole tensors; lesson 05 asks why the loss is a logarithm.
# In this project: `tinygrad_cnn/ops/arithmetic.py` has the rules for products and quotients that section 3 uses, and
# `python examples/logistic_regression.py` draws these graphs into files.
#
# **Sources.** The numbers are those of the lectures that this project grew out of. Softmax for classification:
# J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs*, 1990.
# Backpropagation: D. E. Rumelhart, G. E. Hinton, R. J. Williams, *Learning representations by back-propagating
# errors*, Nature 323, 1986.
