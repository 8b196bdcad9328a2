"""What a manifest tells of a build; results are held to their types before any is shown: nobody signs them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lpxsched.errors import InputError
from lpxsched.files.schema import short, told_fault

if TYPE_CHECKING:
    from lpxsched.timetable.build import Build

# Far beyond any time in ns or rate; floats hold it, and lines stay short.
Number = Annotated[float, Field(ge=-1e30, le=1e30)]


class _Told(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, defer_build=True)


class _Load(_Told):
    resource: str
    kind: str
    load_ns: Number


class _Target(_Told):
    tokens_per_s_per_user: Number
    one_way_ns: Number | None
    context: int | None


class _Deskews(_Told):
    count: int


class _Problem(_Told):
    layers: list[int]


class _Results(_Told):
    """The keys that lines and pages show or a repair reckons with; others are of no interest to them."""

    makespan_cycles: int = 0
    makespan_ns: Number = 0
    lower_bound_cycles: int = 0
    bound: str | None = None
    acceptance_length: Number = 1
    mapping_bound_ns: Number | None = None
    mapping_gap: Number | None = None
    proved_ns: Number = 0
    proved_worst_ns: Number = 0
    assumed_ns: Number = 0
    assumed_low_ns: Number = 0
    assumed_high_ns: Number = 0
    step_ns: Number = 0
    step_high_ns: Number = 0
    tokens_per_s_per_user: Number = 0
    tokens_per_s_per_user_low: Number = 0
    tokens_per_s: Number = 0
    not_modelled: list[str] = []
    waiting_ns: Number | None = None
    restart_ns: Number = 0
    assumed_parts_ns: dict[str, Annotated[list[Number], Field(min_length=3, max_length=3)]] = {}
    published_formulas_ns: dict[str, Number | None] = {}
    loads: list[_Load] = []
    targets: list[_Target] = []
    problems: list[_Problem] = []
    deskews: _Deskews | None = None
    in_flight: int = 1
    layers: int = 0
    gap: Number = 1
    makespan_lower_bound_cycles: Annotated[int, Field(ge=1)] | None = None


# Of two builds side by side each is asked for its results many times.
@lru_cache(maxsize=2)
def results_of(build: Build) -> dict[str, Any]:
    """Return the results of a manifest, which are judged once.

    Raises
    ------
    InputError
        When one of the keys that are shown has another type than such results have.
    """
    results = build.manifest.results
    try:
        _Results.model_validate(results)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(["results", *map(str, fault["loc"])])
        problem = f"{told_fault(fault)}, got {short(fault['input'])}; compile the build again"
        raise InputError("manifest.json", problem, key=key) from None
    return results


def collective_kind(build: Build) -> str | None:
    """Return the kind of collective that a build is; None for a model."""
    kind = build.manifest.options.get("kind")
    return None if kind is None else str(kind)
