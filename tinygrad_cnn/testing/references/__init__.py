"""What every operation means, written with loops over indices and nothing but the `math` module.

Slow, obvious and independent: no kernel is called, no array function computes anything here. Arrays are
only the boxes that numbers are read from and written into, one element at a time. `REFERENCES[name]` takes
what the operation takes and returns what it returns (a tuple for several outputs).
"""

from tinygrad_cnn.testing.references import (
    activation,
    elementwise,
    indexing,
    layers,
    loss,
    movement,
    normalize,
    patches,
    pool,
    products,
    random,
    reduce,
    scan,
)

REFERENCES = {
    name: function
    for family in (
        activation,
        elementwise,
        indexing,
        layers,
        loss,
        movement,
        normalize,
        patches,
        pool,
        products,
        random,
        reduce,
        scan,
    )
    for name, function in family.REFERENCES.items()
}
