"""``lpxsched compile``: from a model and a topology to a build folder."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from lpxsched.cli.console import emit, json_option
from lpxsched.errors import ExitCode, InfeasibleError, InputError, NothingFoundError
from lpxsched.files.shipped import find_file, name_of
from lpxsched.options import CompileOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESULT_KEYS = [
    "status",
    "solver",
    "makespan_cycles",
    "lower_bound_cycles",
    "bound",
    "gap",
    "makespan_ns",
    "vectors",
    "vector_hops",
    "slots",
    "chips",
    "links",
    "layers",
    "distinct_problems",
    "wire_gap",
    "worst_case_ns",
    "worst_case_without_gpu_ns",
    "problems",
]


@click.command()
@click.argument("model")
@click.argument("topology")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write.  [default: build/MODEL]")
@click.option(
    "--batch",
    type=click.IntRange(1, 1_000_000),
    default=8,
    show_default=True,
    help="Rows that enter a layer together.",
)
@click.option(
    "--weights",
    type=click.Choice(["fp8", "bf16", "int8", "mxfp4", "nvfp4"]),
    help="Type of the expert weights.  [default: as published]",
)
@click.option(
    "--activations",
    type=click.Choice(["fp8", "bf16"]),
    default="fp8",
    show_default=True,
    help="Type of the rows that enter.",
)
@click.option(
    "--partials",
    type=click.Choice(["bf16", "fp32"]),
    default="bf16",
    show_default=True,
    help="Type in which partial sums travel.",
)
@click.option("--partition", type=click.Path(), help="YAML file with the chips of each layer.  [default: automatic]")
@click.option("--attention", type=click.Choice(["gpu"]), default="gpu", show_default=True, help="Where attention runs.")
@click.option(
    "--moe",
    type=click.Choice(["sharded"]),
    default="sharded",
    show_default=True,
    help="How experts lie on chips.",
)
@click.option(
    "--gpu-ns",
    type=click.FloatRange(0, 1e12),
    default=0.0,
    show_default=True,
    help="Time of one layer's attention on the GPU (enters the worst case only).",
)
@click.option(
    "--solver",
    type=click.Choice(["auto", "greedy", "cpsat"]),
    default="auto",
    show_default=True,
    help="How schedules are found.",
)
@click.option(
    "--effort",
    type=click.IntRange(1, 40),
    default=3,
    show_default=True,
    help="1 is greedy alone; each step more doubles the search.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of every random choice.",
)
@click.option("--clock", default="xo-100ppm", show_default=True, help="Clock by name or file; see lpxsched clocks.")
@json_option
def compile_command(output: Path | None, as_json: bool, **choices: Any) -> int:
    """Lay MODEL over TOPOLOGY and write the timetable into a folder.

    MODEL is a shipped name, a folder with a config.json, or a file. TOPOLOGY is a shipped name or a YAML file. The
    same input, options and seed give the same bytes.
    """
    from lpxsched.report.compile_summary import compile_summary
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    options = _options(choices)
    target = output or Path("build") / name_of(find_file("model", options.model))
    refuse_foreign_folder(target)
    started = time.perf_counter()
    try:
        from lpxsched.pipeline import compile_timetable

        with _progress() as progress:
            build = compile_timetable(options, progress=progress)
            write_build(target, build)
    except (InfeasibleError, NothingFoundError) as error:
        if as_json:
            status = "infeasible" if isinstance(error, InfeasibleError) else "unknown"
            emit({"status": status, "cause": str(error)}, "", as_json=True)
        raise
    results = build.manifest.results
    seconds = round(time.perf_counter() - started, 3)
    record = {key: results[key] for key in RESULT_KEYS}
    record |= {"seconds": seconds, "content_sha256": build.manifest.content_sha256, "output": str(target)}
    emit(record, "" if as_json else compile_summary(build, str(target), seconds), as_json=as_json)
    return ExitCode.DONE


def _options(choices: dict[str, Any]) -> CompileOptions:
    try:
        return CompileOptions(**choices)
    except ValidationError as error:
        fault = error.errors()[0]
        option = "--" + str(fault["loc"][0]).replace("_", "-")
        raise InputError("lpxsched compile", f"{fault['msg']}, got {fault['input']}", key=option) from None


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
