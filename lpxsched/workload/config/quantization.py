"""In which type weights are stored: from the config, or from ``hf_quant_config.json`` beside it.

What is quantised has the type that the quantisation says, all else that of the whole model (``dtype``); embedding, LM
head, router and norms stay in bf16 in every method, as public loaders leave them. A quantisation that no table here
names is ``unknown``: it can be counted, and compiled only with a type that the user names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lpxsched.files.document import dotted, read_json
from lpxsched.files.schema import mapping, short
from lpxsched.workload.config.aliases import LANGUAGE_PARTS, QUANTIZATION
from lpxsched.workload.config.modules import is_excluded, is_expression
from lpxsched.workload.config.scales import (
    GROUP,
    LEAST_SHARED,
    SCALE_BITS,
    USUAL_SHARED,
    refuse_other_group,
    weights_a_scale,
)
from lpxsched.workload.datatypes import SCALE_BLOCK_COLUMNS, WEIGHT_TYPES
from lpxsched.workload.model import StoredTypes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lpxsched.errors import InputError
    from lpxsched.files.document import Document
    from lpxsched.files.json_locations import Location
    from lpxsched.workload.config.keys import Keys

FILE_BESIDE = "hf_quant_config.json"
UNKNOWN = "unknown"
PLAIN = "bf16"
# Names of algorithms, in lower case; ``int4`` becomes ``int4-N`` with the N weights that share a scale.
ALGORITHMS: dict[str, str] = {
    **dict(zip(WEIGHT_TYPES, WEIGHT_TYPES, strict=True)),
    **dict.fromkeys(("fbgemm_fp8", "fp8_pb_wo", "fp8_per_channel_per_token"), "fp8"),
    **dict.fromkeys(("awq", "gptq", "w4a16_awq", "w4a8_awq", "int4_awq"), "int4"),
}
# Types of whole models. A float16 has as many bits as a bf16, in which chips multiply.
DTYPES = {"bfloat16": PLAIN, "float16": PLAIN, "float32": "fp32", "float8_e4m3fn": "fp8"}
EXCLUDED = ("modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers")
# Keys of integers, and what public loaders take where none of them is there.
BITS, GROUPS = dict.fromkeys(("bits", "w_bit"), 4), dict.fromkeys((GROUP, "q_group_size"), 128)
# Types by the kind of their numbers; those of few bits by the numbers that share a scale.
EIGHT_BITS = {"fp8": "float", "int8": "int"}
FLOATS: dict[tuple[int, int], str] = {(4, size): dtype for dtype, size in SCALE_BLOCK_COLUMNS.items()}


def stored_types(keys: Keys, layers: int) -> list[StoredTypes]:
    """Return the types of each layer's weights, and last those of layers that guess further tokens.

    Raises
    ------
    InputError
        When the quantisation is no mapping, the config and the file beside it differ, or the type of the model is not
        known.
    """
    stated, plain = _stated(keys.document), _plain(keys)
    if stated is None:
        return [StoredTypes(plain, plain, plain, plain)] * (layers + 1)
    document, location, section = stated
    where = ": ".join(part for part in ("" if document is keys.document else FILE_BESIDE, dotted(location)) if part)
    if keys.given("dtype"):
        keys.note(f"{keys.name('dtype')}: {keys.value('dtype')}, the type of what {where} leaves as it is")
    dtype = _dtype(document, location, section)
    if dtype == UNKNOWN:
        keys.note(f"{where}: does not say one type for all weights that it quantises; --weights names one")
    for told in _scale_notes(document, location, section, dtype):
        keys.note(f"{where}: {told}")
    patterns = _patterns(document, location, section)

    def of(part: str, layer: int) -> str:
        return plain if is_excluded(part, layer, patterns, guesses=layer == layers) else dtype

    return [StoredTypes(*(of(part, layer) for part in StoredTypes.__slots__)) for layer in range(layers + 1)]


def _plain(keys: Keys) -> str:
    """Return the type of weights that are not quantised."""
    if not keys.given("dtype"):
        keys.note(f"{keys.name('dtype')}: not given; what is not quantised is taken as {PLAIN}")
        return PLAIN
    name = keys.value("dtype")
    if not isinstance(name, str) or name not in DTYPES:
        raise keys.error("dtype", f"must be one of {', '.join(DTYPES)}, got {short(name)}")
    if name == "float16":
        keys.note(f"{keys.name('dtype')}: {name} is taken as {PLAIN}, which has as many bits")
    elif DTYPES[name] != PLAIN:
        keys.note(f"{keys.name('dtype')}: {name}; router, norms, embedding and LM head are counted as {PLAIN}")
    return DTYPES[name]


def quantization_file(config: Path) -> Path | None:
    """Return the file beside a config that says how weights are quantised, None where there is none."""
    beside = config.parent / FILE_BESIDE
    return beside if beside.is_file() else None


def _stated(config: Document) -> tuple[Document, Location, dict[str, Any]] | None:
    """Return the document, place and content of what states the quantisation."""
    places: list[tuple[Document, Location, Any]] = []
    inside = [((), config.data)] + [((name,), config.data[name]) for name in LANGUAGE_PARTS if name in config.data]
    for around, data in inside:
        if isinstance(data, dict) and data.get(QUANTIZATION) is not None:
            places.append((config, (*around, QUANTIZATION), data[QUANTIZATION]))
    beside = quantization_file(Path(config.name))
    if beside is not None:
        document = read_json(beside)
        section = mapping(document).get("quantization", document.data)
        places.append((document, ("quantization",) if section is not document.data else (), section))
    for document, location, section in places:
        if not isinstance(section, dict):
            raise document.error(location, f"must be a mapping, got {short(section)}")
    if len({_dtype(*place) for place in places}) > 1:
        first, second = places[0], places[1]
        problem = f"{_dtype(*second)}, but {first[0].name} says {_dtype(*first)}; keep one of them"
        raise second[0].error(second[1], problem)
    return places[0] if places else None


def _dtype(document: Document, location: Location, section: dict[str, Any]) -> str:
    """Return the one type of what is quantised, `UNKNOWN` where several are or none is named."""
    named, groups = _algorithm(document, location, section), _groups(document, location, section)
    if not groups:
        return _of_algorithm(document, location, section, named)
    types = {_of_group(document, *group) for group in groups}
    found = types.pop() if len(types) == 1 else UNKNOWN
    if UNKNOWN not in (found, named) and found.partition("-")[0] != named:
        problem = f"{found}, but quant_algo says {named}; keep one of them"
        raise document.error((*location, "config_groups"), problem)
    return found


def _scale_notes(document: Document, location: Location, section: dict[str, Any], dtype: str) -> Iterator[str]:
    """Yield what a user must know of scales: those that are not counted, and a group that no key names."""
    groups = _groups(document, location, section)
    inside = [group.get("weights") for _, group in groups if isinstance(group, dict)] if groups else [section]
    weights = [one for one in inside if isinstance(one, dict)]
    if dtype in EIGHT_BITS:
        shared = [weights_a_scale(document, location, one) for one in weights]
        least = min((one for one in shared if one is not None), default=USUAL_SHARED)
        if least < USUAL_SHARED:
            yield f"a scale for {least:,} weights is not counted, {SCALE_BITS / least:.2g} bits a weight at most"
    if dtype.startswith("int4") and not groups and not any(name in section for name in GROUPS):
        yield f"{GROUP} is not given; {GROUPS[GROUP]} weights share a scale, as public loaders take it"


def _groups(document: Document, location: Location, section: dict[str, Any]) -> list[tuple[Location, Any]]:
    """Return place and content of each group of compressed tensors."""
    groups = section.get("config_groups") or {}
    if not isinstance(groups, dict):
        raise document.error((*location, "config_groups"), f"must be a mapping, got {short(groups)}")
    return [((*location, "config_groups", name), group) for name, group in groups.items()]


def _algorithm(document: Document, location: Location, section: dict[str, Any]) -> str:
    """Return the type that an algorithm names; ``int4`` of integers of which a group shares a scale."""
    # Modelopt is a tool; its algorithm is what it did.
    names = [str(section[key]).lower() for key in ("quant_algo", "quant_method") if section.get(key) is not None]
    if len({ALGORITHMS[name] for name in names if name in ALGORITHMS}) > 1:
        problem = f"{names[1]}, but quant_algo says {names[0]}; keep one of them"
        raise document.error((*location, "quant_method"), problem)
    return ALGORITHMS.get(names[0], UNKNOWN) if names else UNKNOWN


def _of_algorithm(document: Document, location: Location, section: dict[str, Any], named: str) -> str:
    refuse_other_group(document, location, section, named)
    # Rules by module give each a type of its own.
    if section.get("dynamic"):
        return UNKNOWN
    if named == "int4":
        weights = {"num_bits": _stated_or_usual(section, BITS), "type": "int", GROUP: _stated_or_usual(section, GROUPS)}
    elif named in EIGHT_BITS:
        weights = section | {"num_bits": 8, "type": EIGHT_BITS[named]}
    else:
        return named
    return _by_bits(document, location, weights)


def _stated_or_usual(section: dict[str, Any], names: dict[str, int]) -> Any:
    """Return what the first of some keys that is there says, else what public loaders take."""
    return next((section[name] for name in names if name in section), next(iter(names.values())))


def _of_group(document: Document, location: Location, group: Any) -> str:
    """Return the type of a group of compressed tensors, `UNKNOWN` where its targets are not all matrices."""
    weights = group.get("weights") if isinstance(group, dict) else None
    if not isinstance(weights, dict) or "Linear" not in (group.get("targets") or ["Linear"]):
        return UNKNOWN
    return _by_bits(document, (*location, "weights"), weights)


def _by_bits(document: Document, location: Location, weights: dict[str, Any]) -> str:
    bits, kind, group = weights.get("num_bits"), weights.get("type"), weights.get(GROUP)
    if bits == 8:
        shared = weights_a_scale(document, location, weights)
        few = shared is not None and shared < LEAST_SHARED
        return UNKNOWN if few else next((dtype for dtype, of in EIGHT_BITS.items() if of == kind), UNKNOWN)
    if kind == "float":
        return next((dtype for key, dtype in FLOATS.items() if key == (bits, group)), UNKNOWN)
    if kind == "int" and bits == 4 and type(group) is int and group > 0:
        return f"int4-{group}"
    return UNKNOWN


def _patterns(document: Document, location: Location, section: dict[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for key in EXCLUDED:
        names = section.get(key) or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise document.error((*location, key), f"must be a list of names of modules, got {short(names)}")
        for index, name in enumerate(names):
            if name.startswith("re:") and not is_expression(name[3:]):
                raise document.error((*location, key, index), f"{short(name)} is no regular expression")
        found += names
    return tuple(found)


def type_error(keys: Keys, problem: str) -> InputError:
    """Return an error at what states the types of a model's weights: its quantisation, or the type of all."""
    stated = _stated(keys.document)
    return stated[0].error(stated[1], problem) if stated else keys.error("dtype", problem)
