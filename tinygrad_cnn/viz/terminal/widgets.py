"""The parts of the player in the terminal: the list of steps, the tree of the graph, the help.

Each shows the step that it is told to, and knows nothing of keys.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static, Tree
from textual.widgets.option_list import Option
from textual.widgets.tree import TreeNode

from tinygrad_cnn._graph_data import GraphNode, Scope
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.steps import Step
from tinygrad_cnn.viz.terminal.values import in_short, is_known
from tinygrad_cnn.viz.theme import Theme, shape_text
from tinygrad_cnn.viz.values import trouble

ON_HALO = "#14171C"  # what is written on yellow, on any background
_LONGEST_SYMBOL = 2  # a longer one says no more than the name
_MOST_OPEN = 60  # nodes of a graph whose boxes are all open at the start

_HELP = """\
[b]space[/]      play, pause; at the end: again from the start
[b]→[/]  [b]←[/]       one step forward, back; in the list also ↓ ↑
[b]Home[/] [b]End[/]   the first step, the last
[b]j[/]          jump to where the gradient of a node is finished
           (j and Enter again: the next node of that name)
[b]/[/]          list only the steps that mention something
           (Esc: list all)
[b]w[/]          why is the gradient of this node zero, NaN, tiny or huge?
[b]+[/]  [b]−[/]       faster, slower
[b]Tab[/]        to the graph, where Enter jumps to a node; to the values
[b]q[/]          quit

[{now}]▶ w[/]        the node of this step
[{gradient}]g[/] mul      the node whose gradient is being sent on
[{gradient}]∂ 4 ✓[/]      a gradient that is finished
∂ 2 …      a gradient that more will be added to
∂ ±2 ✓     of an array: its elements lie between −2 and 2\
"""


class StepList(OptionList):
    """The steps, one a line; the highlighted line is the step that is shown."""

    BORDER_TITLE = "Steps"

    def fill(self, titles: Sequence[str], places: Iterable[int]) -> None:
        """List the steps of these places, under their numbers."""
        width = len(str(len(titles)))
        self.clear_options()
        self.add_options(
            Option(Text(f"{place + 1:>{width}}  {titles[place]}", no_wrap=True), id=str(place))
            for place in places
        )


class GraphTree(Tree[int]):
    """The nodes of a graph in their scopes, with values, and gradients as far as they are known."""

    BORDER_TITLE = "Graph"

    def __init__(self, graph: Graph, steps: Sequence[Step], look: Theme, *, id: str) -> None:
        super().__init__("", id=id)
        self.show_root = False
        self.guide_depth = 2
        self.graph = graph
        self.steps = steps
        self.look = look
        self.branches: dict[int, TreeNode[int]] = {}
        self.happened: dict[int, list[int]] = defaultdict(list)  # to a node's gradient, at which steps
        for step in steps:
            self.happened[step.node.id].append(step.number)
        self._grow(graph.scopes, self.root)
        self.root.expand()

    def _grow(self, scope: Scope, branch: TreeNode[int]) -> None:
        """Hang the nodes of a scope, and the scopes inside it, under a branch, in the order of the graph."""
        inside: list[tuple[int, Scope | None]] = [(_first_node(child), child) for child in scope.children]
        for place, child in sorted(
            [*inside, *((node, None) for node in scope.nodes)], key=lambda part: part[0]
        ):
            if child is None:
                self.branches[place] = branch.add_leaf("", data=place)
            else:
                expand = len(self.graph.nodes) <= _MOST_OPEN
                self._grow(child, branch.add(Text(child.name, style="bold"), expand=expand))

    def render_label(self, node: TreeNode[int], base_style: Style, style: Style) -> Text:
        """Unlike the labels of other trees, ours keep their colours where the cursor is."""
        if not isinstance(node._label, Text) or node.data is None:
            return super().render_label(node, base_style, style)
        label = node._label.copy()
        label.stylize_before(style)
        return label

    def show(self, step: Step) -> None:
        """Write what is known after a step, open the boxes around its node and bring it into sight."""
        for place, branch in self.branches.items():
            label = self._label(place, step)
            if branch.label != label:
                branch.set_label(label)
        here = self.branches[step.node.id]
        box = here.parent
        while box is not None:
            box.expand()
            box = box.parent
        self.move_cursor(here)
        self.call_after_refresh(self._centre, here)

    def _centre(self, branch: TreeNode[int]) -> None:
        """Scroll so that what a node is computed from and what uses it are in sight as well."""
        self.scroll_to(y=branch.line - self.size.height // 2, animate=False)

    def _label(self, place: int, now: Step) -> Text:
        """A node's mark, name and symbol, its value, and its gradient."""
        node, gradient = self.graph.nodes[place], self.look.tones["gradient"]
        is_now, sends = place == now.node.id, now.consumer is not None and place == now.consumer.id
        text = Text("▶ " if is_now else "g " if sends else "  ", style=f"bold {gradient}", no_wrap=True)
        name = node.label or node.name[len(node.scope) + 1 if node.scope else 0 :]
        text.append(
            name.replace("\n", " "),
            style=f"{'bold' if node.kind == 'parameter' else 'not bold'} {self.look.ink}",
        )
        if len(node.symbol) <= _LONGEST_SYMBOL:
            text.append(f" {node.symbol}".rstrip(), style=f"not bold {self.look.muted}")
        if is_now:
            text.stylize(f"bold {ON_HALO} on {self.look.halo}")
        text.append(f"  {_value(node)}".rstrip(), style=f"not bold {self.look.ink}")
        known = bisect_right(self.happened[place], now.number)
        if known:
            latest = self.steps[self.happened[place][known - 1]]
            word = trouble(latest.total, "gradients") if is_known(latest.total) else ""
            colour = self.look.tones["alarm"] if word else gradient if latest.finished else self.look.ink
            mark = "✓" if latest.finished else "…"
            size = "" if word == "zero" else f" {in_short(latest.total)}"
            style = f"{'bold' if latest.finished else 'not bold'} {colour}"
            text.append("  " + " ".join(filter(None, (f"∂{size}", word, mark))), style=style)
        return text


def _value(node: GraphNode) -> str:
    """A single number, or the shape of an array."""
    return shape_text(node.outputs[0].shape) if node.outputs[0].shape else in_short(node.value)


def _first_node(scope: Scope) -> int:
    return min([*scope.nodes, *map(_first_node, scope.children)])


class Help(ModalScreen[None]):
    """The keys, and what the marks mean; any key closes it."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self.text = _HELP.format(now=f"b {ON_HALO} on {look.halo}", gradient=look.tones["gradient"])

    def compose(self) -> ComposeResult:
        yield Static(self.text, id="help")

    def on_key(self) -> None:
        self.dismiss()
