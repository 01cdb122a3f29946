# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 15
# ---

# %% [markdown]
# # 00 · Five-minute tour
#
# Train a network, draw what it computes, step through a gradient: the whole library in a few cells.
#
# **After this lesson you can**
#
# - train a network in ten lines,
# - draw its computation graph, and look into one layer,
# - step forward and backward through a computation,
# - answer an exercise, and get help when you are stuck.
#
# **You need** a little Python. Everything you meet here is explained in the lessons that follow; for now, look
# around. **Time:** five minutes to run and look, fifteen with the exercises.
#
# Shift + Enter runs a cell and goes on to the next one.

# %% [markdown]
# ## 1 · Train
#
# The data are small pictures of clothes, in ten kinds: Fashion-MNIST, of which 7,000 pictures come with the library.
# The network is LeNet-5, a classic from 1998. It looks at 64 pictures, compares its answers with the right ones,
# changes its weights a little, and goes on to the next 64. Three times through 6,000 pictures take a few seconds:

# %% tags=["varies"]
import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

tc.manual_seed(0)
data = tc.data.load("fashion-mini")
train = tc.data.DataLoader(data.train, batch_size=64, shuffle=True, transform=data.standardize)
test = tc.data.DataLoader(data.test, batch_size=500, transform=data.standardize)

model = tc.models.LeNet5()
optimizer = tc.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
trainer = tc.Trainer(model, optimizer)
history = trainer.fit(train, test, epochs=3)

# %% [markdown]
# The *loss* says how wrong the network is, the *accuracy* how often it is right; behind `test` stand both for 1,000
# pictures that it has not learned from. More than 80 % of them are right, where guessing would give 10 %.
#
# What did it answer? In the upper row are the first ten of those pictures, in the lower row the first ten that it got
# wrong. The titles are the network's answers. Can you see where it went astray?

# %% tags=["varies"]
answers = trainer.predict(test).numpy().argmax(axis=1)
wrong = answers != data.test.labels
shown = [*range(10), *wrong.nonzero()[0][:10]]
titles = [data.classes[answers[i]] for i in shown]
tc.viz.plot_images(data.test.images[shown] / 255, titles, wrong=wrong[shown], columns=10)

# %% [markdown]
# ## 2 · Draw
#
# What is in this network? Five layers have something to learn, 61,706 numbers in all:

# %%
tc.summary(model, (1, 1, 28, 28))

# %% [markdown]
# Whatever you compute, the library remembers how. Compute the loss of one picture, the boot in the upper left corner,
# and draw the way from the picture (the grey box at the top) to the loss (the orange circle). On the arrows stand the
# shapes of what flows there: 1 picture of 28 × 28 numbers, 6 maps of 28 × 28, and so on, down to 10 scores, one for
# each kind of clothes.

# %%
images, labels = next(iter(test))
image, label = images[:1], labels[:1]
image.name, label.name = "image", "label"

with tc.record():  # keeps all values, so that they can be drawn
    loss = F.cross_entropy(model(image), label)
loss.name = "loss"

graph = tc.Graph.of(loss)
graph.draw(fold=1)

# %% [markdown]
# Ellipses are operations; later lessons explain them one by one. The last three compute the loss: `one-hot` writes
# the label as ten numbers, a 1 for the right kind of clothes and a 0 for the others, `softmax CE` says how far the
# ten scores are from that, and Σ/Σ takes the mean over the pictures, of which there is only one here.
#
# Each box with a ⊞ is a layer, folded up. Zoom into the first one, `conv1`:

# %%
graph.zoom("LeNet5/conv1").draw()

# %% [markdown]
# The blue boxes are what the layer learns. `weight` holds six *kernels* of 5 × 5 numbers. Each of them slides over the
# image (that is the ⋆), and at every place it adds up the pixels under it, each times its number. `bias` has one more
# number for each kernel, to be added everywhere. The orange circle is the result: six pictures of 28 × 28 numbers.
#
# Here are the six kernels after the training. What lies under a red cell is added, what lies under a blue one is
# subtracted:

# %% tags=["varies"]
tc.viz.plot_filters(model.conv1.weight, [f"kernel {k}" for k in range(6)], columns=6, numbers=False)

# %% [markdown]
# And this is what they make of the boot: six *maps*, one for each kernel, bright where it has found what it looks for.
# Some find edges, others whole areas. Kernel 4 is blue on the left and red on the right, so its map is bright where the
# picture gets brighter from left to right. (Negative numbers are black here: the next operation in the graph, ReLU,
# makes them 0.)

# %% tags=["varies"]
maps = F.relu(model.conv1(image))[0].numpy()
pictures = [data.test.images[0] / 255, *(maps / maps.max())]
tc.viz.plot_images(pictures, ["the image", *(f"map {k}" for k in range(6))], columns=7)

# %% [markdown]
# ### Exercise 00.1 · What comes out?
#
# That was one picture. While training, the network gets 64 at once. Which shape do its scores have then? Write it
# as a tuple, as the shapes in the table.
#
# Every exercise of these lessons is a pair of cells: write your answer where the dots are, then run both.

# %%
shape_of_scores = ...

# %%
tc.learn.check("00.1", shape_of_scores)

# %% [markdown]
# ## 3 · Step
#
# How does a network know in which direction to change its weights? It walks back along the arrows and computes, for
# every number, how much the result changes when that number changes a little: its *gradient*. Lesson 01 explains
# this from the start. Here is the smallest example that has something to say, `b = a + a` and `c = b + b`.
#
# Run the cell, click into the page that appears, and press the right arrow key, or use its buttons. (Before you run it
# you see a still picture.) First the computation goes forward, then the gradients come back. Watch `a`: two
# contributions arrive there, one from each arrow, and they add up.
#
# Below the picture stands the rule of each step. In a rule, L is the result, here c; g is the gradient that has arrived
# at an operation; and x and y are the two inputs of that operation, whatever we call them.

# %%
a = tc.tensor(1.0, requires_grad=True, name="a")
with tc.record():
    b = a + a
    c = b + b
b.name, c.name = "b", "c"

tc.step(c)

# %% [markdown]
# ### Exercise 00.2 · One more sum
#
# The gradient of c with respect to a is 4: change a by 0.001, and c changes by 0.004. Now add a line, `d = c + c`.
# What is the gradient of d with respect to a?

# %%
gradient_of_d = ...

# %%
tc.learn.check("00.2", gradient_of_d)

# %% [markdown]
# ## 4 · Ask
#
# You are not alone with an exercise.
#
# | | |
# |---|---|
# | `tc.learn.check("00.2", 6)` | says whether an answer is right; if it shows a typical mistake, it says which one |
# | `tc.learn.hint("00.2")` | gives a hint, and a plainer one when you ask again |
# | `tc.learn.solution("00.2")` | shows how it is done |
# | `tinygrad-cnn learn` | in a terminal: all lessons, and how far you are in each |
# | `tinygrad-cnn learn 01` | makes a copy of a lesson for you, and opens it |
#
# Wrong answers cost nothing. Some are worth trying: see what `check` says to a 6.
#
# The library itself helps in the same way. An error says what was expected, what came, and what to try; and
# `help(tc.Trainer)` shows what a thing does, with an example that runs.
#
# ### Exercise 00.3 · How many are right?
#
# Some answers are functions. Write one that takes two lists of the same length, the network's answers and the right
# ones, and returns the share of answers that are right, a number between 0 and 1. It will be tried on several lists.


# %%
def share_right(answers, labels):
    # answers such as [2, 0, 1, 1], labels such as [2, 0, 3, 1]
    ...


# %%
tc.learn.check("00.3", share_right)

# %% [markdown]
# ## What to take with you
#
# - Ten lines train a network, one draws it, one steps through it.
# - The same engine does all three: what you see in a drawing is what was computed.
# - A wrong answer to an exercise often gets a better reply than a right one.
#
# **What to read next:** lesson 01 starts with a single number and builds up to this. The other lessons: 02
# computation graphs, 03 a classifier by hand, 04 from scalars to tensors, 05 softmax and cross-entropy, 06 and 07
# convolution forward and backward, 08 LeNet-5 again, this time thoroughly. In this project: `README.md` goes once
# around everything, and `backends/scalar/scalar.py` is backpropagation on one page.
#
# **Sources.** Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*,
# Proceedings of the IEEE 86, 1998 (LeNet-5). H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a novel image dataset
# for benchmarking machine learning algorithms*, 2017; its pictures are © Zalando SE, MIT licence.
