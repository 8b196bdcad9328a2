"""Acceptance lengths: the tokens that a step emits a user on average, where it checks drafts besides the next token."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction

from lpxsched.errors import InputError
from lpxsched.files.shipped import ROOT, find_file, name_of
from lpxsched.units import counted

TABLE = "models/acceptance_lengths.csv"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Tokens a step and a user, exactly, and where the number is from; an empty source where none is needed."""

    tokens: Fraction
    source: str


def acceptance(model: str, *, draft: int, chosen: float | None) -> Acceptance:
    """Return the acceptance length of a model.

    Parameters
    ----------
    model : str
        A shipped name, a folder or a file; the shipped table is by name.
    draft : int
        Drafted tokens a user and a step.
    chosen : float or None
        What a user says; None takes the shipped table, and 1 where it has no such row.

    Raises
    ------
    InputError
        When the user says more tokens than a step can emit.
    """
    if chosen is not None:
        if chosen > draft + 1:
            problem = f"a step with {counted(draft, 'drafted token')} emits {draft + 1} at most, got {chosen:g}"
            raise InputError("lpxsched compile", problem, key="--acceptance")
        return Acceptance(Fraction(str(chosen)), "--acceptance")
    if not draft:
        return Acceptance(Fraction(1), "")
    name = name_of(find_file("model", model)).lower()
    with (ROOT / TABLE).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["model"] == name and str(draft) in row:
                return Acceptance(Fraction(row[str(draft)]), f"{row['method']}: {row['source']}")
    return Acceptance(
        Fraction(1), f"no acceptance length of {name} with {counted(draft, 'draft')} is shipped: 1 token a step"
    )
