"""``lpxsched compile``: from a model and a topology to a build folder."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lpxsched.cli.choices import given, model_option
from lpxsched.cli.console import emit, failures_told, json_option, progress_option, progress_told
from lpxsched.cli.files import output_targets, write_file
from lpxsched.cli.verification import holds, verify_option
from lpxsched.errors import ExitCode
from lpxsched.files.shipped import find_file, name_of
from lpxsched.options import PARTITIONS, CompileOptions, checked_options

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

_option = partial(model_option, CompileOptions)
PARTITION = "|".join((*PARTITIONS, "FILE"))


@click.command()
@click.argument("model")
@click.argument("topology")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write.  [default: build/MODEL]")
@_option("batch", "Users of a step.")
@_option("draft", "Drafted tokens that a step checks for each user.")
@_option("acceptance", "Tokens that a step emits a user.  [default: as shipped for the model, else 1]")
@_option("context", "Rows of the sequence that each row sees in its mixers.")
@_option("kv", "Type of cached keys and values.")
@_option("in_flight", "Micro-batches between two visits of the same user; above 1 each owns windows.")
@_option("weights", "Type of the expert weights.  [default: as published]")
@_option("activations", "Type of the rows that enter.")
@_option("partials", "Type in which partial sums travel.")
@_option("partition", "Chips of each layer: the shortest mapping found, a baseline, or a YAML file.", metavar=PARTITION)
@click.option("--write-partition", type=click.Path(path_type=Path), help="File for the chips of each layer, to edit.")
@_option("attention", "Where attention runs.")
@_option("moe", "How experts lie on chips.")
@_option("capacity", "With --moe dispatch: rows an expert has room for, over their mean.  [default: all that may come]")
@_option("router", "Where rows are routed.")
@_option("gpus", "GPUs that run mixers, by name or file.")
@_option("handover", "Way between GPUs and hosts, by name or file.")
@_option("solver", "How schedules are found.")
@_option("effort", "1 is greedy alone; each step more doubles the search.")
@_option("seed", "Seed of every random choice.")
@_option("clock", "Clock by name or file; see lpxsched clocks.")
@verify_option
@progress_option
@json_option
def compile_command(
    output: Path | None, write_partition: Path | None, verify: bool, on_pipe: bool, as_json: bool, **choices: Any
) -> ExitCode:
    """Lay MODEL over TOPOLOGY, prove the timetable and write it into a folder.

    MODEL is a shipped name, a folder with a config.json, or a file. TOPOLOGY is a shipped name or a YAML file. The
    same input, options and seed give the same bytes. Exits with 5, and writes nothing, when a rule does not hold.
    """
    from lpxsched.timetable.writer import refuse_foreign_folder, write_build

    options = checked_options(CompileOptions, "compile", given(choices))
    target = output or Path("build") / name_of(find_file("model", options.model))
    refuse_foreign_folder(target)
    mapping = output_targets({"write_partition": write_partition}, [target]).get("write_partition")
    started = time.perf_counter()
    with failures_told(as_json=as_json), progress_told(on_pipe=on_pipe) as progress:
        from lpxsched.pipeline import compile_timetable
        from lpxsched.workload.acceptance import acceptance
        from lpxsched.workload.config.load import load_model
        from lpxsched.workload.ffns import gpu_notes
        from lpxsched.workload.lpu_visits import lpu_notes

        build = compile_timetable(options, progress=progress)
        model = load_model(options.model)
        notes = gpu_notes if options.attention == "gpu" else lpu_notes
        tokens = acceptance(options.model, draft=options.draft, chosen=options.acceptance)
        accepted = (f"acceptance length {float(tokens.tokens):g}: {tokens.source}",) if options.draft else ()
        for note in (*model.notes, *notes(model, options.draft), *accepted):
            click.echo(f"note: {note}", err=True)
        if verify:
            progress("proving", 0, 1)
        sound = not verify or holds(build, remedy="try a smaller --batch, or a --partition with more chips a layer")
    if sound:
        write_build(target, build)
        if mapping is not None:
            from lpxsched.assembly.model_results import partition_of
            from lpxsched.report.layers import head_of, layer_name

            head = head_of(build.manifest.results)
            names = [layer_name(row.layer, head) for row in build.graph.layers]
            write_file(mapping, partition_of(build, names).encode())
    measured = {
        "verified": verify and sound,
        "seconds": round(time.perf_counter() - started, 3),
        "output": str(target) if sound else None,
    }
    if as_json or sound:
        _tell(build, measured, as_json=as_json)
    return ExitCode.DONE if sound else ExitCode.VERIFICATION_FAILED


def _tell(build: Build, measured: dict[str, Any], *, as_json: bool) -> None:
    from lpxsched.report.console.compile import compile_text

    record = build.manifest.results | {"content_sha256": build.manifest.content_sha256} | measured
    emit(record, "" if as_json else compile_text(build, measured), as_json=as_json)
