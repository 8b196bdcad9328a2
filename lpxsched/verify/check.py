"""Check a build: an ordered list of rules, each a function from a build to its violations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lpxsched.verify.bounds import out_of_bounds
from lpxsched.verify.causality import causality_violations
from lpxsched.verify.clock import faults_of_clock
from lpxsched.verify.deadlines import deadline_violations
from lpxsched.verify.delivery import delivery_violations
from lpxsched.verify.deskews import deskew_violations
from lpxsched.verify.frames import faults_of_frames
from lpxsched.verify.links import link_violations
from lpxsched.verify.memory import memory_violations
from lpxsched.verify.operators import operator_violations
from lpxsched.verify.partition import faults_of_partition
from lpxsched.verify.ports import port_violations
from lpxsched.verify.reads import read_violations
from lpxsched.verify.reduction import reduction_violations
from lpxsched.verify.tree import faults_of_tree
from lpxsched.verify.violation import MANIFEST_FILE, Violation
from lpxsched.verify.work import faults_of_work

if TYPE_CHECKING:
    from collections.abc import Callable

    from lpxsched.timetable.build import Build

CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its number, its title, the table whose rows it judges, and how."""

    name: str
    title: str
    table: str
    violations: Callable[[Build], list[Violation]]


RULES = (
    Rule("R1", "link", "slots", link_violations),
    Rule("R2", "causality", "slots", causality_violations),
    Rule("R3", "delivery", "operands", delivery_violations),
    Rule("R4", "operators", "operators", operator_violations),
    Rule("R5", "reduction", "operands", reduction_violations),
    Rule("R6", "memory", "chips", memory_violations),
    Rule("R7", "ports", "slots", port_violations),
    Rule("R8", "reads", "slots", read_violations),
    Rule("R9", "deskews", "deskews", deskew_violations),
    Rule("R10", "deadlines", "segments", deadline_violations),
)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checker found.

    Attributes
    ----------
    content_ok : bool
        Whether the content hash is that of the manifest.
    violations : tuple of Violation
        In the order of the rules; empty when all of them hold.
    judged : bool
        Whether the rules were judged. They are not when a number is out of bounds or the graph is ambiguous;
        the violations then say so.
    checked_slots : int
        Slots that were judged.
    """

    content_ok: bool
    violations: tuple[Violation, ...]
    judged: bool
    checked_slots: int

    @property
    def ok(self) -> bool:
        """Whether the build is what it says and every rule holds."""
        return self.content_ok and not self.violations


def taken_for_granted(build: Build) -> list[Violation]:
    """Return the faults of what all rules reckon with: they come before the rules and, when there are any, alone."""
    numbers = out_of_bounds(build)
    if numbers:
        return numbers
    graph = [*faults_of_partition(build), *faults_of_work(build), *faults_of_clock(build), *faults_of_tree(build)]
    return graph or faults_of_frames(build)


def check(build: Build) -> CheckReport:
    """Judge a build by the rules R1 to R10 and its content hash, from what its folder holds alone."""
    actual, said = build.content_sha256(), build.manifest.content_sha256
    violations: list[Violation] = []
    if actual != said:
        violations.append(Violation(CONTENT, f"content_sha256 is {actual}, {MANIFEST_FILE} says {said}"))
    faults = taken_for_granted(build)
    judged = not faults
    violations += faults or [found for rule in RULES for found in rule.violations(build)]
    return CheckReport(actual == said, tuple(violations), judged, len(build.slots) if judged else 0)
