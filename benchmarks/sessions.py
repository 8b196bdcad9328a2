"""The shipped coding session on builds: with the timetable, arbitrated at run time, and what 1 us of jitter costs.

Usage: uv run python -m benchmarks.sessions [--steps N] [DIR ..]

Each DIR is a build. Without any, gpt-oss-120b is compiled on a rack at contexts up to that of the longest request.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from lpxsched.cli.main import run
from lpxsched.cli.verification import read_granted_build
from lpxsched.options import ContendOptions
from lpxsched.sessions.drawn import drawn_sessions
from lpxsched.sessions.outcome import TOOLS
from lpxsched.sessions.prefill import read_prefill
from lpxsched.sessions.steps import read_steps
from lpxsched.sessions.study import study_of
from lpxsched.sessions.trace import PS_PER_S, read_session

CONTEXTS = (8192, 32768, 65536, 98304, 163840)
SESSIONS, STEPS = 1000, 200


def compiled(folder: Path) -> list[Path]:
    """Return builds of gpt-oss-120b on a rack at `CONTEXTS`."""
    folders = [folder / str(context) for context in CONTEXTS]
    for context, target in zip(CONTEXTS, folders, strict=True):
        arguments = ["gpt-oss-120b", "lpx-rack", "--context", str(context), "-o", str(target), "--json"]
        assert run(["compile", *arguments]) == 0
    return folders


def tell(folders: list[Path], steps: int) -> None:
    """Print the figures of one session."""
    parts = read_session("coding"), read_steps(folders, read_granted_build), read_prefill("nvl72")
    study = study_of(*parts)
    drawn = drawn_sessions(*parts, ContendOptions(steps=steps), SESSIONS, progress=lambda *_: None)
    tools_ps = study.nominal.parts_ps[TOOLS]
    figures = {
        "nominal": study.nominal.timeline.total_ps,
        "worst": study.worst.timeline.total_ps,
        "arbitrated, median": drawn.median_ps,
        "arbitrated, P99": drawn.tail_ps,
        "every arbitrated step its P99": drawn.tail.timeline.total_ps,
        "1 us a layer": study.jitter_ps + tools_ps,
    }
    print(f"{study.steps.options['model']} on {study.steps.options['topology']}, contexts {study.steps.contexts}")
    for name, total_ps in figures.items():
        print(f"{name:30} {total_ps / PS_PER_S:10.3f} s  without tools {(total_ps - tools_ps) / PS_PER_S:8.3f} s")
    for name, outcome in (("nominal", study.nominal), ("worst", study.worst), ("arbitrated", drawn.mean)):
        rounded = {part: round(time_ps / PS_PER_S, 3) for part, time_ps in outcome.parts_ps.items()}
        print(f"{name:12} {outcome.interactivity:8.0f} tokens/s  {rounded}")


def main() -> None:
    """Print figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args()
    if chosen.folders:
        tell(chosen.folders, chosen.steps)
        return
    with tempfile.TemporaryDirectory() as folder:
        tell(compiled(Path(folder)), chosen.steps)


if __name__ == "__main__":
    main()
