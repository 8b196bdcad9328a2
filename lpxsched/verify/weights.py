"""R4 operators, second part: resident tensors lie where the graph asks for them, and their operators read them.

Keys, values, latent rows and states are those of the users of a micro-batch. Where several are in flight each keeps its
own, so as many times what an operator reads of them in a step is resident; a state is read and written. Of a window
of W rows W + s - 1 are kept where a step has s rows of a user, since their windows begin one after the other. Operators
that keep one name share what lies under it on their chips: the same module that is visited again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.timetable.columns import WEIGHT
from lpxsched.units import NONE, ceil_div, exact
from lpxsched.verify.reservations import in_flight
from lpxsched.verify.violation import GRAPH_FILE, Violation, named, rows_of
from lpxsched.verify.work import kept_tensors, names_kept, weight_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphOperator, GraphResident
    from lpxsched.verify.work import Kept

RULE = "R4"
# What is kept of users, and how often an operator moves it in a step at most.
KEPT = {"keys": 1, "values": 1, "latents": 1, "state": 2, "tokens": 2}
# Bytes of a number as it is kept.
KV_BYTES = {"fp8": 1, "bf16": 2}


def weight_violations(build: Build) -> list[Violation]:
    """Return operators that do not read what they keep, and resident tensors that are not what the graph asks for."""
    return [*_readers(build), *_shared(build), *_totals(build), *_copies(build), *_contexts(build)]


def _readers(build: Build) -> Iterator[Violation]:
    """Yield resident tensors that are not read once by their operator, and operands that are none of them."""
    operands, kept = build.operands, kept_tensors(build)
    numbers = names_kept(build)
    named_in = {resident.name: resident for operator in build.graph.operators for resident in operator.resident}
    residents = [named_in[name] for name in numbers]
    rows = np.flatnonzero(operands.role == WEIGHT)
    named_so = np.array(
        [numbers.get(name, NONE) for name in build.tensors.name[operands.tensor[rows]].tolist()], dtype=np.int64
    )
    keys, wanted = kept.operator * (len(residents) + 1) + kept.number, operands.operator[rows] * (len(residents) + 1)
    place = np.searchsorted(keys, wanted + named_so)
    known = (named_so >= 0) & (np.append(keys, NONE)[place] == wanted + named_so)
    for row in rows[~known].tolist():
        operator, name = operands.operator[row], build.tensors.name[operands.tensor[row]]
        message = f"operator {operator} ({build.operators.kind[operator]}) reads {name}, which it does not keep"
        yield Violation(RULE, message, rows_of(operands, row))
    times = np.bincount(place[known], minlength=len(keys))
    for at in np.flatnonzero(times != 1).tolist():
        operator, name = kept.operator[at], residents[kept.number[at]].name
        message = f"operator {operator} ({build.operators.kind[operator]}) reads {name} {times[at]} times, must 1"
        yield Violation(RULE, message, rows_of(build.operators, operator))
    yield from _tensors(build, residents, kept, rows[known], place[known])


def _tensors(
    build: Build, residents: Sequence[GraphResident], kept: Kept, rows: Integers, place: Integers
) -> Iterator[Violation]:
    """Yield operands whose tensor differs from what their operator keeps."""
    operands, tensors = build.operands, build.tensors
    operator, tensor, number, must = (
        operands.operator[rows],
        operands.tensor[rows],
        kept.number[place],
        kept.bytes[place],
    )
    dtypes, layouts = (np.array([*(getattr(one, key) for one in residents), ""]) for key in ("dtype", "layout"))
    vectors = -(-must // build.manifest.vector_bytes)
    for what, is_, right in (
        ("dtype", tensors.dtype[tensor], dtypes[number]),
        ("layout", tensors.layout[tensor], layouts[number]),
        ("bytes", tensors.bytes[tensor], must),
        ("vectors", tensors.vectors[tensor], vectors),
        ("vectors from", operands.first_vector[rows], np.zeros_like(must)),
        ("vectors read", operands.vectors[rows], vectors),
    ):
        for at in np.flatnonzero(is_ != right).tolist():
            who = f"operator {operator[at]} ({build.operators.kind[operator[at]]})"
            message = f"{who} keeps {residents[number[at]].name} with {what} {is_[at]}, in graph.json {right[at]}"
            yield Violation(RULE, message, (*rows_of(operands, rows[at]), *rows_of(tensors, tensor[at])))


def _shared(build: Build) -> Iterator[Violation]:
    """Yield resident tensors that other operators read than those of the graph that keep their name on that chip."""
    operands, tensors, kept, numbers = build.operands, build.tensors, kept_tensors(build), names_kept(build)
    times = np.bincount(operands.tensor[operands.role == WEIGHT], minlength=len(tensors))
    readers = Counter(zip(kept.number.tolist(), build.operators.chip[kept.operator].tolist(), strict=True))
    for tensor in np.flatnonzero(tensors.producer == NONE).tolist():
        name, chip = str(tensors.name[tensor]), int(tensors.chip[tensor])
        # One that nobody keeps is read by someone who does not.
        must = readers.get((numbers.get(name, NONE), chip), 1)
        if times[tensor] != must:
            message = f"weights {name} on {named(build, chip)} are read by {times[tensor]} operators, must be by {must}"
            yield Violation(RULE, message, rows_of(tensors, tensor))


def _totals(build: Build) -> Iterator[Violation]:
    chips, right = build.chips, weight_bytes(build)
    for chip in np.flatnonzero(chips.weight_bytes != right).tolist():
        message = f"{named(build, chip)} has weight_bytes {chips.weight_bytes[chip]}, its operators keep {right[chip]}"
        yield Violation(RULE, message, rows_of(chips, chip))


def _copies(build: Build) -> Iterator[Violation]:
    """Yield what micro-batches in flight keep and the graph does not hold for each of them."""
    times = in_flight(build)
    for operator in build.graph.operators if times > 1 else ():
        for resident in operator.resident:
            passes = KEPT.get(resident.name.rpartition(".")[2])
            if passes is None:
                continue
            read = [term for term in operator.work if term.counts == "bytes"]
            for key in ("constant", "per_column"):
                kept, once = (sum(exact(getattr(term, key)) for term in terms) for terms in (resident.terms, read))
                if kept * passes < times * once:
                    message = f"{resident.name} has {key} {float(kept):g}, a step reads {float(once / passes):g} of it"
                    yield Violation(RULE, f"{GRAPH_FILE}: {message}, and {times} micro-batches are in flight")


def _contexts(build: Build) -> Iterator[Violation]:
    """Yield keys and values of fewer rows than those of a step see together."""
    for operator in build.graph.operators:
        for resident in operator.resident:
            if resident.name.rpartition(".")[2] not in ("keys", "values") or resident.dtype not in KV_BYTES:
                continue
            needed = in_flight(build) * _rows_kept(operator) * KV_BYTES[resident.dtype]
            kept = sum(exact(term.per_column) for term in resident.terms)
            if kept < needed:
                message = f"{resident.name} has {float(kept):g} bytes a column, all rows that a step sees take {needed}"
                yield Violation(RULE, f"{GRAPH_FILE}: {message}")


def _rows_kept(operator: GraphOperator) -> int:
    """Return how many rows of all users of a micro-batch an operator sees on a chip; 0 where its sizes say nothing."""
    sizes = operator.sizes
    new, context, parts = (sizes.get(name, 0) for name in ("rows_per_user", "context", "parts"))
    if not new or not parts:
        return 0
    seen = sizes.get("window", 0) or context
    return operator.rows // new * ceil_div(min(context, seen + sizes.get("room", new) - 1), parts)
