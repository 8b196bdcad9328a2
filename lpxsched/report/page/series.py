"""Link utilisation over time, as blobs of a page: busy, multicast and available time of groups of links by bins.

`report.utilisation` counts them. The page adds bins up as it zooms out, so no level of detail differs from another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.report.frames import only_period
from lpxsched.report.page.blobs import LARGEST_NUMBER, pack
from lpxsched.report.utilisation import CHIP, CLASS, TRAY, multicast_slots, utilisation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lpxsched.report.page.blobs import Blob
    from lpxsched.report.utilisation import Utilisation
    from lpxsched.timetable.build import Build

MOST_BINS = 1 << 14
# Of all groups of a kind together, so that a large fabric does not fill the browser's memory.
MOST_CELLS = 1 << 20
BLOCK_ROWS = 16
# A tick of the page where exact ones would leave the numbers of JavaScript.
ROUNDED_TICKS = 1000


def series(
    build: Build, total_cycles: int, kinds: Sequence[str] = (CLASS, TRAY, CHIP)
) -> tuple[dict[str, Any], list[Blob]]:
    """Return description and blobs of the utilisation by each kind of group.

    A blob holds busy, multicast and available ticks of `BLOCK_ROWS` groups, bins of a group in a row.
    """
    described, blobs = {}, []
    multicast = multicast_slots(build)
    for by in kinds:
        groups = utilisation(build, bins=1, by=by).groups
        used = [row for row, group in enumerate(groups) if group.links]
        cycles = _bin_cycles(build, total_cycles, max(len(used), 1))
        bins, window = _bins(build, total_cycles, cycles)
        whole = utilisation(build, bins=bins, by=by, window=window)
        copies = utilisation(build, bins=bins, by=by, window=window, slots=multicast)
        ticks, exact, columns = _in_ticks(whole, [whole.busy_ticks, copies.busy_ticks, whole.running_ticks])
        described[by] = {
            "names": [groups[row].name for row in used],
            "classes": [groups[row].link_class for row in used],
            "rows": used,
            "links": [groups[row].links for row in used],
            "bins": bins,
            "last": whole.last_cycle,
            "ticks": ticks,
            "exact": exact,
            "block": BLOCK_ROWS,
        }
        for number, first in enumerate(range(0, len(used), BLOCK_ROWS)):
            rows = used[first : first + BLOCK_ROWS]
            blobs.append(pack(f"{by}.{number}", [column[rows] for column in columns]))
    return described, blobs


def _bin_cycles(build: Build, total_cycles: int, groups: int) -> int:
    """Return the least whole number of cycles of a bin that keeps within both limits."""
    most = max(1, min(MOST_BINS, MOST_CELLS // groups))
    return -(-max(total_cycles, 1) // most)


def _bins(build: Build, total_cycles: int, cycles: int) -> tuple[int, tuple[int, int] | None]:
    """Return the number of bins, and the window that whole bins fill; a period is divided as it is."""
    bins = -(-max(total_cycles, 1) // cycles)
    return bins, None if only_period(build) else (0, bins * cycles)


def _in_ticks(whole: Utilisation, columns: list[NDArray[Any]]) -> tuple[int, bool, list[NDArray[Any]]]:
    """Return ticks a cycle, whether they are exact, and the columns in them."""
    largest = max((int(column.sum(axis=1).max(initial=0)) for column in columns), default=0)
    divisor = np.gcd.reduce([whole.ticks_per_cycle, *(int(np.gcd.reduce(c, axis=None)) for c in columns if c.size)])
    if largest // int(divisor) < LARGEST_NUMBER:
        return whole.ticks_per_cycle // int(divisor), True, [column // int(divisor) for column in columns]
    rounded = [(2 * ROUNDED_TICKS * column // whole.ticks_per_cycle + 1) // 2 for column in columns]
    return ROUNDED_TICKS, False, [np.asarray(column, dtype=np.int64) for column in rounded]
