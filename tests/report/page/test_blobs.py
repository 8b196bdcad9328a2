"""Tests of columns packed into a page, undone in Python and by the page's own script."""

from __future__ import annotations

import base64
import zlib
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lpxsched.report.page.blobs import Blob, pack
from tests.builds import ints

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def unpacked(blob: Blob) -> list[list[int]]:
    """Return the columns of a blob, byte by byte."""
    data, place, columns = zlib.decompress(base64.b64decode(blob.text)), 0, []
    for rows, width, delta in blob.layout:
        column, total = [], 0
        for row in range(rows):
            folded = sum(data[place + plane * rows + row] << 8 * plane for plane in range(width))
            value = -(folded // 2) - 1 if folded % 2 else folded // 2
            total = total + value if delta else value
            column.append(total)
        columns.append(column)
        place += rows * width
    assert place == len(data)
    return columns


numbers = st.lists(st.integers(-(2**51) + 1, 2**51 - 1), max_size=20)


@given(columns=st.lists(numbers, max_size=4))
def test_any_columns_come_back(columns: list[list[int]]) -> None:
    """Tests columns of any lengths and sizes."""
    assert unpacked(pack("some", [ints(*column) for column in columns])) == columns


def test_columns_take_the_fewest_bytes() -> None:
    """Tests that what grows evenly is kept as differences of one byte, and what jumps about as it is."""
    assert pack("some", [np.arange(0, 10_000, 100)]).layout == [[100, 1, 1]]
    assert pack("some", [ints(0, 100, 0, 100)]).layout == [[4, 1, 0]]
    assert pack("some", [ints(0, 1000, 0, 1000)]).layout == [[4, 2, 0]]


def test_what_javascript_cannot_hold_is_refused() -> None:
    """Tests that no value is rounded silently."""
    with pytest.raises(ValueError, match="2\\^51"):
        pack("some", [ints(2**51)])


def test_the_script_undoes_what_python_packs(browser: Browser) -> None:
    """Tests widths of 1, 2, 4 and 8 bytes, negative numbers and differences in the browser."""
    columns = [[0, -1, 127, -128], [5, 40_000, 5], list(range(0, 5_000_000, 70_000)), [2**51 - 1, -(2**51) + 1], []]
    blob = pack("some", [ints(*column) for column in columns])
    script = (files("lpxsched.report.page") / "static" / "store.js").read_text(encoding="utf-8")
    page = browser.new_page()
    undo = f"""async ([text, layout]) => {{
        {script}
        return unpacked(await inflated(fromBase64(text)), layout).map((column) => [...column]);
    }}"""
    assert page.evaluate(undo, [blob.text, blob.layout]) == columns
    page.close()
