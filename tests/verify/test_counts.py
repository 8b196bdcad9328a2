"""R3, counts of the manifest: they follow from tables and graph, and figures from each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, reports, rules
from tests.verify.test_results import claiming

# Eight slots of two vectors each, over links 0 to 5. Each input goes to both chips: of 16 hops of vectors 12 are of
# different ones (two inputs, two partial sums and two results, of two vectors each).
TRUE = {"layers": 1, "slots": 8, "vectors": 12, "vector_hops": 16, "links": 6, "chips": 2}
PROBLEM = {"layers": [0], "chips": 2}


def test_true_counts_pass() -> None:
    """Tests a model that counts everything."""
    assert not rules(claiming(two_chip_build(), **TRUE, distinct_problems=1, problems=[PROBLEM]))


@pytest.mark.parametrize("key", TRUE)
def test_a_count_that_is_one_more_is_found(key: str) -> None:
    """Tests each count by itself."""
    told = TRUE | {"problems": [PROBLEM], key: TRUE[key] + 1}
    assert breaks(claiming(two_chip_build(), **told), "R3", f"results {key} is {TRUE[key] + 1}, tables and graph have")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ({"layers": [0], "chips": 3}, "problems.0.chips is 3, its layers have 2"),
        ({"layers": [1], "chips": 2}, "problems.0.chips is 2, it names no layer of the graph"),
        ({"layers": "all", "chips": [2]}, "problems.0.chips is [2], it names no layer of the graph"),
        ({"layers": [0, 0], "chips": 2}, "problems name layers [0, 0], must name each of 1 layers once"),
    ],
)
def test_problems_are_those_of_the_layers(problem: dict[str, Any], text: str) -> None:
    """Tests a problem of other chips, of a layer that is not there, of none, and of one layer twice."""
    assert breaks(claiming(two_chip_build(), problems=[problem]), "R3", f"manifest.json: results {text}")


@pytest.mark.parametrize("problems", [[], {}, [3]])
def test_problems_are_as_many_as_are_counted(problems: object) -> None:
    """Tests a list of none, no list, and one of no problem."""
    build = claiming(two_chip_build(), distinct_problems=1, problems=problems)
    assert breaks(build, "R3", "results distinct_problems is 1, problems lists 0")


def test_micro_batches_are_those_of_the_options() -> None:
    """Tests a result that tells one where three were asked for."""
    build = claiming(two_chip_build(), in_flight=1)
    one, three = (
        replace(build, manifest=build.manifest.model_copy(update={"options": {"in_flight": asked}})) for asked in (1, 3)
    )
    assert not rules(one)
    assert breaks(three, "R3", "results in_flight is 1, options in_flight is 3")


FIGURES = {"layers": [0], "makespan_cycles": 12, "lower_bound_cycles": 10, "gap": 1.2, "status": "feasible"}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({}, ""),
        ({"lower_bound_cycles": 12, "gap": 1.0, "status": "optimal"}, ""),
        ({"period_cycles": 15, "gap": 1.5, "period_gap": 1.5}, ""),
        ({"wires": {"makespan_cycles": 3, "lower_bound_cycles": 2, "gap": 1.5}}, ""),
        ({"gap": 1.1}, "problems.0.gap is 1.1, of 12 cycles over 10 it is 1.2"),
        ({"period_cycles": 15, "gap": 1.5, "period_gap": 1.2}, "problems.0.period_gap is 1.2, of 15 cycles over 10"),
        ({"status": "optimal"}, "problems.0 is optimal with 12 cycles and a bound of 10"),
        ({"lower_bound_cycles": 16, "gap": 0.75}, "problems.0 is feasible with 12 cycles and a bound of 16"),
        (
            {"wires": {"makespan_cycles": 3, "lower_bound_cycles": 2, "gap": 1}},
            "problems.0.wires.gap is 1, of 3 cycles",
        ),
    ],
)
def test_figures_of_a_problem_follow_from_each_other(told: dict[str, Any], text: str) -> None:
    """Tests 12 cycles over a bound of 10, of which 15 may be the period."""
    build = claiming(two_chip_build(), problems=[FIGURES | told])
    assert breaks(build, "R3", f"results {text}") if text else not rules(build)


def test_what_is_told_twice_is_the_same() -> None:
    """Tests a seed, the users outside and the name of the clock, each beside an option."""
    manifest = two_chip_build().manifest
    for options, text in (
        ({"seed": manifest.seed}, ""),
        ({"seed": manifest.seed + 1}, f"seed is {manifest.seed}, options seed is {manifest.seed + 1}"),
        ({"clock": "other"}, "options clock is 'other', clock name is"),
    ):
        build = signed(replace(two_chip_build(), manifest=manifest.model_copy(update={"options": options})))
        assert breaks(build, "R3", text) if text else not rules(build)


def test_a_status_and_a_type_are_those_that_a_compile_writes() -> None:
    """Tests a status of another word, and a count that equals one in Python."""
    assert breaks(
        claiming(two_chip_build(), status="perfect"), "R3", "status is 'perfect', must be optimal or feasible"
    )
    assert breaks(claiming(two_chip_build(), slots=8.0), "R3", "results slots is 8.0, tables and graph have 8")


@pytest.mark.parametrize(
    ("makespan", "gap", "right"), [(128, 1.28, True), (128, 1.27, False), (128, 0.99, False), (128, 1.280001, True)]
)
def test_the_gap_over_other_mappings_follows(makespan: int, gap: float, right: bool) -> None:
    """Tests 128 ns over a bound of 100: 1.28, to the last of six decimals."""
    build = claiming(two_chip_build(), mapping_bound_ns=100.0, mapping_gap=gap, makespan_ns=makespan)
    assert right != breaks(build, "R3", f"results mapping_gap is {gap}, makespan and mapping_bound_ns make 1.28")


def test_no_gap_is_told_without_a_bound() -> None:
    """Tests a gap beside a bound that is null, one that is no number, and two nulls."""
    build = claiming(two_chip_build(), mapping_bound_ns=None, mapping_gap=1.28)
    assert breaks(build, "R3", "results mapping_gap is 1.28, mapping_bound_ns is None")
    build = claiming(two_chip_build(), mapping_bound_ns=100.0, mapping_gap="small")
    assert breaks(build, "R3", "results mapping_gap is 'small', mapping_bound_ns is 100.0")
    assert not rules(claiming(two_chip_build(), mapping_bound_ns=None, mapping_gap=None))


def test_each_node_has_a_place_and_each_link_a_lane() -> None:
    """Tests a chip at the place of another one, and a link that is the lane of another one."""
    build = two_chip_build()
    place = str(build.chips.position[0])
    assert breaks(change(build, "chips", 1, position=place), "R1", "chips.parquet: row 1 is where node 0 is")
    # Links 0 and 1 leave chip 0, for chip 1 and for the host.
    doubled = change(build, "links", 1, dst=1)
    assert reports(doubled, "R1", "links.parquet: row 1 is the lane that 0 is")
