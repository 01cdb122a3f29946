"""Tools for people who add an operation, a backend or a network, and want to know that it is right.

    gradcheck    compare gradients with central differences, first and second order
    samples      the examples that every operation of the registry was declared with, as arrays
    strategies   Hypothesis strategies for shapes, windows, dimensions and dtypes
    conformance  the tests that a backend passes before it is called one; run them with

        pytest -p tinygrad_cnn.testing.plugin --pyargs tinygrad_cnn.testing.conformance --backend NAME

Only `gradcheck` is loaded with the package: it needs nothing but NumPy. The others are imported by name, and
`strategies` and `conformance` need Hypothesis and pytest.
"""

from tinygrad_cnn.testing._gradcheck import gradcheck

__all__ = ["gradcheck"]
