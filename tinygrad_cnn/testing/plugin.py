"""The pytest plug-in of the conformance tests: says which backend they try.

pytest -p tinygrad_cnn.testing.plugin --pyargs tinygrad_cnn.testing.conformance --backend NAME
"""

from __future__ import annotations

import pytest

from tinygrad_cnn.backend import Backend, get_backend


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--backend` to pytest's own options."""
    parser.addoption("--backend", metavar="NAME", default="numpy", help="the backend under test (numpy)")


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """The backend under test; an unknown name or one that cannot run ends the session with the reason."""
    return get_backend(request.config.getoption("--backend"))
