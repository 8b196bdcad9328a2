"""What commands print: one JSON object, or text a person can read."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lpxsched.errors import InfeasibleError, NothingFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

progress_option = click.option(
    "--progress", "on_pipe", is_flag=True, help="Tell progress on stderr also where that is no terminal, a line a step."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def emit(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result as one JSON object or as text, on stdout."""
    click.echo(json.dumps(dict(result), allow_nan=False) if as_json else text)


def failing_words(witness: dict[str, Any]) -> str:
    """Return what fails first beyond some clocks, and where, on a line."""
    chips = witness.get("chips", [])
    where = [f"{'chips' if len(chips) > 1 else 'chip'} {' and '.join(map(str, chips))}"] if chips else []
    where += [f"{name} {witness[name]}" for name in ("slot", "link") if name in witness]
    return f"{witness['what']} ({', '.join(where)})"


@contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Print a search that ends without a schedule as a result when JSON is asked for, and pass it on."""
    try:
        yield
    except (InfeasibleError, NothingFoundError) as error:
        if as_json:
            emit({"status": error.status, "cause": str(error)}, "", as_json=True)
        raise


@contextmanager
def progress_told(*, on_pipe: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show progress on stderr: a bar on a terminal, elsewhere a line a step where that was asked for.

    Yields
    ------
    callable
        Takes a step, how many of its kind are done, and how many there are.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def update(step: str, done: int, total: int) -> None:
            if not console.is_terminal:
                if on_pipe:
                    click.echo(f"{step}: {done} of {total} done", err=True)
                return
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield update
