"""Work of a router: the logits of all choices by the matrix unit, then the k best and their gates by the vector unit.

Every chip that has the rows computes all of it: its weights are small, and an all-reduce of the logits would cost a
hop. Each choice of the k best waits for the one before, and the gates for the last. Where gates are a softmax, the k
best alone need exponentials: those of the others fall out when gates are made to sum to one. Where they are sigmoids,
the choice is among these, with biases added, so every choice needs its own; of the k best only the sum is left then.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from lpxsched.workload.datatypes import ROUTER_TYPE, exact_bytes_of
from lpxsched.workload.slices import replicated
from lpxsched.workload.work import VECTOR, Term, Work

if TYPE_CHECKING:
    from lpxsched.workload.model import Experts

# To compare a number with the best, and to leave the best out of the next choice.
CHOICE_OPERATIONS = 2
# Exponential, sum, and the product with its inverse of each gate.
GATE_PASSES, GATE_OPERATIONS = 3, 3
# Exponential, one more, its inverse: a pass over all choices, in the place of that of the gates' exponentials.
SIGMOID_OPERATIONS = 3


def logits_work(experts: Experts, columns: int, dtype: str, batch: int, partials: str, *, is_last: bool = True) -> Work:
    """Return the work of a block of so many columns of rows times the router.

    Parameters
    ----------
    experts : Experts
    columns : int
    dtype : str
        Of the rows.
    batch : int
        Rows of a step.
    partials : str
        Type of the logits.
    is_last : bool
        Whether it is the last block, which adds biases and drains the pipeline.
    """
    weights = exact_bytes_of((columns + experts.biases * is_last) * experts.choices, ROUTER_TYPE)
    moved = exact_bytes_of(columns, dtype) + exact_bytes_of(experts.choices * is_last, partials)
    work = replicated(ROUTER_TYPE, ROUTER_TYPE, weights, batch, row=moved, macs=columns * experts.choices)
    return work if is_last else replace(work, pipelines=())


def choice_work(experts: Experts, batch: int, partials: str, *, scaled: bool = False) -> Work:
    """Return the work of choosing the k best of the logits of each row, and of giving their gates.

    Parameters
    ----------
    experts : Experts
    batch : int
        Rows of a step.
    partials : str
        Type of the logits.
    scaled : bool
        Whether a norm's scale of each row multiplies its logits first.
    """
    best, gates = experts.per_token, GATE_OPERATIONS - experts.sigmoid
    scores = scaled + SIGMOID_OPERATIONS * experts.sigmoid
    moved = exact_bytes_of(experts.choices + scaled, partials) + exact_bytes_of(2 * best, ROUTER_TYPE)
    operations = experts.choices * (scores + CHOICE_OPERATIONS * best) + gates * best
    return Work(
        dtype=partials,
        rows=batch,
        terms=(Term("bytes", VECTOR, per_row=moved), Term("elements", VECTOR, per_row=Fraction(operations))),
        pipelines=((VECTOR, best + GATE_PASSES),),
    )
