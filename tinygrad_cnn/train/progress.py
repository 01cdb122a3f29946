"""How training looks in a terminal: one line that moves, and one that stays for every epoch.

    epoch  1/12  loss 1.0413  accuracy 61.2 %  test 0.6921  74.5 %  11,240 images/s
    ━━━━━━━╺━━━━━━━━━  42% 11,310 images/s  loss 0.6012  accuracy 77.9 % 0:00:04 left

After "test" come the same measurements in the same order. In a log file, where nothing can move, only the
lines that stay are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_cnn.train.callbacks import Callback
from tinygrad_cnn.train.history import Row

if TYPE_CHECKING:
    from rich.console import Console

    from tinygrad_cnn.train.trainer import Step, Trainer


class ProgressBar(Callback):
    """Show images per second, loss, accuracy and the time left.

    Args:
        console: where to write; by default standard output.

    >>> import tinygrad_cnn as tc
    >>> model = tc.nn.Linear(2, 2)
    >>> trainer = tc.Trainer(model, tc.optim.SGD(model.parameters(), lr=0.1), callbacks=[ProgressBar()])
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console  # here, because most imports of the package show no progress
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._console = console or Console(highlight=False, markup=False)
        self._progress = Progress(
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.description}", markup=False),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=self._console,
            refresh_per_second=5,
            transient=True,
            disable=not self._console.is_terminal,
        )

    def on_fit_start(self, trainer: Trainer) -> None:
        self._task = self._progress.add_task(
            "starting", total=trainer.epochs * trainer.steps_per_epoch, completed=self._steps(trainer)
        )
        self._progress.start()

    def on_step_end(self, trainer: Trainer, step: Step) -> None:
        speed = f"{step.images / step.seconds:,.0f} images/s"
        self._progress.update(
            self._task,
            completed=self._steps(trainer) + step.number,
            description="  ".join([speed, *_in_words(step.means)]),
        )

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        width = len(str(trainer.epochs))
        parts = [f"epoch {trainer.epoch:>{width}}/{trainer.epochs}", *_in_words(_of("train", row))]
        tested = _of("test", row)
        if tested:
            parts += ["test " + "  ".join(_number(name, value) for name, value in tested.items())]
        self._console.print("  ".join([*parts, f"{row['images_per_s']:,.0f} images/s"]), soft_wrap=True)

    def on_fit_end(self, trainer: Trainer) -> None:
        self._progress.stop()
        for task in self._progress.task_ids:
            self._progress.remove_task(task)  # the next fit begins with a bar of its own

    @staticmethod
    def _steps(trainer: Trainer) -> int:
        """Steps in complete epochs."""
        return trainer.epoch * trainer.steps_per_epoch


def _of(split: str, row: Row) -> Row:
    """The measurements of one split: `{"loss": 0.4312, "accuracy": 0.843}`"""
    return {
        name.removeprefix(f"{split}_"): value for name, value in row.items() if name.startswith(f"{split}_")
    }


def _in_words(measured: Row) -> list[str]:
    """`["loss 0.4312", "accuracy 84.3 %"]`"""
    return [f"{name} {_number(name, value)}" for name, value in measured.items()]


def _number(name: str, value: float) -> str:
    return f"{value * 100:.1f} %" if name == "accuracy" else f"{value:.4f}"
