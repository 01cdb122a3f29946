"""Computations to step through, and how to look at the page that does it."""

from __future__ import annotations

import json

import numpy as np

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.player.story import tell
from tinygrad_cnn.viz.theme import number


def leaf(data, name, requires_grad=True):
    return tc.tensor(data, dtype="float64", requires_grad=requires_grad, name=name)


def walked(make):
    with tc.record():
        result = make()
    result.name = "L"
    graph = Graph.of(result)
    graph.backward()
    return graph


def scalars():
    """Two fan-outs, one of them three uses wide."""
    w, x, b = leaf(0.2, "w"), leaf(-0.187, "x", requires_grad=False), leaf(0.5, "b")
    h = (w * x + b).tanh()
    h.name = "h"
    return h * w + h * h


def matrices():
    x, W, b = (
        leaf([[0.2, 0.7], [0.8, 0.1]], "x"),
        leaf([[0.65, 1.19], [0.69, -0.92]], "W"),
        leaf([0.0, 0.1], "b"),
    )
    y = tc.tensor([[1.0, 0.5], [-2.0, 3.0]], dtype="float64", name="y")
    return ((x @ W + b) * y).sum()


def image_network():
    x = leaf([[[[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]]]], "x")
    y = F.conv2d(x, leaf([[[[0, 1, 2], [2, 2, 0], [0, 1, 2]]]], "w"))
    return (
        F.max_pool2d(y, 2, stride=1) * leaf([[[[1.0, -1.0], [0.5, 2.0]]]], "t", requires_grad=False)
    ).sum()


def go_to(page, place):
    page.evaluate(f"goTo({place})")


def step_titled(graph, title):
    """The place of a step, by its title; of several the last, which is the backward one."""
    return max(place for place, scene in enumerate(tell(graph)) if scene.title == title)


# The numbers of a figure, those of a table's cells in all digits, which can be hovered for; and any text.
LOOK = """
  window.numbersIn = (figure) => {
    const cells = [...figure.querySelectorAll("table.cells td")].map((cell) => cell.title);
    return cells.length ? cells : [...figure.querySelectorAll(".number")].map((each) => each.textContent);
  };
  window.textOf = (selector) => document.querySelector(selector).textContent;
"""


def shown_numbers(page, selector):
    """The numbers in the figures that match."""
    return page.evaluate(f"{LOOK} [...document.querySelectorAll({json.dumps(selector)})].map(numbersIn)")


def walk(page, expression):
    """What a JavaScript expression gives at every step, from the first to the last."""
    return page.evaluate(f"{LOOK} steps.map((step, place) => {{ goTo(place); return {expression}; }})")


def as_shown(value):
    return [number(each) for each in np.ravel(value.numpy()).tolist()]
