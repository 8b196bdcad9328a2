"""Tests of one figure of two builds as people read it."""

from __future__ import annotations

from lpxsched.report.comparison.change import Change, by_group, change_rows, shown


def test_figures_stand_side_by_side_with_units() -> None:
    """Tests a time, a share whose difference is points, and figures that one build lacks or has as zero."""
    found = [
        Change("a", "step", "us", 2.0, 3.0),
        Change("a", "tray links", "%", 50.0, 25.0),
        Change("b", "restart", "us", None, 1.0),
        Change("b", "waiting", "us", 0.0, 1.0),
    ]
    assert change_rows(found).rows == [
        ["step, us", "2.000", "3.000", "+1.000", "1.5000"],
        ["tray links, %", "50.00", "25.00", "-25.00 points", "0.5000"],
        ["restart, us", "-", "1.000", "-", "-"],
        ["waiting, us", "0.000", "1.000", "+1.000", "-"],
    ]
    assert {group: len(members) for group, members in by_group(found).items()} == {"a": 2, "b": 2}


def test_what_is_of_another_kind_has_no_difference() -> None:
    """Tests a share of a token beside one of a period: both are told, and nothing between them."""
    change = Change("busy", "tray links", "%", 10.0, 20.0, alike=False)
    assert (change.difference, change.ratio) == (None, None)
    assert change_rows([change]).rows == [["tray links, %", "10.00", "20.00", "-", "-"]]


def test_figures_are_shown_with_their_sign() -> None:
    """Tests what is missing, a whole number, and a time that got shorter."""
    assert shown(None, "us") == "-"
    assert shown(3, "", signed=True) == "+3"
    assert shown(-0.25, "us", signed=True) == "-0.250"
