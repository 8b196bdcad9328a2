"""Links of which one failure says what the others come to: a symmetry carries them into each other.

Of the translations that leave what is up as it is, those are taken that carry the timetable into itself, whatever the
numbers of tensors, each vector of a tensor to the one of its number: operators, operands, tensors and rows at equal
cycles, guards of links, groups. The image of a timetable round a failed link is then one round the image of the link,
as long, with as many rows changed. The tree of counters need not be carried; who has to hang a counter elsewhere is
looked at by itself (`contingency`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.symmetry import translations
from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lpxsched.compiled.kernels import Integers
    from lpxsched.fabric.fabric import Fabric
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Text

# Rows times translations beyond which fewer translations are tried.
MOST_ROWS = 1 << 24


def alike_links(build: Build, fabric: Fabric) -> Integers:
    """Return of each link the least one into which a symmetry carries it, shape (links,)."""
    least, rows = np.arange(fabric.links, dtype=np.int64), len(build.slots) + fabric.links
    groups = translations(adjacency(fabric)).groups()
    elements = next((found for found in groups if len(found) * rows <= MOST_ROWS), None)
    of_chip = _loads(build)[:, : fabric.chips]
    for chips in () if elements is None else elements[1:]:
        # Most translations are refused by what chips do in all.
        if (of_chip[:, chips] != of_chip).any():
            continue
        node = _with_hosts(fabric, chips)
        link = None if node is None else _link_map(build, fabric, node)
        if node is None or link is None or (fabric.node_down[node] != fabric.node_down).any():
            continue
        if _stays(build, node, link):
            least = np.minimum(least, link)
    return least


def _loads(build: Build) -> NDArray[np.float64]:
    """Return how many operators and rows each node has, and the sum of their cycles, shape (.., nodes)."""
    operators, slots, nodes = build.operators, build.slots, len(build.chips)
    columns = [(operators.chip, operators.start), (build.links.src[slots.link], slots.depart)]
    columns += [(build.links.dst[slots.link], slots.read)]
    found = [np.bincount(at, minlength=nodes).astype(np.float64) for at, _ in columns]
    return np.stack([*found, *(np.bincount(at, weights=cycles, minlength=nodes) for at, cycles in columns)])


def _with_hosts(fabric: Fabric, chips: Integers) -> Integers | None:
    """Return where all nodes go: of the hosts at the same chips the k-th to the k-th."""
    at: dict[int, set[int]] = {host: set() for host in range(fabric.chips, fabric.nodes)}
    for one, other in zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True):
        if max(one, other) >= fabric.chips > min(one, other):
            at[max(one, other)].add(min(one, other))
    hosts: dict[frozenset[int], list[int]] = {}
    for host, ends in at.items():
        hosts.setdefault(frozenset(ends), []).append(host)
    node = np.concatenate([chips, np.arange(fabric.chips, fabric.nodes)])
    for at_chips, mine in hosts.items():
        images = hosts.get(frozenset(chips[sorted(at_chips)].tolist()), [])
        if len(images) != len(mine):
            return None
        node[mine] = images
    return node


def _link_map(build: Build, fabric: Fabric, node: Integers) -> Integers | None:
    """Return where links go, each to one of the same lane, wires, guard and health."""
    guard = build.links.guard_cycles
    columns = (fabric.lane, fabric.link_class, guard, fabric.link_down.astype(np.int64))
    keys = (fabric.source, fabric.destination, *columns)
    return _matched((node[fabric.source], node[fabric.destination], *columns), keys)


def _stays(build: Build, node: Integers, link: Integers) -> bool:
    """Return whether the rows of a build are carried into each other."""
    chips, operators, tensors = build.chips, build.operators, build.tensors
    operands, slots = build.operands, build.slots
    of_node = (chips.sram_bytes, chips.weight_bytes)
    if any((column[node] != column).any() for column in of_node) or not _groups_stay(build, node):
        return False
    columns = (operators.segment, operators.start, operators.cycles, _codes(operators.kind), _codes(operators.unit))
    operator = _matched((node[operators.chip], *columns), (operators.chip, *columns))
    if operator is None:
        return False
    moved = np.flatnonzero(operands.role != WEIGHT)
    reader, read = operands.operator[moved], operands.tensor[moved]
    made = np.flatnonzero(tensors.producer != NONE)
    sizes = (tensors.vectors[made], tensors.bytes[made], _codes(tensors.layout)[made])

    def used(link: Integers, reader: Integers) -> tuple[Integers, ...]:
        """Return by tensor the sums of links, departures and readers, which tell apart what one operator leaves."""
        columns = ((slots.tensor, link), (slots.tensor, slots.depart), (read, reader))
        return tuple(
            np.bincount(of, weights=number, minlength=len(tensors)).astype(np.int64)[made] for of, number in columns
        )

    image = _matched(
        (operator[tensors.producer[made]], *used(link[slots.link], operator[reader]), *sizes),
        (tensors.producer[made], *used(slots.link, reader), *sizes),
    )
    if image is None:
        return False
    tensor = np.arange(len(tensors), dtype=np.int64)
    tensor[made] = made[image]
    reads = (operands.first_vector[moved], operands.vectors[moved])
    times = (slots.depart, slots.read, slots.first_vector, slots.vectors)
    return _equal((operator[reader], tensor[read], *reads), (reader, read, *reads)) and _equal(
        (link[slots.link], tensor[slots.tensor], *times), (slots.link, slots.tensor, *times)
    )


def _groups_stay(build: Build, node: Integers) -> bool:
    """Return whether members, relays and hosts of each group are carried into themselves."""
    return all(
        {int(node[one]) for one in part} == set(part)
        for group in build.graph.groups
        for part in (group.chips, group.relays, group.hosts)
    )


def _codes(text: Text) -> Integers:
    return np.unique(text, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _matched(moved: tuple[Integers, ...], keys: tuple[Integers, ...]) -> Integers | None:
    """Return for each row that moved the only row with its keys; None where there is none, or more."""
    one, other = np.lexsort(moved), np.lexsort(keys)
    rows = np.stack(keys)[:, other]
    if not np.array_equal(np.stack(moved)[:, one], rows) or (rows[:, 1:] == rows[:, :-1]).all(axis=0).any():
        return None
    image = np.empty_like(one)
    image[one] = other
    return image.astype(np.int64)


def _equal(moved: tuple[Integers, ...], keys: tuple[Integers, ...]) -> bool:
    """Return whether rows are the same, in whatever order."""
    return np.array_equal(np.stack(moved)[:, np.lexsort(moved)], np.stack(keys)[:, np.lexsort(keys)])
