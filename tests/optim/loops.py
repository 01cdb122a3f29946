"""The update rules once more, for one weight at a time, in plain Python straight from the papers.

Each is a generator: it is sent a gradient and the weight, and yields what the weight becomes.
"""

from __future__ import annotations

import math


def sgd(lr=1e-3, momentum=0.0, dampening=0.0, nesterov=False):
    v = None
    w, g = yield
    while True:
        v = g if v is None else momentum * v + (1 - dampening) * g
        w, g = yield w - lr * ((g + momentum * v if nesterov else v) if momentum else g)


def heavy_ball(lr=1e-3, momentum=0.9):
    """W(t+1) = W(t) + α (W(t) − W(t−1)) + (1 − α) (−η ∇L), with the weights of before."""
    before = None
    w, g = yield
    while True:
        change = 0.0 if before is None else w - before
        before = w
        w, g = yield w + momentum * change + (1 - momentum) * (-lr * g)


def adagrad(lr=1e-2, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    squares, t = [initial_accumulator_value], 0
    w, g = yield
    while True:
        squares.append(g**2)
        w, g = yield w - lr / (1 + t * lr_decay) * g / (math.sqrt(math.fsum(squares)) + eps)
        t += 1


def adadelta(lr=1.0, rho=0.9, eps=1e-6):
    gradients = steps = 0.0
    w, g = yield
    while True:
        gradients = rho * gradients + (1 - rho) * g**2
        step = -math.sqrt(steps + eps) / math.sqrt(gradients + eps) * g
        steps = rho * steps + (1 - rho) * step**2
        w, g = yield w + lr * step


def rmsprop(lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0, centered=False):
    square = mean = velocity = 0.0
    w, g = yield
    while True:
        square = alpha * square + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        scaled = g / (math.sqrt(square - (mean**2 if centered else 0.0)) + eps)
        velocity = momentum * velocity + scaled
        w, g = yield w - lr * velocity


def averages(values, beta):
    """Σ (1 − β) βᵗ⁻ⁱ xᵢ, the sum that a running average is, and what its weights add up to."""
    weights = [(1 - beta) * beta ** (len(values) - 1 - i) for i in range(len(values))]
    return math.fsum(a * x for a, x in zip(weights, values, strict=True)), math.fsum(weights)


def adam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, decay=0.0):
    gradients, largest = [], 0.0
    w, g = yield
    while True:
        w -= lr * decay * w
        gradients.append(g)
        m, m_weight = averages(gradients, betas[0])
        v, v_weight = averages([x**2 for x in gradients], betas[1])
        largest = max(largest, v)
        corrected = (largest if amsgrad else v) / v_weight
        w, g = yield w - lr * (m / m_weight) / (math.sqrt(corrected) + eps)


def adamax(lr=2e-3, betas=(0.9, 0.999), eps=1e-8):
    gradients = []
    w, g = yield
    while True:
        gradients.append(g)
        m, m_weight = averages(gradients, betas[0])
        t = len(gradients)
        u = max(betas[1] ** (t - 1 - i) * (abs(x) + eps) for i, x in enumerate(gradients))
        w, g = yield w - lr * (m / m_weight) / u


def nadam(lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3):
    gradients = []
    w, g = yield
    while True:
        gradients.append(g)
        t = len(gradients)
        mu = [betas[0] * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in range(1, t + 2)]
        m, _ = averages(gradients, betas[0])
        v, v_weight = averages([x**2 for x in gradients], betas[1])
        ahead = mu[t] * m / (1 - math.prod(mu)) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:-1]))
        w, g = yield w - lr * ahead / (math.sqrt(v / v_weight) + eps)


def radam(lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
    gradients = []
    longest = 2 / (1 - betas[1]) - 1
    w, g = yield
    while True:
        gradients.append(g)
        t = len(gradients)
        m, m_weight = averages(gradients, betas[0])
        v, v_weight = averages([x**2 for x in gradients], betas[1])
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        step = lr * m / m_weight
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            step *= math.sqrt(r) * math.sqrt(v_weight) / (math.sqrt(v) + eps)
        w, g = yield w - step


def rprop(lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50.0)):
    size, before = lr, 0.0
    w, g = yield
    while True:
        jumped = g * before < 0
        size *= etas[0] if jumped else etas[1] if g * before > 0 else 1.0
        size = min(max(size, step_sizes[0]), step_sizes[1])
        g = 0.0 if jumped else g
        before = g
        w, g = yield w - math.copysign(size, g) if g else w
