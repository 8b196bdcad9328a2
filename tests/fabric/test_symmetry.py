"""Tests of translations: found, verified, free."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.fabric.adjacency import adjacency
from lpxsched.fabric.profile import load_fabric
from lpxsched.fabric.symmetry import Shift, Translations, translations
from tests.fabric.examples import WIRE, change_shipped, connected_fabrics, fabric_of, families, joined_of, write_family

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.adjacency import Adjacency
    from lpxsched.fabric.fabric import Fabric


def order_and_orbits(fabric: Fabric, chips: list[int] | None = None) -> tuple[int, int]:
    """Return the size of the group and its orbits."""
    group = translations(adjacency(fabric, chips))
    return group.order, group.orbits


def verify(group: Translations, joined: Adjacency, steps: list[int]) -> None:
    """Check that one translation maps the bundles onto themselves, moves all chips or none, and keeps orbits."""
    moved = np.arange(joined.chips)
    for (move, size), count in zip(group.moves(), steps, strict=True):
        for _ in range(count % size):
            moved = move[moved]
    columns = (joined.kind.tolist(), joined.lanes.tolist())
    bundles = set(zip(joined.source.tolist(), joined.destination.tolist(), *columns, strict=True))
    assert set(zip(moved[joined.source].tolist(), moved[joined.destination].tolist(), *columns, strict=True)) == bundles
    is_identity = all(count % shift.size == 0 for shift, count in zip(group.shifts, steps, strict=True))
    fixed = int((moved == np.arange(joined.chips)).sum())
    assert fixed == (joined.chips if is_identity else 0)
    assert (group.orbit()[moved] == group.orbit()).all()
    assert len(np.unique(group.orbit())) == group.orbits
    assert group.order * group.orbits == joined.chips


def test_a_shift_adds_to_one_digit() -> None:
    """Tests six chips, stride 2, size 3: 0 -> 2 -> 4 -> 0 and 1 -> 3 -> 5 -> 1."""
    assert Shift(2, 3).permutation(6).tolist() == [2, 3, 4, 5, 0, 1]
    assert Translations(6, (Shift(2, 3),)).orbit().tolist() == [0, 1, 0, 1, 0, 1]


def test_shifts_in_two_blocks_leave_two_orbits() -> None:
    """Tests six chips, stride 1, size 3: 0 -> 1 -> 2 -> 0 and 3 -> 4 -> 5 -> 3."""
    group = Translations(6, (Shift(1, 3),))
    assert Shift(1, 3).permutation(6).tolist() == [1, 2, 0, 4, 5, 3]
    assert (group.order, group.orbits, group.orbit().tolist()) == (3, 2, [0, 0, 0, 3, 3, 3])


@pytest.mark.parametrize(
    ("name", "order", "orbits"),
    [
        ("lpx-rack", 256, 1),
        ("lpx-rack-32x8", 256, 1),
        ("lpx-2-racks", 512, 1),  # two racks change places
        ("lpx-4-racks", 256, 4),  # racks of a chain do not
        ("lpx-9-racks", 2304, 1),  # a ring turns
        ("tsp-node", 8, 1),
        ("tsp-264", 33, 8),  # nodes turn; TSPs of a node lead to different nodes
        ("tsp-rack", 9, 8),  # nodes turn; both TSPs with cables to one node change places
        ("tsp-10440", 145, 72),  # racks turn
        ("ring-8", 8, 1),
        ("torus-4x4", 16, 1),
        ("hypercube-16", 16, 1),
        ("mesh-4x4", 1, 16),
        ("dragonfly-20", 5, 4),  # groups turn
    ],
)
def test_the_groups_of_shipped_fabrics(name: str, order: int, orbits: int) -> None:
    """Tests the order of each group and its number of orbits, and a translation that uses all generators."""
    joined = adjacency(load_fabric(name))
    group = translations(joined)
    assert (group.order, group.orbits) == (order, orbits)
    verify(group, joined, [1] * len(group.shifts))


@pytest.mark.parametrize(
    ("kind", "keys", "shifts"),
    [
        ("ring", {"chips": 7}, [(1, 7)]),
        ("full-mesh", {"chips": 6}, [(1, 6)]),
        ("circulant", {"chips": 10, "offsets": [1, 3]}, [(1, 10)]),
        ("torus", {"shape": [3, 4]}, [(1, 4), (4, 3)]),
        ("torus", {"shape": [2, 1, 3]}, [(1, 3), (3, 2)]),
        ("hyperx", {"shape": [3, 5]}, [(1, 5), (5, 3)]),
        ("hypercube", {"dimensions": 3}, [(1, 2), (2, 2), (4, 2)]),
        ("mesh", {"shape": [5]}, []),
        ("mesh", {"shape": [2, 3]}, [(3, 2)]),  # two rows change places, columns do not
        ("dragonfly", {"chips_per_group": 2, "global_links_per_chip": 1, "groups": 3}, [(2, 3)]),
    ],
)
def test_the_generators_of_families(tmp_path: Path, kind: str, keys: dict[str, Any], shifts: list[Any]) -> None:
    """Tests stride and size of each shift that is found."""
    fabric = load_fabric(write_family(tmp_path, kind, **keys))
    assert list(translations(adjacency(fabric)).shifts) == shifts


def test_a_link_that_is_down_breaks_the_symmetry(tmp_path: Path) -> None:
    """Tests one direction of one link of a ring: no shift is left."""
    assert order_and_orbits(load_fabric(write_family(tmp_path, "ring", chips=8, down={"links": [[0, 1]]}))) == (1, 8)


def test_a_chip_that_is_down_breaks_the_symmetry(tmp_path: Path) -> None:
    """Tests a torus of 3 x 3 without chip 4."""
    fabric = load_fabric(write_family(tmp_path, "torus", shape=[3, 3], down={"chips": [4]}))
    assert order_and_orbits(fabric) == (1, 9)


def test_subgroups_keep_powers_of_the_generators() -> None:
    """Tests Z2 x Z2 over four chips: the whole group, then each factor alone, then the identity."""
    groups = [elements.tolist() for elements in Translations(4, (Shift(1, 2), Shift(2, 2))).groups()]
    assert groups == [
        [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]],
        [[0, 1, 2, 3], [1, 0, 3, 2]],
        [[0, 1, 2, 3], [2, 3, 0, 1]],
        [[0, 1, 2, 3]],
    ]


def test_a_tray_that_is_down_leaves_the_positions(tmp_path: Path) -> None:
    """Tests tray 3 of a rack: positions turn still, trays do not."""
    path = change_shipped(tmp_path, "topology", "lpx-rack", {"down": {"trays": [3]}})
    assert translations(adjacency(load_fabric(path))).shifts == ((1, 16),)


def test_parallel_links_must_be_as_many() -> None:
    """Tests a ring of four whose link 0 - 1 has a second lane both ways."""
    links = [ends for a in range(4) for ends in ((a, (a + 1) % 4), ((a + 1) % 4, a))]
    ring = fabric_of([*links, (0, 1), (1, 0)], grid=(1, 4))
    assert order_and_orbits(fabric_of(links, grid=(1, 4))) == (4, 1)
    # 0 and 1 may change places together with 2 and 3: 1 - 2 becomes 0 - 3. A turn would take 0 - 1 elsewhere.
    assert translations(adjacency(ring)).shifts == ((1, 2),)


def test_links_must_be_of_one_class() -> None:
    """Tests a one-way ring of four with a slower link 0 -> 1: no turn maps it onto another."""
    ring = fabric_of([(0, 1), (1, 2), (2, 3), (3, 0)], grid=(1, 4))
    slow = replace(ring, link_classes=ring.link_classes * 2, link_class=np.array([1, 0, 0, 0]))
    assert (order_and_orbits(ring), order_and_orbits(slow)) == ((4, 1), (1, 4))


def test_axes_of_different_wires_keep_the_symmetry(tmp_path: Path) -> None:
    """Tests that a torus may be slower along one axis: each axis turns by itself."""
    slow = {**WIRE, "latency_ns": 50}
    fabric = load_fabric(write_family(tmp_path, "torus", shape=[3, 3], link=None, axes=[WIRE, slow]))
    assert order_and_orbits(fabric) == (9, 1)


@pytest.mark.parametrize(
    ("chips", "order"),
    [
        ([tray * 16 + position for tray in range(4) for position in range(2)], 8),  # trays 0-3, positions 0-1
        (list(range(7)), 7),  # seven chips of a tray: fully connected
        ([0, 1, 16], 1),  # 1 - 0 - 16 is a line
        ([3, 3 + 5 * 16, 3 + 9 * 16], 3),  # one position of three trays
        ([9], 1),
    ],
)
def test_the_groups_of_parts_of_a_rack(chips: list[int], order: int) -> None:
    """Tests sub-grids, and chips that are no sub-grid."""
    assert order_and_orbits(load_fabric("lpx-rack"), chips)[0] == order


def test_a_fabric_without_links_turns_freely() -> None:
    """Tests the empty case: any shift maps no link onto no link."""
    assert translations(joined_of([], 6)).shifts == ((1, 6),)


@given(families(), st.lists(st.integers(0, 30), min_size=8, max_size=8))
def test_every_translation_of_every_family_is_free(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Any], steps: list[int]
) -> None:
    """Tests any product of the generators against the list of bundles."""
    path = write_family(tmp_path_factory.mktemp("family"), **keys)
    joined = adjacency(load_fabric(path))
    group = translations(joined)
    verify(group, joined, steps[: len(group.shifts)])


@given(connected_fabrics(), st.lists(st.integers(0, 30), min_size=8, max_size=8))
def test_every_translation_of_every_graph_is_free(fabric: Fabric, steps: list[int]) -> None:
    """Tests the same where there is little or no symmetry."""
    joined = adjacency(fabric)
    group = translations(joined)
    verify(group, joined, steps[: len(group.shifts)])


@pytest.mark.parametrize(
    ("keys", "group"),
    [
        ({"kind": "ring", "chips": 12}, {12}),
        ({"kind": "torus", "shape": [3, 5]}, {3, 5}),
        ({"kind": "hyperx", "shape": [3, 4]}, {3, 4}),
        ({"kind": "hypercube", "dimensions": 3}, {2}),
    ],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_symmetry_does_not_depend_on_the_numbers_of_chips(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Any], group: set[int], seed: int
) -> None:
    """Tests products of rings and full meshes with chips renumbered: all translations are found again."""
    joined = adjacency(load_fabric(write_family(tmp_path_factory.mktemp("family"), **keys)))
    shuffled = joined.renumbered(np.random.default_rng(seed).permutation(joined.chips))
    found = translations(shuffled)
    assert (found.orbits, {shift.size for shift in found.shifts}) == (1, group)
    verify(found, shuffled, [1] * len(found.shifts))


def test_orbits_of_renumbered_chips_are_named_by_their_least_chip() -> None:
    """Tests numbers 0 1 2 for chips 0 2 4, and 3 4 5 for chips 1 3 5: they turn 0 -> 2 -> 4 -> 0, 1 -> 3 -> 5 -> 1."""
    group = Translations(6, (Shift(1, 3),), numbering=np.array([0, 3, 1, 4, 2, 5]))
    assert group.moves()[0][0].tolist() == [2, 3, 4, 5, 0, 1]
    assert group.orbit().tolist() == [0, 1, 0, 1, 0, 1]
