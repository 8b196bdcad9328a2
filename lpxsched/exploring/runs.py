"""Many compiles side by side, in processes of this machine or on a cluster."""

from __future__ import annotations

import signal
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from lpxsched.errors import InputError, NothingFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Given = TypeVar("Given")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Workers:
    """Who computes.

    Attributes
    ----------
    jobs : int
        Processes of this machine; 1 is this process alone.
    cluster : str or None
        Address of a scheduler of dask.distributed, whose workers take the place of processes here.
    """

    jobs: int = 1
    cluster: str | None = None


def refuse_missing_cluster(command: str) -> None:
    """Raise an `InputError` when the package that speaks to a cluster is not installed."""
    if find_spec("distributed") is None:
        problem = "needs dask.distributed; install the extra: pip install 'lpxsched[cluster]'"
        raise InputError(f"lpxsched {command}", problem, key="--cluster")


def as_found(find: Callable[[Given], Found], given: Sequence[Given], workers: Workers) -> Iterator[tuple[int, Found]]:
    """Yield what a function makes of each of some arguments, with the argument's number, in the order of completion.

    Parameters
    ----------
    find : callable
        A function of a module, which workers import.
    given : sequence
    workers : Workers

    Raises
    ------
    InputError
        When nobody answers at the address of the cluster.
    NothingFoundError
        When a process was killed.
    """
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    calls = (delayed(_numbered)(number, find, one) for number, one in enumerate(given))
    with _backend(workers.cluster), nullcontext() if workers == Workers() else _terminated_as_interrupted():
        jobs = None if workers.cluster else workers.jobs
        # Who ends a run knows that it is not done.
        warnings.filterwarnings("ignore", r"\d+ tasks (have been successfully executed|which were still)", UserWarning)
        found = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(calls)
        try:
            yield from found
        except TerminatedWorkerError as error:
            raise NothingFoundError("a worker was killed, for want of memory?", remedy="take fewer --jobs") from error


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does meanwhile: killed at once, it would leave its processes behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _numbered(number: int, find: Callable[[Given], Found], given: Given) -> tuple[int, Found]:
    return number, find(given)


@contextmanager
def _backend(cluster: str | None) -> Iterator[Any]:
    from joblib import parallel_config

    if cluster is None:
        yield
        return
    from distributed import Client

    try:
        client = Client(cluster, timeout=10, set_as_default=True)
    except (OSError, ValueError) as error:
        problem = (
            f"no scheduler of dask answers at {cluster}; start dask scheduler and dask worker, and give its address"
        )
        raise InputError("--cluster", problem) from error
    with client, parallel_config(backend="dask"):
        yield
