"""Tools for people who add an operation, a backend or a network, and want to know that it is right.

    gradcheck    compare gradients with central differences, first and second order; names the wrong rule
    samples      the examples that every operation of the registry was declared with, as arrays
    refusals     calls that must fail, with the error and the argument that it names
    references   what every operation means, in plain loops over indices
    checks       what every operation is tried on, made from its declaration
    coverage     a table of what is tested: python -m tinygrad_cnn.testing.coverage
    strategies   Hypothesis strategies for shapes, windows, dimensions and dtypes
    conformance  the tests that a backend passes before it is called one; run them with

        pytest -p tinygrad_cnn.testing.plugin --pyargs tinygrad_cnn.testing.conformance --backend NAME

Only `gradcheck` is loaded with the package: it needs nothing but NumPy. The others are imported by name;
`strategies` needs Hypothesis, `conformance` and `coverage` need pytest.
"""

from tinygrad_cnn.testing._gradcheck import gradcheck

__all__ = ["gradcheck"]
