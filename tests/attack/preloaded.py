"""What a compile imports, loaded once for all processes that are to be killed."""

from __future__ import annotations

import os
import sys

import pyarrow.parquet  # noqa: F401

import lpxsched.pipeline  # noqa: F401
from lpxsched.cli.main import run


def run_quietly(arguments: list[str]) -> None:
    """Run a command, tell nothing, and leave with its exit code."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        sys.stdout = sys.stderr = nowhere
        os._exit(run(arguments))
