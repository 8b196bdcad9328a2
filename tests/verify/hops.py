"""All hops of a small build at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.verify.hops import hops_to_chips

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build
    from lpxsched.verify.hops import Hops


def all_hops(build: Build) -> Hops:
    """Return the slots of a build that go to chips."""
    return hops_to_chips(build, np.arange(len(build.slots)))
