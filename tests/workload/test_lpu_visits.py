"""Tests of the visits of a whole model on the chips, those of drafts included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lpxsched.errors import InputError
from lpxsched.units import NONE
from lpxsched.workload.config.load import load_model
from lpxsched.workload.lpu_visits import chips_of, lpu_notes, lpu_visits
from lpxsched.workload.model import Layer, LinearAttention
from lpxsched.workload.policy import Policy
from tests.workload.config.examples import DENSE, model

MTP = {"num_nextn_predict_layers": 1}


def test_drafts_follow_the_head() -> None:
    """Tests two layers and one module: each draft joins at the embedding, visits the module, and ends at the head.

    The second draft uses what the first one's visits, 4 and 5, keep.
    """
    visits = lpu_visits(model(**MTP), drafts=2)
    parts = ["layer" if isinstance(visit.part, Layer) else visit.part for visit in visits]
    assert parts == ["embedding", "layer", "layer", "head", *["join", "layer", "head"] * 2]
    assert [visit.draft.number if visit.draft else None for visit in visits] == [None, None, None, 0, 1, 1, 1, 2, 2, 2]
    assert [visit.home for visit in visits] == [NONE] * 6 + [3, 4, 5, 3]
    assert chips_of(visits) == (0, 1, 2, 3, 0, 5, 3, 0, 5, 3)
    assert visits[5].part == model(**MTP).mtp[0]


def test_drafts_may_have_an_embedding_of_their_own() -> None:
    """Tests two modules: both join where the first one does, visit 4, whose embedding they use."""
    visits = lpu_visits(model(num_mtp_modules=2), drafts=3, embeds=True)
    joins = [number for number, visit in enumerate(visits) if visit.part == "join"]
    assert joins == [4, 7, 10]
    assert [visits[number].embedding for number in joins] == [NONE, 4, 4]
    assert [chips_of(visits)[number] for number in joins] == [4, 4, 4]
    assert visits[10].home == 4


def test_modules_take_turns() -> None:
    """Tests two modules of two layers and three drafts: the third one is guessed by the first module again."""
    visits = lpu_visits(model(num_mtp_modules=2, mtp_transformer_layers=2), drafts=3)
    assert len(visits) == 4 + 3 * 4
    assert [visit.home for visit in visits[4:]] == [NONE, NONE, NONE, 3, NONE, NONE, NONE, 3, 4, 5, 6, 3]


@pytest.mark.parametrize("changes", [{}, MTP])
def test_without_modules_or_drafts_there_are_no_further_visits(changes: dict[str, int]) -> None:
    """Tests drafts without a module, and a module without drafts."""
    visits = lpu_visits(model(**changes), drafts=0 if changes else 2)
    assert len(visits) == 4
    assert all(visit.draft is None for visit in visits)


def test_a_module_with_a_state_is_not_laid() -> None:
    """Tests a mixer from whose state a draft could not be taken back: it is told, and nothing follows the head."""
    read = model(**MTP)
    read = replace(read, mtp=(replace(read.mtp[0], mixers=(LinearAttention(1, 1, 4, 4, 2),)),))
    assert len(lpu_visits(read, drafts=1)) == 4
    assert "have a state, from which a draft that is not accepted cannot be taken back" in lpu_notes(read, 1)[0]


@pytest.mark.parametrize(
    ("changes", "drafts", "told"),
    [
        ({}, 0, ()),
        ({}, 1, ("no key names layers that guess further tokens; what guesses drafts is not modelled",)),
        (MTP, 0, ("num_nextn_predict_layers: layers that guess further tokens are not laid; --draft lays them",)),
        (MTP, 1, ()),
        (
            MTP,
            2,
            ("num_nextn_predict_layers: 2 drafts are guessed by one module, again and again, as public serving does",),
        ),
        (
            {"num_mtp_modules": 2},
            3,
            ("num_mtp_modules: 3 drafts are guessed by 2 modules in turn, again and again, as public serving does",),
        ),
    ],
)
def test_what_guesses_is_told(changes: dict[str, int], drafts: int, told: tuple[str, ...]) -> None:
    """Tests what a user must know of drafts."""
    assert lpu_notes(model(**changes), drafts) == told


def test_what_is_not_laid_is_told() -> None:
    """Tests the indexer and the layers that guess further tokens of DeepSeek-V3.2, and that gpt-oss has neither."""
    notes = lpu_notes(load_model("deepseek-v3.2"))
    assert [note.split(":")[0] for note in notes] == ["index_n_heads", "num_nextn_predict_layers"]
    assert "attention sees all of them" in notes[0]
    assert lpu_notes(load_model("gpt-oss-20b")) == ()


def test_a_model_without_a_vocabulary_is_refused() -> None:
    """Tests that the missing key is named."""
    model = replace(load_model("gpt-oss-20b"), vocabulary=0)
    with pytest.raises(InputError, match=r"vocab_size.*embedding and head lie on the chips"):
        lpu_visits(model)


def test_a_policy_without_experts_is_refused() -> None:
    """Tests a dense model whose experts are said to lie whole, as with mixers on GPUs."""
    with pytest.raises(InputError, match="--moe: small has no routed experts; leave it out"):
        lpu_visits(model(**DENSE), Policy("whole"))
