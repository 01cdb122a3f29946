"""einsum: products and sums of tensors, told by giving every dimension a letter.

    einsum("ik,kj->ij", x, y)         out[i, j] = Σₖ x[i, k] · y[k, j], the matrix product

Letters that the result does not have are summed over. Its gradient is an einsum again, and the letters say
which: g has the letters of the result, so the only product of g and y with the letters of x is

    ∂L/∂x = einsum("ij,kj->ik", g, y)

First every operand is brought into simple form (`...` spelled out, diagonals taken of letters it repeats,
letters that only it has summed), then two at a time are contracted, from the left.

Source of the notation: Einstein, Annalen der Physik 354 (1916), §5.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, count, same_floating
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.ops.movement import permute_op, reshape
from tinygrad_cnn.ops.reduce import sum as sum_over
from tinygrad_cnn.ops.triangle import diagonal

# --- two operands in simple form ------------------------------------------------------------------


def _letters(equation: str) -> list[str]:
    """The letters of x, of y and of the result."""
    return equation.replace("->", ",").split(",")


def _contracted(x: HasSpec, y: HasSpec, *, equation: str) -> Spec:
    if x.dtype is not y.dtype:
        same_floating(x, y, names=("x", "y"))
    of_x, of_y, of_out = _letters(equation)
    for name, operand, letters in (("x", x, of_x), ("y", y, of_y)):
        if len(operand.shape) != len(letters):
            raise ShapeError(
                f"{len(letters)} letters for {len(operand.shape)} dimensions",
                argument=name,
                expected=f"a tensor with the dimensions {letters}",
                got=operand.shape,
            )
    sizes = dict(zip(of_x, x.shape, strict=True))
    for letter, size in zip(of_y, y.shape, strict=True):
        if sizes.setdefault(letter, size) != size:
            raise ShapeError(
                f"letter {letter} is {sizes[letter]} in x and {size} in y",
                argument="y",
                expected=f"size {sizes[letter]} for {letter}",
                got=f"{equation} with {x.shape} and {y.shape}",
            )
    return Spec(tuple(sizes[letter] for letter in of_out), x.dtype)


@op(
    name="einsum",
    symbol="einsum",
    infer=_contracted,
    autocast="narrow",
    public=False,
    samples=[
        Sample(reals(2, 3), reals(3, 4), equation="ik,kj->ij"),
        Sample(reals(2, 3), reals(4), equation="ij,k->kij"),
        Sample(reals(2, 3, 2), reals(2, 2, 3), equation="bij,jbi->b"),
        Sample(reals(3), reals(3), equation="i,i->"),
        Sample(reals(2, 3), reals(3, 2), equation="ij,ji->ji"),
        Sample(reals(2, 0), reals(0, 3), equation="ik,kj->ij"),
    ],
)
def contract(B, x, y, *, equation):
    """The sum of products of two tensors, as one matrix product (or a stack of them).

    No letter twice in one operand, and none that only one of the three has.
    """
    xp = B.xp
    of_x, of_y, of_out = _letters(equation)
    size = {**dict(zip(of_x, x.shape, strict=True)), **dict(zip(of_y, y.shape, strict=True))}
    stack = [letter for letter in of_out if letter in of_x and letter in of_y]
    inner = [letter for letter in of_x if letter in of_y and letter not in of_out]
    rows = [letter for letter in of_x if letter not in of_y]
    columns = [letter for letter in of_y if letter not in of_x]

    def sizes(letters: list[str]) -> tuple[int, ...]:
        return tuple(size[letter] for letter in letters)

    def as_matrices(array: Any, letters: str, first: list[str], second: list[str]) -> Any:
        """A stack of matrices: the first group of letters makes one dimension, the second another."""
        ordered = xp.permute_dims(array, [letters.index(letter) for letter in stack + first + second])
        return xp.reshape(ordered, (*sizes(stack), count(sizes(first)), count(sizes(second))))

    left, right = as_matrices(x, of_x, rows, inner), as_matrices(y, of_y, inner, columns)
    product = xp.matmul(left, right) if inner else left * right
    made = stack + rows + columns
    return xp.permute_dims(xp.reshape(product, sizes(made)), [made.index(letter) for letter in of_out])


@contract.gradient("x", "∂L/∂x = einsum of g and y that has the letters of x")
def _(g, node, y, *, equation):
    of_x, of_y, of_out = _letters(equation)
    return contract(g, y, equation=f"{of_out},{of_y}->{of_x}")


@contract.gradient("y", "∂L/∂y = einsum of x and g that has the letters of y")
def _(g, node, x, *, equation):
    of_x, of_y, of_out = _letters(equation)
    return contract(x, g, equation=f"{of_x},{of_out}->{of_y}")


# --- any number of operands, as people write them -------------------------------------------------


@function()
def einsum(equation: str, *operands: Any) -> Tensor:
    """The sum of products that an equation describes.

    Args:
        equation: a letter for every dimension of every operand, "ik,kj->ij". Without "->" the result has
            the letters that occur once, in alphabetical order. A letter twice in one operand takes its
            diagonal; `...` stands for dimensions without letters, which broadcast.
        operands: one tensor for each group of letters, all of one dtype.

    Raises:
        ArgumentError: an equation that cannot be read.
        ShapeError: sizes that do not fit; names the letter.
        DTypeError: two dtypes; products of tensors do not mix them.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tc.einsum("ii", x), tc.einsum("ij->j", x), tc.einsum("ij->ji", x)
    (tensor(5.), tensor([4., 6.]), tensor([[1., 3.],
            [2., 4.]]))
    >>> tc.einsum("bi,ij,bj->b", x, x, x)                       # x_b W x_b for every b
    tensor([ 27., 133.])
    """
    tensors = _tensors(operands)
    groups, result = _spelled_out(equation, tensors)
    sizes = _sizes_of_letters(equation, groups, tensors)
    _check_result(result, sizes, equation)
    parts = [_distinct(x, letters, sizes) for x, letters in zip(tensors, groups, strict=True)]
    total, letters = _alone(*parts[0], keep=result + "".join(own for _, own in parts[1:]))
    for number, part in enumerate(parts[1:], start=2):
        later = result + "".join(own for _, own in parts[number:])
        other, own = _alone(*part, keep=later + letters)
        total, letters = _alone(total, letters, keep=later + own)
        kept = "".join(dict.fromkeys(letter for letter in letters + own if letter in later))
        target = kept if number < len(parts) else result
        total, letters = contract(total, other, equation=f"{letters},{own}->{target}"), target
    order = tuple(letters.index(letter) for letter in result)
    return total if letters == result else permute_op(total, dims=order)


def _tensors(operands: tuple[Any, ...]) -> list[Tensor]:
    listed = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    for number, operand in enumerate(listed):
        if not isinstance(operand, Tensor):
            raise ArgumentTypeError(
                "einsum is of tensors",
                argument=f"operands[{number}]",
                expected="Tensor",
                got=repr(operand)[:60],
                hint='einsum("ij,jk->ik", x, y)',
            )
    return list(listed)


def _unreadable(problem: str, equation: str) -> ArgumentError:
    return ArgumentError(
        problem, argument="equation", expected='letters, commas, `...` and one "->"', got=repr(equation)
    )


def _spelled_out(equation: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    """The letters of every operand and of the result, with letters of their own in the place of `...`."""
    inputs, arrow, result = equation.replace(" ", "").partition("->")
    groups = inputs.split(",")
    if len(groups) != len(tensors):
        raise ArgumentError(
            "every operand needs its letters, with commas between",
            argument="equation",
            expected=f"{len(tensors)} groups of letters",
            got=repr(equation),
        )
    for text in (*groups, result):
        if not set(text.replace("...", "", 1)) <= set(string.ascii_letters):
            raise _unreadable("only letters name dimensions", equation)
    unnamed = [
        x.ndim - len(text.replace("...", "")) if "..." in text else 0
        for text, x in zip(groups, tensors, strict=True)
    ]
    free = [letter for letter in string.ascii_letters if letter not in equation]
    most = max(0, *unnamed)
    if most > len(free):
        raise _unreadable("there are more dimensions than letters", equation)
    dots = "".join(free[:most])
    groups = [
        text.replace("...", dots[most - max(many, 0) :]) for text, many in zip(groups, unnamed, strict=True)
    ]
    if arrow:
        return groups, result.replace("...", dots)
    every = "".join(groups)
    return groups, dots + "".join(sorted(c for c in set(every) if every.count(c) == 1 and c not in dots))


def _sizes_of_letters(equation: str, groups: Sequence[str], tensors: Sequence[Tensor]) -> dict[str, int]:
    """How long every letter is; a size of 1 stretches to any other."""
    sizes: dict[str, int] = {}
    for number, (letters, x) in enumerate(zip(groups, tensors, strict=True)):
        if len(letters) != x.ndim:
            raise ShapeError(
                f"{len(letters)} letters for {x.ndim} dimensions",
                argument=f"operands[{number}]",
                expected=f"a tensor with {len(letters)} dimensions",
                got=f"shape {x.shape} in {equation!r}",
            )
        own: dict[str, int] = {}  # a diagonal is taken of equal sizes; between operands, 1 stretches
        for letter, size in zip(letters, x.shape, strict=True):
            known = sizes.setdefault(letter, size)
            if own.setdefault(letter, size) != size or (known not in (1, size) and size != 1):
                raise ShapeError(
                    f"letter {letter!r} is {known} long, and {size} in operand {number}",
                    argument=f"operands[{number}]",
                    expected=f"size {known} for {letter!r}",
                    got=f"{equation!r} with {', '.join(str(one.shape) for one in tensors)}",
                )
            if known == 1:
                sizes[letter] = size
    return sizes


def _check_result(result: str, sizes: dict[str, int], equation: str) -> None:
    for letter in result:
        if letter not in sizes:
            raise _unreadable(f"the result's letter {letter!r} is in no operand", equation)
        if result.count(letter) > 1:
            raise _unreadable(f"the result has the letter {letter!r} twice", equation)


def _distinct(x: Tensor, letters: str, sizes: dict[str, int]) -> tuple[Tensor, str]:
    """Without sizes of 1 that stretch, and with the diagonal in the place of a repeated letter."""
    stretched = [axis for axis, c in enumerate(letters) if x.shape[axis] == 1 != sizes[c]]
    if stretched:
        x = reshape(x, [size for axis, size in enumerate(x.shape) if axis not in stretched])
        letters = "".join(c for axis, c in enumerate(letters) if axis not in stretched)
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            x = diagonal(x, 0, first, second)  # puts the diagonal last
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return x, letters


def _alone(x: Tensor, letters: str, *, keep: str) -> tuple[Tensor, str]:
    """Summed over the letters that nothing else has."""
    lonely = tuple(axis for axis, letter in enumerate(letters) if letter not in keep)
    if not lonely:
        return x, letters
    return sum_over(x, lonely), "".join(letter for letter in letters if letter in keep)
