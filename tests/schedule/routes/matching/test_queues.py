"""Queues of blocks, against plain lists."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lpxsched.schedule.routes.matching.queues import (
    CHUNK,
    CLASSES,
    FIRST_CHUNKS,
    empty_queues,
    grown,
    has_room,
    lowest_bit,
    second_entry,
    take,
    wait,
)


@given(st.integers(1, 2**64 - 1))
def test_the_lowest_bit_is_found(word: int) -> None:
    """Tests words of 64 bits."""
    position = next(bit for bit in range(64) if word >> bit & 1)
    assert lowest_bit(np.uint64(word)) == position


@settings(max_examples=200)
@given(st.lists(st.none() | st.tuples(st.integers(0, 1), st.sampled_from((0, 1, 62)), st.booleans()), max_size=100))
def test_queues_serve_the_most_urgent_first(steps: list[tuple[int, int, bool] | None]) -> None:
    """Tests entering (resource, urgency, whether in front) and, for None, taking from both, against plain lists."""
    queues = empty_queues(2)
    plain: dict[tuple[int, int], deque[tuple[int, int, int]]] = {
        (resource, urgency): deque() for resource in range(2) for urgency in range(CLASSES)
    }
    for number, step in enumerate(steps):
        if step is not None:
            resource, urgency, front = step
            wait(queues, resource, urgency, number, 7 * number, front)
            queue = plain[resource, urgency]
            (queue.appendleft if front else queue.append)((number, 7 * number, urgency))
            continue
        for resource in range(2):
            waiting = [plain[resource, urgency] for urgency in range(CLASSES) if plain[resource, urgency]]
            assert bool(queues.waiting[resource]) == bool(waiting)
            if waiting:
                assert take(queues, resource) == waiting[0].popleft()


@pytest.mark.parametrize("front", [False, True])
def test_chunks_are_used_again(front: bool) -> None:
    """Tests three chunks of entries that come and go ten times: no more chunks are begun than the first time."""
    queues = empty_queues(1)
    many = 3 * (CHUNK - 1)
    for _ in range(10):
        for block in range(many):
            wait(queues, 0, 5, block, 0, front)
        assert queues.chunks[0] == 3
        order = [take(queues, 0)[0] for _ in range(many)]
        assert order == (list(range(many))[::-1] if front else list(range(many)))


@given(st.integers(1, 5 * CHUNK), st.data())
def test_what_is_put_back_in_front_takes_no_more_chunks(many: int, data: st.DataObject) -> None:
    """Tests that some of those who wait are taken and put back, the last first, as where ports are full."""
    queues = empty_queues(1)
    for block in range(many):
        wait(queues, 0, 5, block, 0, False)
    begun = int(queues.chunks[0])
    for count in data.draw(st.lists(st.integers(1, many), max_size=4)):
        taken = [take(queues, 0)[0] for _ in range(count)]
        assert taken == list(range(count))
        for block in reversed(taken):
            wait(queues, 0, 5, block, 0, True)
        assert queues.chunks[0] == begun


def test_queues_keep_their_entries_when_they_grow() -> None:
    """Tests a queue for which all room is used."""
    queues = empty_queues(1)
    number = 0
    while has_room(queues, 1):
        wait(queues, 0, 0, number, number % 3, False)
        number += 1
    queues = grown(queues, 2)
    assert has_room(queues, 2)
    # The last entry began the last chunk; those before filled theirs.
    assert number == (FIRST_CHUNKS - 1) * (CHUNK - 1) + 1
    assert [take(queues, 0) for _ in range(number)] == [(block, block % 3, 0) for block in range(number)]


@pytest.mark.parametrize(
    ("begin", "end", "second"),
    [
        # Two entries of one chunk, the only entry of a list, the last entry of a chunk that has a next one.
        (CHUNK, CHUNK + 2, CHUNK + 1),
        (CHUNK, CHUNK + 1, CHUNK),
        (2 * CHUNK - 2, 5 * CHUNK, 2 * CHUNK - 2),
    ],
)
def test_the_second_entry_lies_in_the_chunk_of_the_first(begin: int, end: int, second: int) -> None:
    """Tests cells by hand."""
    assert second_entry(begin, end) == second
