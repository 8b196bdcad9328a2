"""Something that breaks, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lpxsched.simulation.reference.oscillator import PARTS

if TYPE_CHECKING:
    from lpxsched.simulation.reference.oscillator import Drawn

Kind = Literal["link", "chip", "clock", "calibration", "host"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes
    ----------
    kind : str
        `link`: a vector that error correction gives up; `chip`: a chip that stops; `clock`: one that leaves its
        specification; `calibration`: a latency of the tree measured wrong; `host`: rows that come late.
    node : int
        The chip or lane; of a lost vector -1.
    slot, vector : int
        The vector lost.
    cycles : int
        When a chip stops, by how much a calibration is wrong, by how much a host is late.
    ppm : int
        Error of the clock.
    """

    kind: Kind
    node: int = -1
    slot: int = -1
    vector: int = 0
    cycles: int = 0
    ppm: int = 0

    def loses(self, slot: int, vector: int) -> bool:
        """Return whether a vector is lost."""
        return self.kind == "link" and (slot, vector) == (self.slot, self.vector)

    def stops(self, node: int, when: int) -> bool:
        """Return whether a node does nothing from some time of its program on."""
        return self.kind == "chip" and node == self.node and when >= self.cycles * PARTS

    def late(self, node: int) -> int:
        """Return by how much a node is late, in millionths of a cycle."""
        return self.cycles * PARTS if self.kind == "host" and node == self.node else 0

    def drawn(self, node: int, drawn: Drawn) -> Drawn:
        """Return the clock that a node has then."""
        return replace(drawn, offset_ppt=self.ppm * 10**6) if self.kind == "clock" and node == self.node else drawn

    def calibration(self, node: int) -> int:
        """Return by how much the latency to a node was measured wrong, in millionths of a cycle."""
        return self.cycles * PARTS if self.kind == "calibration" and node == self.node else 0


def expected_steps_between_replays(
    bit_error_rate: float,
    vector_hops: int,
    *,
    vector_bits: int = 8 * 328,
    codeword_bits: int = 5440,
    corrects: int = 15,
) -> float:
    """Return how many steps pass between two that must be replayed, if errors are independent.

    A step is replayed when correction gives up on a vector (Abts et al., ISCA 2022). RS(544, 514) over symbols of 10
    bits corrects 15 symbols of a codeword of 5,440 bits (IEEE 802.3, clause 91): it gives up with the probability
    sum over i > 15 of C(544, i) p^i (1 - p)^(544 - i), p = 1 - (1 - b)^10 for the bit error rate b before correction.
    A vector lies in as many codewords as its bits fill, and one more.

    Parameters
    ----------
    bit_error_rate : float
        Before correction.
    vector_hops : int
        Vectors of a step times links that each crosses.
    vector_bits, codeword_bits, corrects : int
    """
    from math import exp, expm1, lgamma, log, log1p

    symbols = codeword_bits // 10
    symbol = -expm1(10 * log1p(-bit_error_rate))
    if symbol <= 0:
        return float("inf")
    terms = (
        exp(
            lgamma(symbols + 1)
            - lgamma(i + 1)
            - lgamma(symbols - i + 1)
            + i * log(symbol)
            + (symbols - i) * log1p(-symbol)
        )
        for i in range(corrects + 1, min(symbols, corrects + 60) + 1)
    )
    lost = sum(terms) * (vector_bits / codeword_bits + 1)
    return 1 / -expm1(vector_hops * log1p(-min(lost, 1 - 1e-12))) if lost > 0 else float("inf")
