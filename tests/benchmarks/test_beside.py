"""The tables of two checkouts, side by side."""

from __future__ import annotations

from benchmarks.beside import Solved, least, told

TABLES = """
### Rings

| instance | cycles | bound | s | met |
|---|---|---|---|---|
| ring-8 | 1,100 | 1,000 | 0.250 | yes |
| mean |  |  |  | yes |

### No seconds

| instance | cycles |
|---|---|
| ring-8 | 1,100 |

rows that miss a target: 0
"""


def test_rows_are_those_that_say_seconds() -> None:
    """Tests a row, a mean without seconds, and a table without them."""
    assert told(TABLES) == {("Rings", "ring-8"): Solved("1,100", 0.25)}


def test_of_several_rounds_the_least_seconds_count() -> None:
    """Tests two rounds of one row."""
    slow = {("Rings", "ring-8"): Solved("1,100", 0.75)}
    assert least([slow, told(TABLES)]) == told(TABLES)
