"""R3, what is assumed: each value lies in its range and is the one that the manifest holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.builds import signed, two_chip_build
from tests.verify.changes import breaks, rules

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build


def assuming(build: Build, key: str, **told: Any) -> Build:
    """Return a build that tells one assumption."""
    return signed(replace(build, manifest=build.manifest.model_copy(update={"assumptions": {key: told}})))


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
    assert breaks(wrong, "R3", f"crossing_cycles: value is {held + 1}, the manifest holds {held}")


def test_a_value_that_is_held_lies_in_its_range() -> None:
    """Tests the crossing of a clock, whose range ends below its value."""
    manifest = two_chip_build().manifest
    crossing = manifest.clock["crossing_cycles"]["value"]
    clock = manifest.clock | {"crossing_cycles": {"value": crossing, "range": [0, crossing - 1]}}
    build = signed(replace(two_chip_build(), manifest=manifest.model_copy(update={"clock": clock})))
    assert breaks(build, "R3", f"clock.crossing_cycles is {crossing}, its range is 0 to {crossing - 1}")


def test_what_is_held_as_assumed_is_listed() -> None:
    """Tests the crossing of a clock, which is assumed: with no assumptions, and with its own."""
    manifest = two_chip_build().manifest
    crossing = manifest.clock["crossing_cycles"]
    clock = manifest.clock | {"crossing_cycles": crossing | {"tag": "assumed"}}
    build = signed(replace(two_chip_build(), manifest=manifest.model_copy(update={"clock": clock})))
    assert breaks(build, "R3", "assumptions tell no clock.crossing_cycles, which is assumed")
    assert not rules(assuming(build, "clock.crossing_cycles", value=crossing["value"]))


def test_what_is_assumed_of_chips_is_in_their_table() -> None:
    """Tests a pipeline, a flag, and a rate in a nanosecond, which is a cycle here."""
    build = two_chip_build()
    fixed, rate = int(build.chips.matrix_fixed_cycles[0]), int(build.chips.sram_bytes_per_cycle[0])
    for key, right in (
        ("matrix_fixed_cycles", fixed),
        ("resident", bool(build.chips.resident[0])),
        ("sram_bytes_per_ns", rate),
    ):
        assert not rules(assuming(build, f"chip.{key}", value=right))
        wrong = (not right) if isinstance(right, bool) else right + 1
        assert breaks(
            assuming(build, f"chip.{key}", value=wrong), "R3", f"assumptions chip.{key} is {wrong}, chip 0 has"
        )
