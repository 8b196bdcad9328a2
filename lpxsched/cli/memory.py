"""Memory that a command has used once stays with it until it ends."""

from __future__ import annotations

import ctypes

# Parameters of glibc's `mallopt`.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Let the allocator keep what is freed, where it is glibc's.

    Else it gives every large array back to the system, which clears pages anew for the next one: where arrays of many
    slots follow each other that takes as long as what is done with them.
    """
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(_MMAP_MAX, 0)
        allocator.mallopt(_TRIM_THRESHOLD, -1)
