"""What ``lpxsched topology`` prints: the facts of a fabric as text and as a JSON object."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from lpxsched.fabric.down import ranges
from lpxsched.report.text_table import named_rows, table
from lpxsched.units import BITS_PER_BYTE, counted, cycles_to_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lpxsched.fabric.fabric import Fabric
    from lpxsched.fabric.facts import ClassFacts, Facts
    from lpxsched.fabric.symmetry import Translations

NAMED_CHIPS = 60


def topology_json(fabric: Fabric, facts: Facts, assumed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a fabric as plain values.

    Parameters
    ----------
    fabric : Fabric
    facts : Facts
        Those of the fabric.
    assumed : mapping
        Value, range and source of each key of the file that is tagged assumed.
    """
    per_chip, whole = capacity_tb_per_s(fabric)
    return {
        "name": fabric.name,
        "kind": fabric.kind,
        "chips": fabric.chips,
        "shape": list(fabric.shape),
        "hosts": fabric.hosts,
        "links": fabric.links,
        "per_chip_links": facts.per_chip_links,
        "ports": fabric.ports,
        "diameter": facts.diameter,
        "bisection_gbps": None if facts.bisection_gbps is None else float(facts.bisection_gbps),
        "symmetric": facts.symmetry.orbits == 1,
        "translations": [[shift.stride, shift.size] for shift in facts.symmetry.shifts],
        "numbered_anew": facts.symmetry.numbering is not None,
        "orbits": facts.symmetry.orbits,
        "classes": [_class_json(fabric, of_class) for of_class in facts.classes],
        "capacity": {"line_tb_per_s_per_chip": float(per_chip), "line_tb_per_s": float(whole)},
        "down_links": int((~fabric.link_up).sum()),
        "down_chips": len(_down_chips(fabric)),
        "assumed": dict(assumed),
    }


def topology_text(fabric: Fabric, facts: Facts, assumed: Mapping[str, Any]) -> str:
    """Return the same for people, paragraphs separated by empty lines."""
    paragraphs = [_headline(fabric), _classes(fabric, facts), _facts(fabric, facts)]
    if assumed:
        paragraphs.append(_assumed(assumed))
    return "\n\n".join(paragraphs)


def capacity_tb_per_s(fabric: Fabric) -> tuple[Fraction, Fraction]:
    """Return the line rate of the chip with the most, and the sum over all chips, as NVIDIA counts.

    Lanes between chips that are in service count with their line rate, in both directions and at both of their ends;
    lanes to hosts do not.
    """
    between = fabric.link_up & (fabric.source < fabric.chips) & (fabric.destination < fabric.chips)
    rates = [link_class.line_gbps for link_class in fabric.link_classes]
    by_chip = np.zeros((fabric.chips, len(rates)), dtype=np.int64)
    for ends in (fabric.source, fabric.destination):
        np.add.at(by_chip, (ends[between], fabric.link_class[between]), 1)
    distinct, chips = np.unique(by_chip, axis=0, return_counts=True)
    sums = [_sum_tb_per_s(lanes, rates) for lanes in distinct.tolist()]
    whole = sum((count * rate for count, rate in zip(chips.tolist(), sums, strict=True)), Fraction(0))
    return max(sums), whole


def symmetry_words(symmetry: Translations) -> str:
    """Return a group of translations as people write it: ``translations Z16 x Z16, one orbit``."""
    if not symmetry.shifts:
        return "no translations found"
    group = " x ".join(f"Z{shift.size}" for shift in reversed(symmetry.shifts))
    if symmetry.numbering is not None:
        group += " of chips numbered anew"
    return f"translations {group}, {'one orbit' if symmetry.orbits == 1 else counted(symmetry.orbits, 'orbit')}"


def hop_ns(fabric: Fabric, of_class: ClassFacts) -> float:
    """Return the time of a hop of one vector, from departure to read, without guard."""
    return float(cycles_to_ns(of_class.hop_cycles, fabric.chip.clock_mhz))


def _sum_tb_per_s(lanes: list[int], rates: list[Fraction]) -> Fraction:
    total = sum((count * rate for count, rate in zip(lanes, rates, strict=True)), Fraction(0))
    return total / BITS_PER_BYTE / 1000


def _class_json(fabric: Fabric, of_class: ClassFacts) -> dict[str, Any]:
    return {
        "name": of_class.name,
        "links": of_class.links,
        "per_chip": of_class.per_chip,
        "gbps": float(of_class.gbps),
        "line_gbps": float(of_class.line_gbps),
        "hop_cycles": of_class.hop_cycles,
        "hop_ns": hop_ns(fabric, of_class),
    }


def _down_chips(fabric: Fabric) -> NDArray[np.int64]:
    return np.flatnonzero(fabric.node_down[: fabric.chips])


def _headline(fabric: Fabric) -> str:
    shape = "" if len(fabric.shape) == 1 else f" ({' x '.join(str(size) for size in fabric.shape)})"
    hosts = "" if not fabric.hosts else f", {counted(fabric.hosts, 'host')}"
    chips = counted(fabric.chips, "chip")
    return f"{fabric.name}, {fabric.kind}: {chips}{shape}{hosts}, {counted(fabric.links, 'directed link')}"


def _classes(fabric: Fabric, facts: Facts) -> str:
    header = ["class", "links", "a chip", "payload Gb/s", "line Gb/s", "hop cycles", "hop ns"]
    rows = [
        [
            of_class.name,
            f"{of_class.links:,}",
            str(of_class.per_chip),
            f"{float(of_class.gbps):g}",
            f"{float(of_class.line_gbps):g}",
            f"{of_class.hop_cycles:,}",
            f"{hop_ns(fabric, of_class):,.1f}",
        ]
        for of_class in facts.classes
    ]
    if not facts.classes:
        return "No link is in service"
    note = "Links in service (a hop is one vector from departure to read, without guard)"
    return f"{note}\n\n{table(header, rows)}"


def _facts(fabric: Fabric, facts: Facts) -> str:
    per_chip, whole = (f"{float(rate):,.3f}" for rate in capacity_tb_per_s(fabric))
    way = "some chip cannot reach another" if facts.diameter is None else counted(facts.diameter, "hop")
    if fabric.chips == 1:
        bisection = "none: one chip has no halves"
    elif facts.bisection_gbps is None:
        bisection = "unknown: chips of an explicit topology have no coordinates"
    else:
        weakest = "the weakest cut through the middle of an axis"
        bisection = f"{float(facts.bisection_gbps):,g} Gb/s of payload one way, {weakest}"
    ports = "" if fabric.ports is None else f", {counted(fabric.ports, 'port')}"
    rows = [
        ("diameter", way),
        ("bisection", bisection),
        ("links a chip", f"{facts.per_chip_links} at most{ports}"),
        ("line rate", f"{per_chip} TB/s a chip, {whole} TB/s in all (lanes between chips, both directions, each end)"),
        ("symmetry", symmetry_words(facts.symmetry)),
    ]
    down = _down(fabric)
    rows += [("out of service", down)] if down else []
    return named_rows(rows, width=16)


def _down(fabric: Fabric) -> str:
    chips, links = _down_chips(fabric), int((~fabric.link_up).sum())
    parts = []
    if len(chips):
        more = f" and {len(chips) - NAMED_CHIPS:,} more" if len(chips) > NAMED_CHIPS else ""
        parts.append(f"{counted(len(chips), 'chip')} ({ranges(chips[:NAMED_CHIPS])}{more})")
    return ", ".join([*parts, counted(links, "link")]) if links or parts else ""


def _assumed(assumed: Mapping[str, Any]) -> str:
    rows = [[key, str(entry["value"]), entry["source"] or "no source given"] for key, entry in assumed.items()]
    return f"Assumed values\n\n{table(['key', 'value', 'why'], rows, left=2, phrases=[2])}"
