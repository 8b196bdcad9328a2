"""The keys of a config, nested ones brought to one level; every fault is told at its key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lpxsched.files.document import dotted
from lpxsched.files.near import near_names
from lpxsched.files.schema import mapping, short
from lpxsched.workload.config.aliases import (
    ALIASES,
    FACTS_INSIDE,
    HARMLESS,
    LANGUAGE_PARTS,
    OTHER_PARTS,
    QUANTIZATION,
    SUSPECT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.errors import InputError
    from lpxsched.files.document import Document
    from lpxsched.files.json_locations import Location

# Each layer needs a chip of its own, and products of three widths stay readable.
LARGEST = 10_000_000
MOST_LAYERS = 20_000
# Keys of configs are long and have parts in common; a slip of a letter or two leaves this much of them.
SLIP = 0.9
KNOWN = [name for names in ALIASES.values() for name in names]


@dataclass(slots=True)
class Keys:
    """Looks facts up by their aliases, and remembers which keys were read and what must be said.

    Attributes
    ----------
    document : Document
    entries : dict
        Location and value of each key that speaks of the language model, by the fact or the name.
    read : set of str
        Names of keys that were asked for.
    notes : list of str
        What was read as public code reads it though no key says so.
    """

    document: Document
    entries: dict[str, list[tuple[Location, Any]]]
    read: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def given(self, fact: str) -> list[tuple[Location, Any]]:
        """Return where a fact stands, and its value there; keys that are null are left out."""
        return [(location, value) for location, value in self._all(fact) if value is not None]

    def is_null(self, fact: str) -> bool:
        """Return whether a fact's key is there and null."""
        return bool(self._all(fact)) and not self.given(fact)

    def value(self, fact: str) -> Any:
        """Return the value of a fact, None where no key gives it.

        Raises
        ------
        InputError
            When two of its keys differ.
        """
        given = self.given(fact)
        for location, value in given[1:]:
            if value != given[0][1]:
                problem = f"{short(value)}, but {dotted(given[0][0])} says {short(given[0][1])}; keep one of them"
                raise self.document.error(location, problem)
        return given[0][1] if given else None

    def number(self, fact: str, *, least: int = 1, most: int = LARGEST) -> int:
        """Return a fact that must be there as a whole number."""
        found = self.optional(fact, least=least, most=most)
        if found is None:
            if self.is_null(fact):
                raise self.error(fact, "null, where a number decides; write the number")
            raise self._missing(fact)
        return found

    def optional(self, fact: str, *, least: int = 0, most: int = LARGEST) -> int | None:
        """Return a fact as a whole number, None where no key gives one."""
        value = self.value(fact)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and least <= value <= most):
            return value
        raise self.error(fact, f"must be a whole number from {least} to {most}, got {short(value)}")

    def flag(self, fact: str) -> bool | None:
        """Return a fact as a truth value, None where no key gives one."""
        value = self.value(fact)
        if value is None or isinstance(value, bool):
            return value
        raise self.error(fact, f"must be true or false, got {short(value)}")

    def name(self, fact: str) -> str:
        """Return the dotted path of the key that gives a fact, of its first alias where none does."""
        places = self.given(fact) or self._all(fact)
        return dotted(places[0][0]) if places else ALIASES[fact][0]

    def error(self, fact: str, problem: str) -> InputError:
        """Return an error at the key that gives a fact."""
        places = self.given(fact) or self._all(fact)
        return self.document.error(places[0][0] if places else (ALIASES[fact][0],), problem)

    def note(self, text: str) -> None:
        """Keep a line for the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _missing(self, fact: str) -> InputError:
        """Return what is wrong where no key gives a fact, at the key that may be meant for it if there is one."""
        names = ALIASES[fact]
        for location in self._unknown():
            if near := near_names(str(location[-1]), names, cutoff=SLIP):
                return self.document.error(location, f"unknown key, and {names[0]} is missing; did you mean {near[0]}?")
        return self.document.error((names[0],), " or ".join(("this key is missing; add it", *names[1:])))

    def note_slips(self) -> None:
        """Note keys that nothing reads and that are nearly called like one that is missing."""
        for location, problem in self._slips():
            self.note(f"{dotted(location)}: {problem}")

    def _slips(self) -> Iterator[tuple[Location, str]]:
        absent = [name for fact, names in ALIASES.items() if fact not in self.entries for name in names]
        absent += [name for name in (QUANTIZATION, *LANGUAGE_PARTS) if name not in self.document.data]
        for location in self._unknown():
            if near := near_names(str(location[-1]), absent, cutoff=SLIP):
                yield location, f"nothing reads this key; did you mean {near[0]}?"

    def _unknown(self) -> Iterator[Location]:
        known = HARMLESS.union(KNOWN)
        return (location for location, _ in _all_entries(self.document) if str(location[-1]) not in known)

    def refuse_dropped(self) -> None:
        """Refuse a key that speaks of experts or layers and was not read, unless it is known to decide no weight.

        A key that is null, false, 0 or empty names nothing that could be dropped. Where one is misspelt, it may be why
        others are not read: it is told first.
        """
        for location, value in _all_entries(self.document):
            if value and str(location[-1]) not in self.read | HARMLESS:
                dropped = _suspect(location, value)
                if dropped is not None:
                    raise self._dropped(*dropped)

    def _dropped(self, where: Location, what: Any) -> InputError:
        for location, problem in self._slips():
            return self.document.error(location, problem)
        near = [] if where[-1] in KNOWN else near_names(str(where[-1]), KNOWN, cutoff=SLIP)
        problem = f"{short(what)} speaks of experts or layers and would be dropped; nothing reads this key"
        return self.document.error(where, "; ".join([problem, *(f"did you mean {name}?" for name in near)]))

    def _all(self, fact: str) -> list[tuple[Location, Any]]:
        self.read.update(ALIASES[fact])
        return self.entries.get(fact, [])


def read_keys(document: Document) -> Keys:
    """Return the keys of a config.

    Raises
    ------
    InputError
        When the document is no mapping.
    """
    mapping(document)
    facts = {alias: fact for fact, aliases in ALIASES.items() for alias in aliases}
    entries: dict[str, list[tuple[Location, Any]]] = {}
    for location, value in _all_entries(document):
        fact = facts.get(str(location[-1]))
        inside = FACTS_INSIDE.get(str(location[-2])) if len(location) > 1 else None
        if fact is not None and (inside is None or fact in inside):
            entries.setdefault(fact, []).append((location, value))
    keys = Keys(document, entries)
    for name, value in document.data.items():
        if OTHER_PARTS.fullmatch(name) and value:
            keys.note(f"{name}: this part works on pictures or sound; it is not counted")
    return keys


def _all_entries(document: Document) -> Iterator[tuple[Location, Any]]:
    """Yield every key that may speak of the language model, the outermost first."""
    waiting: list[tuple[Location, Any]] = [((), document.data)]
    while waiting:
        around, data = waiting.pop(0)
        for name, value in data.items():
            location = (*around, name)
            if name in (*LANGUAGE_PARTS, *FACTS_INSIDE) and isinstance(value, dict):
                waiting.append((location, value))
            elif not OTHER_PARTS.fullmatch(name) and name != QUANTIZATION:
                yield location, value


def _suspect(location: Location, value: Any) -> tuple[Location, Any] | None:
    """Return the key at or under a location that speaks of experts or layers, None where none does."""
    if SUSPECT.search(str(location[-1])) or (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
        return location, value
    inside = value.items() if isinstance(value, dict) else ()
    found = (_suspect((*location, name), child) for name, child in inside if child and name not in HARMLESS)
    return next((suspect for suspect in found if suspect is not None), None)
