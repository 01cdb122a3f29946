"""Write the results of `compare.py` into benchmarks/README.md, with plots.

    python benchmarks/compare.py --json out.json
    python benchmarks/report.py out.json

Every table has the command that repeats it above it, and is made by `tables.py`; the plots are by `plots.py`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import machine
import plots
import tables
from peers import ENTRIES
from turns import WARM_UP

HERE = Path(__file__).parent
COMMAND = "benchmarks/.venv/bin/python benchmarks/compare.py"

INTRODUCTION = """# Benchmarks

How fast this package is, beside others, on one machine, in one run. The figures below are written by
`report.py`; what they mean:

- Contenders start from the same weights, see the same batches and do the same work: forward, backward, SGD
  with momentum, in float32. *Apart* is how far the losses of their first {warm_up} steps are from PyTorch's,
  relative.
- They take turns, each in a process of its own, with a pause before each turn. Figures are medians over the
  turns with the first and third quartile in brackets; *× PyTorch* (eager) and *× DeZero* are taken turn by
  turn.
- Importing, building and compiling are not in the speed: *first {warm_up} steps* says how long it takes until
  these are done, after the import.
- *Peak MiB* is the most memory the process had; *of it work* is what came on top of Python, NumPy and the
  framework.
- Missing peers are left out with the reason.

To repeat it:

    python benchmarks/environment.py           # once: benchmarks/.venv, about 2 GB
    {command} --json out.json
    benchmarks/.venv/bin/python benchmarks/report.py out.json

To add a peer, write a class like those in `peers/` and put it into the list in `peers/__init__.py`."""

SUITES = {
    "fashion-epochs": (
        "LeNet-5 on all of Fashion-MNIST",
        "60,000 images, {epochs} epochs, batches of {batch_size}, SGD with Nesterov's momentum, a one-cycle "
        "learning rate up to {learning_rate}: seconds from opening the files to the accuracy on the 10,000 "
        "test images, with an evaluation after each epoch (`epochs.py`).",
    ),
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Write results into benchmarks/README.md, with plots.")
    parser.add_argument("results", type=Path, help="what compare.py --json wrote")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and plots/ go")
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    (options.folder / "plots").mkdir(parents=True, exist_ok=True)
    readme = options.folder / "README.md"
    readme.write_text(text(results, plots.draw(results, options.folder / "plots")), encoding="utf-8")
    print(f"wrote {readme}")


def text(results: dict[str, Any], drawn: list[str]) -> str:
    """The README: what is measured and how, the machine, a table for each thing, the plots of these names."""
    introduction = INTRODUCTION.format(command=COMMAND, warm_up=WARM_UP)
    parts = [introduction, "## The machine", f"{machine.sentence(results)}."]
    versions = ", ".join(f"{package} {version}" for package, version in results["versions"].items())
    parts.append(f"Versions: {versions}. {results['rounds']} rounds, by `{results['command']}`.")
    if results["machine"]["advice"]:
        parts.append(f"NumPy could do better here, and was left as it is: {results['machine']['advice']}.")
    if results["missing"]:
        parts.append(f"Not installed: {', '.join(ENTRIES[name].title for name in results['missing'])}.")
    if results["quick"]:
        parts.append("**This was a trial run (`--quick`): its figures say nothing.**")
    if "speed" in drawn:
        parts.append("![Speed of every peer in parts of PyTorch's](plots/speed.svg)")
    for row in results["workloads"]:
        parts += [f"## {row['title']}", _command(row["name"]), tables.in_markdown(tables.workload_rows(row))]
        parts += [f"- {note}" for note in tables.notes(row)]
    for name, (title, sentence) in SUITES.items():
        if name in results:
            measured = results[name]
            facts = measured["recipe"] if name == "fashion-epochs" else {}
            parts += [f"## {title}", sentence.format(**facts), _command(name)]
            if name in drawn:
                parts.append(f"![{title}](plots/{name}.svg)")
            parts.append(tables.in_markdown(tables.ROWS[name](measured)))
            parts += [f"- {note}" for note in tables.notes(measured)]
    return "\n\n".join(parts) + "\n"


def _command(workload: str) -> str:
    return f"    {COMMAND} --workloads {workload}"


if __name__ == "__main__":
    main()
