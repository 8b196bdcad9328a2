"""Tests of what layers are called."""

from __future__ import annotations

import pytest

from lpxsched.report.layers import (
    in_model_order,
    keys_ranged,
    layer_key,
    layer_name,
    layer_ranges,
    layers_named,
    number_ranges,
    segment_name,
)
from lpxsched.units import NONE
from tests.builds import two_chip_build
from tests.report.builds import whole_model


def test_runs_of_numbers_are_joined() -> None:
    """Tests three runs, and none."""
    assert number_ranges([0, 1, 2, 3, 5, 7, 8]) == "0-3, 5, 7-8"
    assert number_ranges([]) == ""


def test_many_runs_are_not_listed() -> None:
    """Tests that of more than three runs the first two, the last and the number of layers are told."""
    assert number_ranges(range(0, 32, 2)) == "0, 2, .. 30 (16)"


@pytest.mark.parametrize(
    ("layers", "head", "told", "named"),
    [
        ([0, 1, 2, 3], NONE, "0-3", "layers 0-3"),
        ([3], NONE, "3", "layer 3"),
        # Visits 1 and 2 are the layers 0 and 1 of the model.
        ([0, 1, 2, 3], 3, "embedding, 0-1, head", "embedding, layers 0-1, head"),
        ([1], 3, "0", "layer 0"),
        ([0], 3, "embedding", "embedding"),
        ([3], 3, "head", "head"),
        ([], 3, "", ""),
        # Three visits a draft: join, layer and head.
        ([1, 3, 4, 5, 6], 3, "0, head, MTP 1-3", "layer 0, head, MTP 1-3"),
        ([5], 3, "MTP 2", "MTP 2"),
    ],
)
def test_visits_are_told_by_name(layers: list[int], head: int, told: str, named: str) -> None:
    """Tests layers of a model by its own numbers, and visits of a whole model with its ends."""
    assert (layer_ranges(layers, head), layers_named(layers, head)) == (told, named)


def test_one_layer_is_called_the_same_in_every_build() -> None:
    """Tests layer 0, which is visit 1 of a whole model, and what is no layer."""
    assert layer_key(1, 3) == layer_key(0, NONE) == "0"
    assert layer_name(1, 3) == layer_name(0, NONE) == "layer 0"
    assert [layer_name(number, 3) for number in (0, 3, 4)] == ["embedding", "head", "MTP 1"]


def test_drafts_come_last() -> None:
    """Tests keys in another order, and both ways to tell them."""
    keys = in_model_order(["MTP 10", "head", "MTP 9", "1", "embedding", "10", "0"])
    assert keys == ["embedding", "0", "1", "10", "head", "MTP 9", "MTP 10"]
    assert keys_ranged(keys) == "embedding, layers 0-1, 10, head, MTP 9-10"


def test_a_segment_of_all_visits_is_the_whole_model() -> None:
    """Tests one layer beside a whole model."""
    build = two_chip_build()
    assert segment_name(build, (0,)) == "layer 0"
    assert segment_name(whole_model(build, visits=4), (0,)) == "the whole model"
