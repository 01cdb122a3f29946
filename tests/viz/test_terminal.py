"""The step player in the terminal: keys, what the panels show, and the plain listing."""

import asyncio
import io
import os
import pty
import select
import subprocess
import sys
import time
from textwrap import wrap

import numpy as np
import pytest
from rich.console import Console
from textual.widgets import Input, Static

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.cli import examples
from tinygrad_cnn.errors import GradientError, OptionalDependencyError, UnknownName
from tinygrad_cnn.viz import terminal
from tinygrad_cnn.viz.steps import steps
from tinygrad_cnn.viz.terminal.app import StepPlayer
from tinygrad_cnn.viz.terminal.values import in_short
from tinygrad_cnn.viz.terminal.widgets import GraphTree, Help, StepList
from tinygrad_cnn.viz.theme import THEMES


class Session:
    """A player that is being used: keys go in, what stands on the screen comes out."""

    def __init__(self, app, pilot):
        self.app = app
        self.pilot = pilot

    async def press(self, *keys):
        await self.pilot.press(*keys)
        await self.pilot.pause()

    @property
    def place(self):
        return self.app.number

    def text(self, selector):
        return str(self.app.query_one(selector, Static).render())

    def numbers(self):
        return rendered(self.app.query_one("#numbers", Static).content)

    def tree(self):
        """The lines of the tree, by the name of the node."""
        branches = self.app.query_one(GraphTree).branches
        return {self.app.names[place]: branch.label.plain.strip() for place, branch in branches.items()}

    def listed(self):
        listing = self.app.query_one(StepList)
        return [listing.get_option_at_index(place).prompt.plain for place in range(listing.option_count)]

    def screen(self):
        """Everything that depends on the step."""
        return (self.text("#top"), self.text("#said"), self.numbers(), self.tree())

    def notes(self):
        return [note.message for note in self.app._notifications]


def rendered(renderable, width=200):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()).strip()


def play(graph, scenario, *, theme="dark", size=(80, 24)):
    """Run a scenario, an async function of a Session, with a player of a graph."""

    async def run():
        app = StepPlayer(steps(graph), graph, "lesson", theme=THEMES[theme])
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(Session(app, pilot))

    asyncio.run(run())


@pytest.fixture(scope="module")
def fan_out():
    return examples.graph_of("fan-out")


@pytest.fixture(scope="module")
def regression():
    return examples.graph_of("logistic-regression")


@pytest.fixture(scope="module")
def convolution():
    return examples.graph_of("convolution")


@pytest.fixture(scope="module")
def lenet5():
    return examples.graph_of("lenet5")


# --- what is on the screen


def test_the_first_screen(fan_out):
    async def scenario(session):
        assert session.text("#top") == "lesson · step 1 of 9 · paused, 1 a second"
        assert session.listed()[:4] == ["1  start at c", "2  c → b", "3  c → b", "4  ∂L/∂b adds up"]
        assert session.app.query_one(StepList).highlighted == 0
        assert session.text("#said") == "The walk starts at c. L is c itself, so ∂L/∂c = 1."
        assert session.tree() == {"a": "a  1", "b": "b +  2", "c": "▶ c +  4  ∂ 1 ✓"}
        assert session.numbers() == "∂L/∂c    forward, c\n1        4"
        assert "space play" in session.text("#keys")

    play(fan_out, scenario)


def test_a_contribution_a_sum_and_a_finished_gradient(fan_out):
    async def scenario(session):
        await session.press("right", "right")
        assert session.text("#said").splitlines() == [
            "∂L/∂b ← g = 1",
            "∂L/∂b gets g = 1 from this edge; it is the last of 2, and they add up.",
        ]
        assert session.tree() == {"a": "a  1", "b": "▶ b +  2  ∂ 1 …", "c": "g c +  4  ∂ 1 ✓"}
        assert session.numbers() == "g    contribution    ∂L/∂b so far\n1    1               1"
        await session.press("right")
        assert session.tree()["b"] == "▶ b +  2  ∂ 2 ✓"
        assert (
            session.numbers()
            == "contribution 1    contribution 2    ∂L/∂b\n1                 1                 2"
        )

    play(fan_out, scenario)


def test_small_arrays_are_tables(convolution):
    async def scenario(session):
        await session.press("right", "right", "right")
        assert session.numbers().splitlines() == [
            "g       contribution",
            "1  1    0  1  1",
            "1  1    2  6  4",
            "        2  5  3",
        ]
        assert session.tree()["X"] == "▶ X  (1, 1, 3, 3)  ∂ ±6 ✓"

    play(convolution, scenario)


def test_large_arrays_are_figures_and_bars(lenet5):
    async def scenario(session):
        await session.press("j", *"conv1.weight", "enter")
        lines = session.numbers().splitlines()
        assert lines[0].split() == ["∂L/∂conv1.weight", "forward,", "conv1.weight"]
        assert "shape   (6, 1, 5, 5)" in lines[1]
        assert [line.split()[0] for line in lines[2:6]] == ["min", "mean", "max", "spread"]
        assert set(lines[5].split()[1]) <= set("▁▂▃▄▅▆▇█")

    play(lenet5, scenario)


def test_long_vectors_take_several_rows(lenet5):
    async def scenario(session):
        await session.press("j", *"fc3.bias", "enter")
        assert [len(line.split()) for line in session.numbers().splitlines()[1:]] == [5 + 5, 5 + 5]

    play(lenet5, scenario)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_colours_say_what_letters_say(fan_out, theme):
    look = THEMES[theme]

    async def scenario(session):
        await session.press("right")
        tree = session.app.query_one(GraphTree)
        b, c = tree.branches[1].label, tree.branches[2].label
        assert look.halo in style_of(b, "▶ b")
        assert look.tones["gradient"] in style_of(c, "∂ 1 ✓")
        assert look.tones["gradient"] not in style_of(b, "∂ 1 …")
        assert look.halo.lower() in backgrounds(tree, tree.branches[1].line)
        assert session.app.theme == f"tinygrad-cnn-{theme}"

    play(fan_out, scenario, theme=theme)


def backgrounds(tree, line):
    """The colours behind the text of a line, as it is drawn."""
    segments = tree.render_line(line - tree.scroll_offset.y)
    return {
        segment.style.bgcolor.name for segment in segments if segment.text.strip() and segment.style.bgcolor
    }


def style_of(text, part):
    start = text.plain.index(part)
    return " ".join(str(span.style) for span in text.spans if span.start <= start + 1 < span.end)


@pytest.mark.parametrize(
    ("factor", "words"), [(0.0, "∂ zero ✓"), (float("nan"), "∂ nan NaN ✓"), (1e9, "∂ 1e+09 huge ✓")]
)
def test_unusual_gradients_are_named(factor, words):
    w = tc.tensor(1.0, requires_grad=True, name="w")

    async def scenario(session):
        await session.press("end")
        assert session.tree()["w"].endswith(words)
        assert THEMES["dark"].tones["alarm"] in style_of(
            session.app.query_one(GraphTree).branches[0].label, words
        )

    play(tc.Graph.of(w * factor), scenario)


def test_any_name_is_shown_as_it_is():
    """Square brackets mean colours to the library that draws the terminal; not here."""
    w = tc.tensor([1.0, 2.0], requires_grad=True, name="[red]w[/]")
    graph = tc.Graph.of((w * w).sum()).element()

    async def scenario(session):
        await session.press("end")
        assert "[red]w[/][" in session.text("#said")
        assert "[red]w[/][" in session.app.query_one("#said")._border_title.plain
        assert any("[red]w[/][" in line for line in session.listed())
        await session.press("slash", "[", "j", "escape", "j", "[", "z", "enter")
        assert "'[j'" in session.notes()[0]

    play(graph, scenario)


def test_every_sentence_fits_at_width_80():
    """The panel has four lines of 76; the formula takes one or two."""
    for name in examples.COMPUTATIONS:
        graph = examples.graph_of(name)
        for step in steps(graph):
            assert len(wrap(step.sentence, 76)) <= 4, step.sentence


# --- moving


@pytest.mark.parametrize("name", ["fan-out", "convolution", "logistic-regression"])
def test_at_the_end_stand_the_engines_numbers(name):
    graph = examples.graph_of(name)
    gradients = {event.node: event.value for event in graph.events if event.kind == "visit"}

    async def scenario(session):
        await session.press("end")
        lines = session.tree()
        for place, gradient in gradients.items():
            shown = f"∂ {in_short(gradient)} ✓" if np.any(gradient.numpy()) else "∂ zero ✓"
            assert lines[session.app.names[place]].endswith(shown)
        assert sum("∂" in line for line in lines.values()) == len(gradients)

    play(graph, scenario)


def test_the_gradient_of_the_lecture_is_shown(regression):
    async def scenario(session):
        await session.press("j", "b", "1", "enter")
        assert session.numbers().split()[-2:] == ["−0.187095", "0"]
        tree = session.app.query_one(GraphTree)  # the node stands in the middle, its neighbours around it
        assert tree.cursor_line - tree.scroll_offset.y == tree.size.height // 2
        assert session.tree()["b1"] == "▶ b1  0  ∂ −0.1871 ✓"

    play(regression, scenario)


def test_back_shows_what_was_there_before(fan_out):
    async def scenario(session):
        before = [session.screen()]
        for _ in range(8):
            await session.press("right")
            before.append(session.screen())
        for expected in reversed(before[:-1]):
            await session.press("left")
            assert session.screen() == expected
        assert len({screen[0] for screen in before}) == 9

    play(fan_out, scenario)


def test_first_and_last(fan_out):
    async def scenario(session):
        await session.press("left")
        assert session.place == 0
        await session.press("end")
        assert session.place == 8
        await session.press("right")
        assert session.place == 8
        await session.press("home")
        assert session.place == 0

    play(fan_out, scenario)


def test_arrows_in_the_list_move_too(fan_out):
    async def scenario(session):
        await session.press("down", "down", "up", "down")
        assert session.place == 2
        assert "step 3 of 9" in session.text("#top")

    play(fan_out, scenario)


def test_keys_typed_faster_than_the_screen_follows(regression):
    """Messages about earlier steps arrive late and must not lead back to them."""

    async def scenario(session):
        await session.pilot.press(*["right"] * 20, "left", "j", "b", "1", "enter")
        for _ in range(5):
            await session.pilot.pause()
        assert session.app.titles[session.place] == "∂L/∂b1 finished"

    play(regression, scenario)


def test_a_click_on_a_step_shows_it(fan_out):
    async def scenario(session):
        await session.pilot.click(StepList, offset=(5, 4))
        await session.pilot.pause()
        assert session.place == 3

    play(fan_out, scenario)


def test_enter_on_a_node_shows_its_finished_gradient(fan_out):
    async def scenario(session):
        await session.press("tab", "up", "enter")
        assert session.app.titles[session.place] == "∂L/∂b finished"

    play(fan_out, scenario)


def test_a_node_without_a_gradient_says_so(regression):
    async def scenario(session):
        tree = session.app.query_one(GraphTree)
        tree.focus()
        tree.move_cursor(
            next(branch for place, branch in tree.branches.items() if session.app.names[place] == "x1")
        )
        await session.press("enter")
        assert session.notes() == ["no gradient arrives at x1"]

    play(regression, scenario)


def test_boxes_open_for_the_current_node(lenet5):
    """A large graph begins folded."""

    async def scenario(session):
        tree = session.app.query_one(GraphTree)
        tree.root.children[0].collapse_all()
        await session.press("j", *"conv1.bias", "enter")
        branch = tree.branches[session.app.steps[session.place].node.id]
        assert branch.parent.label.plain == "conv1"
        assert branch.parent.is_expanded
        assert branch.parent.parent.is_expanded
        assert 0 <= branch.line - tree.scroll_offset.y < tree.size.height

    play(lenet5, scenario)


# --- playing


def test_playing_goes_to_the_end_and_stops(fan_out):
    async def scenario(session):
        await session.press("plus", "plus", "plus", "plus", "plus", "space")
        for _ in range(100):
            await session.pilot.pause(0.05)
            if not session.app.playing:
                break
        assert (session.place, session.app.playing) == (8, False)
        assert "step 9 of 9 · paused, 16 a second" in session.text("#top")

    play(fan_out, scenario)


def test_space_pauses_and_starts_again_from_the_end(fan_out):
    async def scenario(session):
        await session.press("minus", "minus", "minus", "end", "space")
        assert (session.place, session.app.playing) == (0, True)
        assert "playing, 0.25 a second" in session.text("#top")
        await session.press("space")
        assert not session.app.playing

    play(fan_out, scenario)


# --- jump, filter, help


def test_jump_finds_names_and_parts_of_them(lenet5):
    async def scenario(session):
        await session.press("j", *"weight", "enter")
        assert session.app.titles[session.place] == "∂L/∂fc3.weight finished"
        await session.press("j", "enter")
        assert session.app.titles[session.place] == "∂L/∂fc2.weight finished"
        await session.press("j", *"LeNet5/conv1/weight", "enter")
        assert session.app.titles[session.place] == "∂L/∂conv1.weight finished"
        await session.press("j", "enter")
        assert session.app.titles[session.place] == "∂L/∂conv1.weight finished"

    play(lenet5, scenario)


def test_while_typing_keys_are_letters(fan_out):
    async def scenario(session):
        await session.press("j", "q", "space", "slash", "question_mark", "right", "home")
        assert session.app.query_one(Input).value == "q /?"
        assert session.place == 0
        await session.press("enter")
        assert session.notes() == ["no gradient arrives at a node named 'q /?'"]
        assert session.app.is_running

    play(fan_out, scenario)


def test_a_filter_lists_what_mentions_something(regression):
    async def scenario(session):
        await session.press("slash", "H", "enter")
        assert all("H" in line for line in session.listed())
        assert session.app.query_one(StepList).border_title == "Steps with 'H'"
        first = session.place
        await session.press("right")
        assert "H" in session.app.titles[session.place]
        assert session.place > first
        await session.press("escape")
        assert len(session.listed()) == len(session.app.steps)
        assert session.app.query_one(StepList).border_title == "Steps"

    play(regression, scenario)


def test_a_filter_that_nothing_passes_is_not_applied(fan_out):
    async def scenario(session):
        await session.press("slash", "z")
        assert len(session.listed()) == 9
        assert session.notes() == ["no step mentions 'z'"]

    play(fan_out, scenario)


def test_a_jump_to_what_the_filter_hides_shows_all(regression):
    async def scenario(session):
        await session.press("slash", *"w11", "enter", "j", *"b2", "enter")
        assert session.app.titles[session.place] == "∂L/∂b2 finished"
        assert len(session.listed()) == len(session.app.steps)

    play(regression, scenario)


def test_why_a_gradient_is_what_it_is():
    w = tc.tensor([-1.0, -2.0], requires_grad=True, name="w")
    with tc.record():
        loss = w.relu().sum()

    async def scenario(session):
        await session.press("end", "w")
        (said,) = session.notes()
        assert said.startswith("The gradient of w is zero: at relu none of the 2 inputs is positive")

    play(tc.Graph.of(loss), scenario)


def test_help_closes_with_any_key(fan_out):
    async def scenario(session):
        await session.press("question_mark")
        assert isinstance(session.app.screen, Help)
        assert "the first step, the last" in str(session.app.screen.query_one("#help", Static).render())
        await session.press("q")
        assert not isinstance(session.app.screen, Help)
        assert session.app.is_running
        assert session.place == 0

    play(fan_out, scenario)


def test_q_quits(fan_out):
    async def scenario(session):
        await session.pilot.press("q")
        assert session.app._exit

    play(fan_out, scenario)


# --- what is played


def test_a_trace_from_a_file_plays_the_same(lenet5, tmp_path):
    loaded = tc.Graph.load(lenet5.save(tmp_path / "trace.json", most_elements=4096))
    screens = []

    async def scenario(session):
        await session.press("j", *"fc3.weight", "enter")
        screens.append(session.screen())
        await session.press("j", *"conv2.bias", "enter")
        screens.append(session.screen())

    play(lenet5, scenario)
    play(loaded, scenario)
    assert screens[:2] == screens[2:]


def test_values_that_were_not_kept():
    w = tc.tensor(2.0, requires_grad=True, name="w")

    async def scenario(session):
        assert "not kept" in session.numbers()
        await session.press("end")

    play(tc.Graph.of(w.exp() + w), scenario)


def test_shapes_alone():
    with tc.use_backend("meta"):
        graph = tc.Graph.of(F.relu(tc.zeros(2, 3, requires_grad=True)).sum())

    async def scenario(session):
        await session.press("end")
        assert "shape (2, 3)" in session.numbers()
        await session.press("w")
        assert "no values" in session.notes()[0]

    play(graph, scenario)


def test_an_empty_array():
    w = tc.zeros(0, 3, requires_grad=True)

    async def scenario(session):
        await session.press("end")
        assert "empty, (0, 3)" in session.numbers()

    play(tc.Graph.of(w.sum()), scenario)


def test_play_needs_a_walk_and_a_theme(fan_out, tmp_path):
    w = tc.tensor(2.0, requires_grad=True, name="w")
    unwalked = tc.Graph.load(tc.Graph.of(w * w).save(tmp_path / "trace.json"))
    with pytest.raises(GradientError, match="before its backward"):
        terminal.play(unwalked)
    with pytest.raises(UnknownName, match="theme"):
        terminal.play(fan_out, theme="blue")


def test_without_textual_the_error_says_what_to_install(fan_out, monkeypatch):
    for module in [name for name in sys.modules if name.startswith("tinygrad_cnn.viz.terminal.app")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "textual", None)
    monkeypatch.setitem(sys.modules, "textual.app", None)
    with pytest.raises(OptionalDependencyError, match="pip install"):
        terminal.play(fan_out)


# --- the plain listing


def listing(graph, **options):
    console = Console(file=io.StringIO(), width=80, **options)
    terminal.print_steps(graph, console)
    return console.file.getvalue()


def test_the_plain_listing_of_lesson_one(fan_out):
    assert listing(fan_out).splitlines()[:8] == [
        "1  start at c",
        "   The walk starts at c. L is c itself, so ∂L/∂c = 1.",
        "2  c → b",
        "   ∂L/∂b gets g = 1 from this edge; b is used once more, so it is not finished.",
        "3  c → b",
        "   ∂L/∂b gets g = 1 from this edge; it is the last of 2, and they add up.",
        "4  ∂L/∂b adds up",
        "   ∂L/∂b = 1 + 1 = 2: at a fan-out the contributions add up. All have come, so",
    ]


@pytest.mark.parametrize("name", examples.COMPUTATIONS)
def test_the_plain_listing_fits_and_has_every_step(name):
    graph = examples.graph_of(name)
    text = listing(graph)
    tables = " " * (len(str(len(graph.events))) + 4)
    for line in text.splitlines():
        assert len(line) <= 80
        assert line == line.rstrip() or line.startswith(tables)
    flat = " ".join(text.split())
    assert all(" ".join(step.sentence.split()) in flat for step in steps(graph))


def test_colours_only_where_they_are_understood(fan_out, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" not in listing(fan_out)
    assert "\x1b[" in listing(fan_out, force_terminal=True, color_system="256")
    assert "38;" not in listing(fan_out, force_terminal=True, color_system="256", no_color=True)


# --- a real terminal


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a thing of POSIX systems")
@pytest.mark.parametrize("environment", [{"TERM": "xterm-256color"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_in_a_terminal_of_its_own(environment):
    words = ["step", "--example", "fan-out"]
    ours, theirs = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from tinygrad_cnn.cli import main; main()", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ, "COLUMNS": "80", "LINES": "24", **environment},
    )
    os.close(theirs)
    try:
        assert "step 1 of 9" in read_until(ours, "step 1 of 9")
        os.write(ours, b"\x1b[F")  # the key End
        assert "step 9 of 9" in read_until(ours, "step 9 of 9")
        os.write(ours, b"q")
        read_until(ours, None)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal_end, words, seconds=60):
    """What a program writes to its terminal, until it has written these words or ends."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end and (words is None or words not in text):
        if select.select([terminal_end], [], [], 0.2)[0]:
            try:
                written = os.read(terminal_end, 65536)
            except OSError:  # the program has ended
                break
            if not written:
                break
            text += written.decode(errors="replace")
    return text
