"""Five epochs: LeNet-5 learns all of Fashion-MNIST, from the files on disk to the test images.

One recipe for everybody: SGD with Nesterov's momentum, weight decay, and a learning rate that rises and
falls once (OneCycleLR), on batches of 64, shuffled. Each contender writes it in its framework's own idiom
(`learn` in the files of `peers/`), and begins at weights as its layers draw them, with the seed of the round.
The clock runs from the first byte of the dataset to the accuracy on the test images after the last epoch;
only importing comes before it.

Runs take turns, A B A B, each in a process of its own. The four files of Fashion-MNIST are expected where
Debian's package `dataset-fashion-mnist` puts them; `compare.py --data FOLDER` names another place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peers import Entry
from turns import PAUSE, few_processors, in_fresh_process, in_words, peak_memory
from workloads import MINI, TEST, TRAIN

DEBIANS_FOLDER = Path("/usr/share/datasets/fashion-mnist")
ROUNDS = 3

CONTENDERS = {
    "trainer": Entry("tinygrad_cnn, Trainer", "tinygrad-cnn", "ours", "learn"),
    "torch": Entry("PyTorch, batches by index", "torch", "pytorch", "learn"),
    "torch-loader": Entry("PyTorch, DataLoader", "torch", "pytorch", "learn_from_loader"),
}


@dataclass(frozen=True)
class Recipe:
    """What the contenders are to do. Pixels become (p / 255 − mean) / std."""

    folder: Path = DEBIANS_FOLDER
    dataset: str = "fashion-mnist"
    epochs: int = 5
    batch_size: int = 64
    test_batch_size: int = 500
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    mean: float = 0.286041
    std: float = 0.353024


QUICK = Recipe(folder=MINI, dataset="fashion-mini", epochs=2)


def measure(
    recipe: Recipe,
    names: Sequence[str],
    *,
    rounds: int,
    threads: int,
    say: Callable[[str], None],
    entries: Mapping[str, Entry] = CONTENDERS,
) -> dict[str, Any]:
    """Let the contenders of these names take turns.

    Returns:
        The recipe; by name, the runs of each contender; by name, why others are left out.
    """
    missing = [file for file in TRAIN + TEST if not (recipe.folder / file).exists()]
    reason = f"no {', '.join(missing)} in {recipe.folder}; apt-get install dataset-fashion-mnist, or --data"
    left_out = dict.fromkeys(names, reason) if missing else {}
    runs: dict[str, list[Any]] = {name: [] for name in names if name not in left_out}
    with few_processors(threads):
        for seed in range(rounds):
            for name in list(runs):
                say(f"{recipe.dataset}: round {seed + 1} of {rounds}, {entries[name].title}")
                time.sleep(PAUSE)
                try:
                    runs[name].append(in_fresh_process(_run, entries[name], recipe, seed, threads))
                except Exception as problem:
                    del runs[name]
                    left_out[name] = in_words(problem)
    facts = {**asdict(recipe), "folder": str(recipe.folder)}
    return {"recipe": facts, "contenders": runs, "left_out": left_out}


def _run(entry: Entry, recipe: Recipe, seed: int, threads: int) -> dict[str, Any]:
    """One training, in the process where this is called; `seconds` and `accuracy` after each epoch."""
    learn = entry.load()
    start = time.perf_counter()
    epochs = [(time.perf_counter() - start, a) for a in learn(recipe, seed=seed, threads=threads)]
    seconds, accuracy = zip(*epochs, strict=True)
    return {"seconds": seconds, "accuracy": accuracy, "peak_bytes": peak_memory()}
