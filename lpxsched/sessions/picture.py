"""The picture of a session: agents over time with the critical chain marked, and what its time without tools is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.report.colours import GRID_COLOUR
from lpxsched.report.figures.images import EDGE_POINTS, PNG, images, new_figure
from lpxsched.sessions.outcome import ASSUMED, PREFILL, TIMETABLE, TOOLS, WAITING
from lpxsched.sessions.trace import PS_PER_S
from lpxsched.units import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lpxsched.sessions.outcome import SessionOutcome
    from lpxsched.sessions.study import Study

WIDTH_INCHES, ROW_INCHES, FRAME_INCHES, BARS_INCHES = 11.0, 0.24, 1.2, 2.4
COLOURS = {TOOLS: "#DDDDDD", PREFILL: "#E69F00", WAITING: "#CC79A7", TIMETABLE: "#0072B2", ASSUMED: "#56B4E9"}
CHAIN, CHAIN_COLOUR = "critical chain", "#000000"
BAR_HEIGHT, CHAIN_HEIGHT = 0.62, 0.12
# More do not fit on a page; the first ones are drawn.
MOST_AGENTS = 60


def render_session(study: Study) -> bytes:
    """Return the picture as PNG: the nominal session over time, and the parts of all that is told of it."""
    return images(lambda: _draw(study), [PNG])[PNG]


def _draw(study: Study) -> Figure:
    from matplotlib.patches import Patch

    agents = list(dict.fromkeys(study.session.agents))[:MOST_AGENTS]
    heights = [FRAME_INCHES + ROW_INCHES * len(agents), BARS_INCHES]
    figure = new_figure((WIDTH_INCHES, sum(heights)))
    over_time, parts = figure.subplots(2, 1, height_ratios=heights)
    _draw_agents(over_time, study, agents)
    _draw_parts(parts, study)
    patches = [Patch(color=colour, label=name) for name, colour in (COLOURS | {CHAIN: CHAIN_COLOUR}).items()]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches))
    return figure


def _draw_agents(axes: Axes, study: Study, agents: list[str]) -> None:
    """Draw a row an agent; what is on the critical chain has a line above it."""
    timeline, row_of = study.nominal.timeline, {agent: row for row, agent in enumerate(agents)}
    shown = np.array([agent in row_of for agent in study.session.agents])
    rows = np.array([row_of.get(agent, 0) for agent in study.session.agents])[shown]
    ready = timeline.open_ps + timeline.tool_ps
    on_chips = timeline.end_ps - timeline.assumed_ps
    times = (timeline.open_ps, ready, ready + timeline.prefill_ps, timeline.placed_ps, on_chips, timeline.end_ps)
    marks = [column[shown] / PS_PER_S for column in times]
    for (name, colour), begin, end in zip(COLOURS.items(), marks, marks[1:], strict=False):
        wide, edge = end > begin, 0.0 if name == TOOLS else EDGE_POINTS
        axes.barh(
            rows[wide],
            (end - begin)[wide],
            left=begin[wide],
            height=BAR_HEIGHT,
            color=colour,
            edgecolor=colour,
            linewidth=edge,
        )
    chain = np.isin(np.flatnonzero(shown), study.nominal.chain)
    left, width = marks[0][chain], (marks[-1] - marks[0])[chain]
    above = rows[chain] - BAR_HEIGHT / 2 - CHAIN_HEIGHT
    axes.barh(
        above,
        width,
        left=left,
        height=CHAIN_HEIGHT,
        color=CHAIN_COLOUR,
        edgecolor=CHAIN_COLOUR,
        linewidth=EDGE_POINTS,
    )
    axes.set_yticks(range(len(agents)), agents)
    axes.set_ylim(len(agents) - 0.4, -0.8)
    axes.margins(x=0.01)
    axes.grid(visible=True, axis="x", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds, nominal; of each request tool, prefill, wait, and steps by their parts")
    left_out = len(set(study.session.agents)) - len(agents)
    more = f"; without {counted(left_out, 'more agent')}" if left_out else ""
    axes.set_title(
        f"{study.session.name} on {study.steps.options['model']}, {study.steps.options['topology']}: "
        f"{counted(len(study.session.requests), 'request')} in {timeline.total_ps / PS_PER_S:,.1f} s{more}"
    )


def _draw_parts(axes: Axes, study: Study) -> None:
    """Draw a bar for each case along its critical chain, tools left out."""
    bars: dict[str, SessionOutcome] = {"nominal": study.nominal, "worst": study.worst}
    if study.drawn:
        bars |= {"arbitrated, mean steps": study.drawn.mean, "arbitrated, P99 steps": study.drawn.tail}
    for row, outcome in enumerate(bars.values()):
        left = 0.0
        for name, colour in list(COLOURS.items())[1:]:
            width = outcome.parts_ps[name] / PS_PER_S
            axes.barh(row, width, left=left, color=colour, edgecolor=colour, linewidth=EDGE_POINTS if width else 0)
            left += width
        axes.annotate(f"{left:,.1f} s", (left, row), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.margins(x=0.08)
    axes.grid(visible=True, axis="x", color=GRID_COLOUR, linewidth=0.5)
    axes.set_axisbelow(True)
    tools = study.nominal.parts_ps[TOOLS] / PS_PER_S
    axes.set_xlabel(f"seconds along the critical chain without tools, which take {tools:,.1f} s of the nominal one")
