"""Write the results of `compare.py` into benchmarks/README.md, with plots.

    python benchmarks/compare.py --json out.json
    python benchmarks/report.py out.json
    python benchmarks/report.py out.json --gpu gpu.json      # with what gpu.py has measured

Every table has the command that repeats it above it, and is made by `tables.py`; the plots are by `plots.py`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gpu
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


ON_A_GPU = """## On a GPU

`gpu.py` measures the CuPy backend beside PyTorch on the same GPU, in one run: what the GPU can do at most,
the backend's tests on it, every operation beside NumPy in float64, images per second of training (captured
and eager, beside PyTorch eager, compiled and as a CUDA graph), seconds to 90 % and 93 % of Fashion-MNIST's
test images, the memory it takes, and which kernels take the time of a step. Products are rounded to TF32 by
both or by neither, PyTorch's images are channels last, and it chooses cuDNN's algorithms by timing them.

    pip install '.[gpu]' pytest hypothesis     # beside a PyTorch for CUDA
    python benchmarks/gpu.py --json trial.json --quick        # does everything run?
    python benchmarks/gpu.py --json gpu.json
    python benchmarks/gpu.py --json gpu.json --parts speed --workloads lenet-b128 --precisions float32
    python benchmarks/gpu.py --show gpu.json

- The *bars* are what this backend was built to reach: a speed in parts of PyTorch's, at one workload. *To
  reach* is the ratio that was promised, *reached* the one that was measured, turn by turn, and the *verdict*
  says by how much of the promise it is passed or missed.
- *Timed plans* (`captured-timed`) is our captured step with cuDNN's algorithms chosen by timing them, as
  PyTorch does. They are kept beside the results, in `gpu.plans.json`. The others take the first plan in
  cuDNN's own order.
- `--precisions` takes `tf32` (the default), `float32` and `bfloat16`, one or several of them. For
  `--precisions bfloat16` the package ml_dtypes is needed, which `.[gpu]` brings: it teaches NumPy that type.
- `--quick` is a trial on the GPU: two short turns, ten steps each, few images and epochs. Its figures say
  nothing, no bar is judged by them, and they need a file of their own.
- `--dry-run` does the same without a GPU, on NumPy and PyTorch's CPU, with 4 images in a batch. The tables
  then say what was done in place of what; batches of 128 and of 512 are the same there.
- 90 % is LeNet-5's target in 8 epochs, 93 % that of the CNN with batch norm in 15 epochs, half of the images
  mirrored at random. Nobody has verified yet that the second recipe reaches its 93 %.

Each row is saved as soon as it is there, and another command adds to the same file; so where a GPU is lent
for minutes, the parts can be measured one after the other. Where nothing can be fetched, the package can be
carried there: `pip install --no-deps --target FOLDER .` beforehand, and `PYTHONPATH=FOLDER` there; it needs
NumPy, CuPy, threadpoolctl, safetensors and rich, and ml_dtypes for bfloat16. The exit status is 1 where
something could not be measured, where a test has failed and where two contenders did not compute the same."""

NOTHING_MEASURED = "Nothing of this has been run on a GPU yet, so there are no figures to show."


def main() -> None:
    parser = argparse.ArgumentParser(description="Write results into benchmarks/README.md, with plots.")
    parser.add_argument("results", type=Path, help="what compare.py --json wrote")
    parser.add_argument("--folder", type=Path, default=HERE, help="where README.md and plots/ go")
    parser.add_argument("--gpu", type=Path, metavar="FILE", help="what gpu.py --json wrote")
    options = parser.parse_args()
    results = json.loads(options.results.read_text(encoding="utf-8"))
    on_gpu = json.loads(options.gpu.read_text(encoding="utf-8")) if options.gpu else None
    (options.folder / "plots").mkdir(parents=True, exist_ok=True)
    readme = options.folder / "README.md"
    drawn = plots.draw(results, options.folder / "plots")
    readme.write_text(text(results, drawn, on_gpu), encoding="utf-8")
    print(f"wrote {readme}")


def text(results: dict[str, Any], drawn: list[str], on_gpu: dict[str, Any] | None = None) -> str:
    """The README: what is measured and how, the machine, a table for each thing, the plots of these names.

    Args:
        results: of compare.py.
        drawn: names of the plots.
        on_gpu: results of gpu.py, if there are any.
    """
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
    parts += [ON_A_GPU, *(_gpu_tables(on_gpu) if on_gpu else [NOTHING_MEASURED])]
    return "\n\n".join(parts) + "\n"


def _gpu_tables(results: dict[str, Any]) -> Iterator[str]:
    for title, rows, notes in gpu.everything(results):
        yield f"### {title[0].upper()}{title[1:]}"
        yield tables.in_markdown(rows)
        yield from (f"- {note}" for note in notes)


def _command(workload: str) -> str:
    return f"    {COMMAND} --workloads {workload}"


if __name__ == "__main__":
    main()
