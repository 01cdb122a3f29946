"""The step player in a real browser: backgrounds, contrast, narrow pages, several on a page, large ones."""

from __future__ import annotations

import html
import re

import pytest
from browser.pages import (
    go_to,
    image_network,
    leaf,
    matrices,
    scalars,
    step_titled,
    walk,
    walked,
)

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.graph import Graph

# --- looks ----------------------------------------------------------------------------------------


BACKGROUND = "getComputedStyle(document.body).backgroundColor"
WHITE, BLACK = "rgb(255, 255, 255)", "rgb(20, 23, 28)"


def test_light_and_dark(open_page):
    text = walked(matrices).to_html()
    page = open_page(text, color_scheme="dark")
    assert page.evaluate(BACKGROUND) == BLACK
    page.click("#theme")
    assert page.evaluate(BACKGROUND) == WHITE
    page = open_page(text, color_scheme="light")
    assert page.evaluate(BACKGROUND) == WHITE
    ellipse = page.locator("[data-node] ellipse").first
    assert ellipse.evaluate("(each) => getComputedStyle(each).fill") == WHITE
    page.click("#theme")
    assert page.evaluate(BACKGROUND) == BLACK
    assert ellipse.evaluate("(each) => getComputedStyle(each).fill") == BLACK


# Every text that is seen, with its colour and that of the first thing behind it that has one.
TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || parent.closest("script, svg, select, [disabled]")) continue;
    if (!parent.checkVisibility()) continue;
    let behind = parent;
    const paper = (each) => getComputedStyle(each).backgroundColor;
    while (behind !== document.body && /^rgba.*, 0\\)$/.test(paper(behind))) behind = behind.parentElement;
    const { color, fontSize } = getComputedStyle(parent);
    found.push([walker.currentNode.data.trim(), color, paper(behind), fontSize]);
  }
  return found;
}"""


def luminance(colour):
    channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_size_of_all_texts(open_page, scheme):
    graph = walked(image_network)
    page = open_page(graph.to_html(exercise=True), color_scheme=scheme)
    for place in (0, step_titled(graph, "x ← conv"), step_titled(graph, "∂L/∂x")):
        go_to(page, place)
        texts = page.evaluate(TEXTS)
        assert len(texts) > 40
        for text, ink, paper, size in texts:
            light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ink, paper)
            assert float(size.removesuffix("px")) >= 12, text


@pytest.mark.parametrize("width", [600, 900, 1280])
def test_nothing_sticks_out_of_a_narrow_page(open_page, width):
    graph = walked(image_network)
    page = open_page(graph.to_html(), width=width)
    assert max(walk(page, "document.documentElement.scrollWidth")) <= width


def test_labels_of_gradients_cover_no_node_and_no_other_label(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    page.keyboard.press("End")
    corners = "((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"
    labels = page.evaluate(f"[...labels.values()].map((each) => {corners}(each.getBBox()))")
    nodes = page.evaluate(f"[...boxes.values()].map({corners})")
    for place, (left, top, right, bottom) in enumerate(labels):
        for other in nodes + labels[:place]:
            assert right <= other[0] or left >= other[2] or bottom <= other[1] or top >= other[3]


def test_motion_is_reduced_on_request(open_page):
    graph = walked(scalars)
    for preference, dots in (("reduce", 0), ("no-preference", 1)):
        page = open_page(graph.to_html(), reduced_motion=preference)
        go_to(page, step_titled(graph, "w ← mul") - 1)
        count = "() => { goTo(current + 1); return document.querySelectorAll('.dot').length; }"
        assert page.evaluate(count) == dots
        page.wait_for_selector(".dot", state="detached")


def test_a_screen_reader_hears_the_sentence_and_every_control_has_a_name(open_page):
    page = open_page(walked(scalars).to_html(exercise=True))
    assert page.locator("#sentence").get_attribute("aria-live") == "polite"
    go_to(page, 6)
    names = page.locator("button:visible, input:visible, select:visible").evaluate_all(
        "(all) => all.map((each) => each.ariaLabel || each.textContent.trim() || each.labels[0].textContent)"
    )
    assert all(names)


# --- several, and large ---------------------------------------------------------------------------


def test_two_players_on_one_page(open_page):
    first, second = tc.viz.step(walked(scalars)), tc.viz.step(walked(matrices))
    frames = [player._repr_mimebundle_()["text/html"] for player in (first, second)]
    page = open_page("<!doctype html><meta charset=utf-8>" + "".join(frames))
    one, two = page.frame_locator("iframe >> nth=0"), page.frame_locator("iframe >> nth=1")
    one.locator("#last").click()
    two.locator("#forward").click()
    assert one.locator("#place").inner_text() == "27 / 27"
    assert two.locator("#place").inner_text().startswith("2 / ")
    two.locator("#place").click()
    page.keyboard.press("ArrowRight")
    assert two.locator("#place").inner_text().startswith("3 / ")
    assert one.locator("#place").inner_text() == "27 / 27"


def test_any_name_is_shown_as_it_is(open_page):
    name = "</script><b>&\"'\\ 😀"
    graph = walked(lambda: leaf(2.0, name) * 3)
    page = open_page(graph.to_html(title=name))
    page.keyboard.press("End")
    assert page.locator("#twin h2").inner_text() == name
    assert page.locator("h1").inner_text() == name
    assert html.unescape(page.title()) == name


def test_a_whole_network(open_page):
    tc.manual_seed(0)
    with tc.record():
        loss = F.cross_entropy(tc.models.LeNet5()(tc.randn(2, 1, 28, 28)), tc.tensor([1, 2]))
    player = tc.viz.step(loss)
    assert len(player.html) < 3_000_000
    page = open_page(player.html)
    count = len(player.events) + sum(node.op != "" for node in Graph.of(loss).nodes)
    assert walk(page, "textOf('#place')")[-1] == f"{count} / {count}"
    current = page.locator("#steps [aria-current]").bounding_box()
    frame = page.locator("#steps ol").bounding_box()
    assert frame["y"] <= current["y"] <= frame["y"] + frame["height"]
