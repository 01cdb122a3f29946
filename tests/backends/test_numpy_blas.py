"""Advice about BLAS, on machines that are made up."""

import pytest

from tinygrad_cnn_backends.numpy import blas

ZEN3 = {"X86_V2", "X86_V3"}
ZEN5 = XEON = {*ZEN3, "X86_V4", "AVX512_ICL"}
OLD_NAMES = {"AVX2", "AVX512F", "AVX512_SKX"}  # NumPy's before 2.4


def openblas(kernels):
    return {"internal_api": "openblas", "version": "0.3.31", "architecture": kernels}


@pytest.mark.parametrize(
    ("extensions", "library", "environment", "better"),
    [
        pytest.param(ZEN5, openblas("Haswell"), {}, "SkylakeX", id="AVX-512 with kernels for AVX2"),
        pytest.param(ZEN5, openblas("Zen"), {}, "SkylakeX", id="the same under the name Zen"),
        pytest.param(OLD_NAMES, openblas("Haswell"), {}, "SkylakeX", id="older NumPy"),
        pytest.param(ZEN5, openblas("SkylakeX"), {}, None, id="already chosen"),
        pytest.param(ZEN5, openblas("SkylakeX"), {blas.CORETYPE: "SkylakeX"}, None, id="chosen by hand"),
        pytest.param(ZEN5, openblas("Haswell"), {blas.CORETYPE: "Haswell"}, None, id="somebody wants it so"),
        pytest.param(XEON, openblas("SkylakeX"), {}, None, id="Intel"),
        pytest.param(XEON, openblas("SapphireRapids"), {}, None, id="newer Intel"),
        pytest.param(ZEN3, openblas("Haswell"), {}, None, id="no AVX-512"),
        pytest.param({"NEON", "ASIMD"}, openblas("neoversen1"), {}, None, id="ARM"),
        pytest.param(ZEN5, {"internal_api": "mkl", "version": "2025"}, {}, None, id="MKL"),
        pytest.param(
            ZEN5,
            {"internal_api": "blis", "architecture": "zen3"},
            {},
            None,
            id="not its environment variable",
        ),
        pytest.param({"NEON", "ASIMD"}, {}, {}, None, id="Accelerate does not say"),
        pytest.param(ZEN5, {"internal_api": "openblas"}, {}, None, id="an OpenBLAS that does not say"),
    ],
)
def test_better_kernels_are_named_where_there_are_any(extensions, library, environment, better):
    assert blas.better_kernels(extensions, library, environment) == better


def test_advice_is_a_line_to_type(monkeypatch):
    monkeypatch.delenv(blas.CORETYPE, raising=False)
    monkeypatch.setattr(blas, "simd_extensions", lambda: ZEN5)
    monkeypatch.setattr(blas, "library", lambda: openblas("Haswell"))
    monkeypatch.setattr("os.name", "posix")
    said = blas.facts()
    assert said["BLAS"] == "openblas 0.3.31 (Haswell kernels)"
    assert said["advice"].endswith("before Python starts: export OPENBLAS_CORETYPE=SkylakeX")
    monkeypatch.setenv(blas.CORETYPE, "Haswell")
    assert "advice" not in blas.facts()


def test_a_blas_that_does_not_say_what_it_is_is_unknown(monkeypatch):
    monkeypatch.setattr(blas, "threadpool_info", list)
    assert blas.facts() == {"BLAS": "unknown"}


def test_this_machine_is_understood():
    assert blas.simd_extensions()
    assert blas.facts()["BLAS"]
