"""The picture of ``lpxsched topology``: a few chips with all links; many as a grid and as a matrix of links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.colours import MIXED_COLOUR, class_colours
from lpxsched.report.figures.images import images, new_figure
from lpxsched.report.topology.layout import bundles_between_chips
from lpxsched.report.topology.panels import DOWN_COLOUR, draw_all_links, draw_grid, draw_matrix
from lpxsched.report.topology.text import hop_ns, symmetry_words
from lpxsched.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.fabric.facts import Facts

# All links of more chips than these would hide each other.
CHIPS_WITH_ALL_LINKS = 24
MOST_CLASSES = 8
SMALL_INCHES, LARGE_INCHES = (8.0, 8.8), (15.0, 8.8)
# Left, bottom, width and height of the panels as parts of the figure, above a legend of `LEGEND_LINES`.
WHOLE = (0.03, 0.09, 0.94, 0.8)
LEFT, RIGHT = (0.02, 0.1, 0.47, 0.78), (0.545, 0.13, 0.44, 0.75)
LEGEND_LINES, LINE_SHARE = 3, 0.022
# Of a letter of the legend at the most, and of what stands beside its text.
LETTER_INCHES, MARK_INCHES = 0.08, 0.6


def render_topology(fabric: Fabric, facts: Facts, formats: Sequence[str]) -> dict[str, bytes]:
    """Return the picture of a fabric in each format (``svg``, ``png``); equal fabrics give equal bytes."""
    return images(lambda: _draw(fabric, facts), formats)


def _draw(fabric: Fabric, facts: Facts) -> Figure:
    names = [link_class.name for link_class in fabric.link_classes]
    palette = class_colours(names[index] for index in set(fabric.link_class.tolist()))
    # Without links there is nothing to draw.
    tints = [palette.get(name, MIXED_COLOUR) for name in names]
    bundles = bundles_between_chips(fabric)
    small = fabric.chips <= CHIPS_WITH_ALL_LINKS
    figure = new_figure(SMALL_INCHES if small else LARGE_INCHES, layout=None)
    lines = _legend(figure, fabric, facts, tints, set(bundles.link_class.tolist()))
    if small:
        draw_all_links(figure.add_axes(_above(WHOLE, lines)), fabric, bundles, tints)
    else:
        draw_grid(figure.add_axes(_above(LEFT, lines)), fabric, bundles, tints)
        draw_matrix(figure.add_axes(_above(RIGHT, lines)), fabric, bundles, tints)
    figure.suptitle(_title(fabric, facts), fontsize=12, y=0.985)
    return figure


def _above(panel: tuple[float, float, float, float], lines: int) -> tuple[float, float, float, float]:
    """Return a panel that leaves room for a legend of so many lines."""
    left, bottom, width, height = panel
    more = LINE_SHARE * max(0, lines - LEGEND_LINES)
    return left, bottom + more, width, height - more


def _title(fabric: Fabric, facts: Facts) -> str:
    diameter = "not connected" if facts.diameter is None else f"diameter {counted(facts.diameter, 'hop')}"
    links = counted(fabric.links, "directed link")
    first = f"{fabric.name}: {counted(fabric.chips, 'chip')}, {links}, {diameter}"
    down = {"chip": int(fabric.node_down[: fabric.chips].sum()), "link": int((~fabric.link_up).sum())}
    listed = ", ".join(counted(number, noun) for noun, number in down.items() if number)
    out = f"; out of service: {listed}" if listed else ""
    return f"{first}\n{symmetry_words(facts.symmetry)}{out}"


def _legend(figure: Figure, fabric: Fabric, facts: Facts, tints: list[str], drawn: set[int]) -> int:
    """Draw the legend in as many columns as fit, and return its lines."""
    from matplotlib.lines import Line2D

    handles = []
    for index, of_class in enumerate(facts.classes):
        lanes = fabric.lane[fabric.link_class == index]
        if len(lanes):
            label = (
                f"{of_class.name}: {counted(int(lanes.max()) + 1, 'lane')} a pair, {hop_ns(fabric, of_class):,.0f} ns "
                f"a hop, {float(of_class.gbps):g} Gb/s{'' if index in drawn else ', not drawn'}"
            )
            handles.append(Line2D([], [], color=tints[index], linewidth=4, label=label))
    if len(handles) > MOST_CLASSES:
        repeated = ", whose colours repeat" if len(set(tints)) < len(tints) else ""
        more = Line2D(
            [],
            [],
            alpha=0,
            label=f"and {counted(len(handles) - MOST_CLASSES + 1, 'more class')}{repeated}",
        )
        handles = [*handles[: MOST_CLASSES - 1], more]
    if not fabric.link_up.all():
        handles.append(Line2D([], [], color=DOWN_COLOUR, linewidth=2, linestyle=":", label="out of service"))
    letters = max((len(str(handle.get_label())) for handle in handles), default=0)
    fit = int(figure.get_figwidth() / (LETTER_INCHES * letters + MARK_INCHES))
    columns = 1 if len(handles) < 3 else max(1, min(3, fit))
    figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=9)
    return -(-len(handles) // columns)
