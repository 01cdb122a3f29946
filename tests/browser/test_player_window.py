"""The sliding window of a convolution in a real browser: at each place it adds up to the engine's number."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from browser.pages import (
    go_to,
    image_network,
    leaf,
    walked,
)

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.viz.player.story import tell
from tinygrad_cnn.viz.theme import number

WINDOWS = {
    "plain": ((1, 1, 4, 4), (1, 1, 3, 3), {}),
    "padded": ((1, 2, 3, 3), (2, 2, 2, 3), {"padding": (1, 2)}),
    "strided": ((2, 1, 6, 5), (2, 1, 3, 2), {"stride": (2, 3)}),
    "dilated": ((1, 1, 6, 6), (1, 1, 2, 3), {"dilation": 2, "padding": 1}),
    "grouped": ((1, 4, 3, 3), (4, 2, 2, 2), {"groups": 2, "padding": 1, "stride": 2}),
    "more padding than kernel": ((1, 1, 2, 2), (1, 1, 1, 2), {"padding": 3}),
}

# For the step shown: what the window adds up at each place of the result.
SUMS = """() => {
  const step = steps[current], node = step.kind === "forward" ? step.node : trace.edges[step.edge].target;
  const wanted = step.kind === "forward" ? "forward" : trace.edges[step.edge].argument;
  const value = step.kind === "forward" ? trace.nodes[node].values[0] : eventOf(step).value;
  const { sliding, result } = slidingWindow(trace.nodes[node], wanted, operandsOf(node), value);
  return value.data.map((_, n) => productsAt(sliding, placeOf(n, result.shape)).sum);
}"""


def check_window(page, graph, op):
    node = next(node for node in graph.nodes if node.op == op)
    checked = 0
    for place, scene in enumerate(tell(graph)):
        is_forward = scene.kind == "forward" and scene.node == node.id
        if is_forward or (scene.edge is not None and graph.edges[scene.edge].target == node.id):
            go_to(page, place)
            value = node.value if is_forward else graph.events[scene.event].value
            np.testing.assert_allclose(page.evaluate(SUMS), np.ravel(value.numpy()), rtol=1e-12, atol=1e-12)
            assert page.locator(".window").is_visible()
            checked += 1
    assert checked == 3  # forward and both gradients


@pytest.mark.parametrize("name", WINDOWS)
def test_the_window_adds_up_to_the_result_at_every_place(open_page, name):
    x_shape, w_shape, options = WINDOWS[name]
    draw = np.random.default_rng(1)

    def make():
        y = F.conv2d(leaf(draw.normal(size=x_shape), "x"), leaf(draw.normal(size=w_shape), "w"), **options)
        return (y * tc.tensor(draw.normal(size=y.shape))).sum()

    graph = walked(make)
    check_window(open_page(graph.to_html()), graph, "conv")


def test_the_window_of_one_dimension_and_of_a_transposed_convolution(open_page):
    draw = np.random.default_rng(2)

    def line():
        y = F.conv1d(
            leaf(draw.normal(size=(1, 2, 7)), "x"),
            leaf(draw.normal(size=(1, 2, 3)), "w"),
            stride=2,
            padding=1,
        )
        return (y * tc.tensor(draw.normal(size=y.shape))).sum()

    def transposed():
        x, w = leaf(draw.normal(size=(1, 2, 3, 3)), "x"), leaf(draw.normal(size=(2, 1, 2, 2)), "w")
        y = F.conv_transpose2d(x, w, stride=2, padding=1)
        return (y * tc.tensor(draw.normal(size=y.shape))).sum()

    for make, op in ((line, "conv"), (transposed, "conv_input_grad")):
        graph = walked(make)
        check_window(open_page(graph.to_html()), graph, op)


# What the panel shows at each of the 50 places: per channel the products and their sum, and the total.
EVERY_PLACE = """() => {
  const slider = document.querySelector(".window input");
  return Array.from({ length: 50 }, (_, place) => {
    slider.value = place;
    slider.dispatchEvent(new Event("input"));
    const lines = [...document.querySelectorAll(".products-line")].map((line) => [
      [...line.querySelectorAll("figure:nth-of-type(3) td")].map((cell) => cell.textContent),
      line.querySelector(".number").textContent,
    ]);
    return [lines, document.querySelector(".window .total").textContent];
  });
}"""


def test_the_demo_of_cs231n_slides_through_every_partial_product(open_page):
    path = Path(__file__).parent.parent.parent / "examples" / "cs231n_convolution.py"
    spec = importlib.util.spec_from_file_location("cs231n_convolution", path)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    planes = np.array([[example.plane(f, c).numpy() for c in range(3)] for f in range(2)])
    _, L = example.demo()
    page = open_page(tc.viz.step(L).html)
    page.click("#steps button:text-is('conv')")
    for place, (lines, total) in enumerate(page.evaluate(EVERY_PLACE)):
        filter, row, column = np.unravel_index(place, (2, 5, 5))
        for channel, (products, shown) in enumerate(lines):
            by_hand = sum(int(each.replace("−", "-")) for each in products)
            assert number(by_hand) == shown == number(planes[filter, channel, row, column])
        assert total.endswith(f" = {number(planes[filter, :, row, column].sum())}")
    last_plane = page.locator(".filling td").all_inner_texts()
    assert [int(each.replace("−", "-")) for each in last_plane] == planes[1].sum(axis=0).ravel().tolist()
    page.locator(".filling td").nth(7).click()
    assert page.locator(".window output").inner_text() == "out[0, 1, 1, 2]"
    assert page.locator(".filling td").nth(8).inner_text() == ""


def test_the_window_slides_by_itself_and_pauses(open_page):
    graph = walked(image_network)
    page = open_page(graph.to_html(), before=lambda page: page.clock.install(time=0))
    page.click("text=slide")
    page.clock.run_for(1500)
    assert page.locator(".window input").input_value() == "2"
    page.click(".window button:text('pause')")
    page.clock.run_for(5000)
    assert page.locator(".window input").input_value() == "2"
    page.click("text=slide")
    page.clock.run_for(60_000)
    assert page.locator(".window input").input_value() == "8"
    assert page.locator(".window button").inner_text() == "slide"
