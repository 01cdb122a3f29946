"""The step player in a real browser: every number that it shows is the engine's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from browser.pages import (
    as_shown,
    go_to,
    image_network,
    leaf,
    matrices,
    scalars,
    shown_numbers,
    step_titled,
    walk,
    walked,
)

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.player.story import tell
from tinygrad_cnn.viz.theme import number

# --- every number ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [scalars, matrices, image_network])
def test_every_step_shows_the_numbers_of_the_engine(open_page, make):
    graph = walked(make)
    page = open_page(graph.to_html())
    scenes = tell(graph)
    shown = walk(
        page,
        """[textOf("#place"), textOf("#sentence"),
        [...document.querySelectorAll("#step figure.result")].map(numbersIn)]""",
    )
    for place, (scene, (where, sentence, results)) in enumerate(zip(scenes, shown, strict=True)):
        value = graph.nodes[scene.node].value if scene.event is None else graph.events[scene.event].value
        assert where == f"{place + 1} / {len(scenes)}"
        assert sentence == scene.sentence
        assert results[0] == as_shown(value)
    gradients = {event.node: event.value for event in graph.events if event.kind == "visit"}
    for node, gradient in gradients.items():
        page.locator(f'[data-node="{node}"]').first.hover()
        assert shown_numbers(page, "#twin figure") == [as_shown(graph.nodes[node].value), as_shown(gradient)]


def test_a_contribution_shows_its_rule_and_everything_in_it(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    go_to(page, step_titled(graph, "w ← mul"))
    texts = page.locator("#step dd").all_inner_texts()
    assert texts[:2] == ["∂L/∂x = g · y", "∂L/∂w = g · x"]
    g = graph.events[
        next(i for i, e in enumerate(graph.events) if e.kind == "visit" and e.node == 2)
    ].value.item()
    assert texts[2] == f"{number(g)} · (−0.187) = {number(g * -0.187)}"
    captions = page.locator("#step .equation").first.locator("figcaption").all_inner_texts()
    assert captions == ["g = ∂L/∂mul", "x is w", "y is x", "contribution"]


def test_terms_add_up_at_a_fan_out(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    sums = [place for place, scene in enumerate(tell(graph)) if scene.title == "h: sum"]
    h = float(np.tanh(0.2 * -0.187 + 0.5))
    for place, terms in zip(sums, ([h, h], [h, h, 0.2]), strict=True):
        go_to(page, place)
        numbers = page.locator("#step .equation figure .number").all_inner_texts()
        assert numbers == [number(term) for term in [*terms, sum(terms)]]
    assert page.locator("#step figcaption").last.inner_text() == "∂L/∂h"
    go_to(page, sums[0])
    assert page.locator("#step figcaption").last.inner_text() == "sum so far, 1 to come"


def test_an_output_that_is_consumed_too_begins_with_its_own_gradient(open_page):
    with tc.record():
        a = leaf(3.0, "a")
        h = a * 2
        L = h * 5
    graph = Graph.of([h, L])
    graph.backward()
    page = open_page(graph.to_html())
    go_to(page, step_titled(graph, "mul: sum"))
    assert page.locator("#step .equation figure .number").all_inner_texts() == ["1", "5", "6"]
    go_to(page, step_titled(graph, "∂L/∂mul"))
    assert page.locator("#twin figure").nth(1).locator(".number").inner_text() == "6"


def test_numbers_are_written_as_everywhere(open_page):
    page = open_page(walked(scalars).to_html())
    draw = np.random.default_rng(0)
    numbers = [
        *(draw.normal(size=300) * 10.0 ** draw.integers(-12, 12, 300)).tolist(),
        0.0,
        -0.0,
        1e5,
        999999.5,
        1e-4,
    ]
    numbers += [12.0, -5.0, 100.0, 123456.0, 1234567.0, 0.1 + 0.2]
    assert page.evaluate("(numbers) => numbers.map((each) => number(each))", numbers) == [
        number(each) if each else "0" for each in numbers
    ]
    assert page.evaluate("['NaN', 'Infinity', '-Infinity'].map((each) => number(each))") == ["NaN", "∞", "−∞"]


def test_gradients_are_written_at_their_nodes_when_they_are_there(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    labels = page.locator(".gradient-label.shown")
    assert labels.count() == 0
    go_to(page, step_titled(graph, "h ← mul_1"))
    unfinished = page.locator(".gradient-label.shown.unfinished")
    assert unfinished.evaluate_all("(all) => all.map((each) => each.dataset.gradient)") == [
        str(next(node.id for node in graph.nodes if node.label == "h"))
    ]
    page.keyboard.press("End")
    finished = {event.node: event.value.item() for event in graph.events if event.kind == "visit"}
    assert labels.count() == len(finished)
    for node, value in finished.items():
        text = page.locator(f'[data-gradient="{node}"] text').text_content()
        assert float(text.replace("−", "-")) == pytest.approx(value, rel=1e-3)


def test_what_is_marked_in_the_drawing(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    marked = (
        "[...document.querySelectorAll('{}')].map((each) => Number(each.dataset.node ?? each.dataset.edge))"
    )
    selectors = ("[data-node].now", "[data-edge].now", "[data-edge].travelled")
    shown = walk(page, f"[{', '.join(marked.format(selector) for selector in selectors)}]")
    came_through = set()
    for scene, (nodes, edges, travelled) in zip(tell(graph), shown, strict=True):
        if scene.kind == "contribution":
            came_through.add(scene.edge)
            assert set(nodes) == {scene.node, graph.edges[scene.edge].target}
            assert edges == [scene.edge]
        else:
            assert nodes == [scene.node]
        assert set(travelled) == came_through


# --- what is zero, no number, large ---------------------------------------------------------------


def test_alarming_gradients_have_a_word(open_page):
    cases = {
        "zero": lambda: F.relu(leaf(-1.0, "a")) * 3,
        "huge": lambda: leaf(1.0, "a") * 1e6,
        "NaN": lambda: leaf(1.0, "a") * math.nan,
        "infinite": lambda: leaf(1.0, "a") * math.inf,
    }
    for word, make in cases.items():
        graph = walked(make)
        page = open_page(graph.to_html())
        page.keyboard.press("End")
        assert page.locator("#step .warning").inner_text() == word
        label = page.locator('[data-gradient="0"].alarming text').text_content()
        assert word in label or label == "∞"
        assert page.locator("#twin .warning").inner_text() == word


def test_large_arrays_are_images_with_a_scale(open_page):
    values = np.linspace(-1, 3, 400).reshape(20, 20)
    graph = walked(lambda: (leaf(values, "x") * leaf(np.ones((70, 70, 1, 1)), "huge")).sum())
    page = open_page(graph.to_html())
    page.locator('[data-node="0"]').hover()
    canvas = page.locator("#twin canvas").first
    assert canvas.get_attribute("aria-label") == "20 by 20 numbers from −1 to 3"
    assert "−3" in page.locator("#twin .legend").first.inner_text()
    corner = "(c) => [...c.getContext('2d').getImageData(19, 19, 1, 1).data]"
    assert canvas.evaluate(corner) == [213, 94, 0, 255]
    page.locator('[data-node="1"]').hover()
    assert "mean 1" in page.locator("#twin").inner_text()


def test_values_that_were_not_kept_are_said_to_be_missing(open_page):
    a = leaf(3.0, "a")
    page = open_page(tc.viz.step((a + 1.0) + 2.0).html)
    assert "tc.record()" in page.locator("#step").inner_text()
