"""R3, counts of the manifest: they follow from tables and graph, and what is assumed lies in its range."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, change, reports, rules
from tests.verify.test_results import claiming

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Eight slots of two vectors each, over links 0 to 5. Each input goes to both chips: of 16 hops of vectors 12 are of
# different ones (two inputs, two partial sums and two results, of two vectors each).
TRUE = {"layers": 1, "slots": 8, "vectors": 12, "vector_hops": 16, "links": 6, "chips": 2}
PROBLEM = {"layers": [0], "chips": 2}


def assuming(build: Build, key: str, **told: Any) -> Build:
    """Return a build that tells one assumption."""
    return signed(replace(build, manifest=build.manifest.model_copy(update={"assumptions": {key: told}})))


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
    assert breaks(three, "R3", "results in_flight is 1, options have 3")


@pytest.mark.parametrize(
    ("makespan", "gap", "right"), [(128, 1.28, True), (128, 1.27, False), (128, 0.99, False), (128, 1.280001, True)]
)
def test_the_gap_over_other_mappings_follows(makespan: int, gap: float, right: bool) -> None:
    """Tests 128 ns over a bound of 100: 1.28, to the last of six decimals."""
    build = claiming(two_chip_build(), mapping_bound_ns=100.0, mapping_gap=gap, makespan_ns=makespan)
    assert right != breaks(build, "R3", f"results mapping_gap is {gap}, makespan and mapping_bound_ns make 1.28")


def test_an_assumed_value_lies_in_its_range() -> None:
    """Tests values at both ends of a range, beyond it, and ranges that are no numbers."""
    build = two_chip_build()
    for value, limits in ((1, [1, 2]), (2, [2, 1]), ("fp8", ["fp8", "int8"]), (True, [False, True]), (3, [])):
        assert not rules(assuming(build, "chip.some", value=value, range=limits))
    assert breaks(assuming(build, "chip.some", value=3, range=[1, 2]), "R3", "chip.some is 3, its range is 1 to 2")
    for value, limits in (("fp4", ["fp8", "int8"]), ("maybe", [False, True]), ("3 ns", [1, 5]), (3, [5, "x"])):
        text = f"chip.some is {value!r}, its range is {limits}"
        assert breaks(assuming(build, "chip.some", value=value, range=limits), "R3", text)


def test_an_assumed_value_is_the_one_that_is_held() -> None:
    """Tests a clock, which the manifest holds by value."""
    build = two_chip_build()
    held = build.manifest.clock["crossing_cycles"]["value"]
    assert not rules(assuming(build, "clock.crossing_cycles", value=held))
    wrong = assuming(build, "clock.crossing_cycles", value=held + 1)
    assert breaks(wrong, "R3", f"clock.crossing_cycles is {held + 1}, the manifest holds {held}")


def test_each_node_has_a_place_and_each_link_a_lane() -> None:
    """Tests a chip at the place of another one, and a link that is the lane of another one."""
    build = two_chip_build()
    place = str(build.chips.position[0])
    assert breaks(change(build, "chips", 1, position=place), "R1", "chips.parquet: row 1 is where node 0 is")
    # Links 0 and 1 leave chip 0, for chip 1 and for the host.
    doubled = change(build, "links", 1, dst=1)
    assert reports(doubled, "R1", "links.parquet: row 1 is the lane that 0 is")
