"""Write the results of `compare.py` into benchmarks/README.md, with plots.

    python benchmarks/compare.py --json out.json
    python benchmarks/report.py out.json

Every table has the command that repeats it above it. The plots are drawn with matplotlib, in the colours of
all our pictures, with a marker for each peer, so that nobody needs the colours.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import machine
import tables
from peers import ENTRIES

HERE = Path(__file__).parent
COMMAND = "benchmarks/.venv/bin/python benchmarks/compare.py"

INTRODUCTION = """# Benchmarks

How fast this package is, beside others, on one machine, in one run. The figures below are written by
`report.py`; what they mean:

- Contenders start from the same weights, see the same batches and do the same work: forward, backward, SGD
  with momentum, in float32. *Apart* is how far the losses of their first three steps are from PyTorch's,
  relative.
- They take turns, each in a process of its own, with a pause before each turn. Figures are medians over the
  turns with the first and third quartile in brackets; *× PyTorch* is taken turn by turn.
- Importing, building and compiling are not in the speed: *first step* says how long it takes until the first
  step is done, after the import.
- *Peak MiB* is the most memory the process had; *of it work* is what came on top of Python, NumPy and the
  framework.
- Missing peers are left out with the reason.

To repeat it:

    python benchmarks/environment.py           # once: benchmarks/.venv, about 2 GB
    {command} --json out.json
    benchmarks/.venv/bin/python benchmarks/report.py out.json

To add a peer, write a class like those in `peers/` and put it into the list in `peers/__init__.py`.
"""

SUITES = {
    "scaling": (
        "How the time grows",
        "Seconds of a training step of a plain network of 3 × 3 convolutions, one quantity stretched "
        "at a time; p is the slope of the least-squares line through the logarithms (`scaling.py`).",
    ),
    "graphs": ("Graphs", "What recording, keeping and drawing a graph costs (`graphs.py`)."),
    "overhead": (
        "One small operation",
        "Chains of 1,000 operations on 4 × 4 tensors, forward and gradient, one thread (`overhead.py`).",
    ),
    "scalar": (
        "Single numbers",
        "micrograd's own demo, a small MLP of single numbers, from the same weights (`scalar.py`).",
    ),
}

# Okabe and Ito's colours; a marker as well, so that the colour is never alone.
LOOKS = {
    "ours": ("#0072B2", "o"),
    "readable": ("#56B4E9", "s"),
    "torch": ("#E69F00", "^"),
    "torch-compile": ("#D55E00", "v"),
    "jax": ("#009E73", "D"),
    "tinygrad": ("#CC79A7", "P"),
    "dezero": ("#595959", "X"),
    "autograd": ("#A6A6A6", "*"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write results into benchmarks/README.md, with plots.")
    parser.add_argument("results", type=Path, help="what compare.py --json wrote")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and plots/ go")
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    (options.folder / "plots").mkdir(parents=True, exist_ok=True)
    readme = options.folder / "README.md"
    readme.write_text(text(results, draw(results, options.folder / "plots")), encoding="utf-8")
    print(f"wrote {readme}")


def text(results: dict[str, Any], plots: list[str]) -> str:
    """The README: what is measured and how, the machine, a table for each thing, the plots of these names."""
    parts = [INTRODUCTION.format(command=COMMAND), "## The machine", machine.sentence(results) + "."]
    versions = dict.fromkeys(f"{ENTRIES[name].package} {v}" for name, v in results["versions"].items())
    parts.append(f"Versions: {', '.join(versions)}. {results['rounds']} rounds.")
    if results["missing"]:
        parts.append(f"Not installed: {', '.join(ENTRIES[name].title for name in results['missing'])}.")
    if results["quick"]:
        parts.append("**This was a trial run (`--quick`): its figures say nothing.**")
    if "speed" in plots:
        parts.append("![Speed of every peer in parts of PyTorch's](plots/speed.svg)")
    for row in results["workloads"]:
        parts += [f"## {row['title']}", _command(row["name"]), tables.in_markdown(tables.workload_rows(row))]
        parts += [f"- {note}" for note in tables.notes(row)]
    for name, (title, sentence) in SUITES.items():
        if name in results:
            parts += [f"## {title}", sentence, _command(name)]
            if name in plots:
                parts.append(f"![{title}](plots/{name}.svg)")
            parts.append(tables.in_markdown(tables.ROWS[name](results[name])))
    return "\n\n".join(parts) + "\n"


def _command(workload: str) -> str:
    return f"    {COMMAND} --workloads {workload}"


# --- plots ----------------------------------------------------------------------------------------


def draw(results: dict[str, Any], folder: Path) -> list[str]:
    """The plots as SVG files; returns their names."""
    import matplotlib as mpl

    mpl.use("Agg")
    # Text stays text, and the same results give the same file.
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "benchmarks", "font.family": "sans-serif"})
    drawn = []
    if any(contender["of_torch"] for row in results["workloads"] for contender in row["contenders"]):
        _save(_speed(results["workloads"]), folder / "speed.svg")
        drawn.append("speed")
    if results.get("scaling"):
        _save(_scaling(results["scaling"]), folder / "scaling.svg")
        drawn.append("scaling")
    return drawn


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def _speed(workloads: list[dict[str, Any]]) -> Any:
    """One line a workload, one mark a peer: its speed in parts of PyTorch's; the bar spans the quartiles."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 0.5 * len(workloads) + 1.6))
    axes = figure.subplots()
    axes.axvline(1, color=LOOKS["torch"][0], linewidth=1)
    seen = {}
    for place, row in enumerate(workloads):
        for contender in row["contenders"]:
            if not contender["of_torch"]:
                continue
            color, marker = LOOKS[contender["peer"]]
            low, middle, high = _quartiles(contender["of_torch"])
            axes.plot([low, high], [place, place], color=color, linewidth=2)
            seen[contender["peer"]] = axes.plot(middle, place, marker, color=color, markersize=8)[0]
    axes.set_xscale("log")
    _plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(workloads)), [row["title"] for row in workloads])
    axes.invert_yaxis()
    axes.set_xlabel("speed in parts of PyTorch eager's (right is faster)")
    axes.legend(
        seen.values(), [ENTRIES[peer].title for peer in seen], loc="center left", bbox_to_anchor=(1, 0.5)
    )
    _clean(axes, "x")
    return figure


def _scaling(fits: list[dict[str, Any]]) -> Any:
    """A panel for each axis, both scales logarithmic: straight lines, with their slopes in the legend."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(fit["axis"] for fit in fits))
    figure = Figure(figsize=(4.2 * len(names), 3.6))
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for fit in fits:
            if fit["axis"] == name:
                color, marker = LOOKS[fit["peer"]]
                label = f"{ENTRIES[fit['peer']].title}: p = {fit['exponent']:.2f}"
                milliseconds = [seconds * 1e3 for seconds in fit["seconds"]]
                axes.plot(fit["sizes"], milliseconds, marker=marker, color=color, label=label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        _plain_numbers(axes.yaxis)
        axes.set_xlabel(name)
        axes.set_ylabel("ms per step")
        axes.legend(fontsize=8, frameon=False)
        _clean(axes, "both")
    figure.tight_layout()
    return figure


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def _plain_numbers(axis: Any) -> None:
    """0.5, 1, 2, 5, 10 along a logarithmic axis, in the place of powers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _clean(axes: Any, grid: str) -> None:
    """Fewer lines: a pale grid behind, no box around."""
    axes.grid(axis=grid, color="#E3E3E3", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
