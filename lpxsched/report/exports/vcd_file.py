"""A waveform (value change dump, IEEE 1364) for GTKWave and Surfer: a 32-bit variable a link and unit.

A link holds the number of the tensor whose vectors it carries, a unit that of the operator which it runs; both are z
where nothing does. Nodes are modules. Times are picoseconds, rounded down.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.report.frames import only_period
from lpxsched.timetable.columns import WITHOUT_UNIT
from lpxsched.units import counted, cycles_to_ns

if TYPE_CHECKING:
    from lpxsched.report.exports.selection import Selection

WIDTH = 32
FIRST_CODE, CODES = 33, 94
IDLE = "bz"

# Module and name of a variable, with the spans (start, end, number) in which it holds one.
Variables = dict[tuple[int, str], list[tuple[int, int, int]]]


def vcd(selection: Selection) -> bytes:
    """Return the waveform of a selection; equal selections give equal bytes."""
    variables = _variables(selection)
    code = {key: _code(number) for number, key in enumerate(variables)}
    changes: dict[int, dict[str, str]] = defaultdict(dict)
    for key, spans in variables.items():
        for start, end, number in sorted(spans):
            # What begins where something else ends stays.
            changes[start][code[key]] = f"b{number:b}"
            changes[end].setdefault(code[key], IDLE)
    per_cycle = cycles_to_ns(1000, Fraction(selection.build.manifest.clock_mhz))
    lines = [*_header(selection, code), "#0", "$dumpvars", *(f"{IDLE} {each}" for each in code.values()), "$end"]
    for cycle in sorted(changes):
        lines.append(f"#{int(cycle * per_cycle)}")
        lines += [f"{value} {each}" for each, value in sorted(changes[cycle].items())]
    return ("\n".join(lines) + "\n").encode()


def _variables(selection: Selection) -> Variables:
    build, found = selection.build, defaultdict(list)
    links, slots, operators, position = build.links, build.slots, build.operators, build.chips.position
    for row, _, start, end in zip(*(column.tolist() for column in selection.slots), strict=True):
        link = slots.link[row]
        name = _word(f"to_{position[links.dst[link]]}_lane_{links.lane[link]}")
        found[int(links.src[link]), name].append((start, end, int(slots.tensor[row])))
    for row, _, start, end in zip(*(column.tolist() for column in selection.operators), strict=True):
        unit = str(operators.unit[row])
        if unit not in WITHOUT_UNIT and end > start:
            found[int(operators.chip[row]), _word(f"unit_{unit}")].append((start, end, row))
    return dict(sorted(found.items()))


def _header(selection: Selection, code: dict[tuple[int, str], str]) -> list[str]:
    build = selection.build
    lines = [f"$version lpxsched {build.manifest.versions.get('lpxsched', '')} $end", "$timescale 1 ps $end"]
    if period := only_period(build):
        first, last = selection.windows[0], selection.windows[-1]
        windows = f"windows {first} to {last}" if first < last else f"window {first}"
        lines.append(f"$comment {windows} of what repeats every {counted(period, 'cycle')} $end")
    for node in sorted({node for node, _ in code}):
        kind = "" if build.chips.host[node] else "chip_"
        lines.append(f"$scope module {_word(kind + str(build.chips.position[node]))} $end")
        lines += [f"$var wire {WIDTH} {each} {name} $end" for (of, name), each in code.items() if of == node]
        lines.append("$upscope $end")
    return [*lines, "$enddefinitions $end"]


def _word(name: str) -> str:
    """Return a name without what ends a word in this format."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _code(number: int) -> str:
    """Return the short name of a variable: digits to the base of all printable characters."""
    text = chr(FIRST_CODE + number % CODES)
    while number >= CODES:
        number = number // CODES - 1
        text += chr(FIRST_CODE + number % CODES)
    return text
