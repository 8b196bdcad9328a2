"""Tests of the families as files: sizes, wires, and what does not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given

from lpxsched.errors import InputError
from lpxsched.fabric.facts import fabric_facts
from lpxsched.fabric.kinds import size
from lpxsched.fabric.profile import load_fabric
from lpxsched.fabric.schema import KINDS
from lpxsched.files.document import read_yaml
from lpxsched.files.schema import validate
from tests.fabric.examples import HOST, WIRE, families, write_family, write_topology

if TYPE_CHECKING:
    from lpxsched.fabric.fabric import Fabric

DRAGONFLY = {"chips_per_group": 4, "global_links_per_chip": 1, "groups": 5}
BOARDFLY = {"groups": 2, "trays_per_group": 3, "chips_per_tray": 2, "ports": 3}
LPX = {"trays": 2, "chips_per_tray": 2}


def ends(fabric: Fabric) -> list[tuple[int, int]]:
    """Return source and destination of each link."""
    return list(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True))


def fault(path: str) -> str:
    """Return the error of a topology without the name of its folder."""
    with pytest.raises(InputError) as caught:
        load_fabric(path)
    text = str(caught.value)
    assert "\n" not in text
    return text[text.index("toy.yaml:") :]


@given(families())
def test_every_family_is_sorted_symmetric_and_without_loops(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Any]
) -> None:
    """Tests that each link has its opposite of equal class and lane, and that the size is bounded before."""
    path = write_family(tmp_path_factory.mktemp("family"), **keys)
    fabric = load_fabric(path)
    rows = np.column_stack([fabric.source, fabric.destination, fabric.link_class, fabric.lane])
    listed = [tuple(row) for row in rows.tolist()]
    assert listed == sorted(set(listed))
    assert {(b, a, kind, lane) for a, b, kind, lane in listed} == set(listed)
    assert all(a != b for a, b, _, _ in listed)
    assert rows[:, :2].max(initial=0) < fabric.nodes
    file = validate(read_yaml(Path(path)), KINDS[keys["kind"]])
    chips, degree = size(file)
    assert (fabric.chips, fabric.links <= chips * degree) == (chips, True)


TWINS: list[tuple[str, dict[str, Any], list[tuple[int, int]]]] = [
    (
        # Chips k of a group lead to the group k + 1 further on, and are met there by chip 3 - k.
        "dragonfly",
        DRAGONFLY,
        [(4 * g + a, 4 * g + b) for g in range(5) for a in range(4) for b in range(a)]
        + [(0, 7), (1, 10), (2, 13), (3, 16), (4, 11), (5, 14), (6, 17), (8, 15), (9, 18), (12, 19)],
    ),
    (
        "torus",
        {"shape": [3, 3]},
        [(3 * r + c, 3 * r + (c + 1) % 3) for r in range(3) for c in range(3)]
        + [(3 * r + c, (3 * r + c + 3) % 9) for r in range(3) for c in range(3)],
    ),
    ("hypercube", {"dimensions": 3}, [(a, a ^ bit) for a in range(8) for bit in (1, 2, 4) if a & bit]),
    ("circulant", {"chips": 9, "offsets": [1, 3]}, [(a, (a + step) % 9) for a in range(9) for step in (1, 3)]),
]


@pytest.mark.parametrize(("kind", "keys", "pairs"), TWINS)
def test_a_family_is_what_its_links_are(
    tmp_path: Path, kind: str, keys: dict[str, Any], pairs: list[tuple[int, int]]
) -> None:
    """Tests that links, diameter, links a chip and symmetry do not depend on how a topology was given."""
    table = "src,dst\n" + "".join(f"{a},{b}\n{b},{a}\n" for a, b in pairs)
    family = load_fabric(write_family(tmp_path, kind, **keys))
    listed = load_fabric(write_topology(tmp_path, table, chips=family.chips))
    assert ends(family) == ends(listed)
    known, found = fabric_facts(family), fabric_facts(listed)
    assert (found.diameter, found.per_chip_links, found.symmetry) == (
        known.diameter,
        known.per_chip_links,
        known.symmetry,
    )


def test_each_axis_may_have_its_own_wire(tmp_path: Path) -> None:
    """Tests a mesh of 2 x 2 with two lanes along axis 0 (chips 0-2, 1-3), a slower one along axis 1."""
    wires = [{**WIRE, "lanes": 2}, {**WIRE, "latency_ns": 9}]
    fabric = load_fabric(write_family(tmp_path, "mesh", shape=[2, 2], link=None, axes=wires))
    assert [(wire.name, wire.latency_cycles) for wire in fabric.link_classes] == [("axis 0", 5), ("axis 1", 9)]
    assert ends(fabric) == [
        *[(0, 1), (0, 2), (0, 2)],
        *[(1, 0), (1, 3), (1, 3)],
        *[(2, 0), (2, 0), (2, 3)],
        *[(3, 1), (3, 1), (3, 2)],
    ]


def test_parallel_cables_count_on_in_lanes(tmp_path: Path) -> None:
    """Tests a rack of two nodes of one TSP, joined by two cables of two lanes each: lanes 0 to 3 both ways."""
    keys = {"chips_per_node": 1, "nodes": 2, "in_racks": True, "between": {**WIRE, "lanes": 2}}
    fabric = load_fabric(write_family(tmp_path, "tsp", **keys))
    between = (fabric.source < 2) & (fabric.destination < 2)
    assert fabric.lane[between].tolist() == [0, 1, 2, 3] * 2


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("ring", {"chips": 20_000}),
        ("mesh", {"shape": [20_000]}),
        ("torus", {"shape": [2, 10_000]}),
        ("hypercube", {"dimensions": 14}),
        ("circulant", {"chips": 20_000, "offsets": [1, 9_999]}),
    ],
)
def test_large_sparse_fabrics_are_supported(tmp_path: Path, kind: str, keys: dict[str, Any]) -> None:
    """Tests that the bound of links is near enough not to refuse what fits."""
    assert load_fabric(write_family(tmp_path, kind, **keys)).chips <= 20_000


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("ring", {}, "1:1: chips: this key is missing; add it"),
        ("ring", {"chips": 4, "link": None}, "1:1: link: this key is missing; add it"),
        ("ring", {"chips": 4, "shape": [4]}, "6:1: shape: unknown key; known keys: chip, chips, clock_mhz"),
        ("ring", {"chips": 0}, "5:1: chips: input should be greater than or equal to 1, got 0"),
        ("ring", {"chips": -3}, "5:1: chips: input should be greater than or equal to 1, got -3"),
        ("ring", {"chips": "four"}, "5:1: chips: input should be a valid integer, got 'four'"),
        ("ring", {"chips": 4.0}, "5:1: chips: input should be a valid integer, got 4.0"),
        ("ring", {"chips": True}, "5:1: chips: input should be a valid integer, got True"),
        ("ring", {"chips": 20_001}, "5:1: chips: makes 20,001 chips and up to 40,002 links; at most 20,000"),
        ("full-mesh", {"chips": 20_000}, "5:1: chips: makes 20,000 chips and up to 400,000,000 links; at most 20,000"),
        ("ring", {"chips": 4, "link": {**WIRE, "lanes": 0}}, "4:38: link.lanes: input should be greater than or eq"),
        ("ring", {"chips": 4, "link": {"gbps": 100}}, "4:1: link: needs exactly one of hop_ns and latency_ns"),
        ("ring", {"chips": 4, "link": {**WIRE, "hop_ns": 9}}, "4:1: link: needs exactly one of hop_ns and latency_ns"),
        ("ring", {"chips": 4, "link": {"hop_ns": 0, "gbps": 1}}, "link.hop_ns: input should be greater than 0, got 0"),
        ("ring", {"chips": 4, "link": {"latency_ns": -1, "gbps": 1}}, "link.latency_ns: input should be greater than"),
        ("ring", {"chips": 4, "link": {**WIRE, "line_gbps": 99}}, "4:1: link: needs line_gbps of at least gbps, its"),
        ("ring", {"chips": 4, "link": {"latency_ns": 1}}, "4:1: link.gbps: this key is missing; add it"),
        ("ring", {"chips": 4, "link": [WIRE]}, "4:1: link: must be a mapping of keys, got [{"),
        ("ring", {"chips": 4, "ports": 1}, "6:1: ports: chip 0 has 2 lanes on 1 port; join fewer, or give it more"),
        ("ring", {"chips": 4, "turnaround_cycles": -1}, "6:1: turnaround_cycles: input should be greater than or eq"),
        ("ring", {"chips": 4, "inject_per_cycle": 0}, "6:1: inject_per_cycle: input should be greater than or equal"),
        ("ring", {"chips": 4, "clock_mhz": 0}, "6:1: clock_mhz: input should be greater than or equal to 0.001"),
        ("ring", {"chips": 4, "link": {**WIRE, "gbps": 0.123456789}}, "3:1: vector_bytes: the time of a vector is"),
        ("hypercube", {"dimensions": 0}, "5:1: dimensions: input should be greater than or equal to 1, got 0"),
        ("hypercube", {"dimensions": 15}, "5:1: dimensions: input should be less than or equal to 14, got 15"),
        ("mesh", {"shape": []}, "5:1: shape: list should have at least 1 item after validation, not 0, got []"),
        ("mesh", {"shape": [1] * 30}, "5:1: shape: list should have at most 8 items after validation, not"),
        ("mesh", {"shape": [4, 0]}, "5:12: shape.1: input should be greater than or equal to 1, got 0"),
        ("mesh", {"shape": 4}, "5:1: shape: input should be a valid list, got 4"),
        ("torus", {"shape": [200, 101]}, "5:1: shape: makes 20,200 chips and up to 80,800 links; at most 20,000"),
        ("hyperx", {"shape": [10**6] * 8}, "5:1: shape: makes 1,000,000,000,000,000,000,000,000"),
        ("mesh", {"shape": [2], "axes": [WIRE]}, "6:1: axes: stands beside link; keep one of them"),
        ("mesh", {"shape": [2], "link": None}, "1:1: link: this key is missing; add it, or axes with 1 wire"),
        (
            "torus",
            {"shape": [2, 2], "link": None, "axes": [WIRE]},
            "5:1: axes: needs one wire for each axis of shape, 2 in all",
        ),
        (
            "hyperx",
            {"shape": [2], "link": None, "axes": []},
            "5:1: axes: needs one wire for each axis of shape, 1 in all",
        ),
        ("circulant", {"chips": 8, "offsets": []}, "6:1: offsets: list should have at least 1 item"),
        ("circulant", {"chips": 8, "offsets": [1, 0]}, "6:14: offsets.1: input should be greater than or equal to 1"),
        ("circulant", {"chips": 8, "offsets": [1, -2]}, "6:14: offsets.1: input should be greater than or equal to 1"),
        ("circulant", {"chips": 8, "offsets": [1, 8]}, "6:1: offsets: must be less than 8, the number of chips, got 8"),
        ("dragonfly", DRAGONFLY | {"groups": 6}, "groups: one group has global links to 4 others, so at most 5 groups"),
        (
            "boardfly",
            BOARDFLY | {"trays_per_group": 6},
            "trays_per_group: a tray of 2 chips has 4 ports beyond its own",
        ),
        ("boardfly", BOARDFLY | {"groups": 8}, "groups: one group has 6 ports for other groups, so at most 7 groups"),
        ("dragonfly", DRAGONFLY | {"between": None}, "1:1: between: this key is missing; add it"),
        ("dragonfly", {**DRAGONFLY, "chips_per_group": 5000}, "groups: makes 25,000 chips and up to 125,025,000 links"),
        (
            "lpx",
            LPX | {"racks": 2, "rack": None},
            "rack: this key is missing; lpx of this size has links",
        ),
        ("lpx", LPX | {"rack_topology": "star"}, "rack_topology: input should be 'chain' or 'ring', got 'star'"),
        ("lpx", LPX | {"host": WIRE}, "7:1: host.chips_per_host: this key is missing; add it"),
        ("lpx", LPX | {"racks": 10**6, "trays": 10**6}, "trays: makes 2,000,000,000,000 chips and up to"),
        ("lpx", LPX | {"ports": 2}, "ports: chip 0 has 3 lanes on 2 ports"),  # a tray peer, a spine peer, a host
        (
            # Hosts of 1000 trays are fully connected: 1000 x 999 x 1000 lanes.
            "lpx",
            {"trays": 1000, "chips_per_tray": 1, "host": {**HOST, "chips_per_host": 1, "lanes": 1000}},
            "trays: makes 1,000 chips and up to 1,003,003,000 links",
        ),
        ("tsp", {"chips_per_node": 8, "nodes": 2, "between": None}, "between: this key is missing; tsp of this size"),
        ("tsp", {"chips_per_node": 8, "nodes": 34}, "nodes: a node of 8 chips has 32 global ports, one for each other"),
        ("tsp", {"chips_per_node": 4, "nodes": 18}, "so at most 17 nodes fit; or set racks or in_racks"),
        (
            "tsp",
            {"chips_per_node": 8, "nodes": 20, "in_racks": True},
            "nodes: a node of 8 chips has 16 ports into its rack, 2 for each other node, so at most 9 nodes fit",
        ),
        ("tsp", {"chips_per_node": 4, "nodes": 9, "racks": 2}, "nodes: a node of 4 chips has 8 ports into its rack"),
        (
            "tsp",
            {"chips_per_node": 8, "nodes": 9, "racks": 146},
            "racks: a rack has 144 global ports for other racks, one for each, so at most 145 racks fit",
        ),
        ("tsp", {"chips_per_node": 4, "nodes": 5, "racks": 42}, "a rack has 40 global ports for other racks"),
        ("tsp", {"chips_per_node": 8, "in_racks": 1}, "in_racks: input should be a valid boolean, got 1"),
        ("tsp", {"chips_per_node": 20_000}, "chips_per_node: makes 20,000 chips and up to 400,"),
    ],
)
def test_a_wrong_family_is_refused_at_its_key(tmp_path: Path, kind: str, keys: dict[str, Any], expected: str) -> None:
    """Tests one fault at a time: line, column, key and what would be right."""
    assert expected in fault(write_family(tmp_path, kind, **keys))
