# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 90
# ---

# %% [markdown]
# # 01 · A scalar learns
#
# Numbers that remember how they were computed, and learn from it: an engine of one page, read and used.
#
# **After this lesson you can**
#
# - measure a derivative, and use it to make a number learn,
# - run backpropagation on a small expression by hand, and say why gradients add up where a value is used twice,
# - differentiate a sum, product, quotient, negation, exponential and logarithm, and anything built from them,
# - read the heart of an autograd engine, line by line,
# - train a small network, and show that its tensors do nothing that single numbers could not do.
#
# **You need** Python, and from school what a slope is. Lesson 00 shows how exercises work. **Time:** about 90
# minutes with the exercises.

# %%
from inspect import getsource
from textwrap import dedent

import numpy as np

import tinygrad_cnn as tc
from tinygrad_cnn_backends.scalar import Scalar

# %% [markdown]
# ## 1 · One number learns
#
# A number w is multiplied by 2, and the result should be 3. You see at once that w has to be 1.5. A learning machine
# does not see that. It begins somewhere, say at w = 0.5, and is told only how wrong it is: the square of the
# difference between what it got and what it should have got. That is its *loss*:
#
# L(w) = (2w − 3)²


# %%
def L(w):
    return (2 * w - 3) ** 2


L(0.5)

# %% [markdown]
# Which way should w go? Try both: move it up a little, by h, and down a little, and divide the change of L by the
# change of w. This quotient, for a small h, is the **derivative** of L with respect to w, written ∂L/∂w. It says how
# many times as fast as w the loss changes.


# %%
def slope(f, x, h=1e-3):
    return (f(x + h) - f(x - h)) / (2 * h)


print(f"{slope(L, 0.5):.4f}")

# %% [markdown]
# Minus eight: when w grows a little, L falls, eight times as much. So the derivative says which way is uphill, and how
# steep it is there. We want to lose less, so w takes a step *against* the slope, by a small part α of it (the
# *learning rate*), measures again, and takes the next step:
#
# w ← w − α · ∂L/∂w

# %%
w, visited = 0.5, []
for step in range(6):
    print(f"step {step}:  w = {w:.4f}   L = {L(w):.4f}   slope = {slope(L, w):7.4f}")
    visited.append(w)
    w = w - 0.05 * slope(L, w)

# %% [markdown]
# In a picture, the derivative is the slope of the line that touches the curve, the *tangent*. Here it is at the
# start, together with the places where w went from there:

# %%
start = tc.viz.Point(0.5, L(0.5), slope=slope(L, 0.5))
later = [tc.viz.Point(w, L(w)) for w in visited[1:]]
all_w = np.linspace(0, 2.5)
tc.viz.plot_lines({"L(w)": (all_w, L(all_w))}, xlabel="w", ylabel="L", mark=[*later, start])

# %% [markdown]
# That is learning. No equation was solved; w followed the slope, in ever smaller steps, because the curve gets
# flatter. Ten steps more, and it is at 1.4995. A network does the same with millions of such numbers.
#
# ### Exercise 01.1 · A step from the other side
#
# Let w begin at 3, with the same α = 0.05. Where is w after one step?

# %%
w_after_one_step = ...

# %%
tc.learn.check("01.1", w_after_one_step)

# %% [markdown]
# ## 2 · A number that remembers
#
# Measuring a slope costs two runs of the whole computation, for every number that learns. A small network like
# LeNet-5 has 61,706 of them: 123,412 runs for a single step. **Backpropagation** gets all these slopes together, in
# one walk that costs about as much as two runs.
#
# The walk goes back over the computation, so numbers have to remember how they were computed. Here is one that does:

# %%
a = Scalar(1.0)
b = a + a
c = b + b
c, c.parents

# %% [markdown]
# Besides its value, c holds its *parents*, the two numbers that were added (both are b), and with each parent a second
# number: how fast does c change when this parent does? For a sum that is 1. It is called the **local derivative**,
# local because it looks at this one operation only.
#
# All this happens in `+`. Here is the engine's own source, read from `backends/scalar/scalar.py`:

# %%
print(dedent(getsource(Scalar.__add__)))

# %% [markdown]
# The lines with `if` let you write `x + 1`: they make a Scalar of a plain number. The last line is the point. It
# makes the new number: its value, its parents, each with its local derivative, and a sign for pictures.
#
# A product does likewise. If x grows by a little, x · y grows by y times as much. So the local derivative for x is y,
# and the other way round:

# %%
print(dedent(getsource(Scalar.__mul__)))

# %% [markdown]
# Every other operation is one more line of this kind.
#
# What we want to know of a number in the computation, how fast the final *result* changes when this number does, is
# called its **gradient**. Backpropagation fills it in, for all numbers. Here it is, complete:

# %%
print(dedent(getsource(Scalar.backward)))

# %% [markdown]
# Read it aloud:
#
# 1. `history` collects all numbers that took part, in the order in which they were computed. Their gradients are set
#    to 0: nothing has arrived yet.
# 2. The gradient of the result itself, the `seed`, is 1: it changes exactly as fast as itself.
# 3. Go through the numbers from the last to the first. Each sends to each of its parents its own gradient *times* the
#    local derivative. For if the result changes twice as fast as b, and b three times as fast as a, then the result
#    changes six times as fast as a. That is the **chain rule**.
# 4. The parent *adds* what arrives to what it has. Why that is right is the subject of section 3.
#
# The order matters. What was computed later comes first; so when it is a number's turn, all that use it have had
# theirs, and its gradient is complete.
#
# Everything that a deep-learning framework does is in these few lines. The rest is doing it fast, and with whole
# arrays.

# %%
c.backward()
print([number.value for number in c.history()])
print([number.grad for number in c.history()])

# %% [markdown]
# The first line has the values of a, b and c, the second their gradients: ∂c/∂a, ∂c/∂b and ∂c/∂c.
#
# ## 3 · Why gradients add up
#
# Here is the same computation as a graph. A Scalar has no name, so we use tensors. A tensor of one number does what a
# Scalar does; besides, it can have a name and be drawn. `requires_grad=True` says that we want to know its gradient,
# and `tc.record()` keeps all values for the picture.

# %%
with tc.record():
    a = tc.tensor(1.0, requires_grad=True, name="a")
    b = a + a
    c = b + b
b.name, c.name = "b", "c"

graph = tc.Graph.of(c)
graph.draw(values=True)

# %% [markdown]
# The blue box is a number whose gradient we want. An ellipse is an operation, with its sign and the name of what it
# gives; the orange one with the double line gives the result. Along each arrow stands the value that flows there.
#
# Two arrows leave a, and two leave b: where a value is used more than once, the graph has a **fan-out**. What does
# that mean for the gradient? Ask the computation itself, and nudge a by 0.001:


# %%
def c_of(a):
    b = a + a
    return b + b


print(f"c moves by {c_of(1.001) - c_of(1.0):.4f}")

# %% [markdown]
# Four times the nudge, as `backward` says. Now the two uses of `a` get a name each, so that one can be nudged without
# the other:

# %%
left, right = Scalar(1.0), Scalar(1.0)
b_apart = left + right
(b_apart + b_apart).backward()
left.grad, right.grad

# %% [markdown]
# A nudge of `left` moves c twice as far, and so does a nudge of `right`. But a is *both*: whoever nudges a nudges
# both uses together, and c gets both movements, 2 + 2 = 4.
#
# **Where a value is used several times, its gradient is the sum of what comes back from all uses.** In `backward` that
# is the plus in `parent.grad += …`.
#
# Step through it, with the buttons or the arrow keys. Watch b: after the first contribution it has 1, and that is only
# half of it. It sends nothing to a before the second one has come. (Run the cell if you see a still picture.)
#
# The player shows the rule of every step, in the same letters for all operations: L is the result, here c; g is the
# gradient that has arrived at an operation; x and y are the two inputs of that operation, whatever we call them. For
# c = b + b, both are b.

# %%
tc.step(graph)

# %% [markdown]
# ### Exercise 01.2 · A product of itself
#
# Now let b = a + a and c = **b · b**, with a = 3. What is ∂c/∂a? Draw the graph on paper, and walk back.

# %%
slope_of_a = ...

# %%
tc.learn.check("01.2", slope_of_a)

# %% [markdown]
# ### Exercise 01.3 · Ten doublings
#
# Go on doubling: b1 = a + a, b2 = b1 + b1, and so on to b10. Each way along arrows from a to b10 is a *path*. How
# many paths are there? And how many numbers are in `b10.history()`, all of which the walk visits once? Answer with
# both: `(paths, numbers)`.

# %%
paths_and_numbers = ...

# %%
tc.learn.check("01.3", paths_and_numbers)

# %% [markdown]
# ## 4 · Six operations
#
# A long computation is many short ones, and each of these has its local derivatives. Six operations will do for most
# of this course:
#
# | operation | derivative for x | for y | in words |
# |---|---|---|---|
# | sum x + y | 1 | 1 | passes on what arrives, to both |
# | product x · y | y | x | each gets the other as a factor |
# | quotient x / y | 1 / y | −x / y² | a larger divisor makes less: the minus |
# | negation −x | −1 | | turns the sign |
# | exponential eˣ | eˣ | | is its own slope |
# | logarithm ln x | 1 / x | | the larger x, the flatter |
#
# A difference x − y is a sum with a negation, x + (−y).
#
# The last two rows are easier to believe with a picture. At x = 1 the exponential has climbed to e = 2.72, and its
# slope there is 2.72, too. The logarithm has the slope 1 / 1 = 1 at the same place.

# %%
x = np.linspace(-2, 2)
positive = np.linspace(0.1, 2)
marks = [tc.viz.Point(1, np.e, slope=np.e), tc.viz.Point(1, 0, slope=1)]
tc.viz.plot_lines(
    {"eˣ": (x, np.exp(x)), "ln x": (positive, np.log(positive))}, xlabel="x", ylabel="y", mark=marks
)

# %% [markdown]
# A rule that somebody wrote down may be wrong; a measurement may only be a little imprecise. So let us measure all
# six, with `slope` from section 1, and put what `backward` says beside it.

# %%
operations = {
    "x + y": lambda x, y: x + y,
    "x · y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "−x": lambda x, y: -x,
    "eˣ": lambda x, y: x.exp(),
    "ln x": lambda x, y: x.log(),
}


# %%
def compare(name, f):
    x, y = Scalar(2.0), Scalar(4.0)
    f(x, y).backward()
    measured_x = float(slope(lambda v: f(v, y), x))
    measured_y = float(slope(lambda v: f(x, v), y))
    print(f"{name:<6} {x.grad:8.4f} {measured_x:9.4f}  {y.grad:8.4f} {measured_y:9.4f}")


print("          for x  measured     for y  measured")
for name, f in operations.items():
    compare(name, f)

# %% [markdown]
# Rule and measurement agree in every row, here at x = 2 and y = 4. (Where y takes no part, both are 0. And `slope`
# takes Scalars as well: it only adds, subtracts and divides.) This comparison is the most useful test that there is
# in this field. It is called a *gradient check*, and lesson 04 does it with tensors.
#
# ### Exercise 01.4 · What a quotient sends back
#
# In the middle of a large graph stands z = x / y, with x = 6 and y = 2. On the walk back a gradient of 10 has arrived
# at z: ∂L/∂z = 10. What does z send to x, and what to y? Answer with both: `(to_x, to_y)`.

# %%
sent_back = ...

# %%
tc.learn.check("01.4", sent_back)

# %% [markdown]
# ## 5 · The chain rule for several variables
#
# Sections 2 and 3 together are a rule with a name. Let z depend on x and y, and let both of these depend on a:
#
# z = f(x, y),  x = f₁(a),  y = f₂(a)
#
# How fast does z change with a? Through x alone it would be ∂z/∂x · ∂x/∂a, through y alone ∂z/∂y · ∂y/∂a: along a
# path the slopes *multiply*. Both happen at once, and what comes along several paths *adds up*:
#
# **∂z/∂a = ∂z/∂x · ∂x/∂a + ∂z/∂y · ∂y/∂a**
#
# Try it where you know the result beforehand: x = a², y = 1 / a, and z = x · y. Then z is just a, so its slope must
# be 1. (a² is a · a, and 1 / a is a quotient. The library has both as operations of their own, with the derivatives
# 2a and −1 / a².)

# %%
with tc.record():
    a = tc.tensor(2.0, requires_grad=True, name="a")
    x = a.square()
    y = a.reciprocal()
    z = x * y
x.name, y.name, z.name = "x", "y", "z"

graph = tc.Graph.of(z)
graph.draw(values=True, gradients=True)

# %% [markdown]
# Of the two numbers at each arrow the upper one flows forward, and the lower one comes back. The graph can also list
# its paths, each with the product of its slopes:

# %%
graph.paths("a")

# %% [markdown]
# Through x alone, z would grow twice as fast as a; through y alone, it would shrink as fast as a grows. Together that
# is 1. The engine knows no algebra, and nobody told it that a² · 1/a is a. It multiplies and adds single numbers.
#
# ### New operations out of old ones
#
# Whatever is built from the six operations can therefore be differentiated without another rule. An example is the
# *hyperbolic tangent*, which squeezes any number between −1 and 1:
#
# tanh x = (e²ˣ − 1) / (e²ˣ + 1)


# %%
def tanh(x):
    e = (2 * x).exp()
    return (e - 1) / (e + 1)


x = Scalar(0.5)
y = tanh(x)
y.backward()
print(f"built:    tanh 0.5 = {y.value:.4f}, slope {x.grad:.4f}")

y = x.tanh()
y.backward()
print(f"engine's: tanh 0.5 = {y.value:.4f}, slope {x.grad:.4f}")

# %% [markdown]
# The engine has a tanh of its own, with the rule 1 − y² for y = tanh x, because one operation is quicker than five.
# It would not need it. (In `tanh` the value `e` is used twice: another fan-out.)
#
# ### Exercise 01.5 · The slope of a sigmoid
#
# Another such function is the *sigmoid*, σ(x) = 1 / (1 + e⁻ˣ). It squeezes any number between 0 and 1. Write a
# function that takes a number x and returns the slope of σ there: build σ of Scalars, and let the engine walk back.
# The exponential is a method of Scalar, as in `tanh` above; `math.exp` gives a plain number, which remembers nothing.


# %%
def sigmoid_slope(x):
    # make a Scalar of x, compute σ from it, walk back, return the gradient
    ...


# %%
tc.learn.check("01.5", sigmoid_slope)

# %% [markdown]
# ## 6 · A neuron
#
# An artificial neuron multiplies each of its inputs by a *weight*, adds up the products and one more number, the *bias*,
# and squeezes the sum:
#
# o = tanh(w1 · x1 + w2 · x2 + b)
#
# Weights and bias are what it learns. It is a small graph, and nothing in it is new:


# %%
def number(name, value, learns=False):
    return tc.tensor(value, dtype="float64", requires_grad=learns, name=name)


x1, x2 = number("x1", 1.0), number("x2", -2.0)
w1, w2, b = number("w1", 0.8, learns=True), number("w2", 0.2, learns=True), number("b", 0.1, learns=True)

with tc.record():
    p1, p2 = w1 * x1, w2 * x2
    z = p1 + p2 + b
    o = z.tanh()
p1.name, p2.name, z.name, o.name = "p1", "p2", "z", "o"

neuron = tc.Graph.of(o)
neuron.draw(values=True)

# %% [markdown]
# A white box is a number that is given: x1 and x2 do not learn. (Whole arrays that are given are grey; you meet them
# in lesson 02.)
#
# Walk back. The first slope is that of tanh, 1 − o² = 0.7864. It arrives at z, and the sums pass it on as it is. Then
# each product gives its weight the *input* as a factor: 0.7864 · 1 for w1, 0.7864 · (−2) for w2. So a weight learns
# fast where its input is large, and not at all where it is 0.

# %%
tc.step(neuron)

# %% [markdown]
# The slope of tanh is a factor in all three gradients. How large it is depends on z:

# %%
s = np.linspace(-4, 4, 81)
marks = [tc.viz.Point(v, np.tanh(v), slope=1 - np.tanh(v) ** 2) for v in (0.5, 3.0)]
tc.viz.plot_lines({"o = tanh z": (s, np.tanh(s))}, xlabel="z", ylabel="o", mark=marks)

# %% [markdown]
# At z = 0.5, where our neuron is, the slope is 0.786. At z = 3 it would be almost 0: if its weights change a little, o
# hardly does, so they hardly learn. Such a neuron is called *saturated*.
#
# ### Exercise 01.6 · An input that wants to know
#
# The inputs were given, so nobody asked for their gradients. In a network they may be the results of other neurons,
# and those must learn, too. What is ∂o/∂x1?

# %%
slope_of_x1 = ...

# %%
tc.learn.check("01.6", slope_of_x1)

# %% [markdown]
# ## 7 · A network separates two moons
#
# Now many neurons. The points below belong to two classes, in the form of two half-moons. A single neuron divides the
# plane by a straight line, and no straight line separates the moons.
#
# Our network has 8 neurons that look at the two coordinates of a point, 8 more that look at the results of those, and
# a weighted sum of the last 8 as its result. Such a network is called a *multilayer perceptron*, MLP for short. In the
# library, `tc.nn.Linear(2, 8)` holds the weights and biases of 8 neurons with 2 inputs, and `tc.nn.Tanh()` squeezes
# what they give. (`float64` keeps 16 digits of every number; we want to compare digits later.)

# %%
points, labels = tc.data.two_moons(100, noise=0.1, seed=0)


def network():
    tc.manual_seed(4)  # the same random weights, whenever this is called
    layers = [tc.nn.Linear(2, 8), tc.nn.Tanh(), tc.nn.Linear(8, 8), tc.nn.Tanh(), tc.nn.Linear(8, 1)]
    return tc.nn.Sequential(*layers).to("float64")


model = network()
sum(parameter.numel() for parameter in model.parameters())

# %% [markdown]
# 105 numbers are to learn. For points of the first moon, with the label 0, the result should be −1; for those of the
# second, with the label 1, it should be 1. The loss is the one from section 1, the square of the difference, now as an
# average over all points:


# %%
def loss(model):
    wanted = tc.tensor(2.0 * labels - 1, dtype="float64")
    result = model(tc.tensor(points, dtype="float64"))[:, 0]
    return (result - wanted).square().mean()


def is_second(points):
    return model(tc.tensor(points, dtype="float64"))[:, 0] > 0


moons = ["first moon", "second moon"]
tc.viz.plot_regions(is_second, points, labels, names=moons)

# %% [markdown]
# The colour of the plane says what the network thinks of each place. It is chance: weights begin as random numbers.
#
# Now 500 times the step from section 1, for 105 numbers at once. `SGD` is gradient descent: its `step` does
# w ← w − α · ∂L/∂w with every one of them, and α is `lr`. A tensor *adds* a new gradient to the one that it still
# has, so `zero_grad` clears them before each walk.

# %% tags=["varies"]
model = network()  # begin afresh, whenever this cell is run
optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
for step in range(500):
    optimizer.zero_grad()
    value = loss(model)
    value.backward()
    optimizer.step()
    if step in (0, 10, 30, 100, 200, 300, 400, 499):
        print(f"step {step:3}:  loss {value.item():.3f}")

# %% [markdown]
# At first the loss falls fast. At step 30 it is 0.373; no single weighted sum of the two coordinates, with its straight
# border, could get lower than that. Then, slowly, the border learns to bend.

# %% tags=["varies"]
tc.viz.plot_regions(is_second, points, labels, names=moons)

# %% [markdown]
# The border follows the moons. Nobody told the network about moons: 105 numbers have each followed their own slope.
#
# ### Nothing but numbers
#
# That was NumPy: whole arrays at a time, and gradient rules for arrays. Is it the same as what you read in section 2?
# On the `scalar` backend a tensor is an array of Scalars. `network` and `loss` run on it without a word being changed,
# and the result is one Scalar that remembers every product and every sum:

# %%
with tc.use_backend("scalar"):
    of_scalars = network()
    result = loss(of_scalars).array.item()

result.backward()  # the method of section 2
print(f"{result}, computed from {len(result.history()):,} numbers")

# %% [markdown]
# And the same network once more on NumPy, where `backward` is the one for tensors. First, the gradients of the two
# weights of its first neuron:

# %%
of_tensors = network()
loss(of_tensors).backward()

print("Scalars:", [round(weight.grad, 4) for weight in of_scalars[0].weight.array[0]])
print("tensors:", [round(gradient, 4) for gradient in of_tensors[0].weight.grad[0].tolist()])

# %% [markdown]
# And all 105:

# %%
differences = [
    abs(number.grad - gradient)
    for scalars, tensors in zip(of_scalars.parameters(), of_tensors.parameters(), strict=True)
    for number, gradient in zip(scalars.array.flat, tensors.grad.numpy().flat, strict=True)
]
print(f"{len(differences)} gradients, none differs by more than 1e-12: {max(differences) < 1e-12}")

# %% [markdown]
# They agree to the last digits that a computer keeps. So there is nothing mysterious about tensors: they are many
# scalars at once, and much faster. Every operation of this library is tested in this way, against Scalars.
#
# ## What to take with you
#
# - A derivative says how many times as fast the result changes. Learning is: take a step against it, look again.
# - Backpropagation needs no more than numbers that know their parents and local derivatives. The walk goes back from
#   the result; along a path slopes multiply, and where paths meet they add up.
# - A gradient is complete when *all* uses of the value have sent theirs. The order of the walk sees to that.
# - Whatever is built from operations with known derivatives can be differentiated. A rule that you do not trust, you
#   can measure.
# - Tensors do what scalars do, many at a time.
#
# **What to read next:** lesson 02 reads larger graphs; lesson 03 does a whole classifier by hand, and follows every
# path. In this project: `backends/scalar/scalar.py` is the page from which you have read, with all operations;
# `tinygrad_cnn/_walk.py` is the same walk for tensors.
#
# **Sources.** An engine so small, and a lesson that begins with it: A. Karpathy, *micrograd*, 2020, and his lecture *The
# spelled-out intro to neural networks and backpropagation: building micrograd*, 2022. There every result holds a
# function that sends gradients back; here it holds the local derivatives themselves, so that one can look at them.
# From one variable to arrays and networks, in sixty steps: K. Saitoh, *Deep Learning from Scratch 3* (in Japanese),
# 2020, with its framework *DeZero*. All derivatives in one walk back: S. Linnainmaa, *Taylor expansion of the
# accumulated rounding error*, BIT 16, 1976. The six operations and the chain rule for several variables are those of
# the lectures that this project grew out of.
