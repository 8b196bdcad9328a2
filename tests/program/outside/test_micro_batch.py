"""Tests of what a micro-batch spends outside of the fabric."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lpxsched.errors import InfeasibleError
from lpxsched.options import CompileOptions
from lpxsched.program.outside.micro_batch import host_bytes, outside_of
from lpxsched.traffic.group import Group
from lpxsched.workload.config.load import load_model
from lpxsched.workload.datatypes import Precision
from lpxsched.workload.ffn_graph import ffn_graph
from lpxsched.workload.ffns import ffn_model

MODEL = load_model("gpt-oss-120b")
GRAPH = ffn_graph(ffn_model(MODEL), batch=8, precision=Precision("mxfp4", "fp8", "bf16"), vector_bytes=320)
TRAY = tuple(
    Group(layer, tuple(range(16)), tuple(256 + chip // 8 for chip in range(16))) for layer in range(len(MODEL.layers))
)


def test_the_bytes_of_a_tray_pass_its_two_hosts() -> None:
    """Tests 8 rows of 2,880: 72 vectors of fp8 in, 144 of bf16 out, half over each host."""
    assert host_bytes(GRAPH.layer(0), TRAY[0]) == {256: (40 * 320, 72 * 320), 257: (32 * 320, 72 * 320)}


def test_a_step_holds_all_visits_and_what_comes_after_them() -> None:
    """Tests 36 visits with attention before each, and the parts against their sum."""
    outside = outside_of(CompileOptions(model="m", topology="t"), MODEL, GRAPH, TRAY)
    assert len(outside.visits) == 36
    # Full attention reads 8 x 8,192 x 1,024 bytes more than a window of 128 does ...
    wide, narrow = max(visit.attention.value for visit in outside.visits), outside.visits[0].attention.value
    assert (wide - narrow) * outside.gpus.bytes_per_ns.value == 8 * (8192 - 128) * 1024
    # ... and a way in takes 2 us, and 12,800 bytes in 4 frames of 82 more at 50 bytes a nanosecond.
    assert outside.visits[0].into.value == 2000 + Fraction(12_800 + 4 * 82, 50)
    whole = outside.attention_ns + outside.handover_ns
    assert (outside.assumed_ns, outside.unread) == (whole, 0)
    assert whole.low < whole.value < whole.high


def test_caches_that_no_gpu_holds_are_refused() -> None:
    """Tests 100 million rows of context, with the bytes and how many users would do."""
    options = CompileOptions(model="m", topology="t", context=100_000_000, batch=12)
    with pytest.raises(InfeasibleError, match="at most 11 users"):
        outside_of(options, MODEL, GRAPH, TRAY)
