"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction


def links_of(link_class: str) -> str:
    """Return what links of a class are called: ``tray links``; of a fabric with one class it is ``link`` alone."""
    return "links" if link_class == "link" else f"{link_class} links"


def percent(share: float | Fraction, decimals: int = 2) -> str:
    """Return a share of 1 as people read it."""
    return f"{float(100 * share):.{decimals}f} %"


def in_us(time_ns: float | Fraction) -> str:
    """Return a time in nanoseconds as microseconds, without the unit: ``1,084.636``."""
    return f"{float(time_ns) / 1000:,.3f}"


def as_us(time_ns: float | Fraction) -> str:
    """Return a time in nanoseconds as microseconds: ``1,084.636 us``."""
    return f"{in_us(time_ns)} us"


def as_time(time_ns: float | Fraction) -> str:
    """Return a time in nanoseconds in the largest unit in which it is no less than one: ``33.119 s``, ``84.636 us``."""
    for unit, unit_ns in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if time_ns >= unit_ns:
            return f"{float(time_ns) / unit_ns:,.3f} {unit}"
    return f"{float(time_ns):,.3f} ns" if time_ns else "0 s"


def clocks_named(clock: str) -> str:
    """Return what the clocks of a specification are called: those of ``none`` never disagree."""
    return "perfect clocks" if clock == "none" else f"clocks of {clock}"
