"""The emulator of `cuda/`, for tests that run kernels as a part of the backend."""

from __future__ import annotations

from cupy_stand_in import emulator

EMULATOR = emulator()
compile_for_cpu, libraries = EMULATOR.compile_for_cpu, EMULATOR.libraries  # fixtures: g++, and what it makes
