"""Tests of the slowest way and the longest context that a rate allows, and of published formulas, by hand."""

from __future__ import annotations

from fractions import Fraction

from lpxsched.files.ranged import known
from lpxsched.program.outside.gpus import gpus_of, read_gpus
from lpxsched.program.outside.handover import handover_of, read_handover
from lpxsched.program.outside.micro_batch import Outside, Visit
from lpxsched.program.outside.targets import largest_context, largest_one_way_ns, published_steps_ns


def outside(layers: int = 4, **changes: int | Fraction) -> Outside:
    """Return layers with 30 ns on GPUs, 10 in and 20 out each, and nothing after the last; 2,000 ns one way."""
    visit = Visit(known(30), known(10), known(20), {})
    gpus, handover = gpus_of(read_gpus("nvl72")), handover_of(read_handover("fpga-400g"))
    facts = {"context": 1000, "longest_window": 100, "row_ns": Fraction(1, 2)} | changes
    return Outside((visit,) * layers, known(0), (), gpus, handover, **facts)


def test_what_is_left_of_a_step_is_shared_by_all_ways() -> None:
    """Tests 800 ns left over 4 x 2 ways, and a step that is too long by more than they take."""
    assert largest_one_way_ns(outside(), Fraction(1000), Fraction(1800)) == 2100
    assert largest_one_way_ns(outside(), Fraction(20_000), Fraction(1000)) is None


def test_what_is_left_of_a_step_is_filled_with_context() -> None:
    """Tests 800 ns left at half a nanosecond a row, a context within a window, and none that counts."""
    assert largest_context(outside(), Fraction(1000), Fraction(1800)) == 2600
    assert largest_context(outside(), Fraction(1000), Fraction(540)) is None
    assert largest_context(outside(row_ns=Fraction(0)), Fraction(1000), Fraction(1800)) is None


def test_published_formulas() -> None:
    """Tests t_a 30, t_f 40, ways 10 and 20 a layer, four layers: 100 once, and cycles of 100, 60, 40 and 40.

    K = 3 needs 2 + 30 / 40, so three micro-batches, K = 4 four.
    """
    assert published_steps_ns(outside(), Fraction(160), 1) == {
        "serial": 400,
        "K = 2": None,
        "K = 3": None,
        "K = 4": None,
    }
    assert published_steps_ns(outside(), Fraction(160), 4) == {
        "serial": 100 + 100 * 15,
        "K = 2": 100 + 60 * 15,
        "K = 3": 100 + 40 * 15,
        "K = 4": 100 + 40 * 15,
    }
