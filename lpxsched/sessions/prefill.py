"""How fast tokens that are not cached are read in before a request decodes (``topologies/prefill/*.yaml``).

Prefill takes tokens / rate, on GPUs of its own: requests do not wait for each other there.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lpxsched.files.document import read_yaml
from lpxsched.files.schema import Strict, Tagged, validate
from lpxsched.files.shipped import find_file


class PrefillFile(Strict):
    """A description of prefill as written in YAML; the rate is that of one request."""

    name: str
    tokens_per_s: Tagged[Annotated[float, Field(ge=1e-3, le=1e12)]]


def read_prefill(name: str) -> PrefillFile:
    """Return the description of a shipped name or a path.

    Raises
    ------
    InputError
    """
    return validate(read_yaml(find_file("prefill", name)), PrefillFile)
