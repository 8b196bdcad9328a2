"""The picture of a session: agents over time, the critical chain marked, and drawn sessions beside the timetable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.colours import GRID_COLOUR
from lpxsched.report.images import PNG, images
from lpxsched.report.rows import counted
from lpxsched.sessions.trace import PS_PER_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.sessions.drawn import Drawn
    from lpxsched.sessions.study import Study

WIDTH_INCHES, ROW_INCHES, FRAME_INCHES, TAIL_INCHES = 11.0, 0.24, 1.5, 2.4
PART_COLOURS = {"tool": "#CCCCCC", "prefill": "#E69F00", "waiting for a place": "#CC79A7", "decode": "#0072B2"}
CHAIN_COLOUR, WORST_COLOUR = "#000000", "#D55E00"
BAR_HEIGHT, CHAIN_HEIGHT = 0.62, 0.12
# More do not fit on a page; the first ones are drawn.
MOST_AGENTS = 60


def render_session(study: Study) -> bytes:
    """Return the picture as PNG: the nominal session, and the drawn ones where there are any."""
    return images(lambda: _draw(study), [PNG])[PNG]


def _draw(study: Study) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    agents = list(dict.fromkeys(study.session.agents))[:MOST_AGENTS]
    rows = FRAME_INCHES + ROW_INCHES * len(agents)
    heights = [rows, TAIL_INCHES] if study.drawn else [rows]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_agents(panels[0], study, agents)
    if study.drawn:
        _draw_drawn(panels[1], study, study.drawn)
    return figure


def _draw_agents(axes: Axes, study: Study, agents: list[str]) -> None:
    """Draw a row an agent; what is on the critical chain has a line above it."""
    timeline, row_of = study.nominal.timeline, {agent: row for row, agent in enumerate(agents)}
    shown = np.array([agent in row_of for agent in study.session.agents])
    rows = np.array([row_of.get(agent, 0) for agent in study.session.agents])[shown]
    ready = timeline.open_ps + timeline.tool_ps
    times = (timeline.open_ps, ready, ready + timeline.prefill_ps, timeline.placed_ps, timeline.end_ps)
    marks = [column[shown] / PS_PER_S for column in times]
    for (name, colour), begin, end in zip(PART_COLOURS.items(), marks, marks[1:], strict=False):
        axes.barh(rows, end - begin, left=begin, height=BAR_HEIGHT, color=colour, label=name)
    chain = np.isin(np.flatnonzero(shown), study.nominal.chain)
    left, width = marks[0][chain], (marks[-1] - marks[0])[chain]
    above = rows[chain] - BAR_HEIGHT / 2 - CHAIN_HEIGHT
    axes.barh(above, width, left=left, height=CHAIN_HEIGHT, color=CHAIN_COLOUR, label="critical chain")
    axes.set_yticks(range(len(agents)), agents)
    axes.set_ylim(len(agents) - 0.4, -0.8)
    axes.margins(x=0.01)
    axes.grid(visible=True, axis="x", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds, nominal")
    left_out = len(set(study.session.agents)) - len(agents)
    more = f"; {left_out} more agents are not drawn" if left_out else ""
    axes.set_title(
        f"{study.session.name} on {study.steps.options['model']}, {study.steps.options['topology']}: "
        f"{counted(len(study.session.requests), 'request')} in {timeline.total_ps / PS_PER_S:,.1f} s{more}"
    )
    axes.legend(loc="lower right", ncols=len(PART_COLOURS) + 1)


def _draw_drawn(axes: Axes, study: Study, drawn: Drawn) -> None:
    """Draw how the drawn sessions lie beside the timetable's."""
    axes.hist(drawn.session_ps / PS_PER_S, bins=40, color=PART_COLOURS["decode"], label="arbitrated at run time")
    nominal, worst = (one.timeline.total_ps / PS_PER_S for one in (study.nominal, study.worst))
    axes.axvline(nominal, color=CHAIN_COLOUR, label="timetable, nominal")
    axes.axvline(worst, color=WORST_COLOUR, label="timetable, worst")
    every = drawn.every_tail_ps / PS_PER_S
    axes.axvline(every, color=PART_COLOURS["prefill"], linestyle="--", label="every arbitrated step its P99")
    axes.set_xlabel("seconds a session")
    axes.set_ylabel("sessions")
    axes.legend(loc="upper center")
