"""From a figure to the bytes of a file: equal figures give equal bytes.

Figures are drawn without pyplot, from matplotlib's own defaults, with fixed metadata.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

DPI = 110
# The edge of bars, in their own colour: what is narrower than a pixel is then seen in a PNG, too.
EDGE_POINTS = 0.4
SVG, PNG = "svg", "png"
METADATA: dict[str, dict[str, str | None]] = {
    SVG: {"Date": None, "Creator": "lpxsched"},
    PNG: {"Software": "lpxsched"},
}


def new_figure(inches: tuple[float, float], *, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """Return an empty figure of a size, with a canvas of its own."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def images(draw: Callable[[], Figure], formats: Sequence[str], *, font: str = "path") -> dict[str, bytes]:
    """Return a figure in each format.

    Parameters
    ----------
    draw : callable
        Returns the figure, new at each call: saving moves the layout of a figure by a little.
    formats : sequence of str
        Any of ``svg`` and ``png``.
    font : str
        How an SVG holds its text: as ``path``, or as ``none``, text in the font of the page around it.
    """
    import matplotlib as mpl

    with mpl.rc_context():
        # A user's own matplotlibrc must not change the bytes.
        mpl.rcdefaults()
        mpl.rc("font", size=8.0)
        mpl.rc("axes", titlesize=10.0)
        mpl.rc("svg", hashsalt="lpxsched", fonttype=font)
        return {name: _image(draw(), name) for name in formats}


def _image(figure: Figure, name: str) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format=name, dpi=DPI, metadata=METADATA[name])
    return image.getvalue()
