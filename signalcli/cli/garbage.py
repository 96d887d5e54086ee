"""Where garbage is not looked for: among what a command line loads, nearly all of which stays."""

import gc
from functools import cache

# How many more objects than were freed are made before garbage is looked for.
THRESHOLD = 100_000


def look_seldom() -> None:
    """Do not look for garbage again and again while modules are loaded."""
    gc.set_threshold(THRESHOLD)


@cache
def pass_over_what_is_loaded() -> None:
    """Look for no garbage among what is there by now, not even when the process ends.

    It is called before the users' apps are loaded: what is theirs is cleared up as ever. Only the
    first call does anything, as there may be garbage later.
    """
    gc.freeze()
