"""R3 delivery, seventh part: what is assumed lies in its range, and is what manifest and tables hold."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.units import exact
from lpxsched.verify.violation import MANIFEST_FILE, Violation, rows_of, told_wrong

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lpxsched.timetable.build import Build

RULE = "R3"
# Files of which a manifest holds all values, not only those that are assumed.
HELD = ("clock", "gpus", "handover")
# Columns of chips.parquet that hold what the file of the chip tells in a nanosecond.
RATES = ("sram_bytes_per_ns", "matrix_fp8_macs_per_ns", "matrix_bf16_macs_per_ns")
# Of what fits into a column.
LARGEST = 1 << 63


def assumption_violations(build: Build) -> Iterator[Violation]:
    """Yield values beside their ranges, and assumptions that are told otherwise than the file that they are from."""
    for key, told in build.manifest.assumptions.items():
        yield from _assumed(build, key, told)
        yield from _of_chips(build, key, told)
    yield from _missing(build)
    for key, told in _ranged(build.manifest.clock, "clock") + _ranged(build.manifest.outside, "outside"):
        yield from _within(key, told)


def _assumed(build: Build, key: str, told: object) -> Iterator[Violation]:
    """Yield an assumed value beside its range, or another than the manifest holds at its place."""
    if not isinstance(told, dict) or "value" not in told:
        return
    yield from _within(f"assumptions {key}", told)
    kind, *path = key.split(".")
    held: Any = build.manifest.clock if kind == "clock" else build.manifest.outside.get(kind)
    for name in path if kind in HELD else ():
        held = held.get(name) if isinstance(held, dict) else None
    for part in ("value", "range") if kind in HELD and isinstance(held, dict) else ():
        if held.get(part, told.get(part)) != told.get(part):
            yield told_wrong(
                RULE, f"assumptions {key}: {part} is {told.get(part)!r}, the manifest holds {held[part]!r}"
            )


def _missing(build: Build) -> Iterator[Violation]:
    """Yield values that the manifest holds as assumed and does not list."""
    manifest = build.manifest
    for kind, held in (("clock", manifest.clock), *manifest.outside.items()):
        for key in _assumed_keys(held, kind) if kind in HELD else ():
            if key not in manifest.assumptions:
                yield told_wrong(RULE, f"assumptions tell no {key}, which is assumed")


def _of_chips(build: Build, key: str, told: object) -> Iterator[Violation]:
    """Yield an assumption on chips that their table does not hold."""
    kind, _, name = key.partition(".")
    value = told.get("value") if isinstance(told, dict) else None
    if kind != "chip" or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return
    right = exact(value) if isinstance(value, float) else Fraction(value)
    if name in RATES:
        name = name.replace("_per_ns", "_per_cycle")
        right = Fraction(int(right * 1000 / Fraction(build.manifest.clock_mhz)))
    column = getattr(build.chips, name, None)
    if not isinstance(column, np.ndarray) or column.dtype.kind not in "bif":
        return
    for chip in np.flatnonzero(~build.chips.host & (column != float(right)))[:1].tolist():
        message = f"assumptions {key} is {value!r}, chip {chip} has {name} {column[chip]}"
        yield Violation(RULE, f"{MANIFEST_FILE}: {message}", rows_of(build.chips, chip))


def _assumed_keys(data: object, key: str) -> list[str]:
    """Return the dotted keys of all values that are tagged as assumed."""
    children = dict(enumerate(data)) if isinstance(data, list) else data
    if not isinstance(children, dict):
        return []
    if children.get("tag") == "assumed":
        return [key]
    return [found for name, child in children.items() for found in _assumed_keys(child, f"{key}.{name}")]


def _within(key: str, told: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield a value beside its range: between the ends of one of numbers, else one of those that it lists."""
    value, limits = told["value"], told.get("range")
    limits = limits if isinstance(limits, list) else []
    if _are_numbers([value, *limits]):
        if limits and not min(limits) <= value <= max(limits):
            yield told_wrong(RULE, f"{key} is {value}, its range is {min(limits)} to {max(limits)}")
    elif limits and value not in limits:
        yield told_wrong(RULE, f"{key} is {value!r}, its range is {limits}")


def _ranged(data: object, key: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return all values that have a range, by their dotted keys."""
    if not isinstance(data, dict):
        return []
    if "value" in data and "range" in data:
        return [(key, data)]
    return [found for name, child in data.items() for found in _ranged(child, f"{key}.{name}")]


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
