"""`plot_bars`: numbers over the same labels side by side, such as two distributions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.viz.plots.plot import NORMAL, SMALL, WIDEST, Plot, frame, number_text, text_width, to_array
from tinygrad_cnn.viz.theme import BLUE, GREEN, LIGHT, ORANGE, PURPLE, SKY_BLUE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# How a bar is hatched says the same as its colour.
_LOOKS = (
    (BLUE, ""),
    (ORANGE, "///"),
    (GREEN, "\\\\\\"),
    (PURPLE, "..."),
    (SKY_BLUE, "xxx"),
    (LIGHT.muted, "---"),
)
_SMALLEST, _HEIGHT = 4.6, 3.4  # inches
_AXIS = 1.5  # inches for what stands beside the bars
_FILLED = 0.8  # of the room of a label; the rest is a gap


def plot_bars(
    groups: Mapping[str, Any], labels: Sequence[str], *, ylabel: str = "probability", title: str | None = None
) -> Plot:
    """Bars side by side: one number for each label, for every group.

    Where there is room, the number stands at the end of its bar.

    Args:
        groups: (K,) numbers by name.
        labels: K names, one for each place.
        ylabel: what the height of a bar is.
        title: what there is to see.

    Raises:
        ShapeError: not one number for each label.
        ArgumentError: nothing to draw.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_bars({"p": [0.8, 0.2], "q": [0.5, 0.5]}, ["cat", "dog"])
    <Plot of p, q for 2 labels>
    """
    if not groups or not len(labels):
        raise ArgumentError(
            "there is nothing to draw",
            argument="labels" if groups else "groups",
            expected="at least one",
            got="none",
        )
    heights = {name: to_array(group, f"groups[{name!r}]") for name, group in groups.items()}
    for name, group in heights.items():
        if group.shape != (len(labels),):
            raise ShapeError(
                "there is a number for each label",
                argument=f"groups[{name!r}]",
                expected=(len(labels),),
                got=group.shape,
            )
    texts = {name: [number_text(height) for height in group] for name, group in heights.items()}
    bar = max(text_width(text, SMALL) for group in texts.values() for text in group) + 0.1
    label = max(text_width(str(label), NORMAL) for label in labels) + 0.14
    page = WIDEST - _AXIS
    numbered = len(labels) * len(heights) * bar / _FILLED <= page
    slanted = len(labels) * label > page
    room = max(label, len(heights) * bar / _FILLED if numbered else 0)
    size = (min(WIDEST, max(_SMALLEST, len(labels) * room + _AXIS)), _HEIGHT)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        frame(axes)
        axes.grid(visible=False, axis="x" if not numbered else "both")  # numbers are read without lines
        axes.spines["bottom"].set_visible(False)
        axes.axhline(0, color=LIGHT.muted, linewidth=1)
        width = _FILLED / len(heights)
        for order, (name, (color, hatch)) in enumerate(zip(heights, itertools.cycle(_LOOKS), strict=False)):
            places = np.arange(len(labels)) + (order - (len(heights) - 1) / 2) * width
            bars = axes.bar(
                places, heights[name], 0.95 * width, label=name, color=color, hatch=hatch, edgecolor="white"
            )
            if numbered:
                axes.bar_label(bars, texts[name], padding=3, size=SMALL)
        axes.set_xticks(range(len(labels)), labels)
        if slanted:
            axes.tick_params(axis="x", rotation=45)
            for text in axes.get_xticklabels():
                text.set(horizontalalignment="right", rotation_mode="anchor")
        axes.margins(y=0.1)
        axes.set_ylabel(ylabel)
        axes.set_title(title or "", loc="left")
        if len(heights) > 1:
            figure.legend(loc="outside right center", frameon=False)

    return Plot(f"{', '.join(heights)} for {len(labels)} labels", size, draw)
