"""What is free belongs to the system, and not to the C library's store."""

import ctypes
import sys
from functools import cache


def give_back() -> None:
    """Hand memory that is free back to the system, in a millisecond or two.

    After large arrays came and went, glibc keeps their memory for later ones, tens of megabytes that nothing uses.
    Other systems' libraries give it back by themselves.
    """
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> object:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
