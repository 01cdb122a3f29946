"""The command `tinygrad-cnn`: its subcommands, and how an error looks.

Whatever goes wrong is told in one readable block on standard error, the same one that the library raises;
`--debug` shows the traceback instead. The exit code is 2 when the command was not understood (a mistyped
name, a number out of range), 1 when it could not be carried out, 130 after Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinygrad_cnn.cli import (
    doctor_command,
    eval_command,
    graph_command,
    learn_command,
    step_command,
    summary_command,
    train_command,
)
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, TinygradCNNError, UnknownName

_NOT_UNDERSTOOD = (UnknownName, ArgumentError, ArgumentTypeError)


class _Commands(TyperGroup):
    """The subcommands, with errors turned into words and exit codes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # `--debug` is wanted when a command has just failed, so it may also stand at the end of the line.
        if "--debug" in args:
            args = ["--debug", *(argument for argument in args if argument != "--debug")]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        if ctx.params["debug"]:
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `tinygrad-cnn summary ... | head` is no mistake; Typer ends quietly
            raise
        except KeyboardInterrupt as error:
            typer.echo(str(error) or "stopped", err=True)
            raise typer.Exit(130) from error
        except (TinygradCNNError, OSError) as error:
            if isinstance(error, TinygradCNNError):
                error.where = None  # the line that led here is not the user's: they typed a command
            typer.secho("Error: ", err=True, fg=typer.colors.RED, bold=True, nl=False)
            typer.echo(error, err=True)
            raise typer.Exit(2 if isinstance(error, _NOT_UNDERSTOOD) else 1) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may also stand last.")
    ] = False,
) -> None:
    """Train small convolutional networks, and look inside while they learn."""


def _add(name: str, command: Callable[..., None], examples: Mapping[str, str]) -> None:
    """A subcommand; its --help ends with examples to copy, each under a line that says what it does."""
    lines = [f"  # {meaning}\n  {line}" for line, meaning in examples.items()]
    app.command(name, epilog="\n".join(["\b", "Examples:", *lines]))(command)  # \b keeps lines as they are


_add("train", train_command.train, train_command.EXAMPLES)
_add("eval", eval_command.evaluate, eval_command.EXAMPLES)
_add("graph", graph_command.graph, graph_command.EXAMPLES)
_add("learn", learn_command.learn, learn_command.EXAMPLES)
_add("step", step_command.step, step_command.EXAMPLES)
_add("summary", summary_command.summary, summary_command.EXAMPLES)
_add("doctor", doctor_command.doctor, doctor_command.EXAMPLES)
