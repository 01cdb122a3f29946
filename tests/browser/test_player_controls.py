"""The step player in a real browser: every way from one step to another."""

from __future__ import annotations

from browser.pages import (
    matrices,
    scalars,
    walk,
    walked,
)

from tinygrad_cnn.viz.player.story import tell


def test_buttons_slider_list_and_keys(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    last = len(tell(graph)) - 1

    def at():
        return int(page.locator("#place").inner_text().split(" / ")[0]) - 1

    assert at() == 0
    assert page.locator("#back").is_disabled()
    for action, place in [
        (lambda: page.click("#forward"), 1),
        (lambda: page.click("#forward"), 2),
        (lambda: page.click("#back"), 1),
        (lambda: page.click("#last"), last),
        (lambda: page.click("#first"), 0),
        (lambda: page.click("#steps li:nth-child(8) button"), 7),
        (lambda: page.keyboard.press("ArrowRight"), 8),
        (lambda: page.keyboard.press("ArrowLeft"), 7),
        (lambda: page.keyboard.press("End"), last),
        (lambda: page.keyboard.press("ArrowRight"), last),
        (lambda: page.keyboard.press("Home"), 0),
        (lambda: page.keyboard.press("ArrowLeft"), 0),
        (lambda: page.locator("#slider").fill("11"), 11),
    ]:
        action()
        assert at() == place
        assert page.locator("#steps [aria-current]").inner_text() == tell(graph)[place].title
        assert page.locator("#slider").input_value() == str(place)


def test_going_back_shows_what_was_there_before(open_page):
    page = open_page(walked(matrices).to_html(), reduced_motion="reduce")
    content = """[...["#sentence", "#step", "#twin"].map((id) => document.querySelector(id).innerHTML),
        [...document.querySelectorAll("#graph [class]:not(.dot)")].map((each) => {
            const { fill, stroke, visibility } = getComputedStyle(each);
            return [each.textContent, fill, stroke, visibility].join();
        })]"""
    forth = walk(page, content)
    back = page.evaluate(f"steps.map(() => {{ const seen = {content}; goTo(current - 1); return seen; }})")
    assert back == forth[::-1]


def test_a_click_on_a_node_leads_to_its_gradient_and_back_to_its_value(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html())
    h = next(node.id for node in graph.nodes if node.label == "h")
    page.locator(f'[data-node="{h}"]').click()
    assert page.locator("#sentence").inner_text().startswith("∂L/∂h = ")
    page.locator(f'[data-node="{h}"]').click()
    assert page.locator("#sentence").inner_text().startswith("h = tanh(")
    page.locator(f'[data-node="{h}"]').focus()
    page.keyboard.press("Enter")
    assert page.locator("#step h2").inner_text() == "∂L/∂h is complete"
    page.click("text=Go to its value")
    assert page.locator("#step h2").inner_text() == "Forward: h"


def test_focus_on_a_node_shows_its_twin(open_page):
    page = open_page(walked(scalars).to_html())
    page.locator('[data-node="0"]').focus()
    assert page.locator("#twin h2").inner_text() == "w"
    page.locator("#twin").hover()
    assert page.locator("#twin h2").inner_text() == "w"
    page.keyboard.press("ArrowRight")
    assert page.locator("#twin h2").inner_text() == "add"


def test_play_pause_and_speed(open_page):
    graph = walked(scalars)
    page = open_page(graph.to_html(), before=lambda page: page.clock.install(time=0))
    page.keyboard.press(" ")
    page.clock.run_for(3300)
    assert page.locator("#place").inner_text().startswith("3 / ")
    page.keyboard.press(" ")
    page.clock.run_for(10_000)
    assert page.locator("#place").inner_text().startswith("3 / ")
    page.select_option("#speed", "4")
    page.click("#play")
    assert page.locator("#play").get_attribute("aria-label") == "pause"
    page.clock.run_for(60_000)
    last = len(tell(graph))
    assert page.locator("#place").inner_text() == f"{last} / {last}"
    assert page.locator("#play").get_attribute("aria-label") == "play"


def test_help_lists_the_keys(open_page):
    page = open_page(walked(scalars).to_html())
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog").is_hidden()
