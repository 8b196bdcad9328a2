"""``lpxsched compile``: from a model and a topology to a build folder."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import checked_options, model_option
from lpxsched.cli.console import emit, failures_told, json_option
from lpxsched.cli.verification import holds, verify_option
from lpxsched.errors import ExitCode, InputError
from lpxsched.files.shipped import find_file, name_of
from lpxsched.options import PARTITIONS, CompileOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lpxsched.timetable.build import Build

_option = partial(model_option, CompileOptions)
PARTITION = "|".join((*PARTITIONS, "FILE"))


@click.command()
@click.argument("model")
@click.argument("topology")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write.  [default: build/MODEL]")
@_option("batch", "Rows that enter a layer together.")
@_option("in_flight", "Micro-batches between two visits of the same user; above 1 only a model of one layer.")
@_option("weights", "Type of the expert weights.  [default: as published]")
@_option("activations", "Type of the rows that enter.")
@_option("partials", "Type in which partial sums travel.")
@_option("partition", "Chips of each layer: the shortest mapping found, a baseline, or a YAML file.", metavar=PARTITION)
@click.option("--write-partition", type=click.Path(path_type=Path), help="File for the chips of each layer, to edit.")
@_option("attention", "Where attention runs.")
@_option("moe", "How experts lie on chips.")
@_option("gpu_ns", "Time of one layer's attention on the GPU (an assumption).")
@_option("solver", "How schedules are found.")
@_option("effort", "1 is greedy alone; each step more doubles the search.")
@_option("seed", "Seed of every random choice.")
@_option("clock", "Clock by name or file; see lpxsched clocks.")
@verify_option
@json_option
def compile_command(
    output: Path | None, write_partition: Path | None, verify: bool, as_json: bool, **choices: Any
) -> ExitCode:
    """Lay MODEL over TOPOLOGY, prove the timetable and write it into a folder.

    MODEL is a shipped name, a folder with a config.json, or a file. TOPOLOGY is a shipped name or a YAML file. The
    same input, options and seed give the same bytes. Exits with 5, and writes nothing, when a rule does not hold.
    """
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    options = checked_options(CompileOptions, "compile", choices)
    target = output or Path("build") / name_of(find_file("model", options.model))
    refuse_foreign_folder(target)
    if write_partition:
        _refuse_unwritable(write_partition)
    started = time.perf_counter()
    with failures_told(as_json=as_json), _progress() as progress:
        from lpxsched.pipeline import compile_timetable
        from lpxsched.workload.config.load import load_model
        from lpxsched.workload.ffns import gpu_notes

        build = compile_timetable(options, progress=progress)
        model = load_model(options.model)
        for note in (*model.notes, *gpu_notes(model)):
            click.echo(f"note: {note}", err=True)
        sound = not verify or holds(build, remedy="try a smaller --batch, or a --partition with more chips a layer")
    if sound:
        write_build(target, build)
        if write_partition:
            _write_partition(write_partition, build)
    measured = {
        "verified": verify and sound,
        "seconds": round(time.perf_counter() - started, 3),
        "output": str(target) if sound else None,
    }
    if as_json or sound:
        _tell(build, measured, as_json=as_json)
    return ExitCode.DONE if sound else ExitCode.VERIFICATION_FAILED


def _tell(build: Build, measured: dict[str, Any], *, as_json: bool) -> None:
    from lpxsched.report.compile_summary import compile_summary

    record = build.manifest.results | {"content_sha256": build.manifest.content_sha256} | measured
    emit(record, "" if as_json else compile_summary(build, measured), as_json=as_json)


def _write_partition(path: Path, build: Build) -> None:
    from lpxsched.program.file import partition_text

    groups = {one.group: one.chips for one in build.graph.groups}
    chips = [groups[row.group] for row in build.graph.layers]
    path.write_text(partition_text(chips, build.manifest.results["mapping"]["reasons"]), encoding="utf-8")


def _refuse_unwritable(path: Path) -> None:
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise InputError(str(path), "must be a file in a folder that is there", key="--write-partition")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on stderr while problems are solved, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield update
