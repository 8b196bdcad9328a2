"""What ``lpxsched model`` and ``models`` print: the layers of a model and their parameters."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from lpxsched.report.console.mixers import mixer_words
from lpxsched.report.text_table import filled, table
from lpxsched.units import ceil_div, counted
from lpxsched.workload.counts import (
    active_parameters,
    expert_weights,
    ffn_parameters_of,
    layer_counts,
    stored_bytes,
    total_parameters,
)
from lpxsched.workload.datatypes import bytes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lpxsched.workload.model import Experts, Ffn, Layer, Model

RACK_TYPES = ("fp8", "nvfp4")


def model_json(model: Model, rack_bytes: int) -> dict[str, Any]:
    """Return the facts of a model as plain values.

    Parameters
    ----------
    model : Model
    rack_bytes : int
        SRAM of all chips of one rack.
    """
    routed = [layer for layer in model.layers if layer.experts]
    experts = next((layer.experts for layer in routed), None)
    shared = next((layer.shared for layer in routed if layer.shared), None)
    return {
        "name": model.name,
        "layers": len(model.layers),
        "dense_layers": sum(bool(layer.dense) and layer.experts is None for layer in model.layers),
        "moe_layers": len(routed),
        "hidden_size": model.hidden,
        "vocabulary": model.vocabulary or None,
        "routed_experts": experts.number if experts else 0,
        "experts_per_token": experts.per_token if experts else 0,
        "shared_experts": shared.number if shared else 0,
        "mtp_layers": model.mtp_layers,
        "expert_bytes_fp8": expert_weights(model),
        "total_parameters": total_parameters(model),
        "active_parameters": active_parameters(model),
        "ffn_parameters": ffn_parameters_of(model),
        "racks": racks(model, rack_bytes),
        "kinds": [_kind_json(model, layer, count) for layer, count in _kinds(model)],
        "notes": list(model.notes),
    }


def racks(model: Model, rack_bytes: int) -> dict[str, dict[str, int | None]]:
    """Return the least number of racks whose SRAM holds the FFNs, and the whole model, by the type of weights."""
    parameters = {"ffn": ffn_parameters_of(model), "whole": total_parameters(model)}
    return {
        dtype: {
            part: None if number is None else ceil_div(bytes_of(number, dtype), rack_bytes)
            for part, number in parameters.items()
        }
        for dtype in RACK_TYPES
    }


def model_text(model: Model, facts: Mapping[str, Any]) -> str:
    """Return the same for people; `facts` are those of `model_json`."""
    vocabulary = f", vocabulary {model.vocabulary:,}" if model.vocabulary else ""
    head = f"{model.name}: {counted(len(model.layers), 'layer')} of {model.hidden:,} columns{vocabulary}"
    rows = [_row(kind) for kind in facts["kinds"]]
    ends = model.vocabulary * model.hidden
    rows.append(["1", "", "embedding, LM head too" if model.tied else "embedding", _number(ends or None), ""])
    if not model.tied:
        rows.append(["1", "", "LM head", _number(ends or None), ""])
    kinds = table(["layers", "mixer", "FFN", "parameters", "bytes a layer"], rows, phrases=[1, 2])
    told = [head, kinds, _totals(facts)]
    return "\n\n".join(told + (["\n".join(_note(note) for note in model.notes)] if model.notes else []))


def _note(text: str) -> str:
    return filled(f"note: {text}", subsequent_indent="  ", break_on_hyphens=False)


def models_text(listed: list[dict[str, Any]]) -> str:
    """Return a table of models, a line each."""
    rows = [
        [
            facts["name"],
            str(facts["layers"]),
            _billions(facts["total_parameters"]),
            _billions(facts["active_parameters"]),
            _billions(facts["ffn_parameters"]),
            str(facts["racks"]["fp8"]["ffn"]),
            str(facts["racks"]["fp8"]["whole"] or "-"),
        ]
        for facts in listed
    ]
    header = ["model", "layers", "parameters", "active", "of FFNs", "racks, FFNs", "racks, whole"]
    note = "Least racks whose SRAM holds the weights at fp8, nothing beside them: FFNs alone, and the whole model"
    return f"{table(header, rows)}\n\n{filled(note)}"


def _kinds(model: Model) -> list[tuple[Layer, int]]:
    """Return each different layer and how often it occurs, in the order of first occurrence."""
    counts: dict[Layer, int] = {}
    for layer in model.layers:
        counts[layer] = counts.get(layer, 0) + 1
    return list(counts.items())


def _kind_json(model: Model, layer: Layer, count: int) -> dict[str, Any]:
    counts = layer_counts(layer, model.hidden)
    used = {part: getattr(layer.stored, part) for part in ("dense", "shared", "experts") if getattr(counts, part)}
    stored = ({"mixer": layer.stored.mixer} if layer.mixers else {}) | used
    return {
        "layers": count,
        "mixer": _repeated([mixer_words(mixer) for mixer in layer.mixers]) or "none",
        "ffn": _ffn_words(layer) or "none",
        "parameters": counts.whole,
        "bytes": stored_bytes(layer, model.hidden),
        "stored": stored,
    }


def _row(kind: Mapping[str, Any]) -> list[str]:
    types = "/".join(dict.fromkeys(kind["stored"].values()))
    stored = f"{_number(kind['bytes'])} {types}".strip()
    return [str(kind["layers"]), kind["mixer"], kind["ffn"], _number(kind["parameters"]), stored]


def _ffn_words(layer: Layer) -> str:
    parts = [_repeated([f"dense {_widths(ffn)}" for ffn in layer.dense])] if layer.dense else []
    if layer.experts:
        parts.append(_expert_words(layer.experts))
    if layer.shared:
        parts.append(f"{layer.shared.number} shared {_widths(layer.shared)}")
    return " + ".join(parts)


def _widths(ffn: Ffn | Experts) -> str:
    return f"{ffn.matrices} x {ffn.columns:,}"


def _expert_words(experts: Experts) -> str:
    latent = f" on {experts.latent_columns:,}" if experts.latent_columns else ""
    idle = f" + {experts.idle} idle" if experts.idle else ""
    return f"{experts.per_token} of {counted(experts.number, 'expert')}{idle} {_widths(experts)}{latent}"


def _repeated(words: list[str]) -> str:
    runs = ((word, len(list(run))) for word, run in groupby(words))
    return " + ".join(word if times == 1 else f"{times} {word}" for word, times in runs)


def _totals(facts: Mapping[str, Any]) -> str:
    fp8, nvfp4 = (facts["racks"][dtype] for dtype in RACK_TYPES)
    rows = [
        ("parameters", f"{_number(facts['total_parameters'])}, active a row {_number(facts['active_parameters'])}"),
        ("experts", f"{facts['expert_bytes_fp8']:,} weights in matrices of routed and shared experts: bytes at fp8"),
        ("FFNs", f"{facts['ffn_parameters']:,} parameters: what lies on chips when mixers run on GPUs"),
        ("racks", f"FFNs {fp8['ffn']} at fp8, {nvfp4['ffn']} at nvfp4, by weights alone"),
    ]
    if fp8["whole"] is not None:
        rows.append(("", f"the whole model {fp8['whole']} at fp8, {nvfp4['whole']} at nvfp4"))
    return "\n".join(f"{name:<12}{value}" for name, value in rows)


def _number(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _billions(number: int | None) -> str:
    return "-" if number is None else f"{number / 1e9:,.1f} B"
