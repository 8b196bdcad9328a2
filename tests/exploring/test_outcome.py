"""Tests of one compile as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.errors import ExitCode
from lpxsched.exploring.outcome import proved, proved_outcome
from tests.builds import two_chip_build
from tests.toy import toy_model
from tests.verify.changes import changed

if TYPE_CHECKING:
    from pathlib import Path


def test_a_compile_tells_what_the_command_tells(tmp_path: Path) -> None:
    """Tests the headline, the hash and the proof."""
    choices = {"model": toy_model(tmp_path), "topology": "tsp-node", "solver": "greedy", "partition": "whole"}
    outcome = proved_outcome(choices, "sweep")
    assert (outcome.exit_code, outcome.cause, outcome.told["verified"]) == (ExitCode.DONE, "", True)
    assert outcome.told.keys() >= {"status", "step_ns", "tokens_per_s", "content_sha256", "chips"}


def test_failures_are_told_with_place_cause_and_status(tmp_path: Path) -> None:
    """Tests options that contradict each other, a model that is too large, and a file that is wrong."""
    model = toy_model(tmp_path)
    refused = proved_outcome({"model": model, "topology": "tsp-node", "capacity": 1.0}, "sweep")
    assert (refused.exit_code, refused.place, refused.told) == (2, "lpxsched sweep", {"status": "refused"})
    assert refused.cause.startswith("--capacity: is for --moe dispatch alone")
    # 8 chips of 220 MB hold 1.76 GB; 100 layers of 4 experts of 3 x 640 x 80,000 bytes in bf16 are 123 GB.
    large = toy_model(tmp_path, num_hidden_layers=100, intermediate_size=80_000)
    infeasible = proved_outcome({"model": large, "topology": "tsp-node"}, "sweep")
    assert (infeasible.exit_code, infeasible.told) == (3, {"status": "infeasible"})
    assert infeasible.cause.startswith("infeasible: 100 layers")
    clock = tmp_path / "bad.yaml"
    clock.write_text("name: bad\noffset_ppm: -1\n")
    wrong = proved_outcome({"model": model, "topology": "tsp-node", "clock": str(clock)}, "sweep")
    assert (wrong.exit_code, wrong.place) == (2, f"{clock}:2:1")
    assert wrong.cause.startswith("offset_ppm: ")


def test_a_broken_rule_is_told_beside_the_figures() -> None:
    """Tests a build whose segment is said to end too early."""
    outcome = proved(changed("segments", 0, makespan_cycles=1))
    assert outcome.exit_code == ExitCode.VERIFICATION_FAILED
    assert outcome.told["verified"] is False
    assert outcome.cause
    assert proved(two_chip_build()).exit_code == ExitCode.DONE
