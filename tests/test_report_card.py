from random import Random

import pytest
import torch

from pocketr1 import report_card
from pocketr1.evaluation import Decomposition
from pocketr1.generation import Sampling
from pocketr1.pretraining import STUDENT, new_model
from pocketr1.report_card import HARDER_PARTS, PARTS, evaluate, many_tries, result, together, transfer
from pocketr1.rewards import ACCURACY
from pocketr1.rollouts import Rollouts, roll_out
from pocketr1.worlds import VOCABULARY, chance, document, problems, read


def rollouts_of(part, samples, words_of):
    """Rollouts in which each problem was answered by `words_of(problem, sample)`."""
    asked = problems(*part, 3, seed=1, split="test")
    repeated = [problem for problem in asked for _ in range(samples)]
    texts = [[*words_of(problem, place % samples), "<end>"] for place, problem in enumerate(repeated)]
    tokens, lengths = VOCABULARY.pad_batch([VOCABULARY.encode(text) for text in texts])
    mask = torch.arange(tokens.shape[1]) < lengths.unsqueeze(1)
    nothing = torch.zeros(len(texts))
    readings = [read(text) for text in texts]
    return Rollouts(repeated, readings, [], tokens, nothing.long(), tokens, mask, nothing, nothing)


def worked_once(problem, sample):
    """The first sample works, rightly; the second answers directly, and wrongly."""
    if sample == 0:
        return document(problem, "worked", problem.language, Random(0)).completion
    return ("<answer>", "0", "0", "</answer>")


def test_a_result_takes_pass_at_1_apart():
    found = result(rollouts_of(("calc", 2), 2, worked_once), 2)
    assert found.per_problem == (0.5, 0.5, 0.5)
    assert found.pass_at_1.mean == 0.5
    assert (found.parts.works, found.parts.right_when_working, found.parts.right_when_direct) == (0.5, 1, 0)
    assert found.length == (25 + 5) / 2
    assert (found.tidy, found.consistency) == (0.5, 1.0)
    assert found.chance == pytest.approx(1e-4)
    assert (found.pass_at(1), found.pass_at(2)) == (0.5, 1.0)


def test_consistency_is_that_of_worked_answers_alone():
    def in_the_other_language(problem, sample):
        if sample == 1:
            return worked_once(problem, 1)
        other = "latin" if problem.language == "english" else "english"
        return document(problem, "worked", other, Random(0)).completion

    assert result(rollouts_of(("calc", 2), 2, in_the_other_language), 2).consistency == 0


def test_chance_of_a_program_is_that_of_its_problems():
    found = result(rollouts_of(("write", 2), 2, lambda problem, sample: ("then",)), 2)
    asked = problems("write", 2, 3, seed=1, split="test")
    assert found.chance == pytest.approx(sum(map(chance, asked)) / 3)


def test_many_tries_tell_direct_answers_from_worked_ones_and_from_luck(monkeypatch):
    """Of four answers one is worked and right, and one direct and right."""

    def answered(writer, asked, samples, *more):
        (problem,) = asked
        worked = document(problem, "worked", problem.language, Random(0)).completion
        direct = [("<answer>", *digits, "</answer>") for digits in (problem.answer, ("0",), ("0",))]
        readings = [read([*words, "<end>"]) for words in (worked, *direct)]
        nothing = torch.zeros(samples)
        return Rollouts([problem] * 4, readings, [], nothing, nothing, nothing, nothing, nothing, nothing)

    monkeypatch.setattr(report_card, "roll_out", answered)
    found = many_tries(None, [("run", 2), ("calc", 3)], count=2, samples=4)
    assert found["all answers"] == {1: 0.5, 4: 1.0}
    assert found["direct answers"] == {1: 0.25, 4: 1.0}
    assert found["guessing"] == pytest.approx({1: 1e-4, 4: 4e-4}, rel=1e-3)


def test_parts_together_weigh_problems_alike_and_modes_by_how_often_they_occur():
    right = result(rollouts_of(("calc", 2), 2, lambda problem, sample: worked_once(problem, 0)), 2)
    half = result(rollouts_of(("run", 3), 2, worked_once), 2)
    both = together({("calc", 2): right, ("run", 3): half})
    assert both.per_problem == (1, 1, 1, 0.5, 0.5, 0.5)
    assert str(both.pass_at_1) == "0.75 [0.75, 0.75]"  # each part's problems are alike
    assert both.parts.works == pytest.approx(0.75)
    assert both.parts.right_when_working == pytest.approx(1)
    assert both.parts.pass_at_1 == pytest.approx(both.pass_at_1.mean)


def test_each_problem_keeps_its_own_share():
    first = problems("calc", 2, 3, seed=1, split="test")[0]
    found = result(
        rollouts_of(("calc", 2), 2, lambda problem, _: worked_once(problem, int(problem != first))), 2
    )
    assert found.per_problem == (1, 0, 0)


def test_parts_together_weigh_a_mode_by_how_often_it_occurs():
    """One part works in half of its answers, wrongly, and is right when direct. One always works, rightly.
    One never does, and is wrong."""

    def half(problem, sample):
        if sample == 0:
            worked = list(worked_once(problem, 0))
            worked[-2] = str((int(worked[-2]) + 1) % 10)
            return worked
        return ("<answer>", *problem.answer, "</answer>")

    parts = {
        ("calc", 2): result(rollouts_of(("calc", 2), 2, half), 2),
        ("run", 2): result(rollouts_of(("run", 2), 2, lambda problem, _: worked_once(problem, 0)), 2),
        ("run", 3): result(rollouts_of(("run", 3), 2, lambda problem, _: worked_once(problem, 1)), 2),
    }
    both = together(parts).parts
    assert both.works == pytest.approx(0.5)
    assert both.right_when_working == pytest.approx(1 / 1.5)
    assert both.right_when_direct == pytest.approx(0.5 / 1.5)
    del parts["run", 3]
    assert together(parts).parts.right_when_direct == pytest.approx(1)


def test_together_of_models_that_never_work():
    direct = result(rollouts_of(("calc", 2), 1, lambda problem, sample: worked_once(problem, 1)), 1)
    assert together({("calc", 2): direct}).consistency == 0


def test_an_evaluation_asks_every_model_the_same_test_problems(monkeypatch):
    asked = []

    def seen(writer, problems, group_size, rewards, sampling, generator):
        asked.append([problem.prompt for problem in problems])
        assert {problem.split for problem in problems} == {"test"}
        return roll_out(writer, problems, group_size, ACCURACY, Sampling(4), generator)

    monkeypatch.setattr("pocketr1.report_card.roll_out", seen)
    for seed in range(2):
        found = evaluate(new_model(STUDENT, seed), [("calc", 2), ("write", 1)], count=3, samples=2)
        assert [len(part.per_problem) for part in found.values()] == [3, 3]
    assert asked[:2] == asked[2:]


def test_what_is_trained_has_steps_in_between_and_what_is_harder_has_more():
    assert ("calc", 1) not in PARTS and ("write", 1) in PARTS
    assert not set(PARTS) & set(HARDER_PARTS)
    assert min(level for skill, level in HARDER_PARTS if skill == "run") == 6


def test_what_carries_over_is_told_in_three_parts_that_add_up():
    base, trained = Decomposition(0.5, 0.2, 0.0), Decomposition(1.0, 0.5, 0.0)
    parts = transfer(base, trained, control=Decomposition(0.0, 0.3, 0.2))
    assert parts == pytest.approx({"any training": 0.1, "habit": 0.1, "skill": 0.2})
    assert sum(parts.values()) == pytest.approx(trained.pass_at_1 - base.pass_at_1)
