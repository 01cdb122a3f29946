# ---
# jupyter:
#   tinygrad_cnn:
#     minutes: 75
# ---

# %% [markdown]
# # 05 · Softmax, cross-entropy and likelihood
#
# Why the loss of a classifier is a logarithm, what it measures, and how to compute it where exp(1000) overflows.
#
# **After this lesson you can**
#
# - turn scores into probabilities, and say what of the scores they forget,
# - compute entropy, divergence and cross-entropy, and change the base of their logarithms,
# - show that the smallest mean cross-entropy and the greatest likelihood are the same thing,
# - find the operation that made a NaN, and write a sum of exponentials that never overflows,
# - explain why the gradient of softmax and cross-entropy together is ŷ − y.
#
# **You need** lessons 03 (a softmax classifier by hand) and 04 (broadcasting). **Time:** about 75 minutes with the
# exercises.

# %%
import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

# %% [markdown]
# ## 1 · From scores to probabilities
#
# The last layer of a classifier gives each class a number, its *score* (also called a *logit*). A score may be
# anything: negative, large, small. A probability may not: it is positive, and all of them add up to 1. The softmax
# gets from one to the other in two moves, an exponential and a division:
#
# ŷᵢ = exp(zᵢ) / Σⱼ exp(zⱼ)
#
# Five scores from the lectures, move by move:

# %%
z = tc.tensor([-0.8, 2.0, 6.0, -2.7, 0.8], dtype="float64")
powers = z.exp()
ŷ = powers / powers.sum()

print("  score     exp(z)        ŷ")
for score, power, probability in zip(z.tolist(), powers.tolist(), ŷ.tolist(), strict=True):
    print(f"{score:7.1f} {power:10.4f} {probability:8.4f}")
print(f"    sum {powers.sum().item():10.4f} {ŷ.sum().item():8.4f}")

# %% [markdown]
# Nothing is negative any more, and the order has stayed. The exponential stretches distances: 6 is three times 2,
# but its class gets fifty times as much. `F.softmax` does both moves at once; here with the lectures' second example,
# in which two classes are closer to each other:

# %%
F.softmax(tc.tensor([3.82, 5.35, 1.44, -1.26, 2.71, 1.98], dtype="float64"), dim=0)

# %% [markdown]
# ### What the probabilities forget
#
# Divide two probabilities, and the sum below them cancels:
#
# ŷᵢ / ŷⱼ = exp(zᵢ) / exp(zⱼ) = exp(zᵢ − zⱼ)
#
# Only *differences* of scores count. Add 100 to all of them, and no probability changes. Keep this in mind: section 6
# lives on it.

# %%
print(tc.allclose(F.softmax(z, dim=0), F.softmax(z + 100, dim=0)))

# %% [markdown]
# What does change something is a factor. A classifier whose scores are divided by a *temperature* T makes up its mind
# later when T is large, and sooner when T is small. Its favourite stays the same.

# %%
three = tc.tensor([2.0, 1.0, 0.0], dtype="float64")
tc.viz.plot_bars(
    {f"T = {T}": F.softmax(three / T, dim=0) for T in (0.5, 1, 4)},
    ["score 2", "score 1", "score 0"],
)

# %% [markdown]
# ### Exercise 05.1 · How many times as likely?
#
# A classifier gives three classes the scores z = [3, 1, −2]. It finds the first class more likely than the second: how
# many times as likely?

# %%
times_as_likely = ...

# %%
tc.learn.check("05.1", times_as_likely)

# %% [markdown]
# ## 2 · Surprise, and how much of it to expect
#
# In a sunny place it rains on one day in five. Sunshine there surprises nobody; rain does, a little. Let us measure
# the *surprise* of an event by its probability p, and ask for three things:
#
# - what is certain (p = 1) surprises by 0,
# - what is less likely surprises more,
# - the surprises of two independent events add up, while their probabilities multiply.
#
# Only one kind of function turns products into sums: the logarithm. So the surprise is −log p. With base 2 it is
# counted in *bits*: tossing heads (p = ½) surprises by 1 bit, twice in a row (p = ¼) by 2.

# %%
p = tc.linspace(0.02, 1, 99, dtype="float64")
tc.viz.plot_lines(
    {"−log₂ p": (p, -p.log2())},
    xlabel="probability p",
    ylabel="surprise in bits",
    mark=[tc.viz.Point(0.5, 1, "heads: 1 bit"), tc.viz.Point(0.25, 2, "heads twice: 2 bits")],
)

# %% [markdown]
# The **entropy** is the surprise to expect: each surprise times how often it comes.
#
# H(p) = Σᵢ pᵢ · (−log₂ pᵢ)


# %%
def entropy(p):
    return -(p * p.log2()).sum()


weather = tc.tensor([0.8, 0.2], dtype="float64")
even = tc.tensor([0.5, 0.5], dtype="float64")

print("surprises:     ", [round(bits, 2) for bits in (-weather.log2()).tolist()])
print(f"H[0.8, 0.2] = {entropy(weather).item():.2f} bits")
print(f"H[0.5, 0.5] = {entropy(even).item():.2f} bits")

# %% [markdown]
# Rain surprises by 2.32 bits, but it is rare; sunshine is frequent, and surprises by 0.32. On average, over many
# days, that is 0.72 bits. With two outcomes nothing is harder to foresee than a fair coin:

# %%
curve = tc.stack([entropy(tc.stack([share, 1 - share])) for share in p[:-1]])
tc.viz.plot_lines(
    {"H[p, 1 − p]": (p[:-1], curve)},
    xlabel="p",
    ylabel="entropy in bits",
    mark=[tc.viz.Point(0.5, 1, "1"), tc.viz.Point(0.8, entropy(weather).item(), "0.72")],
)

# %% [markdown]
# ## 3 · A wrong belief costs
#
# Now somebody *believes* in other probabilities, q, while the weather keeps to p. Their surprise on a day is −log₂ q,
# but the days still come as p says. What they have to expect is the **cross-entropy**:
#
# CE(p, q) = Σᵢ pᵢ · (−log₂ qᵢ)
#
# It is never below H(p): nobody is surprised less, in the long run, than those who know the true probabilities. What
# a wrong belief costs on top is called the **divergence** of Kullback and Leibler:
#
# D(p ‖ q) = Σᵢ pᵢ · log₂(pᵢ / qᵢ)
#
# so that **CE(p, q) = H(p) + D(p ‖ q)**.


# %%
def cross_entropy(p, q):
    return -(p * q.log2()).sum()


def divergence(p, q):
    return (p * (p / q).log2()).sum()


# %%
near = tc.tensor([0.88, 0.12], dtype="float64")
parts = {
    "H(p)": [entropy(weather).item()] * 2,
    "D(p ‖ q)": [divergence(weather, q).item() for q in (even, near)],
    "CE(p, q)": [cross_entropy(weather, q).item() for q in (even, near)],
}
tc.viz.plot_bars(parts, ["q = [0.5, 0.5]", "q = [0.88, 0.12]"], ylabel="bits", title="p = [0.8, 0.2]")

# %% [markdown]
# Whoever expects sun and rain like heads and tails pays 0.278 bits a day for it; whoever is a little too sure of the
# sun, 0.037. (The lectures' slides round that to 0.28 and 0.04.) Of the two parts, only the divergence depends on q. So whoever
# makes the cross-entropy smaller by changing q makes the divergence smaller: the belief comes closer to the truth.
#
# The library's own functions compute with the natural logarithm, ln, whose unit is called *nat*. Divided by ln 2 they
# give the same bits:

# %%
print(F.kl_div(near.log(), weather, reduction="sum") / np.log(2))
print(F.cross_entropy(near.log(), weather) / np.log(2))

# %% [markdown]
# The second line passes logarithms of probabilities where scores are expected. That is allowed, because the softmax
# leads straight back: exp(ln q) is q, and the sum of all q is 1.
#
# ### Exercise 05.2 · The other way round
#
# Now the coin is the truth, p = [0.5, 0.5], and somebody believes in q = [0.8, 0.2]. What does that cost them,
# D(p ‖ q), in bits?

# %%
cost_in_bits = ...

# %%
tc.learn.check("05.2", cost_in_bits)

# %% [markdown]
# ## 4 · The loss of a classifier
#
# A label is a truth without doubt: y is 1 at the right class and 0 elsewhere. What is certain surprises by 0, so
# H(y) = 0, cross-entropy and divergence are the same, and of the sum over the classes a single term is left:
#
# L = −ln ŷ(right class)
#
# The loss is the surprise of the classifier when it is shown the label. That is what `F.cross_entropy` computes; over a
# batch it takes the mean.
#
# **Mind the base.** The lectures work their examples with logarithms of base 10; programs use ln. All logarithms
# differ by a constant factor: ln x = ln 10 · log₁₀ x, and ln 10 is 2.3026. Where the minimum lies does not depend on it.
# But compare two losses only if you know their bases.

# %%
print("right class at     ln    log₁₀")
for probability in (0.72, 0.52, 0.30):
    scores = tc.tensor([probability, 1 - probability], dtype="float64").log()
    natural = F.cross_entropy(scores, tc.tensor(0)).item()
    print(f"{probability:14.2f} {natural:8.4f} {natural / np.log(10):.5f}")

# %% [markdown]
# With two classes one probability is enough: ŷ for class 1, 1 − ŷ for class 0. Written for both cases at once, the loss
# is −y · ln ŷ − (1 − y) · ln(1 − ŷ), *binary* cross-entropy. Three examples of the lectures, in base 10 again:

# %%
believed = tc.tensor([0.20, 0.92, 0.65], dtype="float64")
truth = tc.tensor([0.0, 1.0, 0.0], dtype="float64")
losses = F.binary_cross_entropy(believed, truth, reduction="none") / np.log(10)
for ŷ, y, loss in zip(believed.tolist(), truth.tolist(), losses.tolist(), strict=True):
    print(f"y = {y:.0f}, ŷ = {ŷ:.2f}: {loss:.5f}")

# %% [markdown]
# ### Exercise 05.3 · A batch
#
# The three samples of the first table form a batch: their right classes got the probabilities 0.72, 0.52 and 0.30.
# What does `F.cross_entropy` return for the batch?

# %%
loss_of_the_batch = ...

# %%
tc.learn.check("05.3", loss_of_the_batch)

# %% [markdown]
# ## 5 · The same loss from another side: likelihood
#
# Forget surprise for a moment. Ten times a bent coin was tossed, and seven times it fell on heads. Which probability
# of heads, ŷ, explains these ten labels best?
#
# For each ŷ we can say how probable exactly these labels are. The tosses are independent, so that is a product, the
# **likelihood** of ŷ:
#
# ℓ(ŷ) = ŷ · ŷ · (1 − ŷ) · ŷ · … = Πₙ (probability that ŷ gives to label n)
#
# The best ŷ is the one with the greatest likelihood. The logarithm turns the product into a sum; with a minus sign and
# divided by the number of labels N it reads
#
# −1/N · ln ℓ(ŷ) = 1/N · Σₙ −ln(probability that ŷ gives to label n)
#
# and that is the mean cross-entropy, letter by letter. The logarithm only rises, so where the likelihood has its peak,
# the loss has its valley. (The likelihood of ten labels is tiny. It is drawn with its peak at 1, to fit in one picture.)

# %%
labels = tc.tensor([1, 1, 0, 1, 1, 1, 0, 1, 0, 1])
heads = tc.linspace(0.05, 0.95, 91, dtype="float64")  # the values of ŷ to compare
chances = tc.where(labels == 1, heads[:, None], 1 - heads[:, None])  # (91, 10): a row for each ŷ
likelihood = chances.prod(1)
loss = -chances.log().mean(1)
best = loss.argmin()

tc.viz.plot_lines(
    {"likelihood": (heads, likelihood / likelihood.max()), "loss": (heads, loss)},
    xlabel="ŷ, the probability of heads",
    ylabel="",
    mark=tc.viz.Point(heads[best].item(), loss[best].item(), f"{loss[best].item():.4f}"),
)

# %% [markdown]
# Both say 0.7, the share of heads in the data. At its best the loss is not 0 but 0.6109: the entropy of the data
# themselves, this time in nats. No classifier that knows nothing but the coin gets below it.
#
# Nothing changes when every sample has an input, and so a ŷ of its own. The factors of the likelihood are then the
# probabilities that the classifier gives to the right classes, and their mean −ln is the loss of the batch.
#
# The logarithm has a practical side, too. The product of ten probabilities is small; that of ten thousand is smaller
# than the smallest number a computer knows. The mean of logarithms does not mind:

# %%
many = chances[best].repeat(1000)  # a thousand times as many labels
print(f"likelihood of {len(many):,} labels: {many.prod().item()}")
print(f"mean cross-entropy:         {-many.log().mean().item():.4f}")

# %% [markdown]
# Gradient descent finds the valley by itself. Here is a classifier that has nothing to learn but a single score, the
# same for every toss; a sigmoid makes the probability of it, ŷ = σ(score).

# %%
score = tc.tensor(0.0, dtype="float64", requires_grad=True)
optimizer = tc.optim.SGD([score], lr=1.0)
for _ in range(100):
    optimizer.zero_grad()
    F.binary_cross_entropy_with_logits(score.expand(10), labels.to("float64")).backward()
    optimizer.step()
print(f"ŷ = {F.sigmoid(score).item():.4f}")

# %% [markdown]
# ## 6 · When numbers overflow
#
# On paper we are done. A computer has one objection: float32 ends at 3.4 · 10³⁸, and the exponential gets there soon.
# (NumPy warns of what follows. We switch that off and look for ourselves.)

# %%
ignored = np.seterr(all="ignore")
tc.tensor([88.0, 89.0]).exp()

# %% [markdown]
# A score of 89 is nothing unusual in the first steps of a badly tuned training. Here is the loss as sections 1 and 4
# write it. On paper these scores are harmless: class 1 is far ahead, and it is the right one. Look how far the
# computer gets on its way to ŷ:

# %%
z = tc.tensor([1000.0, 0.0, -1000.0], requires_grad=True, name="z")
with tc.record():
    h = z.exp()
    H = h.sum()
    ŷ = h / H
    L = -ŷ[0].log()

h.name, H.name, ŷ.name, L.name = "h", "H", "ŷ", "L"
tc.Graph.of(ŷ).draw(values=True)

# %% [markdown]
# exp(1000) is ∞, the sum is ∞, and ∞ / ∞ is *not a number*, NaN. Whatever a NaN touches becomes NaN, so one of them
# spoils the loss, then every gradient, then every weight. In a large network you meet it far away from where it was
# born. So ask the graph of the loss where that was:

# %%
print(tc.Graph.of(L).explain("z").sentence)

# %% [markdown]
# Where there is no graph to ask yet, `tc.detect_anomaly()` checks every single result (which takes time) and stops at
# the first one that is not finite:

# %%
try:
    with tc.detect_anomaly():
        h = z.exp()
        ŷ = h / h.sum()
except tc.errors.NonFiniteError as error:
    print(error)

# %% [markdown]
# ### The way out: take the lead away
#
# Only differences of scores count (section 1). So subtract the largest score, m, from all of them: the largest is then
# 0, its exponential 1, and the others lie between 0 and 1. Nothing can overflow, and the sum is at least 1, so nothing
# divides by 0. `F.softmax` does that:

# %%
F.softmax(z, dim=0)

# %% [markdown]
# It is not enough yet. Say class 2 is the right one: its probability has become 0, and ln 0 is −∞. The loss needs the
# *logarithm* of ŷ, and that can be had without ever computing ŷ:
#
# L = −ln ŷ(right) = ln Σⱼ exp(zⱼ) − z(right),  and  ln Σⱼ exp(zⱼ) = m + ln Σⱼ exp(zⱼ − m)
#
# The last expression has a name, *log-sum-exp*. `F.cross_entropy` computes the loss in this form, softmax and logarithm
# *fused* into one operation:

# %%
print("shifted softmax, then ln:", -F.softmax(z, dim=0)[1].log().item())
print("fused:                   ", F.cross_entropy(z, tc.tensor(1)).item())

# %% [markdown]
# A lead of 1000 for the wrong class costs 1000. This is why `F.cross_entropy` wants scores: a softmax before it would
# throw away what it needs.
#
# ### Exercise 05.4 · Very negative scores
#
# Softmax *without* the shift, in float32, for z = [−200, −200]. On paper both classes get ½. What does the computer
# get? Choose one of "half", "zero", "infinity", "nan".

# %%
without_the_shift = ...

# %%
tc.learn.check("05.4", without_the_shift)

# %% [markdown]
# ### Exercise 05.5 · Write log-sum-exp
#
# Write ln Σⱼ exp(zⱼ) for a tensor z of shape (C,), so that it survives scores of 1000 and of −1000. The methods
# `.max()`, `.exp()`, `.sum()` and `.log()` are all you need (`tc.logsumexp` would be cheating).


# %%
def log_sum_exp(z):
    # returns one number, for all of z
    ...


# %%
tc.learn.check("05.5", log_sum_exp)

# %% [markdown]
# ## 7 · The gradient of the pair: ŷ − y
#
# In L = ln Σⱼ exp(zⱼ) − z(right) the derivative takes two lines. The first part is a logarithm of a sum of
# exponentials:
#
# ∂/∂zᵢ ln Σⱼ exp(zⱼ) = exp(zᵢ) / Σⱼ exp(zⱼ) = ŷᵢ
#
# The second part, −z(right), has the slope −1 for the right class and 0 for all others: that is −yᵢ. Together:
#
# **∂L/∂z = ŷ − y**
#
# Softmax is the slope of log-sum-exp. Lesson 03 found the same by adding up paths. Now let us watch it, first written
# out, in six operations. The scores are chosen so that their exponentials are whole numbers, 1, 2 and 7, and class 2 is
# the right one. Watch where two contributions meet at h, one from ŷ and one from H.

# %%
z = tc.tensor(np.log([1.0, 2.0, 7.0]), requires_grad=True, name="z")
with tc.record():
    h = z.exp()
    H = h.sum()
    ŷ = h / H
    ŷ2 = ŷ[1]
    L = -ŷ2.log()

h.name, H.name, ŷ.name, ŷ2.name, L.name = "h", "H", "ŷ", "ŷ2", "L"
tc.step(L)

# %% [markdown]
# And now fused: softmax and logarithm are one node. Its rule says g · (softmax(z) · Σ y − y). The g is what arrives, here
# 1, and Σ y is 1 for probabilities; what is left is ŷ − y. (The mean behind it is the average over the batch, here of
# one sample.)

# %%
y = tc.tensor([0.0, 1.0, 0.0], dtype="float64", name="y")
with tc.record():
    fused = F.cross_entropy(z, y)

fused.name = "L"
tc.step(fused)

# %%
fused.backward()
tc.viz.plot_arrays({"ŷ": ŷ, "y": y, "∂L/∂z": z.grad}, kind={"∂L/∂z": "gradient"}, signs=["−", "="])

# %% [markdown]
# Both walks arrive at the same numbers. The first goes by way of −1 / 0.2 = −5, adds up what comes from two sides, and
# multiplies by h; the smaller ŷ2, the larger the numbers on this detour. The second is there at once.
#
# Read the result as a teacher's remark. Class 3 was given 0.7 and should have been given 0: down with its score. Class 2
# was given 0.2 and should have been given 1: up. The corrections add up to 0, and none is ever larger than 1, however
# wrong the classifier is. When ŷ = y there is nothing left to say.
#
# Nothing in the derivation needs y to be a label without doubt. With any probabilities q as the target the slope is
# ŷ − q, and it vanishes exactly where ŷ = q.
#
# ### Exercise 05.6 · Smoothed labels
#
# To keep a classifier from striving for absolute certainty, `F.cross_entropy(z, y, label_smoothing=0.1)` takes a tenth
# of the target's probability away and hands it out again in equal shares to *all* classes. With ten classes: at which
# ŷ of the right class does the gradient vanish?

# %%
smoothed_optimum = ...

# %%
tc.learn.check("05.6", smoothed_optimum)

# %% [markdown]
# ## What to take with you
#
# - Softmax makes probabilities of scores. Only differences of scores count.
# - Surprise is −log p; entropy is the surprise to expect; cross-entropy is what a belief q makes of it, and
#   CE(p, q) = H(p) + D(p ‖ q).
# - The loss of a classifier is its surprise at the labels. To minimise it is to maximise the likelihood.
# - Bits, nats and base 10 differ by a factor. The library says ln.
# - Give `F.cross_entropy` scores, not probabilities: it subtracts the largest one, computes in logarithms, and its
#   gradient is ŷ − y.
#
# **What to read next:** lesson 06 leaves scores alone and asks where they come from: convolution. In this project:
# `tinygrad_cnn/ops/loss.py` is log-sum-exp, softmax and the fused pair, with its gradient rule;
# `tests/seeds/test_lectures.py` holds this lesson's numbers as tests. Elsewhere: I. Goodfellow, Y. Bengio,
# A. Courville, *Deep Learning*, 2016, sections 3.13, 4.1 and 5.5; D. MacKay, *Information Theory, Inference, and
# Learning Algorithms*, 2003, chapter 2.
#
# **Sources.** The numbers are those of the lectures that this project grew out of. Entropy: C. E. Shannon, *A
# Mathematical Theory of Communication*, 1948. Divergence: S. Kullback, R. A. Leibler, *On Information and Sufficiency*,
# 1951. Softmax for classification: J. S. Bridle, 1990. Temperature: G. Hinton, O. Vinyals,
# J. Dean, *Distilling the Knowledge in a Neural Network*, 2015. Overflow: P. Blanchard, D. J. Higham, N. J. Higham,
# *Accurately computing the log-sum-exp and softmax functions*, 2021. Label smoothing: C. Szegedy et al., *Rethinking
# the Inception Architecture for Computer Vision*, 2015.
