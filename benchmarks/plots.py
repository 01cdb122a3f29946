"""The results as pictures: speeds, learning curves, and how the time grows.

Drawn with matplotlib, in Okabe and Ito's colours; everybody has a marker as well, so that nobody needs the
colours. What belongs together (our own contenders, PyTorch's) has neighbouring colours, and the variant of a
contender its marker, hollow.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import scaling
import tables
from epochs import CONTENDERS
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter
from peers import ENTRIES

# Text stays text, and the same results give the same file.
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.family": "sans-serif"}


def _look(color: str, marker: str, fillstyle: str = "full") -> dict[str, Any]:
    return {"color": color, "marker": marker, "fillstyle": fillstyle}


LOOKS = {
    "captured": _look("#0072B2", "o"),
    "exact": _look("#0072B2", "o", "none"),
    "ours": _look("#56B4E9", "s"),
    "readable": _look("#56B4E9", "s", "none"),
    "torch": _look("#E69F00", "^"),
    "torch-compile": _look("#D55E00", "v"),
    "jax": _look("#009E73", "D"),
    "tinygrad": _look("#CC79A7", "P"),
    "dezero": _look("#595959", "X"),
    "autograd": _look("#A6A6A6", "*"),
    "trainer": _look("#0072B2", "o"),
    "torch-loader": _look("#E69F00", "^", "none"),
}


def draw(results: dict[str, Any], folder: Path) -> list[str]:
    """The plots as SVG files; returns their names."""
    drawn = []
    with mpl.rc_context(SETTINGS):
        for name, figure in _figures(results):
            figure.savefig(folder / f"{name}.svg", bbox_inches="tight", metadata={"Date": None})
            drawn.append(name)
    return drawn


def _figures(results: dict[str, Any]) -> Iterable[tuple[str, Figure]]:
    rows = [row for row in results["workloads"] if any(c["peer"] == "torch" for c in row["contenders"])]
    if rows:
        yield "speed", _speed(rows)
    if results.get("fashion-epochs", {}).get("contenders"):
        yield "fashion-epochs", _learning(results["fashion-epochs"])
    if results.get("scaling"):
        yield "scaling", _scaling(results["scaling"])


def _speed(workloads: list[dict[str, Any]]) -> Figure:
    """A band for each workload, in it a mark for each peer: its speed in parts of PyTorch's.

    The line through a mark spans the quartiles. The peers of a band stand below each other, in the order of
    the legend.
    """
    peers = [
        peer for peer in ENTRIES if any(c["peer"] == peer for row in workloads for c in row["contenders"])
    ]
    height = 0.8 / len(peers)
    figure = Figure(figsize=(9, 0.14 * len(peers) * len(workloads) + 1.6))
    axes = figure.subplots()
    axes.axvline(1, color=LOOKS["torch"]["color"], linewidth=1)
    seen = {}
    for band, row in enumerate(workloads):
        if band % 2:
            axes.axhspan(band - 0.5, band + 0.5, color="#F4F4F4", zorder=-1)
        for contender in row["contenders"]:
            peer = contender["peer"]
            place = band + (peers.index(peer) - (len(peers) - 1) / 2) * height
            low, middle, high = _quartiles(tables.ratios(row, contender, "torch"))
            axes.plot([low, high], [place, place], color=LOOKS[peer]["color"], linewidth=1.5)
            seen[peer] = axes.plot(middle, place, linestyle="none", markersize=6, **LOOKS[peer])[0]
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(workloads)), [row["title"] for row in workloads])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(workloads) - 0.5, -0.5)
    axes.set_xlabel("speed in parts of PyTorch eager's (right is faster)")
    here = [peer for peer in peers if peer in seen]
    axes.legend(
        [seen[peer] for peer in here],
        [ENTRIES[peer].title for peer in here],
        loc="upper left",
        bbox_to_anchor=(1, 1),
        frameon=False,
    )
    _clean(axes, "x")
    return figure


def _learning(measured: dict[str, Any]) -> Figure:
    """Accuracy on the test images against the time; a line for each run, a mark for each epoch."""
    figure = Figure(figsize=(7, 3.6))
    axes = figure.subplots()
    axes.axhline(0.9, color="#595959", linewidth=0.8, linestyle=":")
    for name, runs in measured["contenders"].items():
        for number, run in enumerate(runs):
            title = CONTENDERS[name].title if number == 0 else None
            axes.plot(run["seconds"], run["accuracy"], linewidth=1, label=title, **LOOKS[name])
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("seconds since the files were opened")
    axes.set_ylabel("accuracy on the test images")
    axes.legend(loc="lower right", frameon=False)
    _clean(axes, "both")
    return figure


def _scaling(fits: list[dict[str, Any]]) -> Figure:
    """A panel for each axis, both scales logarithmic, so that powers are straight lines."""
    figure = Figure(figsize=(9, 6.5))
    panels = dict(zip(scaling.SIZES, figure.subplots(2, 2).flat, strict=True))
    seen = {}
    for fit in fits:
        milliseconds = [seconds * 1e3 for seconds in fit["seconds"]]
        seen[fit["peer"]] = panels[fit["axis"]].plot(fit["sizes"], milliseconds, **LOOKS[fit["peer"]])[0]
    for name, axes in panels.items():
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        _plain_numbers(axes.yaxis)
        axes.set_xlabel(scaling.UNITS[name])
        axes.set_ylabel("ms per step")
        _clean(axes, "both")
    figure.tight_layout()
    titles = [ENTRIES[peer].title for peer in seen]
    figure.legend(seen.values(), titles, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _plain_numbers(axis: Any) -> None:
    """0.5, 1, 2, 5, 10 along a logarithmic axis, in the place of powers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _clean(axes: Any, grid: str) -> None:
    """Fewer lines: a pale grid behind, no box around."""
    axes.grid(axis=grid, color="#E3E3E3", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
