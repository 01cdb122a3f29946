"""Predict, then reveal, in a real browser: right answers, wrong ones, typical mistakes, results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from browser.pages import (
    go_to,
    image_network,
    leaf,
    matrices,
    scalars,
    step_titled,
    walked,
)

from tinygrad_cnn.viz.player.mistakes import WORDS, is_asked, typical_mistakes
from tinygrad_cnn.viz.player.story import tell
from tinygrad_cnn.viz.theme import number


def answer(page, numbers):
    for place, each in enumerate(numbers):
        page.locator(".question input").nth(place).fill(each if isinstance(each, str) else repr(float(each)))
    page.click("text=Check")


def test_gradients_are_blank_until_they_are_found(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html(exercise=True))
    right = 0
    for scene in tell(graph):
        if is_asked(graph, scene):
            assert page.locator("#sentence").inner_text() == scene.question
            value = number(graph.events[scene.event].value.item())
            shown = page.locator("#step figure.result .number, #twin figure .number").all_inner_texts()
            assert "?" in shown
            assert page.locator(f'[data-gradient="{scene.node}"].shown:not(.unfinished)').count() == 0
            answer(page, [value])
            right += 1
            assert page.locator("#sentence").inner_text() == f"✓ Right. {scene.sentence}"
            assert page.locator("#score").inner_text() == f"{right} of 13 right"
        elif scene.kind == "sum":
            assert "?" in page.locator("#step figure.result .number").all_inner_texts()
            assert page.locator("#sentence").inner_text() == scene.question
        page.keyboard.press("ArrowRight")
    assert right == 13


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("-0.19", True),  # all digits given are right
        ("−0,187", True),  # a real minus, a decimal comma
        ("-0.2", False),  # one digit is too few
        ("-374/2000", True),
        ("0.187", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_what_passes_as_an_answer(open_page, typed, right):
    graph = walked(lambda: leaf(1.0, "a") * leaf(-0.1871, "b"))
    page = open_page(graph.to_html(exercise=True))
    go_to(page, step_titled(graph, "a ← L"))
    answer(page, [typed])
    assert (page.locator(".question").count() == 0) is right


MISTAKES = {
    "sum": (scalars, "∂L/∂w"),
    "broadcast": (matrices, "b ← add"),
    "transpose": (matrices, "W ← matmul"),
    "rotation": (image_network, "x ← conv"),
    "winner": (image_network, "conv ← max_pool"),
    "sign": (scalars, "w ← mul"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_typical_mistakes_are_named(open_page, kind):
    make, title = MISTAKES[kind]
    graph = walked(make)
    place = step_titled(graph, title)
    scene = tell(graph)[place]
    page = open_page(graph.to_html(exercise=True))
    go_to(page, place)
    (mistake,) = (each for each in typical_mistakes(graph, scene) if each.kind == kind)
    answer(page, mistake.answers[0])
    assert page.locator(".feedback").inner_text() == f"Not yet. {WORDS[kind]}"
    assert page.locator(".question [aria-invalid=true]").count() > 0
    answer(page, np.ravel(graph.events[scene.event].value.numpy()))
    assert page.locator("#sentence").inner_text() == f"✓ Right. {scene.sentence}"


def test_wrong_cells_are_marked_and_missing_ones_asked_for(open_page):
    graph = walked(matrices)
    page = open_page(graph.to_html(exercise=True))
    place = step_titled(graph, "W ← matmul")
    right = np.ravel(graph.events[tell(graph)[place].event].value.numpy()).tolist()
    go_to(page, place)
    answer(page, [*right[:3], 77.0])
    assert page.locator(".feedback").inner_text() == "Not yet: 3 of 4 are right."
    invalid = page.locator(".question input").evaluate_all("(all) => all.map((each) => each.ariaInvalid)")
    assert invalid == ["false", "false", "false", "true"]
    answer(page, [*right[:3], ""])
    assert page.locator(".feedback").inner_text() == "Some numbers are still missing."
    answer(page, [*right[:3], "half"])
    assert page.locator(".feedback").inner_text() == '"half" is no number.'


def test_reveal_and_results_as_json(open_page):
    graph = walked(lambda: leaf(2.0, "a") * leaf(3.0, "b"))
    page = open_page(graph.to_html(exercise=True, title="Product"))
    page.keyboard.press("ArrowRight")
    answer(page, [1])
    page.keyboard.press("ArrowRight")
    answer(page, [-3])
    page.click(".question button:text-is('Reveal')")
    assert page.locator("#sentence").inner_text().startswith("Revealed. ∂L/∂a gets g · b")
    with page.expect_download() as download:
        page.click("text=Export results")
    assert download.value.suggested_filename == "answers.json"
    results = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (results["format"], results["version"], results["title"]) == ("tinygrad_cnn.answers", 1, "Product")
    assert [(each["node"], each["result"]) for each in results["questions"]] == [
        ("L", "right"),
        ("a", "revealed"),
        ("b", "open"),
    ]
    assert results["questions"][1]["attempts"] == [{"given": ["-3.0"], "right": False, "mistake": "sign"}]


def test_exercise_mode_can_be_switched_and_playing_waits_for_an_answer(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html(), before=lambda page: page.clock.install(time=0))
    assert page.locator("#export").is_hidden()
    page.click("#exercise")
    page.click("#play")
    page.clock.run_for(60_000)
    assert page.locator(".question").is_visible()
    assert page.locator("#play").get_attribute("aria-label") == "play"
    page.keyboard.press("Escape")  # out of the question, so that keys work again
    page.keyboard.press("ArrowRight")
    assert page.locator("#place").inner_text().startswith("8 / ")
    page.click("#exercise")
    assert page.locator(".question").count() == 0
    assert page.locator("#score").is_hidden()
