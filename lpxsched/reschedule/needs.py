"""What lost slots still have to bring: the vectors that stay in use where they arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lpxsched.schedule.problem.ragged import matching

if TYPE_CHECKING:
    from lpxsched.compiled.kernels import Flags, Integers
    from lpxsched.reschedule.tasks import Moves, Work


@dataclass(frozen=True, slots=True, eq=False)
class Users:
    """Who takes vectors of slots where they arrive: pairs in columns, vectors counted within the tensor.

    Attributes
    ----------
    slot : ndarray of int64, shape (pairs,)
    by : ndarray of int64, shape (pairs,)
        The slot that passes them on, or -1 of an operator that reads them.
    first, end : ndarray of int64, shape (pairs,)
    """

    slot: Integers
    by: Integers
    first: Integers
    end: Integers


def users_of(moves: Moves, work: Work) -> Users:
    """Return who takes vectors of each slot."""
    tensors = len(work.made_at)
    arriving = moves.destination * tensors + moves.tensor
    by, passed = matching(moves.source * tensors + moves.tensor, arriving)
    reading, read = matching(work.chip[work.reader] * tensors + work.tensor, arriving)
    slot = np.concatenate([passed, read])
    first = np.concatenate([moves.first[by], work.first[reading]])
    end = np.concatenate([(moves.first + moves.vectors)[by], (work.first + work.vectors)[reading]])
    first = np.maximum(first, moves.first[slot])
    end = np.minimum(end, (moves.first + moves.vectors)[slot])
    some = np.flatnonzero(first < end)
    by = np.concatenate([by, np.full(len(read), -1, dtype=np.int64)])
    return Users(slot[some], by[some], first[some], end[some])


def runs_in_use(users: Users, stays: Flags) -> dict[int, list[tuple[int, int]]]:
    """Return the runs of vectors (first, end) of each slot that operators, or slots that stay, take.

    Parameters
    ----------
    users : Users
    stays : ndarray of bool, shape (slots,)
    """
    kept = np.flatnonzero((users.by < 0) | np.append(stays, True)[users.by])
    kept = kept[np.lexsort((users.first[kept], users.slot[kept]))]
    runs: dict[int, list[tuple[int, int]]] = {}
    columns = (users.slot[kept].tolist(), users.first[kept].tolist(), users.end[kept].tolist())
    for slot, first, end in zip(*columns, strict=True):
        mine = runs.setdefault(slot, [])
        if mine and first <= mine[-1][1]:
            mine[-1] = mine[-1][0], max(mine[-1][1], end)
        else:
            mine.append((first, end))
    return runs
