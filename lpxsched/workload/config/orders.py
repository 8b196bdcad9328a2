"""Which mixer and which FFN each layer has: lists of words, patterns of letters, and rules by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lpxsched.files.schema import short
from lpxsched.units import counted
from lpxsched.workload.config.aliases import ALIASES
from lpxsched.workload.config.keys import MOST_LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lpxsched.workload.config.keys import Keys

MixerKind = Literal["full", "window", "chunk", "linear", "state", "none"]
FfnKind = Literal["routed", "dense", "none"]

MIXER_WORDS: dict[str, MixerKind] = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "chunk",
    "linear_attention": "linear",
    "mamba": "state",
    "mamba2": "state",
}
# Where one of these stands, or letters do, a layer is one part alone.
FFN_WORDS: dict[str, FfnKind] = {"moe": "routed", "mlp": "dense"}
LETTERS = {"M": "mamba", "E": "moe", "*": "attention", "-": "mlp"}


class LayerKind(NamedTuple):
    """What one layer is made of."""

    mixer: MixerKind
    ffn: FfnKind


def layer_kinds(keys: Keys, *, routed: bool) -> tuple[LayerKind, ...]:
    """Return what each layer is made of.

    Parameters
    ----------
    keys : Keys
    routed : bool
        Whether the model has routed experts.

    Raises
    ------
    InputError
        When a list is not as long as there are layers, a word is unknown, or two keys disagree.
    """
    words = _words(keys, "order")
    layers = _layers(keys, words)
    letters = any(isinstance(value, str) for _, value in keys.given("order"))
    if letters or any(word in FFN_WORDS for word in words):
        return _parts_alone(words)
    dense: FfnKind = "dense"
    ffns = _ffns(keys, layers) if routed else (dense,) * layers
    return tuple(LayerKind(*both) for both in zip(_mixers(keys, words, layers), ffns, strict=True))


def mtp_kinds(keys: Keys, kinds: Sequence[LayerKind]) -> tuple[LayerKind, ...]:
    """Return what the layers of a module are made of that guesses a further token: as a list says, or as the last one.

    Parameters
    ----------
    keys : Keys
    kinds : sequence of LayerKind
        Those of the model's layers.

    Raises
    ------
    InputError
        When a word is unknown, or names a part that no layer of the model has; when no key says how many modules there
        are, or two how many layers a module has.
    """
    words, depth = _words(keys, "mtp_order"), keys.optional("mtp_depth")
    for fact, tells in (("mtp_depth", depth), ("mtp_order", words)):
        if tells and not keys.given("mtp_layers"):
            problem = f"no key says how many such modules there are; add {' or '.join(ALIASES['mtp_layers'])}"
            raise keys.error(fact, problem)
    if not words:
        return tuple(kinds[-1:]) * (depth or 1)
    if depth not in (None, len(words)):
        raise keys.error("mtp_depth", f"{depth}, but {keys.name('mtp_order')} names {len(words)}; keep one of them")
    found = _parts_alone(words)
    mixers, ffns = ({getattr(kind, part) for kind in kinds} | {"none"} for part in LayerKind._fields)
    for word, kind in zip(words, found, strict=True):
        if kind.mixer not in mixers or kind.ffn not in ffns:
            raise keys.error("mtp_order", f"names {word}, which no layer of the model is")
    return found


def _parts_alone(words: Sequence[str]) -> tuple[LayerKind, ...]:
    return tuple(LayerKind(MIXER_WORDS.get(word, "none"), FFN_WORDS.get(word, "none")) for word in words)


def _words(keys: Keys, fact: str) -> list[str]:
    """Return the list of words of some layers, however it is written; empty where there is none."""
    found: list[list[str]] = []
    for location, value in keys.given(fact):
        words = [LETTERS.get(letter, letter) for letter in value] if isinstance(value, str) else value
        if not isinstance(words, list) or not words:
            raise keys.document.error(location, f"must be a list of words or a text of letters, got {short(value)}")
        for index, word in enumerate(words):
            if not isinstance(word, str) or word not in MIXER_WORDS | FFN_WORDS:
                known = ", ".join([*LETTERS] if isinstance(value, str) else [*MIXER_WORDS, *FFN_WORDS])
                raise keys.document.error((*location, index), f"must be one of {known}, got {short(word)}")
        if found and words != found[0]:
            problem = f"{short(value)}, but {keys.name(fact)} says another order; keep one of them"
            raise keys.document.error(location, problem)
        found.append(words)
    return found[0] if found else []


def _layers(keys: Keys, words: list[str]) -> int:
    if not words:
        return keys.number("layers", most=MOST_LAYERS)
    stated = keys.optional("layers", least=1, most=MOST_LAYERS)
    if len(words) > MOST_LAYERS or stated not in (None, len(words)):
        right = f"{keys.name('layers')} says {stated}" if stated else f"at most {MOST_LAYERS} can be"
        raise keys.error("order", f"names {counted(len(words), 'layer')}, but {right}; make them agree")
    return len(words)


def _mixers(keys: Keys, words: list[str], layers: int) -> tuple[MixerKind, ...]:
    interval = keys.optional("full_interval", least=1)
    by_interval: list[MixerKind] = ["linear" if (layer + 1) % (interval or 1) else "full" for layer in range(layers)]
    if words:
        mixers = [MIXER_WORDS[word] for word in words]
        if interval and [mixer == "linear" for mixer in mixers] != [mixer == "linear" for mixer in by_interval]:
            problem = f"{interval} gives another order than {keys.name('order')}; make them agree"
            raise keys.error("full_interval", problem)
        if "window" in mixers and keys.flag("windowed") is False:
            raise keys.error("windowed", f"false, but {keys.name('order')} names layers with a window; make them agree")
    elif interval:
        mixers = by_interval
    else:
        mixers = _windows(keys, layers)
    _refuse_other_attention(keys, layers)
    return tuple(mixers)


def _windows(keys: Keys, layers: int) -> list[MixerKind]:
    """Return where attention has a window when no list says so."""
    windowed = keys.flag("windowed")
    pattern = keys.optional("window_pattern", least=1)
    if not keys.optional("window", least=1) or windowed is False:
        return ["full"] * layers
    if pattern:
        return ["window" if (layer + 1) % pattern else "full" for layer in range(layers)]
    first = keys.number("window_start", least=0) if windowed else 0
    return ["window" if layer >= first else "full" for layer in range(layers)]


def _refuse_other_attention(keys: Keys, layers: int) -> None:
    """Refuse kinds of attention by number but 1, softmax over all rows."""
    kinds = keys.value("attention_order")
    if kinds is None:
        return
    _check_length(keys, "attention_order", kinds, layers)
    for index, kind in enumerate(kinds):
        if kind != 1:
            location = (*keys.given("attention_order")[0][0], index)
            raise keys.document.error(location, f"attention of kind {short(kind)} is not known; must be 1 (softmax)")


def _ffns(keys: Keys, layers: int) -> tuple[FfnKind, ...]:
    """Return which layers have routed experts: those that every rule allows."""
    rules = [*_rules(keys, layers), *_lists(keys, layers)]
    return tuple("routed" if all(rule(layer) for rule in rules) else "dense" for layer in range(layers))


def _rules(keys: Keys, layers: int) -> list[Callable[[int], bool]]:
    """Return the rules by number, as public code applies them."""
    first = _rule_number(keys, "first_dense", 0, 0)
    sparse, step = _rule_number(keys, "sparse_step", 1, 1), _rule_number(keys, "moe_step", 1, 1)
    start, interval = _rule_number(keys, "moe_start", 0, 0), _rule_number(keys, "moe_interval", 1, 1)
    end = _rule_number(keys, "moe_end", layers - 1, -1)
    last = layers - 1 if end == -1 else end
    period, offset = _rule_number(keys, "expert_period", 1, 1), _rule_number(keys, "expert_offset", 0, 0)
    return [
        lambda layer: layer >= first,
        lambda layer: (layer + 1) % sparse == 0,
        lambda layer: (layer + 1) % step == 0,
        lambda layer: start <= layer <= last and (layer + 1) % interval == 0,
        lambda layer: layer % period == offset % period,
    ]


def _rule_number(keys: Keys, fact: str, default: int, least: int) -> int:
    if keys.is_null(fact):
        raise keys.error(fact, f"null, where a number decides which layers have experts; {default} is as without it")
    found = keys.optional(fact, least=least, most=MOST_LAYERS)
    return default if found is None else found


def _lists(keys: Keys, layers: int) -> list[Callable[[int], bool]]:
    """Return the rules that name layers."""
    rules: list[Callable[[int], bool]] = []
    frequency = keys.value("moe_frequency")
    if isinstance(frequency, list):
        _check_length(keys, "moe_frequency", frequency, layers)
        if not all(isinstance(item, int) and item in (0, 1) for item in frequency):
            raise keys.error("moe_frequency", f"must be a number or a list of 0 and 1, got {short(frequency)}")
        rules.append(lambda layer: bool(frequency[layer]))
    else:
        every = _rule_number(keys, "moe_frequency", 1, 1)
        rules.append(lambda layer: layer % every == 0)
    words = keys.value("ffn_order")
    if words is not None:
        _check_length(keys, "ffn_order", words, layers)
        if not all(word in ("sparse", "dense") for word in words):
            raise keys.error("ffn_order", f"must be a list of sparse and dense, got {short(words)}")
        rules.append(lambda layer: words[layer] == "sparse")
    dense, sparse = _indices(keys, "dense_list", layers), _indices(keys, "moe_layers", layers)
    rules.append(lambda layer: layer not in dense)
    if keys.given("moe_layers"):
        rules.append(lambda layer: layer in sparse)
    return rules


def _indices(keys: Keys, fact: str, layers: int) -> set[int]:
    indices = keys.value(fact)
    if indices is None:
        return set()
    if not isinstance(indices, list) or not all(type(item) is int and 0 <= item < layers for item in indices):
        raise keys.error(fact, f"must be a list of layers from 0 to {layers - 1}, got {short(indices)}")
    return set(indices)


def _check_length(keys: Keys, fact: str, items: Any, layers: int) -> None:
    if not isinstance(items, list) or len(items) != layers:
        told = counted(len(items), "entry") if isinstance(items, list) else short(items)
        raise keys.error(fact, f"must be a list of {counted(layers, 'entry')}, one a layer, got {told}")
