"""A backend of a third party, installed as its own distribution: nothing in the core knows its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import tinygrad_cnn

SOURCE = Path(__file__).parent / "sample_backend"
PACKAGE = Path(tinygrad_cnn.__file__).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that the sample distribution is installed into."""
    folder = tmp_path_factory.mktemp("sample")
    project = shutil.copytree(SOURCE, folder / "project")  # the build writes beside its source
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(folder / "site"), "."]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=120)
    return folder / "site"


def run(installed, *arguments, **environment):
    paths = os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def program(installed, code, **environment):
    """What a program prints; it must end well."""
    done = run(installed, "-W", "error", "-c", textwrap.dedent(code), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_it_is_found_without_being_imported(installed):
    printed = program(
        installed,
        """
        import sys
        import tinygrad_cnn as tc
        print(*tc.backends(), "sample_backend" in sys.modules)
        """,
    )
    assert printed == ["absent", "cupy", "meta", "numpy", "sample", "scalar", "False"]


def test_it_computes_and_differentiates(installed):
    printed = program(
        installed,
        """
        import sys
        import tinygrad_cnn as tc
        with tc.use_backend("sample", greeting="welcome") as backend:
            x = tc.tensor([-1.0, 2.0], requires_grad=True)
            (x.relu() * 3.0).sum().backward()
            print(x.backend.name, backend.info()["greeting"], *x.grad.tolist())
        """,
    )
    assert printed == ["sample", "welcome", "0.0", "3.0"]


def test_it_is_chosen_by_the_environment(installed):
    code = """
        import tinygrad_cnn as tc
        print(tc.zeros(1).backend.name)
        with tc.use_backend("numpy"):
            print(tc.zeros(1).backend.name)
        """
    assert program(installed, code, TINYGRAD_CNN_BACKEND="sample") == ["sample", "numpy"]
    assert program(installed, code, TINYGRAD_CNN_BACKEND="") == ["numpy", "numpy"]


def test_one_that_cannot_run_says_why_and_nothing_else_is_taken(installed):
    printed = program(
        installed,
        """
        import tinygrad_cnn as tc
        try:
            tc.zeros(1)
        except tc.errors.BackendUnavailable as error:
            print(error)
        """,
        TINYGRAD_CNN_BACKEND="absent",
    )
    message = " ".join(printed)
    assert "the driver of the sample device is not installed" in message
    assert "numpy, sample" in message


def test_it_passes_the_conformance_tests(installed):
    done = run(
        installed,
        *["-m", "pytest", "-q", "-p", "tinygrad_cnn.testing.plugin", "-p", "no:cacheprovider"],
        *["-c", os.devnull, "--rootdir", str(installed), "--import-mode=importlib"],
        *["--pyargs", "tinygrad_cnn.testing.conformance", "--backend", "sample"],
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_core_knows_no_backend_by_name():
    """Outside of defaults and documentation no source file of the package speaks of the sample."""
    for path in PACKAGE.rglob("*.py"):
        assert "sample_backend" not in path.read_text(encoding="utf-8"), path
