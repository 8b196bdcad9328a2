"""R4: blocks of columns of experts that lie on shards."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from lpxsched.verify.check import check
from lpxsched.verify.shares import columns_held
from lpxsched.verify.work import kept_tensors
from tests.timetable.small import compiled
from tests.verify.changes import reports, with_graph

if TYPE_CHECKING:
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.documents import GraphOperator


def experts_of(build: Build) -> GraphOperator:
    """Return the experts of the first layer."""
    return next(operator for operator in build.graph.operators if operator.kind == "experts")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Return two layers of four experts of 64 columns in two blocks of MXFP4, each on four chips."""
    folder: Path = tmp_path_factory.mktemp("blocks")
    return compiled(folder, weights="mxfp4", intermediate_size=64, batch=3)


def with_experts(build: Build, **values: Any) -> Build:
    """Return a build whose graph says something else of the experts of its first layer."""
    operators = build.graph.model_dump()["operators"]
    next(operator for operator in operators if operator["kind"] == "experts").update(values)
    return with_graph(build, operators=operators)


def test_blocks_are_dealt_one_after_the_other(build: Build) -> None:
    """Tests experts 0 and 2 on the first two of four shards, 1 and 3 on the others; of six two hold two blocks."""
    experts = experts_of(build)
    assert experts.shares is not None
    assert [columns for _, columns, _ in experts.shares] == columns_held(experts, 4) == [64] * 4
    assert columns_held(experts, 6) == [64, 64, 32, 32, 32, 32]
    assert check(build).ok


def test_a_block_on_another_shard_is_seen(build: Build) -> None:
    """Tests a block of the last shard that is said to lie on the first."""
    shares = [list(share) for share in experts_of(build).shares or ()]
    shares[0][1], shares[3][1] = 96, 32
    moved = with_experts(build, shares=shares)
    for told in ("has 96 columns on shard 0, must 64: 2 blocks", "has 32 columns on shard 3, must 64: 2 blocks"):
        assert reports(moved, "R4", told)


def test_shares_must_be_told(build: Build) -> None:
    """Tests an operator that says how many blocks a run reads, and no shares."""
    assert reports(with_experts(build, shares=None), "R4", "has no shares, but runs that read blocks")


def test_blocks_that_scales_or_chips_do_not_ask_for_are_seen(build: Build) -> None:
    """Tests chips that ask for multiples of 3 columns: 96 with the scales of 32, but 64 at most."""
    chips = build.chips.shard_columns
    chips[:] = 3
    try:
        assert reports(build, "R4", "has blocks of 32 columns, its chips ask for 64")
    finally:
        chips[:] = 1


def test_a_run_that_reads_too_little_is_seen(build: Build) -> None:
    """Tests a run of half a block: 3 matrices x 640 x 32 x 4.25 bits are 32,640 bytes."""
    work = [term.model_dump() for term in experts_of(build).work]
    assert work[0]["per_run"] == 32_640
    work[0]["per_run"] = 16_320
    assert reports(with_experts(build, work=work), "R4", "reads 16320 bytes of weights a run, must 32640, 1 blocks")


def test_blocks_without_their_number_in_a_run_are_seen(build: Build) -> None:
    """Tests four shards of 64 columns whose runs read no block, or that do not say so: then 256 whole experts."""
    sizes = experts_of(build).sizes
    nothing = with_experts(build, sizes=sizes | {"run_blocks": 0})
    assert reports(nothing, "R4", "has no run_blocks, but runs that read blocks")
    untold = with_experts(build, sizes={name: size for name, size in sizes.items() if name != "run_blocks"})
    assert reports(untold, "R4", "operator layer.0.experts has 256 whole experts on its shards, must 4")


def test_a_whole_expert_on_no_shard_is_seen(tmp_path: Path) -> None:
    """Tests four whole experts on four chips, of which the last says that it holds none."""
    build = compiled(tmp_path, moe="whole")
    shares = [list(share) for share in experts_of(build).shares or ()]
    assert [held for _, held, _ in shares] == [1, 1, 1, 1]
    shares[3][1] = 0
    assert reports(with_experts(build, shares=shares), "R4", "has 3 whole experts on its shards, must 4")
    assert check(build).ok


def test_biases_are_resident_once(tmp_path: Path) -> None:
    """Tests four experts of 96 columns in three blocks on four chips, which hold three blocks each.

    A column has 3 x 640 x 4.25 / 8 = 1,020 bytes of matrices, two biases of 2 bytes, and of the 1,280 bytes of that of
    down a 96th, rounded up to 13 86 / 256 bytes.
    """
    build = compiled(tmp_path, weights="mxfp4", intermediate_size=96, model_type="gpt_oss", mlp_bias=True)
    terms = experts_of(build).resident[0].terms
    assert [term.per_column for term in terms] == [1020 + 4 + 13 + 86 / 256]
    assert set(kept_tensors(build).bytes.tolist()) >= {ceil(96 * (1024 + 13 + 86 / 256))}
    assert check(build).ok
