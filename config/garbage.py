"""How Python's collector of cyclic garbage is set in processes that live long."""

import gc

# Containers that were made and not freed before the collector looks; Python's own 700 is meant for small programs.
YOUNG, MIDDLE, OLD = 50_000, 20, 50


def settle() -> None:
    """Sets aside what was loaded, which stays for ever, and has the collector look at the rest less often.

    It would walk over the half million objects of the loaded code again and again, tens of milliseconds each time, in
    the middle of somebody's request. Call it when everything is loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
