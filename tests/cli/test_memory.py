"""Memory that is kept: what was freed once is not asked of the system again."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Pages cleared by the system for the second of two arrays of 64 MiB, the first of which is freed before.
FAULTS = """
import resource
import numpy as np
from lpxsched.cli.memory import keep_freed_memory
keep_freed_memory() if {kept} else None
np.ones(1 << 23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(1 << 23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, kept: bool) -> int:
    """Return how many pages the system has to clear for a second array."""
    code = [sys.executable, "-c", FAULTS.format(kept=kept)]
    return int(subprocess.run(code, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is glibc's")
def test_freed_memory_is_used_again() -> None:
    """Tests that nothing is cleared where memory is kept; else pages of 2 MiB at most are, 32 of them."""
    assert faults(kept=True) < 16 <= faults(kept=False)
