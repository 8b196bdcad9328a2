"""Tests of how many tokens a step emits a user."""

from __future__ import annotations

import csv
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from lpxsched.errors import InputError
from lpxsched.files.shipped import ROOT
from lpxsched.workload.acceptance import TABLE, Acceptance, acceptance
from tests.toy import toy_model

if TYPE_CHECKING:
    from pathlib import Path


def named(tmp_path: Path, name: str) -> str:
    """Return the folder of a model of some name."""
    folder = tmp_path / name
    (tmp_path / "made").mkdir()
    (tmp_path / "made").rename(folder)
    (folder / "config.json").write_text((tmp_path / "toy" / "config.json").read_text())
    return str(folder)


def test_the_shipped_table_is_by_name_and_drafts(tmp_path: Path) -> None:
    """Tests three drafts of a model of the table, whatever the case of its name, with its method as the source."""
    toy_model(tmp_path)
    found = acceptance(named(tmp_path, "Kimi-K2.5"), draft=3, chosen=None)
    assert found.tokens == Fraction("2.88")
    assert found.source.startswith("EAGLE3: ")


def test_what_the_table_lacks_is_one_token_and_said(tmp_path: Path) -> None:
    """Tests a model that is not in the table."""
    found = acceptance(toy_model(tmp_path), draft=2, chosen=None)
    assert found == Acceptance(Fraction(1), "no acceptance length of toy with 2 drafts is shipped: 1 token a step")


def test_without_drafts_a_step_is_a_token(tmp_path: Path) -> None:
    """Tests that nothing is said then."""
    assert acceptance(toy_model(tmp_path), draft=0, chosen=None) == Acceptance(Fraction(1), "")


def test_a_user_may_say_it() -> None:
    """Tests 1.9 of two drafts exactly, and that a step emits no more than its rows."""
    assert acceptance("toy", draft=2, chosen=1.9) == Acceptance(Fraction(19, 10), "--acceptance")
    with pytest.raises(InputError, match="a step with 2 drafted tokens emits 3 at most"):
        acceptance("toy", draft=2, chosen=3.5)


def test_every_row_of_the_table_has_a_source_and_numbers_a_step_can_emit() -> None:
    """Tests that n drafts give from 1 to n + 1 tokens."""
    with (ROOT / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows:
        assert row["source"]
        assert row["model"] == row["model"].lower()
        assert all(1 <= Fraction(row[str(draft)]) <= draft + 1 for draft in range(1, 9))
