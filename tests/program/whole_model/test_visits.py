"""Tests of where the visits of a whole model lie."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InfeasibleError, InputError, NothingFoundError
from lpxsched.fabric.profile import load_fabric
from lpxsched.program.whole_model.visit_memory import visit_needs
from lpxsched.program.whole_model.visits import in_best_blocks, visit_groups
from lpxsched.units import NONE
from lpxsched.workload.lpu_visits import Visit
from lpxsched.workload.model import Ffn, Layer
from lpxsched.workload.parts.drafts import Draft
from tests.program.whole_model.examples import EMBEDDING, HEAD, LAYER, STEP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.traffic.group import Group
    from lpxsched.workload.parts.piece import Decoding

WHAT = "toy"
VISITS = (EMBEDDING, LAYER, LAYER, LAYER, HEAD)
# A layer on 16 chips. On each of the first eight chips a head of queries beside one of keys and
# values, 32 columns each: weights 640 x 32 x 3 in and 32 x 640 out, caches 2 x 64 x 32. FFN: 1,280 columns, 80 a chip
# in three matrices of 640 rows.
HEADS, FFN = 640 * 32 * 3 + 32 * 640 + 2 * 64 * 32, 80 * 3 * 640
LAYER_BYTES = HEADS + FFN


def rack(sram_bytes: int) -> Fabric:
    """Return a rack of chips with as much SRAM."""
    fabric = load_fabric("lpx-rack")
    return replace(fabric, chip=replace(fabric.chip, sram_bytes=sram_bytes))


def groups_of(fabric: Fabric, visits: Sequence[Visit], step: Decoding, **more: str) -> tuple[Group, ...]:
    """Return the groups of all visits of which there is one variant."""
    return visit_groups(fabric, [visits], step, **more)[1]


def groups_on(sram_bytes: int, **more: str) -> tuple[Group, ...]:
    """Return the groups of all visits."""
    return groups_of(rack(sram_bytes), VISITS, STEP, what=WHAT, **more)


def test_what_a_layer_needs_by_hand() -> None:
    """Tests weights and caches on the first chip of a tray, which has a head, and on the last."""
    needs = visit_needs(LAYER, load_fabric("lpx-rack").chip, 16, STEP, EMBEDDING)
    assert needs.resident[0] == LAYER_BYTES
    assert needs.resident[15] == FFN
    # The last matrix reads a vector of what is between, 2 of the residual beside 2 of the block before, and leaves 2.
    assert needs.working == (1 + 2 + 2 + 2) * 320


@pytest.mark.parametrize(("columns", "blocks"), [(1_280, 1), (100_000, 2)])
def test_rows_come_in_two_blocks_where_that_hides_much(columns: int, blocks: int) -> None:
    """Tests a dense FFN on 16 chips of 150,000 bytes a cycle, of rows of 640 columns in two blocks of 320.

    With 100,000 columns, 6,250 a chip, up and gate of the first block are 4 MB, 27 cycles, down of the second 2 MB, 14;
    with 1,280 each part is a cycle. A further block costs 7.
    """
    part = LAYER.part
    assert isinstance(part, Layer)
    wide = replace(LAYER, part=replace(part, dense=(Ffn(columns, 3),)))
    assert in_best_blocks((EMBEDDING, wide, wide, HEAD), load_fabric("lpx-rack"), STEP).blocks == blocks


def test_a_tray_holds_as_many_visits_as_fit() -> None:
    """Tests SRAM for all of them, for two layers, and for one."""
    tray = tuple(range(16))
    assert {group.chips for group in groups_on(500_000_000)} == {tray}
    two, one = (groups_on(n * LAYER_BYTES + 100_000) for n in (2, 1))
    assert [group.chips[0] // 16 for group in two] == [0, 0, 0, 1, 1]
    assert [group.chips[0] // 16 for group in one] == [0, 0, 1, 2, 2]


def test_visits_in_flight_are_spread_over_trays() -> None:
    """Tests five visits that one tray would hold: three and two for two micro-batches, one a tray for nine."""
    rows = [
        [group.chips[0] // 16 for group in groups_of(rack(500_000_000), VISITS, step, what=WHAT)]
        for step in (replace(STEP, micro_batches=count) for count in (1, 2, 9))
    ]
    assert rows == [[0] * 5, [0, 0, 0, 1, 1], [0, 1, 2, 3, 4]]


def test_the_next_tray_is_one_that_links_reach() -> None:
    """Tests a model that fills a rack: from its last tray, 15, links lead to the same tray of the next rack alone."""
    fabric = load_fabric("lpx-2-racks")
    fabric = replace(fabric, chip=replace(fabric.chip, sram_bytes=LAYER_BYTES + 100_000))
    groups = groups_of(fabric, (EMBEDDING, *[LAYER] * 18, HEAD), STEP, what=WHAT)
    trays = [group.chips[0] // 16 for group in groups]
    assert trays[:2] == [0, 0]
    assert trays[2:] == [*range(1, 16), 31, 16, 16]


def test_hosts_are_where_tokens_enter_and_leave() -> None:
    """Tests that the first and the last visit have the hosts of their chips, and the others none."""
    groups = groups_on(500_000_000)
    assert [len(group.hosts) for group in groups] == [16, 0, 0, 0, 16]
    assert set(groups[0].hosts) == {256, 257}


def test_a_visit_that_no_tray_holds_takes_several() -> None:
    """Tests SRAM below that of a layer on one tray: two trays a tile, on which a chip holds half of its FFN."""
    assert {len(group.chips) for group in groups_on(LAYER_BYTES - 1000)} == {32}


def test_what_fits_nowhere_is_proven_with_bytes_a_chip() -> None:
    """Tests 1,000 bytes a chip."""
    with pytest.raises(InfeasibleError, match=r"toy keeps [0-9,]+ bytes, [0-9,]+ bytes a chip on the 256 chips of"):
        groups_on(1000)


def test_what_is_not_found_is_not_called_impossible() -> None:
    """Tests chips with room for their part of the whole: the heads of a layer on 256 chips overflow the first ones.

    2,560 + 86,016 + 5 x 3 x 640 and a working set of 3,200 are more than 100,000.
    """
    with pytest.raises(NothingFoundError, match="no whole trays hold its 5 visits in a row"):
        groups_on(100_000)


def test_a_file_decides(tmp_path: Path) -> None:
    """Tests groups that share chips, and one that overflows."""
    file = tmp_path / "cut.yaml"
    file.write_text("layers:\n" + "".join(f"- chips: {chips}\n" for chips in ("0-3", "0-3", "2-5", "2-5", "0-3")))
    assert [group.chips[0] for group in groups_on(10_000_000, file=str(file))] == [0, 0, 2, 2, 0]
    with pytest.raises(InputError, match=r"layers\.1\.chips: chip 2 needs [0-9,]+ bytes and holds 1,000,000"):
        groups_on(1_000_000, file=str(file))


def with_drafts(drafts: int, *, layers: int = 3, embeds: bool = False) -> tuple[Visit, ...]:
    """Return layers and so many drafts of one module, whose visits follow the head, by default visit 4."""
    found = [EMBEDDING, *[LAYER] * layers, replace(HEAD, draft=Draft(0, drafts, 1))]
    head = layers + 1
    for number in range(1, drafts + 1):
        draft, home = Draft(number, drafts, 1), NONE if number == 1 else head + 1
        own = NONE if number == 1 else head + 1
        found.append(Visit("join", 640, 512, draft, home, own if embeds else 0))
        found.append(replace(LAYER, draft=draft, home=home if home == NONE else head + 2))
        found.append(replace(HEAD, draft=draft, home=head))
    return tuple(found)


def test_drafts_lie_where_what_they_use_is_kept() -> None:
    """Tests a tray for two layers: the module lies behind the head, the rest of a draft at the embedding and the head.

    A second draft asks for no further room: its module is where it was.
    """
    rooms = 2 * LAYER_BYTES + 200_000
    trays = [
        [group.chips[0] // 16 for group in groups_of(rack(rooms), with_drafts(drafts), STEP, what=WHAT)]
        for drafts in (1, 2)
    ]
    assert trays[0] == [0, 0, 0, 1, 1, 0, 1, 1]
    assert trays[1] == [*trays[0], 0, 1, 1]
    groups = groups_of(rack(rooms), with_drafts(1), STEP, what=WHAT)
    assert [bool(group.hosts) for group in groups] == [True, *[False] * 6, True]


def test_drafts_embed_for_themselves_where_the_embedding_is_out_of_reach() -> None:
    """Tests a model that fills a rack and begins another: no tray of it but one has links to that of the embedding.

    On one rack the first variant is taken, in which nothing is kept twice.
    """
    fabric = load_fabric("lpx-2-racks")
    fabric = replace(fabric, chip=replace(fabric.chip, sram_bytes=LAYER_BYTES + 150_000))
    for layers, embeds in ((18, True), (3, False)):
        variants = [with_drafts(1, layers=layers, embeds=embeds) for embeds in (False, True)]
        visits, groups = visit_groups(fabric, variants, STEP, what=WHAT)
        join = next(number for number, visit in enumerate(visits) if visit.part == "join")
        assert visits[join].embedding == (NONE if embeds else 0)
        assert (groups[join].chips == groups[0].chips) is not embeds
        assert {len(group.chips) for group in groups} == {16}
    assert visit_needs(visits[join], fabric.chip, 16, STEP, EMBEDDING).resident[0] == 80 * 2 + 80 * 640
    own = replace(visits[join], embedding=NONE)
    # 32 of 512 tokens on a chip.
    assert visit_needs(own, fabric.chip, 16, STEP, EMBEDDING).resident[0] == 80 * 2 + 80 * 640 + 32 * 640


def test_a_file_decides_where_drafts_embed(tmp_path: Path) -> None:
    """Tests a join on the chips of the embedding, which it uses, and elsewhere, where it has one of its own."""
    file = tmp_path / "cut.yaml"
    for chips, embedding in (("0-15", 0), ("16-31", NONE)):
        listed = ["0-15"] * 5 + [chips] + ["0-15"] * 2
        file.write_text("layers:\n" + "".join(f"- chips: {each}\n" for each in listed))
        variants = [with_drafts(1, embeds=embeds) for embeds in (False, True)]
        visits, _ = visit_groups(rack(500_000_000), variants, STEP, what=WHAT, file=str(file))
        assert visits[5].embedding == embedding


def test_what_others_keep_is_needed_once() -> None:
    """Tests the second visit of a module, and a join beside an embedding of 512 x 640, 32 tokens on each of 16 chips.

    A join keeps of 2 x 640 columns 80 on a chip: their weights of a norm, 2 bytes each, and 640 rows of a matrix.
    """
    visits, chip = with_drafts(2), load_fabric("lpx-rack").chip
    first, again = (visit_needs(visits[number], chip, 16, STEP, EMBEDDING) for number in (5, 8))
    assert set(first.resident) == {80 * 2 + 80 * 640}
    assert set(again.resident) == {0}
    assert set(visit_needs(visits[9], chip, 16, STEP, EMBEDDING).resident) == {0}


def test_a_file_must_leave_drafts_where_what_they_use_is(tmp_path: Path) -> None:
    """Tests a head of a draft on other chips than the head."""
    file = tmp_path / "cut.yaml"
    chips = ["0-15"] * 7 + ["16-31"]
    file.write_text("layers:\n" + "".join(f"- chips: {each}\n" for each in chips))
    with pytest.raises(InputError, match=r"layers\.7\.chips: this visit uses what visit 4 keeps, and must"):
        groups_of(rack(500_000_000), with_drafts(1), STEP, what=WHAT, file=str(file))


@pytest.mark.parametrize(
    ("first", "problem"),
    [
        ("0,0", "chip 0 is in this group 2 times; name each chip once"),
        ("998-999", "998-999 is outside the chips 0 to 255"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, first: str, problem: str) -> None:
    """Tests a chip twice in a group, and one that is not there."""
    file = tmp_path / "cut.yaml"
    file.write_text("layers:\n" + "".join(f"- chips: {chips}\n" for chips in (first, "1-1", "1-1", "1-1", "1-1")))
    with pytest.raises(InputError, match=problem):
        groups_on(500_000_000, file=str(file))


def test_a_border_without_a_way_is_refused(tmp_path: Path) -> None:
    """Tests visits on chips 0 and 17, which no link joins."""
    file = tmp_path / "cut.yaml"
    file.write_text("layers:\n" + "".join(f"- chips: {chip}-{chip}\n" for chip in (0, 0, 17, 17, 17)))
    with pytest.raises(InputError, match=r"layers\.2\.chips: chips 0 and 17 of two visits do not reach each other"):
        groups_on(500_000_000, file=str(file))


def test_tokens_need_a_host() -> None:
    """Tests a fabric without any."""
    with pytest.raises(InputError, match="chip 0 has no link from and to a host"):
        groups_of(load_fabric("torus-4x4"), VISITS, STEP, what=WHAT)
