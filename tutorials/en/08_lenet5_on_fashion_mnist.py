# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 90
# ---

# %% [markdown]
# # 08 · LeNet-5 on Fashion-MNIST
#
# Everything so far in one piece: real images, a real network, training, and an honest look at what it got wrong.
#
# **After this lesson you can**
#
# - prepare images for a network, and say why their mean should be 0,
# - follow an image through LeNet-5, with all shapes and parameter counts,
# - write the training loop, and tell from the first loss whether it starts right,
# - read learning curves, a confusion matrix, precision and recall,
# - recognise overfitting, and stop in time.
#
# **You need** lessons 05 (the loss) and 06 (convolutions and their sizes). **Time:** about 90 minutes with the
# exercises. Numbers that come out of training differ a little from machine to machine, and so do the pictures of
# it: yours may not be exactly those in the text.

# %%
import tempfile

import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · The images
#
# Fashion-MNIST consists of small grey pictures of clothes, each with a label that says which of ten kinds it shows.
# A tenth of it ships with the library, so nothing has to be downloaded. With `"fashion-mnist"` in the place of
# `"fashion-mini"` you get all 70,000 images, and nothing else in this lesson changes.

# %%
data = tc.data.load("fashion-mini")
print(data.train)
print(data.test)

# %%
names = [data.classes[label] for label in data.train.labels[:20]]
tc.viz.plot_images(data.train.images[:20] / 255, names, columns=10)

# %% [markdown]
# The network learns from the images in `train`. Those in `test` it never learns from: they are there to find out
# what it makes of clothes that it has not seen. A network that is good on `train` alone has learned by heart.
#
# Before you train anything, look at the data. Some of these pictures you would not have got right yourself. And
# are there as many of each kind? If 90 of 100 images were shirts, a network could be right 90 times without
# looking.

# %%
for label, count in enumerate(np.bincount(data.train.labels)):
    print(f"{count:4} of {data.classes[label]}")

# %% [markdown]
# ## 2 · Numbers around zero
#
# A pixel is a byte, from 0 (black) to 255 (white). Networks prefer numbers with mean 0 and standard deviation 1,
# and the reason is in the backward pass. A weight w of the first layer multiplies a pixel x on its way into a sum z, so
# its slope is ∂L/∂w = ∂L/∂z · x. If all pixels are positive, the slopes of all weights of one z have the same sign:
# they can only go up together or down together, and the way to a solution becomes a zigzag. Inputs of both signs set
# them free.
#
# So, divide by 255, subtract the mean of all training pixels, divide by their standard deviation. This is called
# *to standardize*. The test images are treated with the numbers of the training images too: the network must see
# them as it learned to see.

# %%
pixels = data.train.images / 255
standardized = data.standardize(data.train.images)
for name, numbers in {"bytes / 255": pixels, "standardized": standardized}.items():
    print(f"{name:12}  mean {numbers.mean():z.4f}  deviation {numbers.std():.4f}")

# %% [markdown]
# ### Exercise 08.1 · Black
#
# Most pixels are black, the byte 0. Which number does the network see there? Two digits are enough.

# %%
black = ...

# %%
tc.learn.check("08.1", black)

# %% [markdown]
# A `DataLoader` deals the images out in batches: 64 at a time, in a new random order for every pass through the
# data, which is called an *epoch*. It standardizes each batch on the way.

# %%
train = tc.data.DataLoader(data.train, batch_size=64, shuffle=True, transform=data.standardize)
test = tc.data.DataLoader(data.test, batch_size=500, transform=data.standardize)

images, labels = next(iter(train))
images.shape, labels.shape

# %% [markdown]
# ## 3 · LeNet-5, layer by layer
#
# Two convolutions look for patterns, small ones first, then patterns of those. Pooling after each keeps the
# strongest answers and halves the image. What is left, 16 small maps of 5 × 5, is laid out as one row of 400
# numbers, and three linear layers decide. Between the layers stands a ReLU.
#
# Follow one image. The shapes are (images, channels, rows, columns), and later (images, numbers):

# %%
tc.manual_seed(0)
model = tc.models.LeNet5()
image, label = images[:1], labels[:1]

stages = {"image": image}
with tc.no_grad():  # nothing is learned here
    stages["conv1"] = F.relu(model.conv1(image))
    stages["pool1"] = F.max_pool2d(stages["conv1"], 2)
    stages["conv2"] = F.relu(model.conv2(stages["pool1"]))
    stages["pool2"] = F.max_pool2d(stages["conv2"], 2)
    stages["fc1"] = F.relu(model.fc1(stages["pool2"].flatten(1)))
    stages["fc2"] = F.relu(model.fc2(stages["fc1"]))
    stages["fc3"] = model.fc3(stages["fc2"])

for stage, value in stages.items():
    print(f"{stage:6} {value.shape}")

# %% [markdown]
# The first convolution adds two rows or columns of zeros on each side (`padding=2`), so that 28 × 28 stays
# 28 × 28. In the original paper the images come with such a margin, as 32 × 32. The lectures draw that version; from
# conv1 on the two are the same.
#
# ### Exercise 08.2 · Without padding
#
# Suppose conv1 had no padding. How many numbers would then arrive at fc1, where it is 400 now?

# %%
inputs_of_fc1 = ...

# %%
tc.learn.check("08.2", inputs_of_fc1)

# %% [markdown]
# What does each layer have to learn, and how much work is it? A multiply-add is one product of a weight and an
# input, added to a sum.

# %%
tc.summary(model, (1, 1, 28, 28))

# %%
weights = {name: value.numel() for name, value in model.named_parameters() if name.endswith("weight")}
total = sum(weights.values())
for name, count in weights.items():
    print(f"{name:12} {count:6,}  {count / total:4.0%}")
print(f"{'all weights':12} {total:6,}")

# %% [markdown]
# Without the biases there are 61,470 weights, and 78 % of them sit in fc1. The work is elsewhere: conv2 does more
# than half of the multiply-adds with 4 % of the weights, because it uses each of them at 100 places. *Weights live
# in linear layers, work in convolutions*: remember it when a network is too large, or too slow.
#
# ## 4 · One step, seen from close
#
# Here is the whole of one step for one image: forward on the left, backward on the right. The layers are closed
# boxes; dotted lines show what the forward pass keeps for the backward pass, and how much memory that takes.

# %%
image.name, label.name = "image", "label"
with tc.record():
    loss = F.cross_entropy(model(image), label)
loss.name = "loss"

tc.Graph.of(loss).draw(view="twin", fold=1)

# %% [markdown]
# Every box is an old acquaintance, and the last one especially. fc3 and the cross-entropy behind it are the
# classifier of lesson 03, with 84 inputs in the place of two, and ten classes in the place of two. All that the other
# layers do is to make inputs for it that are better than pixels.
#
# Step through this last part. At the sum `+` the gradient of the ten scores arrives, ŷ − y: about −0.9 at the true
# class, which should have scored more, and about 0.1 at each of the nine others. The bias gets it as it is, the
# weights get it times their input.

# %%
features = stages["fc2"]
features.name = "features"
with tc.record():
    loss = F.cross_entropy(model.fc3(features), label)
loss.name = "loss"

tc.step(loss)

# %% [markdown]
# ### The first loss
#
# The loss of this image is 2.35. Is that much? What should the very first loss be? The network knows nothing, so
# every class gets about the same probability, 1/10, and the loss is about −ln(1/10) = ln 10 = 2.30. Compute this
# before every training. A first loss far above it means that something is wrong: weights that start too large, images
# that were not scaled, or labels that do not fit.

# %%
print(f"first batch: {F.cross_entropy(model(images), labels).item():.2f}")
print(f"ln 10:       {np.log(10):.2f}")

# %% [markdown]
# ### Exercise 08.3 · Letters
#
# EMNIST has images of the 26 letters. What loss should a network start with there?

# %%
first_loss = ...

# %%
tc.learn.check("08.3", first_loss)

# %% [markdown]
# ## 5 · The loop
#
# Training is this step, repeated: forward to the loss, backward to the gradients, a small step against them. Before
# each, the old gradients are set to zero, because `backward` adds to what is there. The optimizer is stochastic
# gradient descent with momentum (in Nesterov's variant): it keeps moving in the direction in which it has been moving,
# so that the noise of single batches averages out.
#
# Keep a copy of the first layer's kernels, to see later what became of them. Then one epoch, by hand:

# %%
kernels_before = model.conv1.weight.detach().clone()
optimizer = tc.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)

losses = []
for images, labels in train:
    optimizer.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

# %% tags=["varies"]
steps = range(1, len(losses) + 1)
guessing = np.full(len(losses), np.log(10))
tc.viz.plot_lines(
    {"loss of the batch": (steps, losses), "guessing: ln 10": (steps, guessing)}, xlabel="step", ylabel="loss"
)

# %% [markdown]
# It starts at ln 10, as it should, stays there for a while, and then falls. The curve is rough, because each point
# is another batch of 64 images, some easier than others.
#
# ### Exercise 08.4 · How many steps?
#
# How many steps does one epoch take with all 60,000 training images of Fashion-MNIST, at 64 images a batch? The last
# batch may be smaller than the others.

# %%
steps_per_epoch = ...

# %%
tc.learn.check("08.4", steps_per_epoch)

# %% [markdown]
# The `Trainer` runs the same loop, and adds what one wants around it: after each epoch it measures the loss and the
# accuracy (the share of images that are recognised) on images that were not learned from, and keeps a history. It
# also records the step once and replays it from then on, which is faster. In the lines that it prints, what stands
# behind `test` are loss and accuracy on the 1,000 test images. Four more epochs:

# %% tags=["varies"]
trainer = tc.Trainer(model, optimizer)
history = trainer.fit(train, test, epochs=4)

# %% tags=["varies"]
tc.viz.plot_history(history)

# %% [markdown]
# About 85 % of clothes that it has never seen, after some seconds of training. That is the way these curves
# should look: both losses fall, and they stay close together. (Training longer, on all 60,000 images, this network
# gets to about 90.5 %.)
#
# ## 6 · What did it get wrong?
#
# One number says little. For each test image the network gives ten scores, and the highest one is its answer. The
# *confusion matrix* counts the answers: a row for each true class, a column for each answer. What is right stands on
# the diagonal.

# %% tags=["varies"]
scores = trainer.predict(test)
confusion = tc.metrics.confusion_matrix(scores, data.test.labels, 10)
tc.viz.plot_confusion(confusion, data.classes)

# %% [markdown]
# The mistakes are not spread evenly. Shoes are taken for other shoes, and shirts, pullovers, coats and T-shirts for
# one another; hardly ever is a shoe taken for a shirt. The network has found a likeness that nobody told it about:
# the labels are just ten numbers.
#
# Two questions about a class have different answers:
#
# - Of all shirts, how many were recognised? This is its **recall**: the number on the diagonal, divided by the sum of
#   its *row*.
# - When the network says "shirt", how often is it right? This is its **precision**: the number on the diagonal,
#   divided by the sum of its *column*.
#
# A network that says "shirt" every time has a perfect recall for shirts, and a precision of 10 %.
#
# ### Exercise 08.5 · Recall
#
# Write a function that takes a matrix of counts like the one above (an array with a row for each true class), and
# returns the recall of every class.


# %%
def recall(counts):
    # one number for each row
    ...


# %%
tc.learn.check("08.5", recall)

# %% [markdown]
# The library divides, too: with `normalize="true"` each row of the matrix adds up to 1, with `"pred"` each column.
# (`tc.metrics` also has `recall`, `precision`, `f_score` and more, which need scikit-learn.)

# %% tags=["varies"]
recalls = np.diag(tc.metrics.confusion_matrix(scores, data.test.labels, 10, normalize="true"))
precisions = np.diag(tc.metrics.confusion_matrix(scores, data.test.labels, 10, normalize="pred"))
print("             recall  precision")
for name, r, p in zip(data.classes, recalls, precisions, strict=True):
    print(f"{name:12} {r:6.0%}  {p:9.0%}")

# %% [markdown]
# Shirts come out worst. And these are the worst single mistakes: the images with the largest loss, where the network
# was sure of something wrong. The title says what it took them for, and what they are. Would you have known?

# %% tags=["varies"]
true = tc.tensor(data.test.labels)
each = F.cross_entropy(scores, true, reduction="none").numpy()
answers = scores.numpy().argmax(axis=1)
worst = np.argsort(-each)[:12]
titles = [f"{data.classes[answers[i]]}, is {data.classes[data.test.labels[i]]}" for i in worst]
tc.viz.plot_images(data.test.images[worst] / 255, titles, wrong=[True] * 12, columns=6)

# %% [markdown]
# ## 7 · What has it learned to look for?
#
# The six kernels of conv1, in the upper row before training, in the lower row after it. A red cell adds what it
# sees, a blue one subtracts it. Compare them with the filters of lesson 06: an edge detector is red on one side and
# blue on the other.

# %% tags=["varies"]
kernels = tc.cat([kernels_before, model.conv1.weight.detach()])
titles = [f"{k} {when}" for when in ("before", "after") for k in range(6)]
tc.viz.plot_filters(kernels, titles, columns=6, numbers=False)

# %% [markdown]
# Nobody designed these. They started as noise and are what 470 small steps made of them. And this is what they find
# in an image, each in a map of its own (after the ReLU, so that black means "nothing here"):

# %% tags=["varies"]
shoe = tc.tensor(data.standardize(data.test.images[:1]))
with tc.no_grad():
    maps = F.relu(model.conv1(shoe))[0]
pictures = [data.test.images[0, 0] / 255, *(maps / maps.max()).numpy()]
tc.viz.plot_images(pictures, ["the image", *(f"map {k}" for k in range(6))], columns=7)

# %% [markdown]
# ## 8 · What overfitting looks like
#
# Now take most of the data away and train on 500 images only, for 40 epochs. Such a small set can be learned by
# heart: the network has 61,706 numbers to adjust, more than a hundred for each image.
#
# We are going to decide when to stop by looking at the loss on images that are not learned from. A decision is a
# kind of learning too: whoever chooses by the test images has used them up, and needs others for an honest final
# number. So we hold out a third part for such decisions, the *validation set*: here 1,000 training images that are
# not among the 500. (The history calls them `test` all the same, which for it means "not learned from".)

# %%
few = tc.data.DataLoader(data.train[:500], batch_size=50, shuffle=True, transform=data.standardize)
validation = tc.data.DataLoader(data.train[5000:], batch_size=500, transform=data.standardize)


def fresh_trainer(*callbacks):
    tc.manual_seed(2)
    model = tc.models.LeNet5()
    optimizer = tc.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
    return tc.Trainer(model, optimizer, callbacks=callbacks, progress=False)


# %% tags=["varies"]
crammer = fresh_trainer()
crammed = crammer.fit(few, validation, epochs=40)
tc.viz.plot_history(crammed)

# %% [markdown]
# This is what overfitting looks like. The loss on the 500 images goes to 0 and their accuracy to 100 %. On other
# images the loss falls for ten epochs or so, and then it *rises*, to almost twice what it was.
#
# Strangely, the accuracy there does not fall. How can the loss double when the network is not wrong more often?
# Because it becomes surer and surer, also where it is wrong, and for that the cross-entropy charges.
#
# ### Early stopping
#
# The network with the lowest loss existed after about ten epochs. So keep the weights of the best epoch, and stop
# when there has been nothing better for a number of epochs, the *patience*.
#
# ### Exercise 08.6 · When does it stop?
#
# These are validation losses, from epoch 1 on. With a patience of 3, after which epoch does training stop? And which
# epoch's weights are the ones to keep? Answer with both numbers: `(stopped, kept)`.

# %%
validation_losses = [0.92, 0.71, 0.64, 0.60, 0.61, 0.58, 0.63, 0.62, 0.66, 0.75, 0.81]

# %%
stopped_and_kept = ...

# %%
tc.learn.check("08.6", stopped_and_kept)

# %% [markdown]
# In the library, keeping and stopping are two *callbacks*: objects that the Trainer tells about every epoch. The run
# below begins with the same weights and gets the same batches as the one above, so it *is* the one above, up to the
# point where it stops.

# %% tags=["varies"]
keep = tc.train.Checkpoint(tempfile.mkdtemp(), monitor="test_loss")
stop = tc.train.EarlyStopping(monitor="test_loss", patience=5)
careful = fresh_trainer(keep, stop)
careful.fit(few, validation, epochs=40)
print("stopped after epoch", careful.epoch)

careful.load_checkpoint(keep.folder / keep.BEST)
print("back to the weights of epoch", careful.epoch)

# %% [markdown]
# Compare the two on the test images: how often is the network right, and how sure is it (the probability that it
# gives to its answer, on average)?

# %% tags=["varies"]
for name, each in {"crammed": crammer, "stopped": careful}.items():
    measured = each.evaluate(test)
    sure = F.softmax(each.predict(test), 1).numpy().max(axis=1).mean()
    print(f"{name}: loss {measured['loss']:.2f}, right {measured['accuracy']:.0%}, sure {sure:.0%}")

# %% [markdown]
# The network that stopped knows how much it knows. The other one is right a little more often, thanks to its 30
# epochs more, but you cannot trust what it says about its chances: a doctor who is always certain. Which of the two
# is better depends on what you need, and so does what to monitor: the loss or the accuracy.
#
# ### Remedies
#
# Stopping early limits the damage. Better is a task that cannot be learned by heart:
#
# - **More data.** The 6,000 images of section 5 brought about 85 %, the 500 here somewhat less than 80 %.
# - **Augmentation.** A shoe that is mirrored, or shifted by a pixel, is still a shoe. Change every image a little,
#   differently in each epoch, and the network never sees quite the same one twice.
# - **Dropout.** Set half of the activations to zero while training, at random, so that no unit can rely on another
#   one: `tc.nn.Dropout(0.5)` between the linear layers.
#
# Augmentation, on the same 500 images and for as many epochs:

# %% tags=["varies"]
flip, shift = tc.data.RandomHorizontalFlip(), tc.data.RandomCrop(28, padding=1)
augment = tc.data.Compose([flip, shift, data.standardize])
changing = tc.data.DataLoader(data.train[:500], batch_size=50, shuffle=True, transform=augment)
augmented = fresh_trainer().fit(changing, validation, epochs=40)

curves = {"always the same images": crammed, "mirrored and shifted": augmented}
curves = {name: (history["epoch"], history["test_loss"]) for name, history in curves.items()}
tc.viz.plot_lines(curves, xlabel="epoch", ylabel="validation loss")

# %% [markdown]
# It learns a little more slowly at first, because its task is harder. But where the first network gets worse, this
# one stays for longer, and lower.
#
# ## What to take with you
#
# - Look at the data first; standardize it with the numbers of the training set.
# - The first loss of a network with C classes is about ln C. If it is not, look for the reason before you train.
# - Most weights are in the linear layers, most work is in the convolutions.
# - A confusion matrix shows *which* mistakes; recall divides by rows, precision by columns.
# - Overfitting: the training loss falls, the validation loss rises. Stop there, or better, have more and more varied
#   data.
# - What decides about the network (when to stop, which learning rate) is not a test any more.
#
# **What to read next:** everything up to here was made of what you have seen in lessons 01 to 07; go back to
# whichever box of the graph above you could not open. In this project: `tinygrad_cnn/models/lenet.py` is this
# network with what differs from the original, `tinygrad_cnn/train/trainer.py` the loop,
# `tinygrad_cnn/train/callbacks.py` early stopping. On the command line, `tinygrad-cnn train --dataset fashion-mnist`
# trains on all images and leaves all these pictures in a folder.
#
# **Sources.** Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document recognition*,
# Proceedings of the IEEE 86, 1998 (LeNet-5). H. Xiao, K. Rasul, R. Vollgraf, *Fashion-MNIST: a novel image dataset
# for benchmarking machine learning algorithms*, 2017. Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient
# BackProp*, 1998 (section 4.3: inputs around zero). L. Prechelt, *Early stopping, but when?*, 1998. N. Srivastava et
# al., *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15, 2014. Shapes and parameter counts
# are those of the lectures that this project grew out of.
