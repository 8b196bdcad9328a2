"""Steps of a micro-batch: what chips keep of a step, and what comes out of a segment, decides what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.verify.replay.evaluate import Found
from lpxsched.verify.replay.model import model_of
from lpxsched.verify.replay.plan import plan_of
from lpxsched.verify.replay.replay import follow, replay
from lpxsched.verify.replay.rounds import Round
from lpxsched.workload.model import Attention
from tests.timetable.small import compiled
from tests.verify.changes import without
from tests.verify.replay.whole import STEP, layer, whole_build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lpxsched.timetable.build import Build
    from lpxsched.verify.replay.evaluate import Difference

WHOLE = {"attention": "lpu", "batch": 2, "effort": 1, "num_attention_heads": 8, "num_key_value_heads": 2}
SIZES = {"head_dim": 32, "vocab_size": 512, "num_hidden_layers": 1}
LINEAR = {
    "layer_types": ["linear_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 32,
    "linear_conv_kernel_dim": 4,
    "attn_output_gate": True,
}
LATENT = {"kv_lora_rank": 64, "q_lora_rank": 96, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32}


def whole(folder: Path, **changes: Any) -> Build:
    """Return a compiled toy of one layer, whole on the chips of a TSP node."""
    return compiled(folder, **WHOLE | SIZES | {"context": 64, "partition": "auto", "chips": None} | changes)


def differing(build: Build, change: Callable[[Found], None]) -> list[Difference]:
    """Return what differs in the second step of a micro-batch whose chips keep something else after the first one."""
    model, found = model_of(build, 0), Found()
    differences: list[Difference] = []
    for dense, visit in follow(plan_of(build), model, 0, Round(steps=model.steps), found):
        if dense.now.step == 1 and not differences:
            change(found)
        assert dense.now.step <= 1
        differences += [one for one in visit if len(one.wrong)]
        if dense.now.step == 1:
            break
    return differences


def place(found: Found, kind: str, cell: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]) -> None:
    """Change what the first shard that keeps something of a kind keeps."""
    key = next(key for key, values in found.kept.items() if kind in key[0] and values.size)
    found.kept[key] = cell(found.kept[key])


def test_a_cache_grows_by_what_each_step_writes(tmp_path: Path) -> None:
    """Tests three steps of two rows: three places before, one more after each step, on every shard."""
    build = whole(tmp_path)
    model, found = model_of(build, 0), Found()
    sizes = []
    for dense, visit in follow(plan_of(build), model, 0, Round(steps=model.steps), found):
        assert not any(len(one.wrong) for one in visit)
        caches = [cache for (name, _), cache in found.kept.items() if "cache" in name]
        sizes.append({len(cache) for cache in caches})
        assert dense.now.step == len(sizes) - 1
    assert sizes == [{4}, {5}, {6}]


def test_a_short_context_ends_the_steps() -> None:
    """Tests a context of two rows, which is enough for two steps of one."""
    short = whole_build(layer(Attention(4, 2, 4)), widths=(1, 1, 1), decoding=replace(STEP, context=2))
    assert model_of(short, 0).steps == 2


def test_a_cached_row_of_another_step_is_found(tmp_path: Path) -> None:
    """Tests a chip that keeps the row of the first step one place too early: at both places another row is found."""
    build = whole(tmp_path)
    swapped = differing(build, lambda found: place(found, "scores, cache", lambda cache: cache[[0, 1, 3, 2]]))
    assert swapped[0].name == "layer.1.scores, cache"
    assert swapped[0].wrong.tolist() == [2, 3]
    # What follows from it is wrong too, down to the token of that row.
    assert {one.name for one in swapped} > {"layer.1.scores", "layer.1.mixed", "layer.2.tokens"}


def test_a_cached_row_that_is_not_written_is_found(tmp_path: Path) -> None:
    """Tests a chip that still keeps the places from before the first step."""
    build = whole(tmp_path)
    short = differing(build, lambda found: place(found, "values, cache", lambda cache: cache[:-1]))
    assert short[0].name == "layer.1.values, cache"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [(LINEAR, "state"), (LINEAR, "last key rows"), (LATENT, "latent_scores, cache"), (LATENT, "latent_values, cache")],
    ids=["state", "convolution", "latent scores", "latent values"],
)
def test_any_other_thing_that_is_kept_counts(tmp_path: Path, changes: dict[str, Any], kind: str) -> None:
    """Tests states, the last rows of a convolution and latent rows: one number more on one chip is found there."""
    build = whole(tmp_path, **changes)

    def spoilt(found: Found) -> None:
        place(found, kind, lambda kept: kept + (np.arange(kept.size).reshape(kept.shape) == kept.size - 1))

    assert kind in differing(build, spoilt)[0].name
    assert differing(build, lambda _: None) == []


def test_what_a_layer_lost_is_missing_in_the_next_layer_and_step(tmp_path: Path) -> None:
    """Tests a model on GPUs and chips whose first layer lacks its last slot, which brings rows to a host."""
    build = compiled(tmp_path, batch=2)
    hosts = build.chips.host[build.links.dst[build.slots.link]]
    layer = build.operators.layer[build.tensors.producer[build.slots.tensor]]
    lost = int(np.flatnonzero(hosts & (layer == 0))[-1])
    model, found = model_of(build, 0), Found()
    wrong = {
        (dense.now.step, build.graph.operators[one.run.number].name)
        for dense, visit in follow(plan_of(without(build, "slots", lost)), model, 0, Round(steps=3), found)
        for one in visit
        if len(one.wrong)
    }
    assert {step for step, name in wrong if name == "layer.0.egress"} == {0, 1, 2}
    # The second layer's rows follow from those of the first, those of the first from the step before.
    assert {step for step, name in wrong if name == "layer.1.ingress"} == {0, 1, 2}
    assert {step for step, name in wrong if name == "layer.0.ingress"} == {1, 2}
    assert replay(build).ok


def test_rows_that_go_in_several_windows_come_out_once_a_step(tmp_path: Path) -> None:
    """Tests two layers whose experts take their rows in three windows: three visits of a segment a step, two layers."""
    build = compiled(tmp_path, moe="dispatch", batch=9, capacity=0.5)
    model = model_of(build, 0)
    assert model.windows == (3, 3)
    visits = [
        dense.now[1:] for dense, visit in follow(plan_of(build), model, 0, Round(steps=2), Found()) if list(visit)
    ]
    assert visits == [(step, 2, window) for step in range(2) for _ in range(2) for window in range(3)]
