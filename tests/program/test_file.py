"""Tests of groups that a user has written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.errors import InputError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.file import partition_text, read_groups
from tests.fabric.examples import fabric_of, hosted_grid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group


def _all_fit(_: Sequence[Group]) -> None:
    """Find no layer that cannot lie on its chips."""


def read(folder: Path, text: str, layers: int = 2) -> tuple[Group, ...]:
    """Read groups on eight chips."""
    path = folder / "groups.yaml"
    path.write_text(text, encoding="utf-8")
    return read_groups(path, hosted_grid(2, 4), layers, _all_fit)


def read_one(path: Path, fabric: Fabric) -> Group:
    """Read the one group of a file on a fabric."""
    (group,) = read_groups(path, fabric, 1, _all_fit)
    return group


@pytest.mark.parametrize(
    ("chips", "expected"),
    [
        ("[2, 0]", (2, 0)),
        ("0-3", (0, 1, 2, 3)),
        ("0-2,6", (0, 1, 2, 6)),
        ("'6, 0 - 2'", None),
        ("' 5 , 0-1 '", (5, 0, 1)),
        ("'5'", (5,)),
        ("3-3", (3,)),
    ],
)
def test_chips_are_a_list_or_ranges(tmp_path: Path, chips: str, expected: tuple[int, ...] | None) -> None:
    """Tests the two ways to write a group, in the order as written; blanks stand around commas only."""
    text = f"layers:\n- chips: {chips}\n- chips: [7]\n"
    if expected is None:
        with pytest.raises(InputError, match="got '0 - 2'"):
            read(tmp_path, text)
    else:
        assert [group.chips for group in read(tmp_path, text)] == [expected, (7,)]


def test_layers_and_hosts_are_filled_in(tmp_path: Path) -> None:
    """Tests that groups count their layers and that each chip has its host, here the only one, node 8."""
    first, second = read(tmp_path, "layers:\n- chips: 0-1\n- chips: 4-6\n")
    assert (first.layer, first.hosts) == (0, (8, 8))
    assert (second.layer, second.hosts) == (1, (8, 8, 8))


def test_the_hosts_of_a_rack_stand_beside_its_chips(tmp_path: Path) -> None:
    """Tests a group across two halves of tray 0."""
    path = tmp_path / "groups.yaml"
    path.write_text("layers: [{chips: 6-9}]\n")
    assert read_one(path, load_fabric("lpx-rack")).hosts == (256, 256, 257, 257)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: must be a mapping of keys, not an empty file"),
        ("layers: [", "1:10: not YAML: while parsing a flow node expected the node content, but found '<stream end>'"),
        ("layer: []", "1:1: layer: unknown key; did you mean layers?"),
        ("layers:", "1:1: layers: write a list, one entry a layer, such as - chips: 0-6,9, got None"),
        ("layers: 5", "1:1: layers: write a list, one entry a layer, such as - chips: 0-6,9, got 5"),
        ("layers: []", "1:1: layers: has 0 entries, the model has 2 layers"),
        ("layers:\n- chips: 0-3\n", "1:1: layers: has 1 entry, the model has 2 layers"),
        ("layers:\n- 0-3\n- 4-7\n", "2:3: layers.0: write a layer as a mapping, chips: 0-6,9, got '0-3'"),
        ("layers:\n- chips: 0-3\n- chip: 4\n", "3:3: layers.1.chip: unknown key; did you mean chips?"),
        ("layers:\n- chips: 0-3\n- {}\n", "3:3: layers.1.chips: this key is missing; add it"),
        ("layers:\n- chips: 0-3\n- chips: []\n", "3:3: layers.1.chips: names no chip; a layer needs one"),
        ("layers:\n- chips: 0-3\n- chips: ''\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got ''"),
        ("layers:\n- chips: 0-3\n- chips: 4-\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got '4-'"),
        ("layers:\n- chips: 0-3\n- chips: ٤\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got '٤'"),
        ("layers:\n- chips: 0-3\n- chips: 5\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got 5"),
        ("layers:\n- chips: 0-3\n- chips:\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got None"),
        (
            "layers:\n- chips: 0-3\n- chips: yes\n",
            "3:10: layers.1.chips: yes is ambiguous in YAML; write true or false, or quote it",
        ),
        ("layers:\n- chips: 0-3\n- chips: true\n", "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got True"),
        (
            "layers:\n- chips: 0-3\n- chips: {4: 5}\n",
            "3:3: layers.1.chips: write chips as 0-6,9 or [0, 1, 2], got {'4': 5}",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: [4, x]\n",
            "3:14: layers.1.chips.1: a list holds numbers of chips; write ranges as text, 0-6,9, got 'x'",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: [[4, 5]]\n",
            "3:11: layers.1.chips.0: a list holds numbers of chips; write ranges as text, 0-6,9, got [4, 5]",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: [4-6, 7]\n",
            "3:11: layers.1.chips.0: a list holds numbers of chips; write ranges as text, 0-6,9, got '4-6'",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: [-1]\n",
            "3:11: layers.1.chips.0: input should be greater than or equal to 0, got -1",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: 7-8\n",
            "3:3: layers.1.chips: 7-8 is outside the chips 0 to 7",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: 6-4\n",
            "3:3: layers.1.chips: 6-4 runs backwards; write 4-6",
        ),
        (
            "layers:\n- chips: 0-3\n- chips: 4-999999999999999\n",
            "3:3: layers.1.chips: 4-999999999999999 is outside the chips 0 to 7",
        ),
        (
            "layers:\n- chips: 0,1,0\n- chips: 4-7\n",
            "2:3: layers.0.chips: chip 0 is in this group 2 times; name each chip once",
        ),
    ],
)
def test_a_wrong_file_is_refused_at_its_line(tmp_path: Path, text: str, expected: str) -> None:
    """Tests position, key, problem and remedy of each fault."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert str(caught.value).removeprefix(f"{tmp_path}/groups.yaml:") == expected


def test_a_very_long_number_is_refused(tmp_path: Path) -> None:
    """Tests that 5000 digits are an error of input, quoted in short."""
    with pytest.raises(InputError, match="write chips as 0-6,9 or") as caught:
        read(tmp_path, f"layers:\n- chips: '{'9' * 5000}'\n- chips: 4-7\n")
    assert len(caught.value.problem) < 120


@pytest.mark.parametrize("name", ["", "none.yaml"])
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    """Tests a folder and a missing file in place of a partition."""
    with pytest.raises(InputError, match=r"cannot be read: (Is a directory|No such file or directory)$"):
        read_groups(tmp_path / name, hosted_grid(2, 4), 2, _all_fit)


def test_a_chip_without_host_is_refused(tmp_path: Path) -> None:
    """Tests a fabric without hosts."""
    path = tmp_path / "groups.yaml"
    path.write_text("layers: [{chips: 0-1}]\n")
    with pytest.raises(InputError, match=r"^toy: chip 0 has no link from and to a host"):
        read_one(path, fabric_of([(0, 1), (1, 0)], grid=(1, 2)))


@given(st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True), st.booleans())
def test_any_order_of_chips_is_kept(tmp_path_factory: pytest.TempPathFactory, chips: list[int], as_text: bool) -> None:
    """Tests that a group's chips are its shards in the order as written, as a list and as text."""
    path = tmp_path_factory.getbasetemp() / "groups.yaml"
    written = f"'{','.join(map(str, chips))}'" if as_text else str(chips)
    path.write_text(f"layers:\n- chips: {written}\n")
    # One tray of eight chips: any of them are joined.
    assert read_one(path, hosted_grid(1, 8)).chips == tuple(chips)


def test_chips_that_are_not_joined_are_refused_at_their_place(tmp_path: Path) -> None:
    """Tests chips 0 and 5 of two trays of four: neither tray nor position in common."""
    with pytest.raises(InputError, match=r"groups\.yaml:2:3: layers\.0\.chips: chip 5 cannot reach chip 0") as caught:
        read(tmp_path, "layers:\n- chips: 0,5\n- chips: [7]\n")
    assert caught.value.exit_code == 2


def test_a_chip_that_is_down_is_refused(tmp_path: Path) -> None:
    """Tests that a group cannot name a chip that the topology takes out of service."""
    path = tmp_path / "groups.yaml"
    path.write_text("layers:\n- chips: 0-3\n")
    fabric = hosted_grid(2, 4)
    node_down = fabric.node_down.copy()
    node_down[2] = True
    with pytest.raises(InputError, match="chip 2 is down in toy"):
        read_one(path, replace(fabric, node_down=node_down))


def test_groups_are_written_as_they_are_read(tmp_path: Path) -> None:
    """Tests runs of chips in their order, with the reason of each group behind it."""
    text = partition_text([(2, 3, 0, 1), (7,)], ["one tray", "a chip that is left"])
    assert text == 'layers:\n- chips: "2-3,0-1"  # one tray\n- chips: "7"  # a chip that is left\n'
    assert [group.chips for group in read(tmp_path, text)] == [(2, 3, 0, 1), (7,)]
    assert partition_text([(5,)], []) == 'layers:\n- chips: "5"\n'


def test_a_file_of_visits_that_leaves_some_out_is_told_what_visits_are(tmp_path: Path) -> None:
    """Tests a layer where its embedding and its head need chips as well."""
    path = tmp_path / "groups.yaml"
    path.write_text("layers: [{chips: 0-3}]\n")
    with pytest.raises(InputError, match="has 1 entry, the model has 3 visits: embedding, layers, head"):
        read_groups(path, hosted_grid(2, 4), 3, _all_fit, hosted=(0, 2))
