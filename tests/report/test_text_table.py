"""Tests of tables as plain text, and of how they are kept within a terminal."""

from __future__ import annotations

from lpxsched.report.text_table import WIDTH, named_rows, table


def test_a_table_that_fits_has_a_line_a_row() -> None:
    """Tests that names and phrases are flush left, numbers flush right."""
    assert table(["key", "cycles", "why"], [["a", "7", "so it is"], ["long", "1,000", ""]], phrases=[2]).split(
        "\n"
    ) == [
        "  key   cycles  why",
        "  a          7  so it is",
        "  long   1,000",
    ]


def test_the_widest_phrase_goes_on_below() -> None:
    """Tests 20 columns: 2 and 1 for the name, 2 and 2 for the number, 2 and 11 for the phrase, which has 15."""
    told = table(["", "n", "why"], [["a", "12", "one two 3-4 five"], ["b", "3", "x"]], phrases=[2], most=20)
    assert told.split("\n") == [
        "      n  why",
        "  a  12  one two 3-4",
        "         five",
        "  b   3  x",
    ]


def test_names_lose_their_middles_where_phrases_give_no_more() -> None:
    """Tests 20 columns of 32: words of 9 letters stay, so a name of 17 keeps 9 of its own, the least."""
    told = table(["name", "why"], [["abcdefghijklmnopq", "something"]], phrases=[1], most=20)
    assert told.split("\n") == ["  name       why", "  abcd..opq  something"]


def test_named_rows_go_on_below_what_they_say() -> None:
    """Tests a row of a name in 6 columns and 30 words of 4 letters: 19 of them stand in 94 columns, 11 below."""
    lines = named_rows([("name", " ".join(["word"] * 30)), ("", "more"), ("end", "")], width=6).split("\n")
    words = [" ".join(["word"] * count) for count in (19, 11)]
    assert lines == [f"name  {words[0]}", f"      {words[1]}", "      more", "end"]
    assert max(map(len, lines)) <= WIDTH


def test_no_number_stands_apart_from_its_percent_sign() -> None:
    """Tests 6 and 89 columns before 12.5 %, of which 12.5 would fit in 100, and a phrase of 10 columns."""
    assert named_rows([("name", f"{'a' * 89} 12.5 %")], width=6).split("\n") == [f"name  {'a' * 89}", "      12.5 %"]
    told = table(["", "why"], [["a", "wire, 12.5 %"]], phrases=[1], most=15)
    assert told.split("\n") == ["     why", "  a  wire,", "     12.5 %"]
