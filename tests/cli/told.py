"""What commands tell with --json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lpxsched.cli.main import run
from lpxsched.errors import ExitCode

if TYPE_CHECKING:
    import pytest


def collective_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Schedule a collective with --json and return the object."""
    assert run(["collective", *arguments, "--json"]) == ExitCode.DONE
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def compile_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Compile with --json and return the object."""
    assert run(["compile", *arguments, "--json"]) == ExitCode.DONE
    result: dict[str, object] = json.loads(capsys.readouterr().out)
    return result
