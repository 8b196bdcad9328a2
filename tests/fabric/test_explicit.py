"""Tests of topologies that list their links."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from tests.fabric.examples import write_topology

if TYPE_CHECKING:
    from pathlib import Path


def fault(folder: Path, table: str, **changes: Any) -> str:
    """Return the error of a topology without the name of its folder."""
    path = write_topology(folder, table, **changes)
    with pytest.raises(InputError) as caught:
        load_fabric(path)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_ring_of_four(tmp_path: Path) -> None:
    """Tests names, sizes and times from defaults: 5 ns at 1000 MHz, v = 320 x 8 / 100 = 25.6 cycles."""
    fabric = load_fabric(write_topology(tmp_path, "src,dst\n0,1\n1,2\n2,3\n3,0\n"))
    assert (fabric.name, fabric.chips, fabric.hosts, fabric.grid) == ("toy", 4, 0, (1, 4))
    assert (fabric.wire, fabric.wire_bytes, fabric.turnaround_cycles) == ("pipelined", 320, 0)
    assert list(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 0),
    ]
    assert [link.name for link in fabric.link_classes] == ["link"]
    assert fabric.link_classes[0].latency_cycles == 5
    assert fabric.link_classes[0].vector_time_cycles == Fraction(128, 5)


def test_links_are_sorted_whatever_the_order_of_rows(tmp_path: Path) -> None:
    """Tests that the numbers of links do not depend on the order in the file."""
    fabric = load_fabric(write_topology(tmp_path, "dst,src\n1,3\n1,0\n0,3\n"))
    assert list(zip(fabric.source.tolist(), fabric.destination.tolist(), strict=True)) == [(0, 1), (3, 0), (3, 1)]


def test_lanes_are_links_of_their_own(tmp_path: Path) -> None:
    """Tests a column of lanes, and that an empty cell takes the default of 2."""
    link = {"lanes": 2, "latency_ns": 5, "gbps": 100}
    fabric = load_fabric(write_topology(tmp_path, "src,dst,lanes\n0,1,3\n1,0,\n", link=link))
    assert fabric.source.tolist() == [0, 0, 0, 1, 1]
    assert fabric.lane.tolist() == [0, 1, 2, 0, 1]


def test_links_may_differ_in_latency_and_rate(tmp_path: Path) -> None:
    """Tests that each pair of latency and rate is a class: 200 ns at 1000 MHz, 1000.5 ns rounded up to 1001."""
    table = "src,dst,latency_ns,gbps\n0,1,200,100\n1,2,1000.5,25\n2,3,200,100\n"
    fabric = load_fabric(write_topology(tmp_path, table, link=None))
    assert [(wire.latency_cycles, wire.vector_time_cycles) for wire in fabric.link_classes] == [
        (200, Fraction(128, 5)),
        (1001, Fraction(512, 5)),
    ]
    assert fabric.link_class.tolist() == [0, 1, 0]
    assert fabric.link_classes[1].name == "link 1000.5 ns 25 Gb/s"


def test_two_ends_may_be_joined_by_links_of_two_kinds(tmp_path: Path) -> None:
    """Tests that a second row of equal ends is no duplicate when its latency differs; its lanes are counted on."""
    fabric = load_fabric(write_topology(tmp_path, "src,dst,lanes,latency_ns\n0,1,2,9\n0,1,1,5\n"))
    assert fabric.link_class.tolist() == [0, 1, 1]
    assert fabric.lane.tolist() == [2, 0, 1]


def test_every_optional_key(tmp_path: Path) -> None:
    """Tests wire, framing, turnaround, chip and a clock that is not the chip's.

    328 x 8 / 100 = 26.24 ns are 1.148 cycles of 43.75 MHz; 5 ns are 0.21875 cycles, rounded up to 1.
    """
    path = write_topology(
        tmp_path, "src,dst\n0,1\n", wire="busy", wire_bytes=328, turnaround_cycles=7, chip="tsp", clock_mhz=43.75
    )
    fabric = load_fabric(path)
    assert (fabric.wire, fabric.wire_bytes, fabric.turnaround_cycles, fabric.chip.name) == ("busy", 328, 7, "tsp")
    assert fabric.chip.clock_mhz == Fraction(175, 4)
    assert fabric.link_classes[0].vector_time_cycles == Fraction(1148, 1000)
    assert fabric.link_classes[0].latency_cycles == 1


@pytest.mark.parametrize(
    "table", ["src,dst\r\n0,1\r\n", "\ufeffsrc,dst\n0,1\n", " src , dst \n 0 , 1 \n", "src,dst\n\n0,1\n\n"]
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, table: str) -> None:
    """Tests line ends of Windows, a byte-order mark, blanks around cells and empty lines."""
    assert load_fabric(write_topology(tmp_path, table)).links == 1


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", "toy.csv:1:1: the first line must name src and dst, each column once"),
        ("src\n0\n", "toy.csv:1:1: the first line must name src and dst, each column once"),
        ("src,dst,src\n", "toy.csv:1:1: the first line must name src and dst, each column once"),
        ("src,dst,hop\n", "toy.csv:1:1: hop: unknown column; known columns: src, dst, lanes, latency_ns, gbps"),
        ("src,dst,lane\n", "toy.csv:1:1: lane: unknown column; did you mean lanes?"),
        ("src,dst\n", "toy.csv:1:1: names no link between 4 chips; write a line for each below the first"),
        ("src,dst\n0\n", "toy.csv:2:1: 1 cell, the header has 2"),
        ("src,dst\n0,1,2\n", "toy.csv:2:1: 3 cells, the header has 2"),
        ("src,dst\n0,1\nx,1\n", "toy.csv:3:1: src: must be a number, got 'x'"),
        ("src,dst\n0,nan\n", "toy.csv:2:3: dst: must be a number, got 'nan'"),
        ("src,dst\n0_1,2\n", "toy.csv:2:1: src: must be a number, got '0_1'"),
        ("src,dst\n٣,2\n", "toy.csv:2:1: src: must be a number, got '٣'"),
        ("src,dst\n0,\n", "toy.csv:2:3: dst: no value here"),
        ("src,dst\n0,4\n", "toy.csv:2:3: dst: must be a whole number from 0 to 3, got '4'"),
        ("src,dst\n1.5,0\n", "toy.csv:2:1: src: must be a whole number from 0 to 3, got '1.5'"),
        ("src,dst\n-1,0\n", "toy.csv:2:1: src: must be a whole number from 0 to 3, got '-1'"),
        ("src,dst\n2,2\n", "toy.csv:2:3: dst: a link from chip 2 to itself; name two chips"),
        ("src,dst\n0,1\n1,0\n0,1\n", "toy.csv:4:1: link 0 -> 1 stands in line 2 already; use lanes"),
        ("src,dst,lanes\n0,1,0\n", "toy.csv:2:5: lanes: must be a whole number from 1 to 1000000, got '0'"),
        ("src,dst,lanes\n0,1,2.5\n", "toy.csv:2:5: lanes: must be a whole number from 1 to 1000000, got '2.5'"),
        ("src,dst,latency_ns\n0,1,-1\n", "toy.csv:2:5: latency_ns: must be from 0 to 1e9, got '-1'"),
        ("src,dst,gbps\n0,1,0\n", "toy.csv:2:5: gbps: must be from 1e-09 to 1e9, got '0'"),
        ("src,dst\n" + "0" * 140_000 + ",1\n", "toy.csv:2:1: not CSV: field larger than field limit (131072)"),
    ],
)
def test_a_wrong_row_is_refused_at_its_line(tmp_path: Path, table: str, expected: str) -> None:
    """Tests that each fault of the table is reported with line, column and remedy."""
    assert fault(tmp_path, table) == expected


@pytest.mark.parametrize("name", ["latency_ns", "gbps"])
def test_a_missing_default_is_named(tmp_path: Path, name: str) -> None:
    """Tests that a number without column and without default is asked for."""
    link = {key: value for key, value in {"latency_ns": 5, "gbps": 100}.items() if key != name}
    expected = f"toy.csv:2:1: {name}: no value here and no default under link: in the YAML file"
    assert fault(tmp_path, "src,dst\n0,1\n", link=link) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"links": "no.csv"}, "toy.yaml:10:1: links: no.csv: cannot be read: No such file or directory"),
        ({"links": 3}, "toy.yaml:10:1: links: input should be a valid string, got 3"),
        ({"links": None}, "toy.yaml:1:1: links: this key is missing; add it"),
        ({"chips": 0}, "toy.yaml:3:1: chips: input should be greater than or equal to 1, got 0"),
        ({"clock_mhz": 0}, "toy.yaml:4:1: clock_mhz: input should be greater than or equal to 0.001, got 0"),
        ({"wire_bytes": 300}, "toy.yaml:11:1: wire_bytes: must hold a vector of 320 bytes, got 300"),
        ({"link": {"lanes": 0}}, "toy.yaml:8:3: link.lanes: input should be greater than or equal to 1, got 0"),
        ({"link": {"latency": 5}}, "toy.yaml:8:3: link.latency: unknown key; did you mean latency_ns?"),
        ({"clock": 1}, "toy.yaml:11:1: clock: unknown key; did you mean clock_mhz?"),
        (
            {"chip": "lp3"},
            "toy.yaml:11:1: chip: lp3: no chip of this name and no such file; did you mean lp30 or lp30-1465mhz?",
        ),
    ],
)
def test_a_wrong_key_is_refused_at_its_line(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    """Tests that each fault of the YAML file, and a missing table, is reported where the user can mend it."""
    assert fault(tmp_path, "src,dst\n0,1\n", **changes) == expected


def test_a_name_that_no_file_can_have_is_refused_at_its_line(tmp_path: Path) -> None:
    """Tests a NUL: what follows are the words of the Python that runs."""
    told = fault(tmp_path, "src,dst\n0,1\n", links="a\0b")
    assert told.startswith("toy.yaml:10:1: links: a\0b: cannot be read: ")


def test_a_table_of_other_bytes_is_refused(tmp_path: Path) -> None:
    """Tests that a table in Latin-1 is not guessed."""
    path = write_topology(tmp_path, "")
    (tmp_path / "toy.csv").write_bytes(b"src,dst\n\xff,1\n")
    with pytest.raises(InputError, match=r"toy\.yaml:10:1: links: .*toy\.csv: not UTF-8 text$"):
        load_fabric(path)


def test_sizes_have_a_limit(tmp_path: Path) -> None:
    """Tests that a million chips, and five million lanes, are refused before they fill the memory."""
    assert "toy.yaml:3:1: chips: makes 1,000,000 chips" in fault(tmp_path, "src,dst\n0,1\n", chips=1_000_000)
    rows = "".join(f"{ends},1000000\n" for ends in ("0,1", "1,0", "1,2", "2,1", "2,3", "3,2"))
    expected = "toy.yaml:3:1: chips: makes 4 chips and up to 6,000,000 links; at most 20,000 and 5,000,000 fit"
    assert fault(tmp_path, f"src,dst,lanes\n{rows}") == expected
