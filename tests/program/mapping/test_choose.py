"""Tests of the groups of a whole model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.mapping.choose import partition_layers
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffns import ffn_model
from tests.fabric.examples import hosted_grid, write_topology
from tests.program.loads import load_on
from tests.workload.examples import FP8, toy

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group
    from lpxsched.workload.ffns import FfnModel


def partition(
    model: FfnModel, fabric: Fabric, *, precision: Precision = FP8, file: Path | None = None
) -> tuple[Group, ...]:
    """Return the groups of a model for a batch of one."""
    load = load_on(fabric, model, precision=precision)
    return partition_layers(load, fabric, str(file) if file else "disjoint").groups


@pytest.mark.parametrize(
    ("name", "widths"), [("gpt-oss-120b", [7] * 32 + [8] * 4), ("gpt-oss-20b", [10] * 16 + [12] * 8)]
)
def test_the_shipped_models_take_a_whole_rack(name: str, widths: list[int]) -> None:
    """Tests that both models use all 256 chips."""
    model, fabric = ffn_model(load_model(name)), load_fabric("lpx-rack")
    groups = partition(model, fabric, precision=Precision("mxfp4", "fp8", "bf16"))
    assert [len(group.chips) for group in groups] == widths
    assert sum(widths) == 256


def test_gpt_oss_120b_in_bf16_is_proven_not_to_fit() -> None:
    """Tests the proof: one layer's experts are 128 x (3 x 2880 x 2880 + 3 x 2880) x 2 bytes = 6.37 GB, a chip has 0.5.

    12 chips with 240 columns each: 128 x (3 x 2880 x 240 + 2 x 240 + 2880) x 2 = 531,701,760 bytes, too many. 13 chips
    with 222 columns: 128 x (3 x 2880 x 222 + 2 x 222 + 2880) x 2 = 491,869,184 fit. 36 layers x 13 chips = 468.
    """
    with pytest.raises(InfeasibleError) as caught:
        partition(
            ffn_model(load_model("gpt-oss-120b")),
            load_fabric("lpx-rack"),
            precision=Precision("bf16", "fp8", "bf16"),
        )
    message = str(caught.value)
    assert "gpt-oss-120b with bf16 weights needs 468 chips, 36 layers on at least 13 chips each" in message
    assert "a chip holds 500,000,000), and lpx-rack has 256 chips with 128,000,000,000 bytes" in message


@pytest.mark.parametrize(
    ("layers", "widths"),
    [(1, [8]), (2, [4, 4]), (8, [1] * 8)],
)
def test_models_of_one_and_of_many_layers(layers: int, widths: list[int]) -> None:
    """Tests a small model on two trays of four: one layer takes all chips, eight take one each."""
    groups = partition(toy(layers=layers), hosted_grid(2, 4, sram_bytes=10_000))
    assert [len(group.chips) for group in groups] == widths


def test_more_layers_than_chips_are_infeasible() -> None:
    """Tests nine layers on eight chips that each have room enough."""
    with pytest.raises(InfeasibleError, match="toy with fp8 weights needs 9 chips, 9 layers on at least 1 chip each"):
        partition(toy(layers=9), hosted_grid(2, 4, sram_bytes=10_000))


def test_what_is_left_over_is_used() -> None:
    """Tests three layers on 2 x 9 chips of 100 bytes: a six in each tray, and the 2 x 3 that are left.

    With c of the 18 columns of three experts a chip holds 24 + 3 x 4 c bytes of weights and 32 of operands: 92 for
    three columns, 104 for the four that one of five chips would hold. So a layer needs six chips.
    """
    groups = partition(toy(layers=3, expert_biases=False), hosted_grid(2, 9, sram_bytes=100))
    assert [len(group.chips) for group in groups] == [6, 6, 6]


def test_enough_chips_without_a_cut_is_not_called_infeasible() -> None:
    """Tests four layers of six chips on 5 x 5: 24 chips would do, but no cut into sub-grids is known."""
    with pytest.raises(NothingFoundError, match="no cut of a 5 x 5 grid into 4 sub-grids of at least 6 chips"):
        partition(toy(layers=4, expert_biases=False), hosted_grid(5, 5, sram_bytes=100))


def test_a_file_decides(tmp_path: Path) -> None:
    """Tests that written groups are taken as they are when they fit."""
    path = tmp_path / "groups.yaml"
    path.write_text("layers:\n- chips: [5, 1]\n- chips: 2-3\n")
    groups = partition(toy(), hosted_grid(2, 4), file=path)
    assert [group.chips for group in groups] == [(5, 1), (2, 3)]


def test_a_written_group_that_is_too_narrow_is_refused(tmp_path: Path) -> None:
    """Tests layer 1 on one chip of 240 bytes: 30 + 3 x (72 + 24 + 8) = 342 of weights, and 32; layer 0 on six has 134.

    The router has 5 x 3 weights of 2 bytes.
    """
    path = tmp_path / "groups.yaml"
    path.write_text("layers:\n- chips: 0-5\n- chips: [7]\n")
    with pytest.raises(InputError) as caught:
        partition(toy(), hosted_grid(2, 4, sram_bytes=240), file=path)
    assert str(caught.value) == (
        f"{path}:3:3: layers.1.chips: chip 7 needs 374 bytes at least for layer 1, 342 of them weights of layer 1, and "
        "holds 240; take more chips, or others"
    )


def test_groups_may_share_chips_as_long_as_all_of_them_fit(tmp_path: Path) -> None:
    """Tests two layers on two chips each, of which they share the first, with 198 and 174 bytes of weights, and 32.

    Chip 0 holds 198 twice and the 32 of one at a time, 428; written the other way round in one of the groups it holds
    198 + 174 + 32 = 404.
    """
    path, narrow = tmp_path / "groups.yaml", hosted_grid(2, 4, sram_bytes=427)
    path.write_text("layers:\n- chips: [0, 1]\n- chips: [0, 2]\n")
    assert partition(toy(), hosted_grid(2, 4, sram_bytes=428), file=path)[1].chips == (0, 2)
    with pytest.raises(InputError, match="chip 0 needs 428 bytes at least for layer 0 and 1 more, 198 of them weights"):
        partition(toy(), narrow, file=path)
    path.write_text("layers:\n- chips: [0, 1]\n- chips: [2, 0]\n")
    assert partition(toy(), narrow, file=path)[1].chips == (2, 0)


def test_a_fabric_without_hosts_is_refused(tmp_path: Path) -> None:
    """Tests that an explicit topology, which has no hosts, is refused before anything else is looked for."""
    fabric = load_fabric(write_topology(tmp_path, "src,dst\n0,1\n1,0\n"))
    with pytest.raises(InputError, match=r"^toy: has no host; --attention gpu needs a host for each chip$"):
        partition(toy(), fabric)


def test_a_name_that_is_no_mapping_and_no_file_is_told_which_there_are() -> None:
    """Tests a slip of the pen: all names are told, and that a file would do."""
    grid = hosted_grid(2, 4)
    with pytest.raises(InputError, match="one of auto, daisy-chain, disjoint, whole, or name a file"):
        partition_layers(load_on(grid, toy()), grid, "disjiont")
