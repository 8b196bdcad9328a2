"""Tests of colours."""

from __future__ import annotations

from lpxsched.report.colours import CLASS_COLOURS, KIND_COLOURS, OTHER_COLOURS, colours


def test_operators_of_a_whole_model_are_told_apart() -> None:
    """Tests twelve kinds that have no colour of their own, besides one that has: thirteen colours."""
    names = ["argmax", "embedding", "ffn_norm", "ffn_scale", "lm_head", "mixer_scale", "out", "qkv", "rotate"]
    names += ["sample", "scores", "softmax", "experts"]
    assert len(set(colours(names, KIND_COLOURS).values())) == len(names)
    assert not {*OTHER_COLOURS} & {*KIND_COLOURS.values(), *CLASS_COLOURS.values()}


def test_what_is_counted_on_has_the_colour_of_the_first() -> None:
    """Tests a known kind, another one, and two names without a first."""
    found = colours(["combine_2", "out", "out_2", "wire_1", "wire_2"], KIND_COLOURS)
    assert found["combine_2"] == KIND_COLOURS["combine"]
    assert found["out_2"] == found["out"]
    assert len({found["out"], found["wire_1"], found["wire_2"]}) == 3
