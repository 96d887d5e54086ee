"""Collecting garbage often without taking long."""

import gc


def spare_what_is_there() -> None:
    """Have later collections pass over the hundreds of thousands of objects that stay.

    The garbage of before is collected. Nothing undoes this: a collection of all objects, as one
    would need then, takes longer than most tests.
    """
    gc.collect()
    gc.freeze()
