"""Tables of calls that must fail: name → (call, error, the argument that its message names)."""

from __future__ import annotations

import pytest


def each_refusal(table):
    return pytest.mark.parametrize(("call", "kind", "argument"), table.values(), ids=table)


def assert_refused(call, kind, argument):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.argument == argument
    assert str(caught.value.where).startswith("test_")  # the user's line, not one of ours
