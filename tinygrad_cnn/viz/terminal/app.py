"""The step player in the terminal: the backward walk, one key a step.

    ╭ Steps ──────────────╮╭ Graph ─────────────────────╮   on the left what happens, event by event,
    │  3  mul → w         ││ g L   0.207   ∂ 1 ✓        │   on the right the nodes, box in box, with
    │  4  ∂L/∂w adds up   ││ ▶ w   0.65    ∂ −0.0374 …  │   their values and gradients so far,
    ╰─────────────────────╯╰────────────────────────────╯
      ∂L/∂w gets g · x = −0.187 · 0.2 = −0.0374 ...         what a teacher would say,
      g   contribution   ∂L/∂w so far                       and the numbers of this step

What is on the screen is a function of the number of the step, so back is as simple as forward. Everything
is read from the data of the graph: a trace from a file plays too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer
from textual.markup import escape
from textual.theme import Theme as TerminalTheme
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static, Tree

from tinygrad_cnn.errors import TinygradCNNError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.explain import explain
from tinygrad_cnn.viz.steps import Step
from tinygrad_cnn.viz.terminal import values
from tinygrad_cnn.viz.terminal.widgets import ON_HALO, GraphTree, Help, StepList
from tinygrad_cnn.viz.theme import Theme
from tinygrad_cnn.viz.wording import called

_SLOWEST, _FASTEST = 0.25, 16.0  # steps a second
_KEYS = "space play · ← → step · j jump · / filter · w why · ± speed · ? help · q quit"
_ASKED = {"jump": "jump to a node: its name, or a part of it", "filter": "list only the steps that mention"}


class StepPlayer(App[None]):
    """The player as a Textual application.

    Attributes:
        steps: everything that can be shown.
        number: the place of the step that is shown now.
        listed: the places of the steps that the filter lets through.
        playing: whether it goes on by itself.
        speed: steps a second.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #top, #keys { height: 1; padding: 0 1; color: $text-muted; }
    #top { color: $foreground; text-style: bold; }
    #lists { height: 5fr; min-height: 5; }
    #steps { width: 2fr; height: 100%; }
    #graph { width: 3fr; height: 100%; }
    #steps, #graph, #said, #values {
        border: round $border; border-title-color: $foreground; background: $background;
        background-tint: $foreground 0%; padding: 0; scrollbar-size: 0 1; scrollbar-color: $border;
        scrollbar-background: $background;
    }
    #steps:focus, #graph:focus, #values:focus { border: round $primary; }
    #said { height: 6; padding: 0 1; }
    #values { height: 4fr; padding: 0 1; scrollbar-size: 1 1; }
    #numbers { width: auto; }
    #steps { text-wrap: nowrap; text-overflow: ellipsis; }
    #steps > .option-list--option-highlighted { background: $accent; color: $on-accent; text-style: bold; }
    #graph > .tree--cursor { background: $background; text-style: none; }
    #graph:focus > .tree--cursor { background: $surface; }
    #line { display: none; border: none; height: 1; padding: 0 1; background: $surface; }
    .asking #line { display: block; }
    .asking #keys { display: none; }
    Help { align: center middle; }
    #help { width: 76; height: auto; border: round $primary; padding: 0 2; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", priority=True),
        Binding("right", "move(1)", priority=True),
        Binding("left", "move(-1)", priority=True),
        Binding("home", "first", priority=True),
        Binding("end", "last", priority=True),
        Binding("j", "ask('jump')", priority=True),
        Binding("slash", "ask('filter')", priority=True),
        Binding("plus,equals_sign", "faster(2)", priority=True),
        Binding("minus", "faster(0.5)", priority=True),
        Binding("w", "why", priority=True),
        Binding("question_mark", "help", priority=True),
        Binding("q", "quit", priority=True),
        Binding("escape", "leave", priority=True),
    ]

    def __init__(self, steps: Sequence[Step], graph: Graph, title: str, *, theme: Theme) -> None:
        super().__init__()
        self.register_theme(_terminal_theme(theme))
        self.theme = _terminal_theme(theme).name
        self.steps = steps
        self.graph = graph
        self.heading = title
        self.look = theme
        self.names = called(graph)
        self.titles = [values.title(step, self.names) for step in steps]
        self.number = 0
        self.listed = list(range(len(steps)))
        self.playing = False
        self.speed = 1.0
        self.timer: Timer | None = None
        self.asked = ""  # what the line at the bottom is open for
        self.sought = ""  # what was last jumped to

    # --- what is on the screen --------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        yield Static(id="top")
        with Horizontal(id="lists"):
            yield StepList(id="steps")
            yield GraphTree(self.graph, self.steps, self.look, id="graph")
        yield Static(id="said")
        with ScrollableContainer(id="values"):
            yield Static(id="numbers")
        yield Input(id="line")
        yield Static(_KEYS, id="keys")

    def on_mount(self) -> None:
        self.query_one("#values").border_title = "Values"
        self.query_one(StepList).fill(self.titles, self.listed)
        self.query_one(StepList).focus()
        self.show(0)

    def show(self, number: int) -> None:
        """Show a step."""
        self.number = number
        step = self.steps[number]
        self.query_one(GraphTree).show(step)
        said = self.query_one("#said", Static)
        said.border_title = escape(self.titles[number])
        said.update(values.said(step, self.look))
        self.query_one("#numbers", Static).update(values.panel(step, self.look))
        self.query_one(StepList).highlighted = self.listed.index(number)
        self._show_top()

    def _show_top(self) -> None:
        state = f"{'playing' if self.playing else 'paused'}, {self.speed:g} a second"
        parts = (self.heading, f"step {self.number + 1} of {len(self.steps)}", state)
        self.query_one("#top", Static).update(Text(" · ".join(filter(None, parts)), no_wrap=True))

    # --- keys -------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a line is typed or the help is open, keys are no commands."""
        if isinstance(self.screen, Help):
            return False
        return not self.asked or action == "leave"

    def action_move(self, by: int) -> None:
        """One step forward or back, among those that the filter lets through; playing stops at the end."""
        place = self.listed.index(self.number) + by
        if 0 <= place < len(self.listed):
            self.show(self.listed[place])
        elif self.playing:
            self.action_play()

    def action_first(self) -> None:
        self.show(self.listed[0])

    def action_last(self) -> None:
        self.show(self.listed[-1])

    def action_play(self) -> None:
        """Go on by itself, or stop; from the end again from the start."""
        self.playing = not self.playing
        if self.playing and self.number == self.listed[-1]:
            self.action_first()
        self._set_timer()

    def action_faster(self, factor: float) -> None:
        self.speed = min(max(self.speed * factor, _SLOWEST), _FASTEST)
        self._set_timer()

    def _set_timer(self) -> None:
        if self.timer is not None:
            self.timer.stop()
        self.timer = self.set_interval(1 / self.speed, lambda: self.action_move(1)) if self.playing else None
        self._show_top()

    def action_why(self) -> None:
        """Say whether something is the matter with the gradient of this node, and where it began."""
        step = self.steps[self.number]
        try:
            why = str(explain(self.graph, step.node.name))
        except TinygradCNNError as error:  # there are no values
            why = error.problem
        self.notify(why, title=f"∂L/∂{step.name}", timeout=15, markup=False)

    def action_help(self) -> None:
        self.push_screen(Help(self.look))

    # --- jump and filter --------------------------------------------------------------------------

    def action_ask(self, purpose: str) -> None:
        """Open the line at the bottom, in which a name is typed."""
        self.asked = purpose
        line = self.query_one(Input)
        line.placeholder = _ASKED[purpose]
        line.value = self.sought if purpose == "jump" else ""
        self.screen.add_class("asking")
        line.focus()

    def action_leave(self) -> None:
        """Close the line, and list all steps again."""
        self._close_line()
        self._filter("")

    def _close_line(self) -> None:
        self.asked = ""
        self.screen.remove_class("asking")
        self.query_one(StepList).focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        if self.asked == "filter":
            self._filter(message.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        purpose, text = self.asked, message.value.strip()
        self._close_line()
        if purpose == "jump" and text:
            self.sought = text
            self._jump(text)

    def _filter(self, text: str) -> None:
        found = [place for place, title in enumerate(self.titles) if _mentions(title, text)]
        if not found:
            self.notify(f"no step mentions {text!r}", severity="warning", markup=False)
            return
        self.listed = found
        listing = self.query_one(StepList)
        listing.border_title = escape(f"Steps with {text!r}" if text else "Steps")
        listing.fill(self.titles, found)
        self.show(found[max(bisect_right(found, self.number) - 1, 0)])

    def _jump(self, text: str) -> None:
        """To where the gradient of the next node of that name is finished, round about."""
        finished = [step.number for step in self.steps if step.event.kind == "visit"]
        order = sorted(finished, key=lambda number: (number <= self.number, number))
        exact = [number for number in order if text in self._known_as(number)]
        similar = [n for n in order if any(_mentions(name, text) for name in self._known_as(n))]
        if exact or similar:
            self._go((exact or similar)[0])
        else:
            self.notify(f"no gradient arrives at a node named {text!r}", severity="warning", markup=False)

    def _known_as(self, number: int) -> tuple[str, ...]:
        step = self.steps[number]
        return (step.name, step.node.name, step.node.label)

    def _go(self, number: int) -> None:
        """To a step that the filter may hide."""
        if number not in self.listed:
            self._filter("")
        self.show(number)

    # --- arrows in the lists, and the mouse -------------------------------------------------------

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        # Messages arrive late: one about a line that was highlighted a moment ago would lead back there.
        is_current = message.option_index == self.query_one(StepList).highlighted
        if is_current and message.option_id != str(self.number):
            self.show(self.listed[message.option_index])

    def on_tree_node_selected(self, message: Tree.NodeSelected[int]) -> None:
        place = message.node.data
        if place is None:
            return
        happened = self.query_one(GraphTree).happened[place]
        if happened:
            self._go(happened[-1])
        else:
            self.notify(f"no gradient arrives at {self.names[place]}", markup=False)


def _mentions(name: str, text: str) -> bool:
    """Whether a name contains a text; capitals count only where some are typed."""
    return text in (name.lower() if text.islower() else name)


def _terminal_theme(theme: Theme) -> TerminalTheme:
    """The colours of all our pictures, in Textual's words."""
    return TerminalTheme(
        name=f"tinygrad-cnn-{theme.name}",
        primary=theme.parameter_fill,
        accent=theme.halo,
        background=theme.background,
        surface=theme.scope_fills[1],
        panel=theme.scope_fills[0],
        foreground=theme.ink,
        dark=theme.name == "dark",
        variables={"border": theme.scope_line, "on-accent": ON_HALO, "text-muted": theme.muted},
    )
