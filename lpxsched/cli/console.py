"""What commands print: one JSON object, or text a person can read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def emit(result: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print the result as one JSON object or as text, on stdout."""
    click.echo(json.dumps(dict(result), allow_nan=False) if as_json else text)
