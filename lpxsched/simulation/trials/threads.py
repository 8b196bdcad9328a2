"""Runs on several threads, told in their order; machine code of kernels leaves the interpreter to others."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Found = TypeVar("Found")


def side_by_side(runs: Iterable[Callable[[], Found]]) -> Iterator[Found]:
    """Yield what runs return, in their order: one a processor at a time, and no more kept than one beyond."""
    workers = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(workers) as pool:
        begun: deque[Future[Found]] = deque()
        for run in runs:
            begun.append(pool.submit(run))
            if len(begun) > workers:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
