"""Tests that documents and program do not drift apart."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from lpxsched.cli.main import COMMANDS
from lpxsched.errors import ExitCode
from lpxsched.timetable.columns import COLUMN_NAMES, TABLES, Table

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    """Tests that relative links in documents exist."""
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    missing = [t for t in targets if not t.startswith("http") and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists(page: Path) -> None:
    """Tests that ``lpxsched NAME`` in a command line names a command of the program."""
    shown = re.findall(r"^ {4,}(?:.*uv run )?lpxsched ([a-z]+)", page.read_text(), flags=re.MULTILINE)
    assert set(shown) <= set(COMMANDS)


def test_readme_shows_the_two_set_up_commands() -> None:
    """Tests that the main job and the tests each start from pip alone."""
    text = (ROOT / "README.md").read_text()
    assert "pip install uv && uv run lpxsched compile gpt-oss-120b lpx-rack -o build/gpt-oss-120b" in text
    assert 'pip install uv && uv run pytest -n auto -m "not slow"' in text
    assert 'pip install uv && uv run pytest -n auto -m "not slow"' in (ROOT / ".ci" / "run").read_text()


def test_readme_tells_every_exit_code() -> None:
    """Tests that the table of exit codes has a row for each, and no other."""
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert list(map(int, rows)) == sorted(ExitCode)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_every_column_is_documented(table: type[Table]) -> None:
    """Tests that docs/build-folder.md names the file and each of its columns in a table row."""
    text = (ROOT / "docs" / "build-folder.md").read_text()
    assert table.file in text
    first_cells = " , ".join(re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE))
    documented = set(re.split(r"[ ,]+", first_cells))
    assert {COLUMN_NAMES.get(field.name, field.name) for field in fields(table)} <= documented


def test_decisions_are_numbered_without_gaps() -> None:
    """Tests that decision files count from 0001 and carry their number in the title."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, page in enumerate(pages, start=1):
        assert page.name.startswith(f"{number:04d}-")
        assert page.read_text().startswith(f"# {number}. ")
