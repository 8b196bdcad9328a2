"""What commands print: one JSON object, or text a person can read."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from lpxsched.errors import InfeasibleError, NothingFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def emit(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result as one JSON object or as text, on stdout."""
    click.echo(json.dumps(dict(result), allow_nan=False) if as_json else text)


@contextmanager
def failures_told(*, as_json: bool) -> Iterator[None]:
    """Print a search that ends without a schedule as a result when JSON is asked for, and pass it on."""
    try:
        yield
    except (InfeasibleError, NothingFoundError) as error:
        status = "infeasible" if isinstance(error, InfeasibleError) else "unknown"
        if as_json:
            emit({"status": status, "cause": str(error)}, "", as_json=True)
        raise
