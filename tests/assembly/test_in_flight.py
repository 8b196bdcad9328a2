"""Small models of one layer, several micro-batches in flight, from their configs to the checker."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.errors import NothingFoundError
from lpxsched.verify.check import check
from tests.timetable.small import compiled
from tests.toy import slow_handover

CHOICES = st.fixed_dictionaries(
    {
        "hidden_size": st.sampled_from((320, 640)),
        "num_local_experts": st.sampled_from((2, 4, 8)),
        "intermediate_size": st.sampled_from((32, 320)),
        "batch": st.integers(1, 6),
        # Attention of so many fits on the GPUs at once.
        "in_flight": st.integers(2, 36),
        "clock": st.sampled_from(("none", "xo-100ppm")),
        "one_way_ns": st.sampled_from((0.0, 100.0, 350_000.0)),
        "chips": st.sampled_from(([[0]], [[0, 1]], [[0, 1, 2, 3, 4]], [list(range(8))])),
    }
)


@settings(max_examples=12, deadline=None)
@given(CHOICES)
def test_what_is_in_flight_keeps_every_rule(choices: dict[str, Any]) -> None:
    """Tests random layers on a TSP node: the checker finds no fault, and no period is shorter than its bound.

    With 700 us of hand-over clocks need several deskews a step.
    """
    with TemporaryDirectory() as folder:
        one_way_ns = choices.pop("one_way_ns")
        choices["handover"] = slow_handover(Path(folder), one_way_ns)
        try:
            build = compiled(Path(folder), num_hidden_layers=1, **choices)
        except NothingFoundError as refused:
            # Two chips joined by one lane: a few windows, some of them lost to deskews.
            fit = re.search(r"(\d+) micro-batches in flight, and (\d+) fit", str(refused))
            assert fit is not None
            assert int(fit[1]) == choices["in_flight"] > int(fit[2])
            return
    assert check(build).violations == ()
    results, frames = build.manifest.results, build.frames
    assert results["period_cycles"] == frames.period_cycles[0] >= frames.lower_bound_cycles[0] > 0
    assert frames.windows[0] - len(frames.gaps[0]) >= choices["in_flight"]
    if choices["clock"] == "none":
        assert len(build.deskews) == len(frames.gaps[0]) == 0
    elif one_way_ns > 100:
        assert len(build.deskews) > 1
