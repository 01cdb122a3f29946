"""What `gpu.py` measures, one part a file, in the order in which they are done.

    limits        how fast this GPU copies memory and multiplies matrices: what nothing can exceed
    conformance   the tests of the backend, on this GPU
    parity        every operation beside NumPy in float64: how far off, in each precision
    speed         images per second of training, beside PyTorch in its three forms
    accuracy      seconds to 90 % and to 93 % of Fashion-MNIST's test images
    breakdown     where the time of a step goes, and how far it is from the limits

A part is a module with

    measure(run, say)   yields rows, plain data; each is saved as soon as it is there
    KEY                 the fields that tell rows apart: a new one takes the place of an old one with the same
    tables(rows, found) the rows as tables: (title, rows of the table, notes); `found` is all of the results,
                        with the other parts' rows, and with `dry_run`, after which nothing is called a GPU's

and the rest helps them:

    run           what was asked for
    device        GPU, driver, versions, clocks
    results       the file with everything, and how a new run is merged into it
    contenders    who takes part in `speed` and `breakdown`, and on what; they are `peers/gpu_*.py`
    costs         the arithmetic and the memory traffic that a step cannot do without
    bars          what was promised, and whether it is kept
    outcomes      a plug-in for pytest
"""

PARTS = ("limits", "conformance", "parity", "speed", "accuracy", "breakdown")
