"""Numbers at addresses: what is sent, received and computed while programs run.

What operators read at their addresses is compared with the dense run of ``verify.replay``, which gives what lies
outside of the machine and what chips keep. What experts leave that nobody chose are zeros, one row like the other: so
each vector carries a mark besides, a number of its own that sums add up like the rest. Hosts keep each iteration apart:
they leave what they have before a session begins, and compute on what has come to them at its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lpxsched.instructions.streams import ADD, READS, WRITES
from lpxsched.simulation.reference.actions import DEPART, FINISH, READ, START
from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME, drawn, generator
from lpxsched.verify.replay.chain import Chain
from lpxsched.verify.replay.dense import Dense
from lpxsched.verify.replay.functions import PARTIAL
from lpxsched.verify.replay.placement import seen
from lpxsched.verify.replay.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lpxsched.instructions.streams import Instruction, Piece
    from lpxsched.instructions.tape import Tape
    from lpxsched.simulation.reference.outcome import Event
    from lpxsched.simulation.reference.program import Session
    from lpxsched.timetable.build import Build
    from lpxsched.timetable.columns import Integers
    from lpxsched.timetable.documents import GraphInput, GraphTensor
    from lpxsched.verify.replay.functions import Values
    from lpxsched.verify.replay.model import Model
    from lpxsched.verify.replay.placement import View

# Numbers of a vector, and its mark; node, address and iteration.
Row = tuple[int, ...]
Cell = tuple[int, int, int]


class Marks:
    """The mark of each vector of a tensor, of each summand another one."""

    def __init__(self, model: Model, seed: int) -> None:
        self._model, self._seed = model, seed
        self._known: dict[tuple[str, int, int], Integers] = {}

    def left(self, name: str, shard: int, iteration: int) -> Integers:
        """Return the marks of a tensor as a shard of its writer leaves it."""
        tensor = self._model.tensors[name]
        key = (name, shard if tensor.layout == PARTIAL else NONE, iteration)
        if key not in self._known:
            self._known[key] = drawn(generator(self._seed, "mark", *map(str, key)), tensor.vectors)
        return self._known[key]

    def found(self, read: GraphInput, shard: int, iteration: int) -> Integers:
        """Return the marks of a tensor as a shard of a reader should find it: of its own summand, or of their sum."""
        tensor = self._model.tensors[read.tensor]
        if tensor.layout != PARTIAL or read.layout == PARTIAL:
            return self.left(read.tensor, shard, iteration)
        width = self._model.settings[self._model.writer[read.tensor]].width
        return np.asarray(sum(self.left(read.tensor, each, iteration) for each in range(width)) % PRIME)


class Rounds:
    """The dense run of each segment and micro-batch, made when it is asked for."""

    def __init__(self, model: Model, seed: int) -> None:
        self._model, self._seed, self._dense = model, seed, dict[tuple[int, int], Dense]()

    def of(self, segment: int, micro_batch: int) -> Dense:
        """Return the dense run of a segment in the first step of a micro-batch."""
        if (segment, micro_batch) not in self._dense:
            chain = Chain(self._model, self._seed, micro_batch)
            for each in range(len(self._model.order)):
                lefts = []
                for window in range(self._model.windows[each]):
                    now = Round(micro_batch, steps=self._model.steps, window=window)
                    dense = Dense(self._model, now, each, outside=chain.rows)
                    self._dense.setdefault((each, micro_batch), dense)
                    lefts.append(dense.whole)
                if self._model.ends:
                    end = self._model.ends[each]
                    chain.follow(each, np.sum([left[end] for left in lefts], axis=0) % PRIME)
        return self._dense[segment, micro_batch]


class Memory:
    """What lies at addresses, and what operators found there."""

    def __init__(self, build: Build, model: Model, seed: int) -> None:
        self.build, self.model, self.size = build, model, build.manifest.vector_bytes
        self.cells: dict[Cell, Row] = {}
        self.noise = np.random.Generator(np.random.PCG64([seed, 1]))
        self.marks, self.numbers = Marks(model, seed), model.lanes + 1
        self.compared = self.mismatches = 0
        self.faults: list[str] = []

    def follow(self, session: Session, tape: Tape, events: Sequence[Event], rounds: Rounds) -> None:
        """Move numbers as things happened; hosts compute on what has come to them by the end."""
        under_way: dict[tuple[int, int], Row] = {}
        running: dict[tuple[int, int], tuple[list[tuple[Piece, Integers]], dict[Cell, Row | None]]] = {}
        turn = turns_of(self.build, session)
        late = self._at_hosts(session, tape, turn, rounds)
        for kind, node, number, vector in events:
            if kind in (DEPART, READ):
                move = tape.transfers[number]
                iteration, at = divmod(vector, move.sent.vectors)
                if kind == DEPART:
                    key = self._key(move.source, move.sent, at, turn[iteration])
                    under_way[number, vector] = self.cells.get(key) or self._noise()
                else:
                    key = self._key(node, move.received, at, turn[iteration])
                    self.cells[key] = under_way.pop((number, vector), ()) or self._noise()
            elif kind == START:
                one = tape.runs[number][1]
                left = self._run(node, one, session.segments[vector], turn[vector], rounds)
                running[number, vector] = left, self._held(node, one, turn[vector])
                if not one.cycles:
                    self._finish(node, one, *running.pop((number, vector)), turn[vector])
            elif kind == FINISH:
                self._finish(node, tape.runs[number][1], *running.pop((number, vector)), turn[vector])
        for node, one, iteration in late:
            self._at_host(node, one, session.segments[iteration], turn[iteration], rounds)

    def _at_hosts(
        self, session: Session, tape: Tape, turn: Sequence[int], rounds: Rounds
    ) -> list[tuple[int, Instruction, int]]:
        """Run what hosts do before a session, and return what waits for vectors that come in it."""
        host = self.build.chips.host
        self.cells = {key: row for key, row in self.cells.items() if not host[key[0]]}
        late = []
        for node, one, of in tape.runs:
            for iteration, segment in enumerate(session.segments if host[node] else ()):
                if segment != of:
                    continue
                reads = [piece for piece in one.pieces if piece.use == READS]
                keys = [self._key(node, piece, 0, turn[iteration]) for piece in reads]
                if all(key in self.cells for key in keys):
                    self._at_host(node, one, segment, turn[iteration], rounds)
                else:
                    late.append((node, one, iteration))
        return late

    def _at_host(self, node: int, one: Instruction, segment: int, iteration: int, rounds: Rounds) -> None:
        self._write(node, self._run(node, one, segment, iteration, rounds), iteration)

    def _key(self, node: int, piece: Piece, vector: int, iteration: int) -> Cell:
        """Return node, address and iteration of a vector: what hosts hold is not written over by later iterations."""
        return node, piece.at(vector, iteration, self.size), iteration if self.build.chips.host[node] else NONE

    def _noise(self) -> Row:
        return tuple(self.noise.integers(0, PRIME, self.numbers).tolist())

    def _load(self, node: int, piece: Piece, iteration: int) -> Integers:
        rows = [
            self.cells.get(self._key(node, piece, vector, iteration)) or self._noise()
            for vector in range(piece.vectors)
        ]
        return np.array(rows, dtype=np.int64).reshape(piece.vectors, self.numbers)

    def _write(self, node: int, left: Sequence[tuple[Piece, Integers]], iteration: int) -> None:
        for piece, values in left:
            for vector, row in enumerate(values.tolist()):
                self.cells[self._key(node, piece, vector, iteration)] = tuple(row)

    def _held(self, node: int, one: Instruction, iteration: int) -> dict[Cell, Row | None]:
        """Return what lies where an instruction that starts reads; where it writes nothing lies until it ends."""
        keys = {
            use: [
                self._key(node, piece, vector, iteration)
                for piece in one.pieces
                if piece.use == use
                for vector in range(piece.vectors)
            ]
            for use in (READS, WRITES)
        }
        held = {key: self.cells.get(key) for key in keys[READS]}
        for key in keys[WRITES]:
            self.cells.pop(key, None)
            held.setdefault(key, None)
        return held

    def _finish(
        self,
        node: int,
        one: Instruction,
        left: Sequence[tuple[Piece, Integers]],
        held: dict[Cell, Row | None],
        iteration: int,
    ) -> None:
        """Write what an instruction leaves; tell where something was written to what it held (R6)."""
        if any(self.cells.get(key) is not row for key, row in held.items()):
            name = "a sum" if one.code == ADD else self.model.operators[one.operator].name
            self.faults.append(f"{name} on node {node} is written over while it runs")
        self._write(node, left, iteration)

    def _run(
        self, node: int, one: Instruction, segment: int, iteration: int, rounds: Rounds
    ) -> list[tuple[Piece, Integers]]:
        """Return what an instruction leaves where, from what lies at its addresses."""
        writes = [piece for piece in one.pieces if piece.use == WRITES]
        loads = [(piece, self._load(node, piece, iteration)) for piece in one.pieces if piece.use == READS]
        if one.code == ADD:
            total = sum(values for _, values in loads) % PRIME
            return [(piece, np.asarray(total)) for piece in writes]
        dense = rounds.of(segment, iteration)
        found = self._inputs(one, loads)
        right = self._compare(node, one, dense, found, iteration)
        if right:
            outputs = dense.leaves(one.operator, one.shard)
        else:
            inputs = {name: values[:, :-1] for name, values in found.items()}
            outputs = dense.functions[one.operator].part(one.shard, inputs | dense.beside(one.operator, one.shard))
        return [(piece, self._part(one, outputs, piece, iteration)) for piece in writes]

    def _inputs(self, one: Instruction, loads: Sequence[tuple[Piece, Integers]]) -> Values:
        """Return what was loaded as the inputs of an operator, noise where nothing was."""
        found: Values = {}
        for place, read in enumerate(self.model.operators[one.operator].inputs):
            view = self._view(read, read.tensor, one)
            values = self.noise.integers(0, PRIME, (view.vectors, self.numbers))
            for piece, loaded in loads:
                if piece.place == place:
                    values[piece.first - view.first : piece.first - view.first + piece.vectors] = loaded
            found[read.tensor] = values
        return found

    def _compare(self, node: int, one: Instruction, dense: Dense, found: Values, iteration: int) -> bool:
        operator, wrong = self.model.operators[one.operator], 0
        expected = dense.expected(one.operator, one.shard)
        for read in operator.inputs:
            view = self._view(read, read.tensor, one)
            marks = self.marks.found(read, one.shard, iteration)[view.first : view.end]
            differs = (np.column_stack((expected[read.tensor], marks)) != found[read.tensor]).any(axis=1)
            self.compared += len(differs)
            wrong += int(differs.sum())
        if wrong:
            self.mismatches += wrong
            self.faults.append(f"{operator.name} on node {node} reads {wrong} vectors that are not what they should be")
        return not wrong

    def _view(self, thing: GraphInput | GraphTensor, name: str, one: Instruction) -> View:
        """Return which vectors of a tensor the shard of a run sees in the layout of an input, or its own."""
        width = self.model.settings[one.operator].width
        return seen(thing, self.model.tensors[name].vectors, width, one.shard)

    def _part(self, one: Instruction, outputs: Values, piece: Piece, iteration: int) -> Integers:
        """Return the vectors of an output that a piece names, with their marks."""
        name = self.model.operators[one.operator].outputs[piece.place]
        view, end = self._view(self.model.tensors[name], name, one), piece.first + piece.vectors
        marks = self.marks.left(name, one.shard, iteration)[piece.first : end]
        return np.column_stack((outputs[name][piece.first - view.first : end - view.first], marks))


def turns_of(build: Build, session: Session) -> list[int]:
    """Return the number of each iteration of a session among those of its segment."""
    period = build.frames.period_cycles[build.segments.frame]
    return [
        zero // int(period[segment]) if session.repeats else 0
        for segment, zero in zip(session.segments, session.zeros, strict=True)
    ]
