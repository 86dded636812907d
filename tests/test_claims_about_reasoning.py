"""The measuring code of the claims about RL and distillation, on models too small to learn anything."""

from dataclasses import replace

import pytest
import torch

from pocketr1 import pipeline
from pocketr1.claims import CLAIMS, answers, distilling, family, reasoning
from pocketr1.claims import recorded_results as results
from pocketr1.claims.answers import Answers, answer
from pocketr1.claims.family import ARMS, CALC, RUN, WRITE, Family, Size
from pocketr1.distillation import active_parameters
from pocketr1.pipeline import REASONING
from pocketr1.pretraining import new_model
from pocketr1.worlds import VOCABULARY
from tests.tiny_story import RL, SAMPLING, SMALL, STEPS

TINY = Size(
    large=SMALL,
    base_plan=STEPS,
    rl=RL,
    cold_start=STEPS,
    small=SMALL,
    small_plan=STEPS,
    narrow_plan=STEPS,
    traces=SAMPLING,
    distillation=STEPS,
    small_rl=replace(RL, steps=9),
    own_samples=SAMPLING,
    problems=1,
    few=2,
)


@pytest.fixture(autouse=True)
def fluent_models(monkeypatch):
    """Tiny models never answer rightly. Let what they write be right, so that later arms have documents."""
    monkeypatch.setenv("CI", "true")
    for module in (answers, pipeline):
        monkeypatch.setattr(module, "LONGEST", 4)
    documents = pipeline.faultless_documents(REASONING, 6, seed=1)
    monkeypatch.setattr(family, "filter_traces", lambda problems, texts: documents)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("family")


@pytest.fixture
def tiny(folder):
    return Family(100, TINY, folder)


def made_up():
    """Two parts of one problem each, with two answers."""
    return Answers(
        (("calc", 2), ("run", 2)),
        right=torch.tensor([[True, True], [True, False]]),
        worked=torch.tensor([[True, False], [False, True]]),
        lengths=torch.tensor([[10, 6], [6, 30]]),
        language=torch.tensor([[0.5, 1.0], [1.0, 1.0]]),
    )


def test_answers_by_hand():
    both = made_up()
    assert (both.pass_at_1, both.pass_at(1), both.pass_at(2)) == (0.75, 0.75, 1.0)
    lengths = [both.length(of) for of in (both.lengths > 0, ~both.right, both.worked, both.lengths > 99)]
    assert lengths == [13, 30, 20, 0]
    assert both.consistency == 0.75
    assert (both.apart.works, both.apart.right_when_working, both.apart.right_when_direct) == (0.5, 0.5, 1)
    run = both.of([("run", 2)])
    assert (run.pass_at_1, run.length(~run.right), run.consistency) == (0.5, 30, 1)
    calc = both.of([("calc", 2)])
    assert (calc.pass_at_1, calc.length(~calc.right), calc.consistency) == (1, 0, 0.5)
    assert run.of([("run", 2)]).lengths.tolist() == [[6, 30]]


def test_a_model_answers_the_test_problems_of_each_part():
    given = answer(new_model(SMALL, 0), CALC[:2], count=3, samples=2, seed=100)
    assert given.right.shape == given.worked.shape == given.lengths.shape == given.language.shape == (6, 2)
    again = answer(new_model(SMALL, 0), CALC[:2], count=3, samples=2, seed=100)
    assert torch.equal(given.lengths, again.lengths)
    assert given.of(CALC[1:2]).lengths.tolist() == given.lengths[3:].tolist()


def test_an_arm_is_trained_once_and_read_again(folder, tiny, monkeypatch):
    first = tiny.arm("true reward")
    assert tiny.arm("true reward") is first
    monkeypatch.setattr(Family, "_make", lambda *_: pytest.fail("trained again"))
    again = Family(100, TINY, folder).arm("true reward")
    assert again.bill == first.bill
    for one, other in zip(first.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(first.answers.lengths, again.answers.lengths)


def test_arms_do_not_change_what_they_start_from(tiny):
    before = {name: tensor.clone() for name, tensor in tiny.arm("base").model.state_dict().items()}
    changed = tiny.arm("cold start").model.state_dict()
    after = tiny.arm("base").model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert any(not torch.equal(before[name], changed[name]) for name in before)


def test_every_arm_starts_from_an_arm_or_from_a_size_and_needs_arms():
    for arm in ARMS.values():
        assert arm.starts in ARMS or hasattr(TINY, arm.starts)
        assert set(arm.needs) <= set(ARMS)


def test_own_rl_stops_when_it_has_cost_what_the_other_arm_did(tiny):
    for other, own in {"distilled": "small RL", "narrow distilled": "narrow RL"}.items():
        budget, spent = tiny.arm(other).bill.operations, tiny.arm(own).bill
        assert spent.teacher == 0
        assert spent.operations >= budget or spent.operations == pytest.approx(budget, rel=0.9)


def test_a_bill_counts_the_sampling_of_whoever_wrote(tiny):
    assert tiny.arm("distilled").bill.teacher > 0
    assert tiny.arm("own samples").bill.teacher > 0
    assert tiny.arm("no teacher").bill.teacher == 0
    assert tiny.arm("true reward").bill.rollouts % (2 * active_parameters(tiny.arm("base").model)) == 0


def test_all_authors_are_held_to_the_teachers_number_of_documents(tiny):
    counts = {name: tiny.arm(name).documents for name in ("distilled", "own samples", "no teacher")}
    assert counts["distilled"] > 0
    assert counts["own samples"] <= counts["distilled"] == counts["no teacher"]


def test_arms_learn_from_the_skills_they_say(tiny, monkeypatch):
    asked = []

    def no_rl(model, parts, plan, rewards, seed):
        asked.append(parts)
        return iter(())

    monkeypatch.setattr(pipeline, "reinforce", no_rl)
    for name in ("true reward", "Dr. GRPO", "calc alone", "write alone", "narrow RL"):
        list(ARMS[name].train(tiny, tiny.copy("large")))
    assert asked == [REASONING, REASONING, CALC, WRITE, RUN]
    assert {skill for parts in (CALC, RUN) for skill, _ in parts} == {"calc", "run"}


def test_the_narrow_corpus_is_calc_alone(tiny, monkeypatch):
    seen = []
    monkeypatch.setattr(family, "train", lambda model, batch_at, plan: seen.append(batch_at(0)) or iter(()))
    list(ARMS["narrow base"].train(tiny, tiny.copy("small")))
    words = {VOCABULARY.words[token] for token in seen[0][0].unique().tolist()}
    assert "calc" in words
    assert not words & {"run", "write"}


def test_the_folder_depends_on_seed_size_and_code():
    folders = {family.family(seed, size).folder for seed in (100, 101) for size in (TINY, family.FULL)}
    assert len(folders) == 4
    assert results.digest(family).startswith(tuple("0123456789abcdef"))
    assert results.digest(family, "a") != results.digest(family, "b")


MEASURES = (
    reasoning.rewarded_against_random,
    reasoning.two_losses,
    reasoning.many_tries,
    reasoning.cold_start_and_recovery,
    reasoning.another_domain,
    distilling.against_own_rl,
    distilling.whole_curve,
    distilling.skill_the_corpus_lacks,
)


@pytest.mark.parametrize("measuring", MEASURES)
def test_every_experiment_runs_and_its_claims_can_be_decided(measuring, tiny, monkeypatch):
    for module in (reasoning, distilling):
        monkeypatch.setattr(module, "family", lambda seed, size: tiny)
    numbers = measuring(100, TINY)
    assert all(torch.tensor(value).isfinite() for value in numbers.values())
    decided = [claim.holds(numbers) for claim in CLAIMS.values() if claim.measure is measuring]
    assert decided
    assert all(isinstance(each, bool) for each in decided)


@pytest.mark.parametrize(
    ("holds", "true", "changes"),
    [
        (
            reasoning.reward_wins,
            {
                f"{what}, {arm}": n
                for what in ("pass@1", "tokens")
                for arm, n in {"base": 0.2, "true reward": 0.8, "random reward": 0.3}.items()
            },
            {"tokens, random reward": 0.9, "pass@1, random reward": 0.8, "pass@1, base": 0.9},
        ),
        (
            reasoning.wrong_answers_shorten,
            {
                "tokens, wrong and worked, Dr. GRPO": 20,
                "tokens, wrong and worked, GRPO": 21,
                "pass@1, Dr. GRPO": 0.76,
                "pass@1, GRPO": 0.8,
            },
            {"tokens, wrong and worked, Dr. GRPO": 21, "pass@1, Dr. GRPO": 0.74},
        ),
        (
            reasoning.gain_shrinks,
            {"pass@1, base": 0.2, "pass@1, RL": 0.8, "pass@64, base": 0.7, "pass@64, RL": 0.95},
            {"pass@64, base": 0.6, "pass@1, RL": 0.1},
        ),
        (
            reasoning.curves_cross,
            {"pass@1, base": 0.2, "pass@1, RL": 0.8, "pass@64, base": 0.9, "pass@64, RL": 0.85},
            {"pass@64, base": 0.85, "pass@1, RL": 0.1},
        ),
        (
            reasoning.dips_and_recovers,
            {"pass@1, R1-Zero": 0.8, "pass@1, cold start": 0.6, "pass@1, RL after it": 0.7},
            {"pass@1, R1-Zero": 0.6, "pass@1, RL after it": 0.5},
        ),
        (
            reasoning.transfers,
            {"pass@1, base": 0.2, "pass@1, calc alone": 0.5, "pass@1, write alone": 0.4},
            {"pass@1, base": 0.6, "pass@1, write alone": 0.5},
        ),
        (
            distilling.distillation_wins,
            {"pass@1, distilled": 0.8, "pass@1, small RL": 0.7},
            {"pass@1, small RL": 0.8},
        ),
        (
            distilling.curve_is_above,
            {
                f"pass@{k}, {arm}": n
                for k in (1, 4, 16, 64)
                for arm, n in {"distilled": 0.9, "small base": 0.5}.items()
            },
            {"pass@1, small base": 0.9, "pass@64, small base": 0.95},
        ),
        (
            distilling.new_skill_needs_a_teacher,
            {"pass@64, narrow base": 0.1, "pass@64, narrow distilled": 0.5, "pass@64, narrow RL": 0.2},
            {"pass@64, narrow base": 0.5, "pass@64, narrow RL": 0.6},
        ),
    ],
)
def test_what_decides_a_seed(holds, true, changes):
    assert holds(true)
    for name, value in changes.items():
        assert name in true
        assert not holds(true | {name: value})
