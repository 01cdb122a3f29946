"""The methods that operations attach to `Tensor`.

Empty on purpose: each operation declares with `method=True` that it is a method too, and is attached when
`tinygrad_cnn.ops` is imported. The stub beside this file (`_methods.pyi`, written from the registry by
`scripts/write_stubs.py` and kept current by a test) shows them to editors and type checkers.
"""


class TensorMethods:
    """Receives the operations as methods."""

    __slots__ = ()
