"""Tests of what guesses drafts beside mixers on GPUs."""

from __future__ import annotations

from typing import Any

import pytest

from lpxsched.workload.drafter import guessing_notes, modules_beside_gpus
from lpxsched.workload.model import LinearAttention
from tests.workload.config.examples import model

STATE: dict[str, Any] = {
    "layer_types": ["full_attention", "linear_attention"],
    "linear_num_key_heads": 1,
    "linear_num_value_heads": 1,
    "linear_key_head_dim": 4,
    "linear_value_head_dim": 4,
    "linear_conv_kernel_dim": 2,
}


@pytest.mark.parametrize(("modules", "drafts", "laid"), [(2, 0, 0), (2, 1, 1), (2, 2, 2), (2, 3, 0), (0, 1, 0)])
def test_each_module_guesses_one_draft_at_most(modules: int, drafts: int, laid: int) -> None:
    """Tests fewer drafts than modules, as many, and more, for which none is laid."""
    read = model(num_nextn_predict_layers=modules)
    assert modules_beside_gpus(read, drafts) == (read.mtp,) * laid
    assert bool(guessing_notes(read, drafts)) == (drafts > laid)


@pytest.mark.parametrize(
    ("changes", "drafts", "told"),
    [
        ({}, 0, ()),
        ({}, 1, ("no key names layers that guess further tokens; what guesses drafts is not modelled",)),
        ({"num_mtp_modules": 2}, 2, ()),
        (
            {"num_mtp_modules": 2},
            3,
            (
                "num_mtp_modules: layers that guess further tokens are not laid; 2 of them for 3 drafts, and a further "
                "visit has a row a user: try --draft 2",
            ),
        ),
    ],
)
def test_what_guesses_is_told(changes: dict[str, int], drafts: int, told: tuple[str, ...]) -> None:
    """Tests a model without modules, enough of them, and too few."""
    assert guessing_notes(model(**changes), drafts) == told


def test_a_module_with_a_state_is_not_laid() -> None:
    """Tests a gated delta rule, from whose state a draft that is not accepted cannot be taken back."""
    read = model(num_nextn_predict_layers=1, **STATE)
    assert isinstance(read.mtp[0].mixers[0], LinearAttention)
    assert modules_beside_gpus(read, 1) == ()
    assert "their mixers have a state" in guessing_notes(read, 1)[0]
