"""Why some cells of the table of what is tested are empty: a sentence, and the operations it holds for.

A reason that is no longer needed fails a test, and so does an empty cell without one.
"""

from __future__ import annotations

from tinygrad_cnn._op import Op
from tinygrad_cnn.ops._infer import unary

# Called by rules and by other operations, which have checked what they hand on.
_TRUSTING = "batch_norm_grad products_of_others put_add slice_put sum_to"
TRUSTING = frozenset(_TRUSTING.split())
ONE_INPUT = "one input: nothing to stretch"
ANYTHING = "takes numbers of every kind, shape and size"

_WITHOUT_GRADIENT = {
    "its results are bools: a step function has no gradient": (
        "eq ne lt le gt ge logical_and logical_or logical_xor logical_not isnan isinf isfinite all any "
        "all_finite any_non_finite"
    ),
    "made of integers, which have no gradient": "bitwise_and bitwise_or bitwise_xor bitwise_not",
    "a step function: flat between the steps": "floor ceil round trunc floor_divide",
    "its results are places, not numbers that change a little": "argmax argmin",
    "drawn from integers, a seed and a counter": "random_mask random_uniform",
    "made of labels, which are integers": "one_hot",
    "writes into memory; optimizers and running statistics are not differentiated through": "assign",
    "called by a gradient rule; the second order goes through the composite instead": (
        "batch_norm_grad products_of_others"
    ),
}

REASONS: dict[str, dict[str, str]] = {
    "gradient": _WITHOUT_GRADIENT,
    "second order": _WITHOUT_GRADIENT,
    "broadcasting": {
        "parts that are joined agree in every other size": "cat",
        "indices pick along one dimension and say the result's shape": "gather scatter_add scatter",
        "indices broadcast among themselves, as NumPy's do": "take put_add",
        "a letter stands for one size in all operands": "einsum",
        "an image, its kernel and its output are told apart by their dimensions": (
            "conv conv_input_grad conv_weight_grad"
        ),
        "every window has its winner": "max_pool_gather max_pool_scatter",
        "every step has its factor": "recur",
        "one weight and one bias a channel": "batch_norm batch_norm_grad",
        "a loss never broadcasts silently": "softmax_cross_entropy binary_cross_entropy",
        "two sums, whatever the shapes": "ratio_of_sums",
        "each value is looked at by itself": "all_finite any_non_finite",
        "a value is neither stretched nor cut to fit the memory": "assign",
        "any indices, one table of rows": "embedding",
    },
    "errors": {
        ANYTHING: "logical_not isnan isinf isfinite leaky_relu",
        "`to` has turned a name into a dtype before": "cast",
        "called only with what has been checked before": _TRUSTING,
        "`rand` has checked shape and dtype before": "random_uniform",
    },
}


def reason_for(op: Op, column: str) -> str | None:
    """The sentence that explains an empty cell, if there is one."""
    if column == "broadcasting" and len(op.input_names) == 1 and not op.variadic:
        return ONE_INPUT
    if column == "errors" and op.infer is unary:
        return ANYTHING
    sentences = REASONS.get(column, {})
    return next((sentence for sentence, names in sentences.items() if op.name in names.split()), None)
