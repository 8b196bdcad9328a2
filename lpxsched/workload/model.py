"""A model as its config states it: a list of layers, each of mixers and FFNs with their widths.

A mixer moves data between the rows of a sequence (attention and its kin), an FFN works on each row by itself. What a
config does not give is `Unread`, with the keys that are missing; nothing that depends on it is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lpxsched.workload.config.keys import Keys


@dataclass(frozen=True, slots=True)
class Attention:
    """Softmax attention over all rows, or over a window of them.

    Attributes
    ----------
    heads, kv_heads, head_columns : int
    window : int
        Rows that a row sees, 0 where it sees all.
    keys_are_values : bool
        One projection gives keys and values.
    gated : bool
        A gate as wide as the queries multiplies what the heads give.
    biases : bool
        Whether the projections have biases.
    """

    heads: int
    kv_heads: int
    head_columns: int
    window: int = 0
    keys_are_values: bool = False
    gated: bool = False
    biases: bool = False


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Attention over a latent row for keys and values of all heads (MLA), perhaps with an indexer that picks rows.

    Attributes
    ----------
    heads : int
    query_rank, kv_rank : int
        Columns of the latent rows; a query rank of 0 projects queries at once.
    plain_columns, rotary_columns, value_columns : int
        Columns of a head: of queries and keys without and with rotation, and of values.
    index_heads, index_columns : int
        Those of the indexer, 0 where there is none.
    """

    heads: int
    query_rank: int
    kv_rank: int
    plain_columns: int
    rotary_columns: int
    value_columns: int
    index_heads: int = 0
    index_columns: int = 0


@dataclass(frozen=True, slots=True)
class LinearAttention:
    """Attention with a state of fixed size and a gated delta rule.

    Attributes
    ----------
    key_heads, value_heads, key_columns, value_columns : int
    taps : int
        Rows that the convolution before it sees.
    """

    key_heads: int
    value_heads: int
    key_columns: int
    value_columns: int
    taps: int


@dataclass(frozen=True, slots=True)
class StateSpace:
    """A selective state space of scalar decay a head (Mamba-2).

    Attributes
    ----------
    heads, head_columns, groups, state : int
    taps : int
        Rows that the convolution before it sees.
    convolution_biases, biases : bool
    """

    heads: int
    head_columns: int
    groups: int
    state: int
    taps: int
    convolution_biases: bool = True
    biases: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A mixer whose keys are missing."""

    missing: tuple[str, ...]


Mixer = Attention | LatentAttention | LinearAttention | StateSpace | Unread


@dataclass(frozen=True, slots=True)
class Ffn:
    """An FFN that every row meets: a dense one, or all shared experts of a layer together.

    Attributes
    ----------
    columns : int
        Columns inside, those of all shared experts together.
    matrices : int
        3 with a gate (gate, up, down), else 2 (up, down).
    number : int
        How many shared experts it stands for; 1 for a dense FFN.
    biases : bool
    """

    columns: int
    matrices: int
    number: int = 1
    biases: bool = False


@dataclass(frozen=True, slots=True)
class Experts:
    """The routed experts of a layer.

    Attributes
    ----------
    number, per_token : int
        Experts of the layer, and how many of them a row meets.
    columns, matrices : int
        As of `Ffn`, of one expert.
    latent_columns : int
        Width of the rows that reach the experts where it is not that of the model, else 0.
    idle : int
        Further slots of the router that hold no weights.
    biases : bool
    sigmoid : bool
        Whether experts are chosen by a sigmoid of each logit, not by the logits, and gates are shares of these.
    """

    number: int
    per_token: int
    columns: int
    matrices: int
    latent_columns: int = 0
    idle: int = 0
    biases: bool = False
    sigmoid: bool = False

    @property
    def choices(self) -> int:
        """Slots of the router."""
        return self.number + self.idle


@dataclass(frozen=True, slots=True)
class StoredTypes:
    """Types of a layer's weights as published, by part; ``unknown`` where the config does not say."""

    mixer: str
    dense: str
    shared: str
    experts: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; any part may be missing.

    Attributes
    ----------
    mixers : tuple of Mixer
    dense : tuple of Ffn
        FFNs that are a sub-layer of their own.
    experts : Experts or None
    shared : Ffn or None
        What is added to the experts' sum.
    stored : StoredTypes
    """

    mixers: tuple[Mixer, ...]
    dense: tuple[Ffn, ...]
    experts: Experts | None
    shared: Ffn | None
    stored: StoredTypes

    @property
    def has_ffn(self) -> bool:
        """Whether any row meets an FFN here."""
        return bool(self.dense or self.experts or self.shared)


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes
    ----------
    name : str
    hidden : int
        Columns of a row between layers.
    layers : tuple of Layer
    vocabulary : int
        0 where the config does not give it.
    tied : bool
        Whether the LM head is the embedding.
    mtp_modules : int
        Modules of layers each of which guesses one further token.
    mtp : tuple of Layer
        The layers of a module.
    notes : tuple of str
        What was read as public code reads it though no key says so, and what was left out.
    keys : Keys
        Where each fact stands in the file.
    """

    name: str
    hidden: int
    layers: tuple[Layer, ...]
    vocabulary: int
    tied: bool
    mtp_modules: int
    mtp: tuple[Layer, ...]
    notes: tuple[str, ...]
    keys: Keys = field(compare=False, repr=False)

    @property
    def mtp_layers(self) -> int:
        """Layers that guess further tokens; no total counts them."""
        return self.mtp_modules * len(self.mtp)
