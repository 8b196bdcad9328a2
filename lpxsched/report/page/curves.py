"""Curves that stand still, as SVG inside the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.figures.images import SVG, images, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from lpxsched.report.slack import Slack

# Stands for the colour of the page's text until the figure is in the page, where it follows light and dark.
INK = "#010203"
MOST_STEPS = 400


def slack_curve(slack: Sequence[Slack], colours: Mapping[str, str]) -> str:
    """Return what share of the slots of each link class has at most how much slack, as an SVG element."""
    text = images(lambda: _draw(slack, colours), [SVG], font="none")[SVG].decode()
    element = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"\s+\n", "\n", element.replace(INK, "currentColor").replace("'DejaVu Sans', ", ""))


def _draw(slack: Sequence[Slack], colours: Mapping[str, str]) -> Figure:
    figure = new_figure((7.6, 2.6))
    figure.patch.set_alpha(0)
    axes = figure.subplots()
    axes.patch.set_alpha(0)
    for of in slack:
        values, count = np.unique(of.cycles, return_counts=True)
        # Every step of a short curve, evenly spread ones of a long one, both ends always.
        rows = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_STEPS)).astype(np.int64))
        # Of a hundred: a class of few slots would lie on the axis.
        slots = 100 * np.concatenate([[0], np.cumsum(count)[rows]]) / len(of.cycles)
        axes.step(
            np.concatenate([values[rows][:1], values[rows]]),
            slots,
            where="post",
            color=colours[of.link_class],
            label=of.link_class,
        )
    axes.set_xlabel("slack at most (cycles)", color=INK)
    axes.set_ylabel("of the slots of a class, %", color=INK)
    axes.tick_params(colors=INK)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.legend(frameon=False, labelcolor=INK, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
