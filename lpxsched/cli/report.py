"""``lpxsched report``: link utilisation and where the time of a layer goes."""

from __future__ import annotations

from pathlib import Path

import click

from lpxsched.cli.console import emit, json_option


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@json_option
def report_command(folder: Path, as_json: bool) -> None:
    """Print how busy links and chips are, and where the time of a layer goes.

    DIR is a folder that lpxsched compile wrote. Layers run one after the other along a token; the utilisation
    of a link class is given over the whole token, and over the links of a layer's own chips while that layer
    runs. The makespan of each layer is split along its critical path; the parts sum to it exactly.
    """
    from lpxsched.report.summary import summarise, summary_json
    from lpxsched.report.text import report_text
    from lpxsched.timetable.reader import read_sound_build

    summary = summarise(read_sound_build(folder))
    emit(summary_json(summary), report_text(summary), as_json=as_json)
