"""FFNs: dense ones, routed experts, and what every row meets beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lpxsched.files.schema import short
from lpxsched.workload.model import Experts, Ffn

if TYPE_CHECKING:
    from lpxsched.workload.config.keys import Keys

GATED = {"silu", "swish", "swiglu", "swigluoai", "geglu", "reglu", "gelu_pytorch_tanh"}
PLAIN = {"relu", "relu2", "squared_relu", "gelu", "gelu_new", "gelu_fast"}
# With these public code does either.
UNCERTAIN = {"gelu_pytorch_tanh", "gelu"}


class Ffns(NamedTuple):
    """The FFNs of a model: the dense one, the experts and what lies beside them, and whether layers are double.

    In a double layer two mixers, each with a dense FFN, stand beside one set of experts.
    """

    dense: Ffn | None
    experts: Experts | None
    shared: Ffn | None
    double: bool


def has_experts(keys: Keys) -> bool:
    """Return whether the model has routed experts."""
    if keys.flag("beside") is False:
        if keys.given("experts"):
            keys.note(f"{keys.name('beside')}: false, so that the experts are left out, as public code does")
            for fact in ("experts_per_token", "expert_columns", "moe_frequency"):
                keys.value(fact)
        return False
    if keys.is_null("experts") and keys.given("experts_per_token"):
        raise keys.error("experts", "null, where a number decides; write how many experts a layer has")
    experts = bool(keys.optional("experts"))
    if keys.flag("beside") and not experts:
        raise keys.error("beside", f"true, but {keys.name('experts')} gives no experts; write how many, or false")
    return experts


def read_ffns(keys: Keys, *, dense: bool, routed: bool) -> Ffns:
    """Return the FFNs of a model.

    Parameters
    ----------
    keys : Keys
    dense, routed : bool
        Whether any layer has a dense FFN, and whether any has experts.

    Raises
    ------
    InputError
        When a number is missing, null or contradicts another.
    """
    matrices, biases = _matrices(keys), bool(keys.flag("ffn_biases"))
    # Experts take the one width there is, unless dense layers have a key of their own.
    fact = "mlp_columns" if keys.given("mlp_columns") else "columns"
    dense_ffn = Ffn(keys.number(fact), matrices, biases=biases) if dense else None
    if not routed:
        return Ffns(dense_ffn, None, None, double=False)
    experts = _experts(keys, matrices)
    if dense and fact == "columns" and not keys.given("expert_columns"):
        keys.note(f"{keys.name('columns')}: taken for dense layers and for experts: no key is for experts alone")
    shared = _shared(keys, experts, matrices)
    double = not dense and bool(experts.idle and keys.given("columns") and keys.given("expert_columns"))
    if double:
        names = f"{keys.name('idle_experts')}, {keys.name('columns')} and {keys.name('expert_columns')}"
        keys.note(f"{names}: two mixers and two dense FFNs a layer beside its experts, as public code with these keys")
        dense_ffn = Ffn(keys.number("columns"), matrices)
    return Ffns(dense_ffn, experts, shared, double)


def _matrices(keys: Keys) -> int:
    value = keys.value("activation")
    name = value.get("name") if isinstance(value, dict) else value
    if name is None:
        keys.note(f"{keys.name('activation')}: not given; an FFN is taken with a gate, of three matrices")
        return 3
    if not isinstance(name, str) or name not in GATED | PLAIN:
        known = ", ".join(sorted(GATED | PLAIN))
        raise keys.error("activation", f"{short(name)} does not say whether an FFN has a gate; known are {known}")
    matrices = 3 if name in GATED else 2
    if name in UNCERTAIN:
        gate = "a gate, of three matrices" if matrices == 3 else "no gate, of two matrices"
        keys.note(f"{keys.name('activation')}: {name} is taken with {gate}, as most public code does")
    return matrices


def _experts(keys: Keys, matrices: int) -> Experts:
    number, per_token = keys.number("experts"), keys.number("experts_per_token")
    idle = keys.optional("idle_experts") or 0
    if per_token > number + idle:
        raise keys.error("experts_per_token", f"a row cannot meet {per_token} of {number + idle} experts")
    if keys.is_null("expert_columns"):
        would = keys.optional("columns")
        told = f"; {keys.name('columns')} ({would}) would have been taken" if would else ""
        raise keys.error("expert_columns", f"null, where a number decides{told}; write the width of an expert")
    columns = keys.number("expert_columns" if keys.given("expert_columns") else "columns")
    latent, biases = keys.optional("latent_columns") or 0, _expert_biases(keys)
    return Experts(number, per_token, columns, matrices, latent, idle, biases, _is_sigmoid(keys))


def _is_sigmoid(keys: Keys) -> bool:
    scores = keys.value("scores")
    if scores is not None and not isinstance(scores, str):
        raise keys.error("scores", f"must be softmax, sigmoid or another name, got {short(scores)}")
    if scores not in (None, "softmax", "sigmoid"):
        keys.note(f"{keys.name('scores')}: {short(scores)} is counted as softmax, which the chosen alone need")
    return scores == "sigmoid"


def _expert_biases(keys: Keys) -> bool:
    stated = keys.flag("ffn_biases")
    if stated is None and keys.flag("attention_biases") and keys.value("clamped") is not None:
        names = f"{keys.name('clamped')} and {keys.name('attention_biases')}"
        keys.note(f"{names}: the router and the experts have biases too, as in public code that reads both keys")
        return True
    return bool(stated)


def _shared(keys: Keys, experts: Experts, matrices: int) -> Ffn | None:
    """Return what every row meets beside the experts."""
    number, columns = keys.optional("shared_experts"), keys.optional("shared_columns")
    if keys.is_null("shared_experts"):
        keys.note(f"{keys.name('shared_experts')}: null is taken as none, as public code does")
    if number is not None and columns is not None and bool(number) != bool(columns):
        problem = f"{number}, but {keys.name('shared_columns')} says {columns}; make both 0, or neither"
        raise keys.error("shared_experts", problem)
    if keys.flag("beside"):
        if number or columns:
            raise keys.error("beside", f"stands beside {keys.name('shared_experts')}; no public code reads both")
        return Ffn(keys.number("columns"), matrices)
    if columns and (number or 1) > 1:
        keys.note(f"{keys.name('shared_columns')}: taken as the width of all {number} shared experts together")
    if columns:
        return Ffn(columns, matrices, number or 1)
    if number:
        return Ffn(number * experts.columns, matrices, number)
    if number is None and columns is None and keys.given("moe_step") and keys.given("mlp_columns"):
        names = f"{keys.name('moe_step')} and {keys.name('mlp_columns')}"
        keys.note(f"{names}: one shared expert as wide as the others, which no key names, as public code with both has")
        return Ffn(experts.columns, matrices)
    return None
