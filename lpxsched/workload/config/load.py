"""From a ``config.json`` or YAML to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lpxsched.files.document import read_json, read_yaml
from lpxsched.files.shipped import find_file, name_of
from lpxsched.units import counted
from lpxsched.workload.config.ffns import has_experts, read_ffns
from lpxsched.workload.config.keys import read_keys
from lpxsched.workload.config.mixers import read_mixers
from lpxsched.workload.config.orders import layer_kinds, mtp_kinds
from lpxsched.workload.config.quantization import stored_types
from lpxsched.workload.model import Layer, Model, Unread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lpxsched.files.document import Document
    from lpxsched.workload.config.ffns import Ffns
    from lpxsched.workload.config.keys import Keys
    from lpxsched.workload.config.orders import FfnKind
    from lpxsched.workload.model import Mixer, StoredTypes


def load_model(name: str) -> Model:
    """Return the model of a shipped name, a folder with a ``config.json``, or a file.

    Raises
    ------
    InputError
        When a key is missing, is no number in its range, contradicts another, or would be dropped.
    """
    path = find_file("model", name)
    document = read_json(path) if path.suffix == ".json" else read_yaml(path)
    return read_model(document, name_of(path))


def read_model(document: Document, name: str) -> Model:
    """Return the model of a config's content; raises as `load_model` does."""
    keys = read_keys(document)
    hidden = keys.number("hidden")
    routed = has_experts(keys)
    kinds = layer_kinds(keys, routed=routed)
    ffn_kinds = {kind.ffn for kind in kinds}
    if "routed" in ffn_kinds and not routed:
        raise keys.error("experts", "some layers have experts; write how many")
    ffns = read_ffns(keys, dense="dense" in ffn_kinds, routed=routed)
    mixers = read_mixers(keys, {kind.mixer for kind in kinds}, hidden)
    _note_unread(keys, mixers.values())
    *stored, of_mtp = stored_types(keys, len(kinds))
    layers = tuple(_layer(mixers[kind.mixer], kind.ffn, ffns, stored[at]) for at, kind in enumerate(kinds))
    modules, guessing = keys.optional("mtp_layers") or 0, mtp_kinds(keys, kinds)
    mtp = tuple(_layer(mixers.get(kind.mixer), kind.ffn, ffns, of_mtp) for kind in guessing) if modules else ()
    if modules:
        _note_guessing(keys, modules * len(guessing))
    vocabulary = keys.optional("vocabulary", least=1) or 0
    tied = keys.flag("tied")
    if tied is None:
        keys.note(f"{keys.name('tied')}: not given; embedding and LM head are taken as two matrices")
    if routed and "routed" not in ffn_kinds:
        raise keys.error("experts", "no layer has experts; the keys that say which layers are dense leave none")
    keys.refuse_dropped()
    keys.note_slips()
    return Model(name, hidden, layers, vocabulary, bool(tied), modules, mtp, tuple(keys.notes), keys)


def _layer(mixer: Mixer | None, ffn: FfnKind, ffns: Ffns, stored: StoredTypes) -> Layer:
    mixers = () if mixer is None else (mixer,)
    dense = () if ffns.dense is None else (ffns.dense,)
    if ffn == "routed":
        return Layer(mixers * (1 + ffns.double), dense * (2 * ffns.double), ffns.experts, ffns.shared, stored)
    return Layer(mixers, dense if ffn == "dense" else (), None, None, stored)


def _note_unread(keys: Keys, mixers: Iterable[Mixer | None]) -> None:
    missing = {name for mixer in mixers if isinstance(mixer, Unread) for name in mixer.missing}
    if missing:
        keys.note(f"{', '.join(sorted(missing))}: missing; what mixers hold, and with it every total, is not known")
    if not keys.given("vocabulary"):
        keys.note(f"{keys.name('vocabulary')}: missing; totals are not known")


def _note_guessing(keys: Keys, layers: int) -> None:
    names = [keys.name(fact) for fact in ("mtp_layers", "mtp_depth", "mtp_order") if keys.given(fact)]
    guess = f"that guess{'es' * (layers == 1)} further tokens"
    keys.note(f"{' and '.join(names)}: {counted(layers, 'layer')} {guess}; no total counts them")
