"""Tests of drafts on residues: what is accepted, what follows, and modules that are visited again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lpxsched.errors import InputError
from lpxsched.units import NONE
from lpxsched.verify.replay.arithmetic import PRIME
from lpxsched.verify.replay.dense import Dense
from lpxsched.verify.replay.drafts import Turn, guess_of
from lpxsched.verify.replay.ends import tokens_of, vectors_of_tokens
from lpxsched.verify.replay.functions import Linear
from lpxsched.verify.replay.model import model_of
from lpxsched.verify.replay.rounds import Round
from lpxsched.workload.lpu_visits import Visit
from lpxsched.workload.model import Attention, Experts, Ffn, LatentAttention
from lpxsched.workload.parts.drafts import Draft
from tests.verify.replay.test_whole import assert_shards_make_the_dense_run
from tests.verify.replay.whole import HIDDEN, STEP, TOKENS, build_of, layer

if TYPE_CHECKING:
    from lpxsched.timetable.columns import Integers
    from lpxsched.verify.replay.functions import Setting

MODULES: dict[str, Visit] = {
    "attention": layer(Attention(4, 2, 4), experts=Experts(4, 2, 8, 3)),
    "latent": layer(LatentAttention(4, 8, 8, 4, 2, 4), dense=Ffn(8, 3)),
    "window": layer(Attention(4, 2, 4, window=2), dense=Ffn(8, 2)),
}
USERS, HEAD = 2, 2


def visits_of(module: Visit, drafts: int, modules: int) -> list[Visit]:
    """Return embedding, a layer, the head (visit 2), and the visits of all drafts, three each."""
    found = [Visit("embedding", HIDDEN, TOKENS), layer(Attention(4, 2, 4), dense=Ffn(8, 3))]
    found.append(Visit("head", HIDDEN, TOKENS, Draft(0, drafts, modules)))
    for number in range(1, drafts + 1):
        draft, first = Draft(number, drafts, modules), 3 * ((number - 1) % modules) + HEAD + 1
        again = number > modules
        found.append(Visit("join", HIDDEN, TOKENS, draft, first if again else NONE))
        found.append(replace(module, draft=draft, home=first + 1 if again else NONE))
        found.append(Visit("head", HIDDEN, TOKENS, draft, HEAD))
    return found


def runs_of(module: str, drafts: int, modules: int, *, steps: int = 2, micro_batch: int = 0) -> list[Dense]:
    """Return the dense runs of some steps, one after the other; embedding, layers and head have other widths."""
    visits = visits_of(MODULES[module], drafts, modules)
    decoding = replace(STEP, batch=USERS * (1 + drafts), rows_per_user=1 + drafts, context=20)
    widths = [2, 2, 3, *[2, 3, 3] * drafts]
    model = model_of(build_of(visits, widths, decoding), 0)
    runs: list[Dense] = []
    for step in range(steps):
        outside = runs[-1].whole[model.ends[0]] if runs else None
        now = Round(micro_batch, step=step, steps=steps)
        runs.append(Dense(model, now, outside=outside, before=runs[-1] if runs else None))
    return runs


def operator(run: Dense, name: str) -> int:
    """Return the number of an operator."""
    return next(number for number, one in enumerate(run.model.operators) if one.name == f"layer.{name}")


def setting(run: Dense, name: str) -> Setting:
    """Return what surrounds an operator."""
    return run.functions[operator(run, name)].setting


def kept(run: Dense, name: str) -> Integers:
    """Return the one thing that an operator keeps after it has run."""
    function, number = run.functions[operator(run, name)], operator(run, name)
    inputs = {read.tensor: run.whole[read.tensor] for read in function.setting.operator.inputs}
    left = function.dense(inputs | run.beside(number, None))
    (only,) = left.keys() - set(function.setting.operator.outputs)
    return left[only]


def read(run: Dense, name: str, rows: int) -> Any:
    """Return the tokens that an operator reads, one a row of each user; shape (users, rows)."""
    one = setting(run, name)
    return tokens_of(one, run.whole[one.operator.inputs[0].tensor], USERS * rows).reshape(USERS, rows)


def left(run: Dense, name: str, tokens: list[list[int]]) -> bool:
    """Return whether an operator leaves those tokens, one a row of each user."""
    one = setting(run, name)
    return np.array_equal(run.whole[one.output], vectors_of_tokens(one, np.array(tokens).reshape(-1)))


@pytest.mark.parametrize(("drafts", "modules"), [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (1, 3)])
@pytest.mark.parametrize("module", MODULES)
def test_shards_of_drafts_make_the_dense_run(module: str, drafts: int, modules: int) -> None:
    """Tests every operator of two steps, of modules that are visited once, again, or not at all."""
    for run in runs_of(module, drafts, modules):
        assert_shards_make_the_dense_run(run)
        assert not run.without_run()


def test_no_operator_of_a_draft_is_an_arbitrary_linear_map() -> None:
    """Tests that only what leaves nothing is one."""
    functions = runs_of("latent", 2, 1, steps=1)[0].functions.values()
    assert {one.setting.operator.kind for one in functions if isinstance(one, Linear)} == {"egress"}


def test_drafts_are_accepted_up_to_the_first_that_differs() -> None:
    """Tests three drafts of two users in two steps of some micro-batches, and that their numbers differ.

    What a user drafted in the step before stands behind the last row that was accepted then.
    """
    numbers = set()
    for micro_batch in range(4):
        before, run = runs_of("window", 3, 1, micro_batch=micro_batch)
        past, now, chosen = kept(before, "11.hand"), kept(run, "2.accept"), read(run, "2.accept", 4)
        for user in range(USERS):
            guessed = [int(past[1 + past[0, user] + number, user]) for number in (1, 2, 3)]
            alike = [int(token) % 2 == draft % 2 for token, draft in zip(chosen[user], guessed, strict=False)]
            assert now[0, user] == [*alike, False].index(False)
            assert now[1:5, user].tolist() == chosen[user].tolist()
            numbers.add(int(now[0, user]))
        assert left(run, "2.accept", chosen)
    assert len(numbers) > 1


def test_the_next_step_begins_with_the_last_token_and_its_drafts() -> None:
    """Tests that hosts get, of each user, the token behind the last accepted draft and then what two heads chose."""
    (run,) = runs_of("attention", 2, 1, steps=1)
    accepted, chosen = kept(run, "2.accept")[0], read(run, "2.accept", 3)
    first, second = (read(run, name, 1)[:, 0] for name in ("5.hand", "8.hand"))
    last = [[chosen[user, accepted[user]], first[user], second[user]] for user in range(USERS)]
    assert run.model.ends == ("layer.8.chosen",)
    assert left(run, "8.hand", last)
    # In between one row a user goes on, with its guess.
    assert left(run, "5.hand", [[token] for token in first])


def test_the_head_picks_the_last_accepted_row() -> None:
    """Tests of each user one row of three."""
    (run,) = runs_of("attention", 2, 1, steps=1)
    accepted = kept(run, "2.accept")[0]
    rows, picked = (run.whole[name] for name in ("layer.4.output", "layer.5.picked"))
    by_user = rows.reshape(USERS, 3, -1)
    assert np.array_equal(picked.reshape(USERS, -1), by_user[np.arange(USERS), accepted])


def test_a_second_module_has_each_row_with_the_token_after_the_next() -> None:
    """Tests two modules of two drafts: row r goes on with what follows row r + 1, which is the guess for the last one.

    Behind the last accepted row nothing is known; there stands what the head chose for rows that count no more.
    """
    (run,) = runs_of("attention", 2, 2, steps=1)
    accepted, chosen, guess = kept(run, "2.accept")[0], read(run, "2.accept", 3), read(run, "5.hand", 1)
    rows = [[*chosen[user, 1:], 0, 0] for user in range(USERS)]
    for user in range(USERS):
        rows[user][accepted[user]] = guess[user, 0]
    assert left(run, "5.hand", [row[:3] for row in rows])
    assert np.array_equal(run.whole["layer.5.output"], run.whole["layer.4.output"])


def test_drafts_of_one_module_share_weights_and_rows() -> None:
    """Tests that a second visit has the matrix of the first, and another module another one."""
    once, again = (runs_of("attention", 2, modules, steps=1)[0] for modules in (2, 1))
    assert setting(again, "7.qkv").keeper == "layer.4.qkv"
    assert setting(again, "6.embedding").keeper == setting(once, "6.embedding").keeper == "layer.0.embedding"
    assert setting(again, "8.lm_head").keeper == "layer.2.lm_head"
    assert setting(once, "7.qkv").keeper == "layer.7.qkv"


def test_rows_of_drafts_are_written_over_and_those_of_the_step_stay() -> None:
    """Tests three drafts: four rows a step stay behind three of before, and two of further drafts come after them."""
    first, second = runs_of("attention", 3, 1)
    for run, stay in ((first, 3 + 4), (second, 3 + 8)):
        lengths = [len(kept(run, f"{visit}.scores")) for visit in (4, 7, 10)]
        assert lengths == [stay, stay + 1, stay + 2]
    assert np.array_equal(kept(second, "4.scores")[:7], kept(first, "10.scores")[:7])
    assert not np.array_equal(kept(second, "4.scores")[7:9], kept(first, "10.scores")[7:9])


def test_what_is_kept_begins_with_numbers_of_its_own() -> None:
    """Tests that before the first step no more drafts are accepted than there are, and micro-batches differ."""
    (run,) = runs_of("attention", 2, 1, steps=1)
    function = run.functions[operator(run, "2.accept")]
    assert isinstance(function, Turn)
    (before,) = function.before(None).values()
    assert before.shape == (6, USERS)
    assert ((before[0] >= 0) & (before[0] <= 2)).all()
    assert ((before >= 0) & (before < PRIME)).all()


def test_a_draft_that_is_none_is_refused() -> None:
    """Tests the third of two drafts."""
    one = setting(runs_of("attention", 2, 1, steps=1)[0], "5.hand")
    wrong = one.operator.model_copy(update={"sizes": one.operator.sizes | {"draft": 3}})
    with pytest.raises(InputError, match="is of draft 3"):
        guess_of(replace(one, operator=wrong))
