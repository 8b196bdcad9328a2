"""Tests of what a wrong name may be meant for."""

from __future__ import annotations

import pytest

from lpxsched.files.near import did_you_mean, near_names
from lpxsched.files.shipped import shipped_files


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("xo-100pm", "xo-100ppm"),
        # A beginning, though 2 x 4 of 13 letters are too few.
        ("ocxo", "ocxo-5ppb"),
        # "oo" of "common": 2 x 2 of 9 letters.
        ("foo", None),
        # One letter begins too many names.
        ("t", None),
        ("", None),
    ],
)
def test_slips_and_beginnings_are_near(name: str, near: str | None) -> None:
    """Tests names of clocks."""
    assert near_names(name, shipped_files("clock")) == ([] if near is None else [near])


def test_the_most_alike_come_first_and_each_once() -> None:
    """Tests a beginning of two names, one of which is also a slip away, and that no more are told than asked for."""
    known = ["lp30-1465mhz", "lp30", "tsp"]
    assert near_names("lp3", known, most=3) == ["lp30", "lp30-1465mhz"]
    assert near_names("lp3", known) == ["lp30"]


def test_letters_that_changed_places_are_near() -> None:
    """Tests a slip of which 2 x 7 of 16 letters are common in order, fewer than are asked for, and one letter more."""
    known = ["head_dim", "num_heads"]
    assert near_names("head_dmi", known, cutoff=0.9) == ["head_dim"]
    assert near_names("head_dmix", known, cutoff=0.9) == []


def test_a_remedy_names_what_is_near_or_all() -> None:
    """Tests both questions, and the list where nothing is near."""
    colours = ["amber", "orange", "red"]
    assert did_you_mean("oragne", colours, "keys", most=2) == "did you mean orange?"
    assert did_you_mean("rd", ["red", "rod", "tone"], "keys", most=2) == "did you mean rod or red?"
    assert did_you_mean("x", colours, "keys") == "keys: amber, orange, red"
