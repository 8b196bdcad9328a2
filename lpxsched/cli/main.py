"""The ``lpxsched`` program: finds the command, and turns every fault into one line and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from lpxsched.errors import ExitCode, LpxschedError
from lpxsched.files.near import near_names

# name of the command -> module of lpxsched.cli and its line in the overview
COMMANDS = {
    "compile": ("compile", "Lay a model over a fabric and write the timetable."),
    "collective": ("collective", "Schedule one collective on the chips of a fabric."),
    "reschedule": ("reschedule", "Make a timetable round failed links, chips or trays."),
    "check": ("check", "Prove a build folder against the rules, from its files alone."),
    "replay": ("replay", "Move numbers through a build folder and compare them with a dense run."),
    "bound": ("bound", "Bound slack, buffers and latency of a build folder for all clocks, without a sample."),
    "simulate": ("simulate", "Run a build folder on drifting clocks and count late vectors."),
    "contend": ("contend", "Run the demands of a build with run-time arbitration, beside its timetable."),
    "report": ("report", "Print link utilisation and where the time of a layer goes."),
    "export": ("export", "Write a build as a picture, table, waveform or trace, or as programs of chips."),
    "disassemble": ("disassemble", "Print a chip's program, as export --programs wrote it."),
    "sweep": ("sweep", "Compile every combination of lists of options, a row each."),
    "sensitivity": ("sensitivity", "Tell what each assumed number is worth: a step at both ends of its range."),
    "session": ("session", "Run requests of agents that wait for each other on the steps of builds."),
    "topology": ("topology", "Tell sizes, distances, bandwidth and symmetry of a fabric, and draw it."),
    "model": ("model", "Tell layers, parameters and bytes of a model."),
    "schema": ("schema", "Print the JSON Schema of an input file, for editors."),
    "topologies": ("listing", "List the shipped topologies."),
    "models": ("model", "List the shipped models: parameters, and the least racks."),
    "clocks": ("listing", "List the shipped clocks."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a user's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name, importing its module."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"lpxsched.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that arguments begin with; of a wrong name those near it are told."""
        if args[0] not in COMMANDS and (near := near_names(args[0], COMMANDS)):
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lpxsched")
def app() -> None:
    """Compile static timetables for machines whose network never decides anything at run time.

    A first run: lpxsched compile MODEL lpx-rack, with a name of lpxsched models, then check, simulate and report the
    folder that it wrote.
    """


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every fault ends as one line on stderr."""
    try:
        code = app.main(arguments, prog_name="lpxsched", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.BAD_INPUT
    except click.UsageError as error:
        return _fail(_usage_line(error), ExitCode.BAD_INPUT)
    except LpxschedError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of a pipe has left; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:
        if _hides_an_interrupt(error):
            return _fail("interrupted", ExitCode.INTERRUPTED)
        if os.environ.get("LPXSCHED_DEBUG"):
            raise
        problem = f"internal error, please report it: {type(error).__name__}: {error}"
        return _fail(f"{problem} (LPXSCHED_DEBUG=1 shows where)", ExitCode.BUG)
    return code if isinstance(code, int) else ExitCode.DONE


def _hides_an_interrupt(error: BaseException) -> bool:
    """Return whether Ctrl-C is behind a fault: compiled modules that are interrupted while they load say so."""
    cause = error.__cause__ or error.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _hides_an_interrupt(cause))


def _usage_line(error: click.UsageError) -> str:
    name = error.ctx.command_path if error.ctx else "lpxsched"
    return f"{name}: {error.format_message()}"


def _fail(line: str, code: ExitCode) -> int:
    print(" ".join(line.split()), file=sys.stderr)
    return code
