"""`tensor`: the one door through which numbers come in."""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTYPES, DType, DTypeLike, as_dtype, float32
from tinygrad_cnn.errors import ArgumentTypeError


def tensor(
    data: object,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A new tensor holding a copy of `data`.

    Args:
        data: a number, nested lists of numbers, a NumPy array, or a Tensor (its value is copied).
        dtype: of the elements. By default an array keeps its own, Python floats become float32, ints
            int64, bools bool.
        requires_grad: whether a backward pass computes a gradient for it.
        name: shown in drawings.
        backend: a name from `tc.backends()`; by default the one in force (`tc.use_backend`).

    Raises:
        ArgumentTypeError: the data is ragged or not numeric.
        DTypeError: a gradient of integers or bools was asked for.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    target = get_backend(backend)
    wanted = _own_dtype(data) if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        data = data.array if data.backend is target else data.numpy()
    try:
        array = target.asarray(data, wanted)
        found = target.dtype_of(array) if wanted is None else wanted
    except (ValueError, TypeError) as error:
        raise ArgumentTypeError(
            f"this data does not make a tensor: {str(error).splitlines()[0]}",
            argument="data",
            expected="a number, an array, or nested lists of equal length",
            got=type(data).__name__,
        ) from error
    if wanted is None and found.is_floating and found is not float32:
        array, found = target.asarray(array, float32), float32  # Python floats have no width of their own
    result = Tensor(array, tuple(array.shape), found, target)
    result.name = name
    return result.requires_grad_() if requires_grad else result


def _own_dtype(data: object) -> DType | None:
    """What a Tensor or an array says of itself; None for numbers and lists."""
    return DTYPES.get(str(getattr(data, "dtype", "")))
