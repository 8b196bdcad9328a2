"""Fixtures of the tests of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fabric.examples import write_family

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ring(tmp_path: Path) -> str:
    """Return a ring of four chips."""
    return write_family(tmp_path, "ring", chips=4)
