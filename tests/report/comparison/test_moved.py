"""Tests of which layers of two builds lie on other chips."""

from __future__ import annotations

from dataclasses import replace

from lpxsched.report.comparison.moved import Moved, moved_layers, moved_sentence, noun_of
from tests.builds import two_chip_build
from tests.report.builds import repeated_build, whole_model


def test_layers_on_other_chips_are_found() -> None:
    """Tests that the third layer is new, and the first two stay."""
    assert moved_layers(repeated_build(2), repeated_build(3)) == [
        Moved("0", "0.0-1", "0.0-1"),
        Moved("1", "0.2-3", "0.2-3"),
        Moved("2", "", "1.0-1"),
    ]


def test_layers_of_a_whole_model_are_those_of_its_model() -> None:
    """Tests four visits against two layers: visit 1 is layer 0, and an embedding is no layer at all."""
    whole = moved_layers(whole_model(repeated_build(4), visits=4), repeated_build(2))
    assert whole == [
        Moved("embedding", "0.0-1", ""),
        Moved("0", "0.2-3", "0.0-1"),
        Moved("1", "1.0-1", "0.2-3"),
        Moved("head", "1.2-3", ""),
    ]
    assert moved_sentence(whole) == "2 of 2 visits on other chips; 2 visits only in A"


def test_layers_of_one_build_only_lie_on_no_other_chips() -> None:
    """Tests the sentence: a layer that moved, one that only the second build has, and equal builds."""
    moved = [Moved("0", "0.0", "0.1"), Moved("1", "0.2", "0.2"), Moved("2", "", "0.3")]
    assert moved_sentence(moved) == "1 of 2 layers on other chips; 1 layer only in B"
    assert moved_sentence(moved[1:2]) == "All on the same chips"
    assert moved_sentence([Moved("0", "0.0", "")]) == "1 layer only in A"


def test_a_collective_has_no_layers() -> None:
    """Tests two kinds of it on the same chips, two on others, and one beside a model of one layer."""
    build = two_chip_build()
    gather, scatter = (
        replace(build, manifest=build.manifest.model_copy(update={"options": {"kind": kind}}))
        for kind in ("gather", "scatter")
    )
    moved = moved_layers(gather, scatter)
    assert moved == [Moved("collective", "0.0-1", "0.0-1")]
    assert (noun_of(moved), moved_sentence(moved)) == ("collective", "All on the same chips")
    assert moved_sentence([Moved("collective", "0.0", "0.1")]) == "1 of 1 collective on other chips"
    assert moved_sentence(moved_layers(gather, build)) == "1 visit only in A; 1 visit only in B"
