"""What a program is made of: sections of a node, one a segment and functional unit, and their instructions.

The words are those of the deterministic network of Abts et al. (ISCA 2022, section 3): units are parked by SYNC until
the control unit says NOTIFY, which all units see in the same cycle; DESKEW is its RUNTIME_DESKEW.
"""

from __future__ import annotations

from typing import NamedTuple

from lpxsched.units import NONE

SEND, RECEIVE, COMPUTE, ADD, DESKEW, SYNC, NOTIFY = range(7)
NAMES = ("SEND", "RECEIVE", "COMPUTE", "ADD", "DESKEW", "SYNC", "NOTIFY")
CONTROL, MATRIX, VECTOR, HOST, NO_UNIT, IN, OUT = range(7)
UNITS = ("control", "matrix", "vector", "host", "none", "in", "out")
READS, WRITES, KEEPS = range(3)


class Piece(NamedTuple):
    """Vectors at an address that an instruction uses.

    Attributes
    ----------
    use : int
        `READS`, `WRITES`, or `KEEPS` for what is resident, whose `vectors` are bytes.
    place : int
        Which input, output or resident tensor of the operator; which summand.
    first, vectors : int
        Vectors ``first .. first + vectors - 1`` of that tensor of the layer graph.
    address : int
        Of the first of them, in bytes.
    copies, stride : int
        Iteration i of a frame that repeats uses ``address + (i modulo copies) stride``.
    """

    use: int
    place: int
    first: int
    vectors: int
    address: int
    copies: int = 1
    stride: int = 0

    def at(self, vector: int, iteration: int, vector_bytes: int) -> int:
        """Return the address of a vector in an iteration."""
        return self.address + iteration % self.copies * self.stride + vector * vector_bytes


class Instruction(NamedTuple):
    """One instruction.

    Attributes
    ----------
    code : int
    cycle : int
        In the time of the section.
    cycles : int
        For how long a unit runs or stalls.
    operator, shard : int
        Of the layer graph; `NONE` where it is no run of one.
    every : int
        Periods from one DESKEW to the next; 0: once.
    pieces : tuple of Piece
    """

    code: int
    cycle: int
    cycles: int = 0
    operator: int = NONE
    shard: int = NONE
    every: int = 0
    pieces: tuple[Piece, ...] = ()


class Section(NamedTuple):
    """What one unit does in one segment, or in every period of a frame.

    Attributes
    ----------
    segment : int
        `NONE` of what belongs to a frame.
    frame, period_cycles, phase_cycles : int
        Period 0: on demand.
    unit : int
        Of `UNITS`.
    link : int
        That a unit `IN` or `OUT` serves; else `NONE`.
    instructions : tuple of Instruction
    """

    segment: int
    frame: int
    period_cycles: int
    phase_cycles: int
    unit: int
    link: int
    instructions: tuple[Instruction, ...]


class NodeProgram(NamedTuple):
    """All that a node runs.

    Attributes
    ----------
    node : int
    position : str
    vector_bytes : int
    names : tuple of (int, str)
        Number and name of the operators of the layer graph that run there.
    sections : tuple of Section
    """

    node: int
    position: str
    vector_bytes: int
    names: tuple[tuple[int, str], ...]
    sections: tuple[Section, ...]
