"""The command line: `tinygrad-cnn train | eval | graph | summary | doctor`.

- `openblas.py`: before NumPy is loaded, the better kernels for AVX-512 processors
- `app.py`: the commands together, and how errors look
- `train_command.py`: train, and the run folder it leaves
- `eval_command.py`: test a run's weights again
- `graph_command.py`: draw a model's graph
- `summary_command.py`: a table of a model's layers
- `doctor_command.py`: what is installed and what is missing
- `config.py`: the settings of a run, as they stand in its config.toml
- `recipe.py`: from the settings to a Trainer with its data
- `report.py`: the pictures of a run, and where to look next
"""

from tinygrad_cnn.cli.openblas import choose_kernels


def main() -> None:
    """The entry point: NumPy comes with the commands, so what it is to find has to be set before them."""
    chosen_kernels = choose_kernels()
    from tinygrad_cnn.cli.app import app

    app(obj=chosen_kernels)


__all__ = ["main"]
