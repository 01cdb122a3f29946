"""Make the benchmark's own environment, benchmarks/.venv: this package and all it is measured against.

    python benchmarks/environment.py
    benchmarks/.venv/bin/python benchmarks/compare.py

About 2 GB. A peer that cannot be installed is left out; `compare.py` says so. tinygrad compiles with clang:
where there is none, the clang inside the `ziglang` package is put in its place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE / ".venv"
PEERS = ("torch==2.13.0", "jax", "tinygrad", "dezero", "autograd", "micrograd")

# zig's clang knows no target without an operating system, and adds checks that tinygrad's loader cannot link.
CLANG = """#!/bin/sh
for argument; do
  shift
  case $argument in --target=*) argument={target} ;; esac
  set -- "$@" "$argument"
done
exec {python} -m ziglang cc -g0 -fno-sanitize=all "$@"
"""


def main() -> None:
    venv.create(FOLDER, with_pip=True, clear=True)
    python = FOLDER / ("Scripts" if os.name == "nt" else "bin") / "python"

    def install(*what: str) -> bool:
        print("installing", *what, flush=True)
        command = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", *what]
        return subprocess.run(command, check=False).returncode == 0

    shutil.rmtree(HERE.parent / "build", ignore_errors=True)  # an earlier build would be packed again
    if not install(f"{HERE.parent}[viz]"):
        sys.exit("the package itself could not be installed")
    left_out = [peer for peer in PEERS if not install(peer)]
    if sys.platform == "linux" and shutil.which("clang") is None and install("ziglang"):
        clang = python.parent / "clang"
        clang.write_text(CLANG.format(target=f"--target={os.uname().machine}-linux-musl", python=python))
        clang.chmod(0o755)
    print(f"left out: {', '.join(left_out)}" if left_out else "everybody is here")
    print(f"now: {python} {HERE / 'compare.py'}")


if __name__ == "__main__":
    main()
