"""What ``lpxsched report`` prints of two builds side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.report.comparison.assumed import assumed_rows, assumed_sentence
from lpxsched.report.comparison.change import by_group, change_rows
from lpxsched.report.comparison.comparison import LETTERS
from lpxsched.report.comparison.moved import moved_sentence
from lpxsched.report.console.build import busiest
from lpxsched.report.limits import limiting_sentence
from lpxsched.report.text_table import filled, titled
from lpxsched.report.titles import name_of

if TYPE_CHECKING:
    from lpxsched.report.comparison.comparison import Comparison


def comparison_text(folders: tuple[str, str], told: Comparison) -> str:
    """Return two builds side by side."""
    named = list(zip(LETTERS, folders, told.summaries, strict=True))
    parts = [
        filled(text, subsequent_indent="   ", break_on_hyphens=False)
        for letter, folder, summary in named
        for text in (f"{letter}  {folder}: {name_of(summary)}", f"   {limiting_sentence(summary)}")
    ]
    parts += [filled(sentence) for sentence in told.shares]
    parts += [titled(_title(group), change_rows(members)) for group, members in by_group(told.changes).items()]
    parts += [part for letter, _, summary in named for part in busiest(summary, letter)]
    more = "; -o FILE.html shows which" if any(each.first != each.second for each in told.moved) else ""
    parts.append(f"Mapping: {moved_sentence(told.moved)}{more}")
    sentence, other = f"Assumptions: {assumed_sentence(told.assumed)}", [each for each in told.assumed if each.differs]
    parts.append(titled(sentence, assumed_rows(other), left=3) if other else sentence)
    return "\n\n".join(parts)


def _title(group: str) -> str:
    return group[0].upper() + group[1:]
