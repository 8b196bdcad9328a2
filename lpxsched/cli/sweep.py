"""``lpxsched sweep``: a compile for every combination of some lists of options."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from lpxsched.cli.choices import Listed, WholeNumber, given, options_of
from lpxsched.cli.compile import compile_command
from lpxsched.cli.console import emit, json_option, progress_option, progress_told
from lpxsched.cli.files import output_targets, write_file
from lpxsched.errors import InputError
from lpxsched.options import CompileOptions
from lpxsched.units import counted

MOST_JOBS = 1024

jobs_option = click.option(
    "--jobs", type=WholeNumber(1, MOST_JOBS), default=1, show_default=True, help="Compiles at once on this machine."
)


@click.command()
@click.argument("model", metavar="MODEL", type=Listed(click.STRING))
@click.argument("topology", metavar="TOPOLOGY", type=Listed(click.STRING))
@options_of(compile_command, CompileOptions, listed=True)
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Table, .csv or .parquet.")
@click.option("--png", metavar="FILE", type=click.Path(path_type=Path), help="Picture of step against throughput.")
@jobs_option
@click.option("--cluster", metavar="ADDRESS", help="Scheduler of dask.distributed whose workers compile instead.")
@progress_option
@json_option
def sweep_command(
    output: Path | None,
    png: Path | None,
    jobs: int,
    cluster: str | None,
    on_pipe: bool,
    as_json: bool,
    **lists: tuple[Any, ...] | None,
) -> None:
    """Compile and prove every combination of MODEL, TOPOLOGY and the options, each a value or several: 1,8,64.

    The table has a row a point, those included that have no timetable: with the exit code of lpxsched compile and the
    cause. Points that are done are kept in the folder FILE.points, and taken when the same sweep, or one with more
    elements, is run again. Bytes do not depend on --jobs, --cluster or what was taken.
    """
    from lpxsched.exploring.runs import Workers, refuse_missing_cluster
    from lpxsched.exploring.sweep.done import outcomes_of
    from lpxsched.exploring.sweep.front import pareto_front, sweep_text
    from lpxsched.exploring.sweep.points import points_of, swept
    from lpxsched.exploring.sweep.table import rows_of, table_bytes

    whole = {name: (None,) if elements is None else elements for name, elements in lists.items()}
    elements = {name: whole[name] for name in CompileOptions.model_fields}
    points, names = points_of(elements), swept(elements)
    chosen = [{name: point[name] for name in given(elements)} for point in points]
    targets, folder = output_targets({"table": output, "png": png}), _points_folder(output)
    if cluster is not None:
        if given({"jobs": jobs}):
            raise click.UsageError("--jobs are compiles of this machine; those of --cluster are its workers")
        refuse_missing_cluster("sweep")
    started = time.perf_counter()
    with progress_told(on_pipe=on_pipe) as progress:
        outcomes, taken = outcomes_of(chosen, Workers(jobs, cluster), folder, progress=progress)
    rows = rows_of(points, outcomes)
    if "table" in targets:
        write_file(targets["table"], table_bytes(rows, targets["table"].suffix.lower()))
    if "png" in targets:
        from lpxsched.exploring.sweep.picture import render_sweep

        write_file(targets["png"], render_sweep(rows, names))
    record = {
        "points": len(points),
        "done_before": taken,
        "rows": rows,
        "pareto": pareto_front(rows),
        "seconds": round(time.perf_counter() - started, 3),
        "output": output and str(output),
    }
    told = f"{counted(len(points), 'point')}, {taken} of them done before, {record['seconds']:.1f} s"
    emit(record, "" if as_json else f"{sweep_text(rows, names)}\n{told}", as_json=as_json)


def _points_folder(output: Path | None) -> Path | None:
    """Return the folder in which the points of a table are kept.

    Raises
    ------
    InputError
        When it cannot be made.
    """
    if output is None:
        return None
    folder = output.with_name(f"{output.name}.points")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        problem = f"no folder for points that are done: {error.strerror}; name another file"
        raise InputError(str(folder), problem, key="--output") from error
    return folder
