"""What a user may choose, in one frozen object a command; the command line takes choices and defaults from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from lpxsched.errors import InputError
from lpxsched.files.schema import Strict

if TYPE_CHECKING:
    from pydantic import ValidationInfo

Model = TypeVar("Model", bound=BaseModel)

WeightChoice = Literal["fp8", "bf16", "int8", "mxfp4", "nvfp4"]
CollectiveKind = Literal[
    "all-gather", "reduce-scatter", "all-reduce", "all-to-all", "broadcast", "reduce", "gather", "scatter"
]
Solver = Literal["auto", "greedy", "symmetric", "cpsat"]
Effort = Annotated[int, Field(ge=1, le=40)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
ChipNumber = Annotated[int, Field(ge=0)]
DEFAULT_EFFORT = 3
PERFECT_CLOCK = "none"
# What `--partition` takes besides files.
PARTITIONS = ("auto", "daisy-chain", "disjoint", "whole")


def _refuse_idle_solver(effort: int, info: ValidationInfo) -> int:
    """Refuse an effort that leaves out the solver which was chosen."""
    if info.data.get("solver") == "cpsat" and effort == 1:
        raise PydanticCustomError("no_search", "must be 2 or more with --solver cpsat: 1 is greedy alone")
    return effort


class CompileOptions(Strict):
    """Options of ``lpxsched compile``; the manifest keeps them.

    What plays no part in the mode that is chosen is refused where it is given, even as the default.

    Attributes
    ----------
    model, topology, clock : str
        Shipped names or paths.
    batch : int
        Users of a step.
    draft : int
        Drafted tokens that a step checks for each user, each a row besides that of the last token.
    acceptance : float or None
        Tokens that a step emits a user; None takes the shipped table, else 1.
    in_flight : int
        Micro-batches between two visits of the same user; 1 runs layers on demand.
    weights : str or None
        Type of the expert weights; None takes the type in which the model was published.
    activations, partials : str
        Types of the rows that enter a layer and of partial sums.
    partition : str
        ``auto`` for the shortest mapping found, ``daisy-chain``, ``disjoint`` or ``whole``, else a file of groups.
    attention, moe : str
        Where attention runs, and how experts lie on chips.
    capacity : float or None
        With ``dispatch``, rows for which an expert has room at once over their mean; None for room whatever the
        routing.
    router : str
        Where the router runs.
    context : int
        Rows that each row sees in its mixers, itself included.
    kv : str
        Type of cached keys and values.
    gpus, handover : str
        Shipped names or paths.
    solver, effort, seed
        See ``schedule.solve``.
    """

    model: str
    topology: str
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    draft: Annotated[int, Field(ge=0, le=64)] = 0
    acceptance: Annotated[float, Field(ge=1, le=65)] | None = None
    context: Annotated[int, Field(ge=1, le=100_000_000)] = 8192
    kv: Literal["fp8", "bf16"] = "fp8"
    in_flight: Annotated[int, Field(ge=1, le=10**9)] = 1
    weights: WeightChoice | None = None
    activations: Literal["fp8", "bf16"] = "fp8"
    partials: Literal["bf16", "fp32"] = "bf16"
    partition: Annotated[str, Field(min_length=1)] = "auto"
    attention: Literal["gpu", "lpu"] = "gpu"
    moe: Literal["sharded", "whole", "dispatch"] = "sharded"
    capacity: Annotated[float, Field(gt=0, le=1e6)] | None = None
    router: Literal["lpu", "gpu"] = "lpu"
    gpus: str = "nvl72"
    handover: str = "fpga-400g"
    solver: Solver = "auto"
    effort: Effort = DEFAULT_EFFORT
    seed: Seed = 0
    clock: str = "xo-100ppm"

    @field_validator("router")
    @classmethod
    def _refuse_without_gpus(cls, choice: str, info: ValidationInfo) -> str:
        if info.data.get("attention") == "lpu" and choice == "gpu":
            problem = "is for --attention gpu; a whole model on the chips takes lpu"
            raise PydanticCustomError("no_gpus", problem)
        return choice

    @field_validator("capacity")
    @classmethod
    def _refuse_endless_room(cls, capacity: float | None, info: ValidationInfo) -> float | None:
        if capacity is not None and info.data.get("moe") != "dispatch":
            raise PydanticCustomError("no_positions", "is for --moe dispatch alone; leave it out")
        if capacity is not None and info.data.get("in_flight", 1) > 1:
            problem = "must be left out with --in-flight above 1: rows beyond it need further windows"
            raise PydanticCustomError("no_window", problem)
        if capacity is not None and info.data.get("attention") == "lpu":
            problem = "must be left out with --attention lpu: a step is fixed, so all windows would run in each"
            raise PydanticCustomError("no_window", problem)
        return capacity

    @field_validator("gpus", "handover")
    @classmethod
    def _refuse_beyond_hosts(cls, choice: str, info: ValidationInfo) -> str:
        if info.data.get("attention") == "lpu":
            raise PydanticCustomError("no_gpus", "is for --attention gpu; leave it out")
        return choice

    @field_validator("effort")
    @classmethod
    def _refuse_idle_effort(cls, effort: int, info: ValidationInfo) -> int:
        if info.data.get("solver") == "greedy" and effort > 1:
            raise PydanticCustomError("no_search", "must be left out, or 1, with --solver greedy, which looks once")
        return _refuse_idle_solver(effort, info)

    @property
    def rows(self) -> int:
        """Rows of a step: one a user, and one a drafted token."""
        return self.batch * (1 + self.draft)


class CollectiveOptions(Strict):
    """Options of ``lpxsched collective``; the manifest keeps them.

    Attributes
    ----------
    kind : str
    topology, clock : str
        Shipped names or paths.
    vectors : int
        As ``traffic.collectives`` counts them.
    root : int or None
        A chip that takes part; None is the first, or none for kinds without a root.
    chips : tuple of int or None
        Chips that take part, in the order of their shards; None is all that are up.
    relays : bool
        Whether all other chips that are up may pass vectors on.
    cyclic : bool
        Whether the timetable repeats with a period, which is then what is made short.
    deadline : int or None
        Latency asked for, in cycles.
    solver, effort, seed
        See ``schedule.options``.
    """

    kind: CollectiveKind
    topology: str
    vectors: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    root: ChipNumber | None = None
    chips: tuple[ChipNumber, ...] | None = None
    relays: bool = False
    cyclic: bool = False
    deadline: Annotated[int, Field(ge=1, le=10**12)] | None = None
    solver: Solver = "auto"
    effort: Effort = DEFAULT_EFFORT
    seed: Seed = 0
    clock: str = PERFECT_CLOCK

    @field_validator("relays")
    @classmethod
    def _refuse_idle_relays(cls, relays: bool, info: ValidationInfo) -> bool:
        if relays and info.data.get("chips") is None:
            raise PydanticCustomError("no_relays", "is for --chips: without it no chip is left that could relay")
        return relays

    _refuse_idle_solver = field_validator("effort")(_refuse_idle_solver)

    @field_validator("clock")
    @classmethod
    def _refuse_endless_drift(cls, clock: str, info: ValidationInfo) -> str:
        if info.data.get("cyclic") and clock != PERFECT_CLOCK:
            problem = (
                "must be {perfect} with --cyclic: timetables that repeat are placed without guards and deskews as yet"
            )
            raise PydanticCustomError("endless_drift", problem, {"perfect": PERFECT_CLOCK})
        return clock


class ContendOptions(Strict):
    """Options of ``lpxsched contend``.

    Attributes
    ----------
    routing : str
        ``minimal``: one shortest way, lanes of a bundle in turn; ``hash``: way and lane by a hash of what is sent;
        ``adaptive``: each packet takes, of two shortest ways and of all lanes, what is free soonest.
    arbitration : str
        What a free lane serves next: who came first, or any of those that wait.
    tokens : str
        Which experts rows meet: all alike, some 5.2 times as often as the mean, or as hurts most.
    runtime : str
        Shipped name or path of what software and packets cost.
    steps : int
        Steps that are drawn.
    seed : int
    """

    routing: Literal["minimal", "hash", "adaptive"] = "minimal"
    arbitration: Literal["fifo", "random"] = "fifo"
    tokens: Literal["uniform", "skewed", "adversarial"] = "uniform"
    runtime: Annotated[str, Field(min_length=1)] = "device"
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    seed: Seed = 0


class SessionOptions(Strict):
    """Options of ``lpxsched session``.

    Attributes
    ----------
    prefill : str
        Shipped name or path of how fast tokens are read in.
    contend : bool
        Whether sessions on steps with run-time arbitration are drawn too, as `ContendOptions` say.
    sessions : int
        How many of them.
    """

    prefill: Annotated[str, Field(min_length=1)] = "nvl72"
    contend: bool = False
    sessions: Annotated[int, Field(ge=1, le=100_000)] = 1000


def checked_options(model: type[Model], command: str, choices: dict[str, Any]) -> Model:
    """Return the options that a user chose.

    Raises
    ------
    InputError
        For the first that the model refuses.
    """
    try:
        return model(**choices)
    except ValidationError as error:
        fault = error.errors()[0]
        problem = fault["msg"] if fault["input"] is True else f"{fault['msg']}, got {fault['input']}"
        raise InputError(f"lpxsched {command}", problem, key=flag_of(str(fault["loc"][0]))) from None


def flag_of(field: str) -> str:
    """Return the option of a field as a user writes it."""
    return "--" + field.replace("_", "-")
