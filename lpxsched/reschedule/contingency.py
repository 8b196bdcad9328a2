"""Every single failed link of a class: what the timetable round it takes, and which cannot be made.

A link that carries no row, and along which no chip has to take its counter, needs no other timetable.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.clocks.tree import needs_alignment
from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.simulation.manifest import read_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build

    Repair = Callable[[Build, Fabric], tuple[Build, dict[str, Any]]]


def links_of_class(fabric: Fabric, name: str) -> Integers:
    """Return the links of a class that are up.

    Raises
    ------
    InputError
        When there are none.
    """
    numbers = [number for number, one in enumerate(fabric.link_classes) if one.name == name]
    links = np.flatnonzero(fabric.link_up & np.isin(fabric.link_class, numbers))
    if not len(links):
        known = ", ".join(sorted({one.name for one in fabric.link_classes}))
        raise InputError("--contingency", f"there is no link of class {name} that is up, only of {known}")
    return links


def contingency(
    build: Build, fabric: Fabric, name: str, repair: Repair, told: Callable[[str, int, int], None]
) -> dict[str, Any]:
    """Return what the failures of single links of a class come to.

    Parameters
    ----------
    build : Build
    fabric : Fabric
        What is left of its fabric before such a failure.
    name : str
        The class.
    repair : callable
        Makes a timetable on a fabric.
    told : callable
        Told how many links are done.

    Raises
    ------
    InputError
        When there are no such links.
    """
    links, failed = links_of_class(fabric, name), []
    made: list[tuple[int, list[int], dict[str, Any]]] = []
    standing = _standing(build, fabric, repair)
    idle = np.zeros(fabric.links, dtype=np.bool_) if standing is None else idle_links(standing[0], fabric)
    for place, link in enumerate(links.tolist()):
        down = fabric.link_down.copy()
        down[link] = True
        ends = [int(column[link]) for column in (fabric.source, fabric.destination, fabric.lane)]
        try:
            if standing is not None and idle[link]:
                after, changed = standing
            else:
                after, changed = repair(build, replace(fabric, link_down=down))
            made.append((int(after.segments.makespan_cycles.sum()), ends, changed))
        except (InfeasibleError, NothingFoundError) as error:
            failed.append({"link": ends, "infeasible": isinstance(error, InfeasibleError), "cause": str(error)})
        told("links", place + 1, len(links))
    return _told(name, made, failed) | {"failures": len(links), "idle": int(idle[links].sum())}


def _told(name: str, made: list[tuple[int, list[int], dict[str, Any]]], failed: list[dict[str, Any]]) -> dict[str, Any]:
    # The first of equal ones.
    worst = max(made, key=lambda one: one[0]) if made else (None, None)
    return {
        "link_class": name,
        "made": len(made),
        "worst_makespan_cycles": worst[0],
        "worst_link": worst[1],
        "most_rows_changed": max((_changed(changed) for _, _, changed in made), default=None),
        "rows_optimal": sum(changed["rows_status"] == "optimal" for _, _, changed in made),
        "not_made": len(failed),
        "infeasible": sum(one["infeasible"] for one in failed),
        "causes": failed,
    }


def idle_links(build: Build, fabric: Fabric) -> Flags:
    """Return the links that a build can lose and stay as it is: no row is on them, no counter hangs from them alone.

    Parameters
    ----------
    build : Build
    fabric : Fabric
        What is up.
    """
    idle = np.isin(np.arange(fabric.links), build.slots.link, invert=True)
    if needs_alignment(read_clock(build)):
        up, parent = fabric.link_up, build.chips.hac_parent
        pair = fabric.source * fabric.nodes + fabric.destination
        lanes = np.bincount(pair[up], minlength=fabric.nodes**2)[pair]
        idle &= (parent[fabric.destination] != fabric.source) | (lanes > 1)
    return np.asarray(idle)


def _standing(build: Build, fabric: Fabric, repair: Repair) -> tuple[Build, dict[str, Any]] | None:
    """Return the timetable that stands when no link of the class fails, and what changed for it; None without one."""
    if np.array_equal(fabric.link_down, build.links.down) and np.array_equal(fabric.node_down, build.chips.down):
        return build, {"rows_moved": 0, "rows_dropped": 0, "rows_status": "optimal"}
    try:
        return repair(build, fabric)
    except (InfeasibleError, NothingFoundError):
        return None


def _changed(changed: dict[str, Any]) -> int:
    """Return how many rows were moved or dropped."""
    return int(changed["rows_moved"] + changed["rows_dropped"])
