"""Tests of the faults that a user can cause."""

from __future__ import annotations

import pytest

from lpxsched.errors import ExitCode, InfeasibleError, InputError, LpxschedError, NothingFoundError


def test_an_input_error_reads_place_key_problem() -> None:
    """Tests that an error with a position reads ``file:line:column: key: problem``."""
    error = InputError("a.yaml", "must be positive", key="host.lanes", line=3, column=5)
    assert str(error) == "a.yaml:3:5: host.lanes: must be positive"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("a.yaml", "not UTF-8 text"), "a.yaml: not UTF-8 text"),
        (InputError("a.yaml", "is wrong", key="name"), "a.yaml: name: is wrong"),
        (InputError("a.yaml", "is wrong", line=1, column=1), "a.yaml:1:1: is wrong"),
        (InputError("", "names nothing"), "names nothing"),
    ],
)
def test_parts_that_are_missing_leave_no_trace(error: InputError, expected: str) -> None:
    """Tests that an empty file, key or position leaves no colon behind."""
    assert str(error) == expected


def test_an_input_error_keeps_its_facts() -> None:
    """Tests that a caller can ask for the parts of an error instead of reading its text."""
    error = InputError("a.yaml", "is wrong", key="name", line=3, column=5)
    assert (error.where, error.problem, error.key, error.line, error.column) == ("a.yaml", "is wrong", "name", 3, 5)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x85", "\u2028"])
@pytest.mark.parametrize("make", [lambda text: InputError(text, text), InfeasibleError, NothingFoundError])
def test_every_fault_is_one_line(make: type[LpxschedError], end: str) -> None:
    """Tests that no line end of a name or a value breaks the text of a fault."""
    assert len(str(make(f"first{end}second")).splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("a", "b"), 2),
        (InfeasibleError("too large"), 3),
        (NothingFoundError("greedy"), 4),
    ],
)
def test_each_fault_has_its_exit_code(error: LpxschedError, code: int) -> None:
    """Tests that bad input, a proof and an open search end with different exit codes."""
    assert error.exit_code == code


def test_the_exit_codes_are_those_of_the_manual() -> None:
    """Tests all exit codes that scripts rely on."""
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "BUG": 1,
        "BAD_INPUT": 2,
        "INFEASIBLE": 3,
        "NOTHING_FOUND": 4,
        "VERIFICATION_FAILED": 5,
        "INTERRUPTED": 130,
    }


def test_unknown_is_not_reported_as_infeasible() -> None:
    """Tests that an open search says so and what to try next."""
    assert str(InfeasibleError("x > y")) == "infeasible: x > y"
    assert str(NothingFoundError("3 seeds")) == "unknown: nothing found (3 seeds); try a larger --effort"
    assert (
        str(NothingFoundError("9 cuts", remedy="use --partition")) == "unknown: nothing found (9 cuts); use --partition"
    )
