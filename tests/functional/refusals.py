"""A test for everything that a function refuses, made of a table.

test_what_is_refused = refusals({
    "3 into 2": (lambda: F.group_norm(tc.ones(4, 3), 2), ArgumentError, "num_groups"),
})
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Refusal = tuple[Callable[[], Any], type[Exception], str]


def refusals(table: dict[str, Refusal]) -> Callable[[str], None]:
    """A test with a case for each row: a call, the error it must raise, and the argument which that names."""

    @pytest.mark.parametrize("case", table)
    def refused(case: str) -> None:
        call, error, argument = table[case]
        with pytest.raises(error) as caught:
            call()
        assert caught.value.argument == argument, str(caught.value)
        assert caught.value.expected is not None, str(caught.value)

    return refused
