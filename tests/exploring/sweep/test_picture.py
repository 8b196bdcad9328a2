"""Tests of what the picture of a sweep says at its axes and points."""

from __future__ import annotations

from typing import Any

from lpxsched.exploring.sweep.picture import _draw, _labels

NAMES = ["batch", "clock"]


def rows(*points: tuple[int, str, float, float]) -> list[dict[str, Any]]:
    """Return rows of batch, clock, step in us, and tokens/s."""
    return [
        {
            "option_model": "toy",
            "option_topology": "ring",
            "option_batch": batch,
            "option_clock": clock,
            "exit_code": 0,
            "step_ns": 1000 * step,
            "tokens_per_s": rate,
        }
        for batch, clock, step, rate in points
    ]


def test_points_beside_each_other_share_a_label() -> None:
    """Tests batch 1 on two clocks, 1 % apart, batch 8 beside them, and batch 1 elsewhere."""
    found = _labels(
        rows((1, "a", 10, 100), (1, "b", 10.1, 99), (8, "a", 10, 100), (1, "c", 10, 104)), range(4), "batch"
    )
    assert found == [((10, 100), "1"), ((10, 100), "8"), ((10, 104), "1")]


def test_axes_have_plain_numbers_and_few() -> None:
    """Tests rates from 60 thousand to 2.4 millions: ticks at 1, 2 and 5 times powers of ten, none between them.

    A margin of a twentieth of log 40 below begins at 49,900.
    """
    figure = _draw(rows((1, "a", 16, 60e3), (8, "a", 18, 440e3), (64, "a", 27, 2.4e6)), NAMES)
    figure.canvas.draw()
    axis = figure.axes[0].yaxis
    bottom, top = figure.axes[0].get_ylim()
    told = [label.get_text() for label in axis.get_majorticklabels()]
    seen = [text for text, at in zip(told, axis.get_majorticklocs(), strict=True) if bottom <= at <= top]
    assert seen == ["50,000", "100,000", "200,000", "500,000", "1,000,000", "2,000,000"]
    assert {label.get_text() for label in axis.get_minorticklabels()} == {""}


def test_curves_that_coincide_all_show() -> None:
    """Tests three clocks that change nothing: what is drawn first is widest, and each has a mark of its own."""
    figure = _draw(rows(*((batch, clock, 10 * batch, 100 * batch) for clock in "abc" for batch in (1, 2, 4, 8))), NAMES)
    curves = figure.axes[0].lines[:3]
    assert [line.get_label() for line in curves] == ["clock a", "clock b", "clock c"]
    assert [line.get_linewidth() for line in curves] == [5, 3, 1]
    assert [line.get_markersize() for line in curves] == [9, 7, 5]
    assert len({line.get_marker() for line in curves}) == 3
