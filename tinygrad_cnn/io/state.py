"""The whole state of a training run in one file: nested dictionaries and lists with tensors in them.

What a model, an optimizer and a schedule return from `state_dict()` is a tree: dictionaries and lists, with
tensors, numbers and words at its ends. The tensors go into a safetensors file under the path that leads to
them ("optimizer/state/0/momentum_buffer"), and the tree itself goes beside them as JSON, with a note in the
place of each tensor:

    {"epoch": 3, "seed": tensor([7, 96])}  ->  {"dict": [["epoch", 3], ["seed", {"tensor": "seed"}]]}

Python writes a float in JSON with as many digits as it takes to read the same float back, so nothing is
rounded. And like the weights, nothing in the file is ever executed.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentTypeError, FileFormatError
from tinygrad_cnn.io.weights import read_with_metadata, save

_KEY = "tinygrad_cnn state"  # one entry only: the order of several would differ from run to run


def save_state(path: str | os.PathLike[str], state: Any) -> None:
    """Write a tree of dictionaries, lists, tuples, tensors, numbers, words, True, False and None.

    Args:
        path: the file to write, in one step, as by `save`.
        state: the tree; dictionary keys are words or whole numbers.

    Raises:
        ArgumentTypeError: there is something else in the tree; says where.
        OSError: the file cannot be written, with Python's own message.

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.io import load_state, save_state
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_state(f"{folder}/run.safetensors", {"epoch": 3, "betas": (0.9, 0.999), 0: tc.ones(2)})
    ...     load_state(f"{folder}/run.safetensors")
    {'epoch': 3, 'betas': (0.9, 0.999), 0: tensor([1., 1.])}
    """
    tensors: dict[str, Tensor] = {}
    tree = _pack(state, "", tensors)
    save(path, tensors, metadata={_KEY: json.dumps(tree, ensure_ascii=False)})


def load_state(path: str | os.PathLike[str]) -> Any:
    """Read what `save_state` wrote; tensors come onto the backend in force.

    Raises:
        FileFormatError: the file is damaged, or `save_state` did not write it.
        OSError: the file cannot be opened, with Python's own message.

    >>> import tempfile
    >>> from tinygrad_cnn.io import load_state, save_state
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_state(f"{folder}/run.safetensors", {"epoch": 3})
    ...     load_state(f"{folder}/run.safetensors")
    {'epoch': 3}
    """
    tensors, metadata = read_with_metadata(path)
    if _KEY not in metadata:
        raise FileFormatError(
            f"{path}: a safetensors file, but not the state of a training run",
            expected=f"an entry {_KEY!r} in its header",
            got=f"{len(tensors)} tensors by name",
            hint="model.load_state_dict(tc.load(path)) loads weights alone",
        )
    try:
        return _unpack(json.loads(metadata[_KEY]), tensors)
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(
            f"{path}: the description of the state does not fit its tensors", got=repr(error)
        ) from error


def _pack(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON knows it; its tensors are put into `tensors` under the path that leads to them."""
    if isinstance(value, Tensor):
        if path in tensors:  # {"a/b": t, "a": {"b": u}}
            raise _cannot_be_saved(path, "a path of its own for each tensor", value)
        tensors[path] = value
        return {"tensor": path}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, (str, int)):
                raise _cannot_be_saved(path, "keys that are words or whole numbers", key)
        return {"dict": [[key, _pack(item, _join(path, key), tensors)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_pack(item, _join(path, index), tensors) for index, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    raise _cannot_be_saved(path, "tensors, numbers, words, and lists and dictionaries of these", value)


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The reverse of `_pack`."""
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "tuple":
        return tuple(_unpack(item, tensors) for item in content)
    return {key: _unpack(item, tensors) for key, item in content}


def _join(path: str, key: str | int) -> str:
    return f"{path}/{key}" if path else str(key)


def _cannot_be_saved(path: str, expected: str, got: object) -> ArgumentTypeError:
    return ArgumentTypeError(
        "this state cannot be saved",
        argument=path or "state",
        expected=expected,
        got=f"{type(got).__name__}: {got!r}"[:80],
    )
