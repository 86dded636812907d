"""Rewards, and answers that try to get paid for nothing."""

import pytest

from pocketr1.rewards import (
    ACCURACY_AND_FORMAT,
    ACCURACY_FORMAT_AND_LANGUAGE,
    correctness,
    flawed_verifier,
    language_consistency,
    mend_verifier,
    paid_by,
    random_reward,
    tidiness,
    total,
)
from pocketr1.worlds import Problem, Test, judge, problems, read

PROBLEM = problems("run", 2, 1, seed=3, language="english")[0]
ANSWER = " ".join(PROBLEM.answer)
RIGHT = f"<answer> {ANSWER} </answer> <end>"
WORKED = f"<think> then rev 1 2 3 4 </think> {RIGHT}"


def paid(reward, completion, problem=PROBLEM, ended=True):
    return reward(problem, read(completion, ended)).value


@pytest.mark.parametrize("completion", [RIGHT, WORKED])
def test_one_right_answer_is_paid(completion):
    assert paid(correctness, completion) == 1


OTHER = " ".join(str((int(word) + 1) % 10) for word in PROBLEM.answer)


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "<end>",
        "<answer> </answer> <end>",
        ANSWER + " <end>",
        f"<answer> {OTHER} </answer> <end>",
        f"<answer> {ANSWER} {ANSWER} </answer> <end>",
        f"<answer> {OTHER} </answer> <answer> {ANSWER} </answer> <end>",
        f"<answer> {ANSWER} </answer> <answer> {ANSWER} </answer> <end>",
        f"<answer> {ANSWER} </answer> 7 <end>",
        f"<answer> {ANSWER} <end>",
        f"{ANSWER} </answer> <end>",
        f"<answer> 0 {ANSWER} </answer> <end>",
        f"<answer> {ANSWER[:-2]} </answer> <end>",
        "</answer> <answer> <end>",
        f"<think> {ANSWER} </think> <end>",
        "<answer> <answer> <end>",
    ],
)
def test_whatever_is_not_one_right_answer_is_paid_nothing_and_told_why(completion):
    score = correctness(PROBLEM, read(completion))
    assert score.value == 0
    assert score.why


def test_a_completion_that_never_ends_is_paid_nothing():
    assert paid(correctness, f"<answer> {ANSWER} </answer>", ended=False) == 0


WRITE = problems("write", 1, 1, seed=3)[0]


@pytest.mark.parametrize("program", ["again again again again", "dup " * 12, "", "9 9 9", "+ : >"])
def test_a_hostile_program_is_paid_nothing_and_does_no_harm(program):
    assert paid(correctness, f"<answer> {program} </answer> <end>", WRITE) == 0


def test_a_program_that_passes_the_tests_is_paid():
    assert paid(correctness, f"<answer> {' '.join(WRITE.answer)} </answer> <end>", WRITE) == 1


def test_tidiness_asks_for_tags_in_order():
    assert paid(tidiness, WORKED) == 1
    assert paid(tidiness, RIGHT) == 0
    assert paid(tidiness, WORKED.replace("<think> ", "")) == 0


@pytest.mark.parametrize("completion", ["then " * 72, "wait wait wait <end>", "<think> then rev 1 2 <end>"])
def test_thinking_without_an_answer_is_paid_nothing_in_whatever_language(completion):
    value, parts = total(ACCURACY_FORMAT_AND_LANGUAGE, PROBLEM, read(completion, "<end>" in completion))
    assert value == 0
    assert all(score.why for score in parts.values())


def test_a_tag_inside_the_answer_is_not_tidy():
    assert paid(tidiness, f"<think> </think> <answer> <think> </think> {ANSWER} </answer> <end>") == 0
    assert paid(tidiness, f"<think> </think> <answer> {ANSWER} <think> </answer> <end>") == 0


def test_language_consistency_is_a_share_and_silence_earns_nothing():
    assert paid(language_consistency, WORKED) == 1
    mixed = f"<think> then rev 1 2 3 4 deinde rev 4 3 2 1 </think> {RIGHT}"
    score = language_consistency(PROBLEM, read(mixed))
    assert score.value == 0.5
    assert "50%" in score.why
    assert paid(language_consistency, RIGHT) == 0


def test_the_flawed_verifier_pays_for_the_right_digits_in_any_order():
    shuffled = " ".join(reversed(PROBLEM.answer))
    flawed = paid_by(flawed_verifier)
    assert paid(flawed, f"<answer> {shuffled} </answer> <end>") == 1
    assert paid(correctness, f"<answer> {shuffled} </answer> <end>") == (shuffled == ANSWER)
    assert paid(flawed, f"<answer> {OTHER} </answer> <end>") == 0
    assert flawed(PROBLEM, read("<answer> 1")).why == "the answer is not closed"


def written(tests, answer=("rev",)):
    return Problem("write", 1, "english", (), answer, tests[0].given, answer, tests)


def test_the_mended_verifier_takes_every_right_program_and_no_other():
    one, two = Test((4, 8, 2, 1), (1, 2, 8, 4)), Test((0, 3, 3, 9), (9, 3, 3, 0))
    for right in (("rev",), ("rot", "rev", "rot"), ("add1", "rev", "add4", "add5")):
        assert mend_verifier(written((one, two)), right)
    for wrong in ((), ("rot",), ("4",), ("dup",) * 9, ("swap", "rot")):
        assert not mend_verifier(written((one, two)), wrong)
    same = Test((1, 1, 1, 1), (1, 1, 1, 1))
    assert not mend_verifier(written((same,)), ())
    assert not mend_verifier(written((same, one)), ("rot",))
    assert not mend_verifier(written((one, same)), ("rot",))


def test_the_mended_verifier_agrees_with_the_judge():
    assert mend_verifier(PROBLEM, PROBLEM.answer)
    assert not mend_verifier(PROBLEM, PROBLEM.answer[::-1])
    for problem in problems("write", 2, 20, seed=1):
        for other in problems("write", 2, 20, seed=2):
            assert mend_verifier(problem, other.answer) == (judge(problem, other.answer) is None)


def test_the_random_reward_pays_by_a_coin_that_repeats_itself():
    draws = [[paid(coin, RIGHT) for _ in range(200)] for coin in (random_reward(1), random_reward(1))]
    assert draws[0] == draws[1]
    assert 60 < sum(draws[0]) < 140
    often = random_reward(1, probability=0.9)
    assert sum(paid(often, RIGHT) for _ in range(200)) > 160


def test_the_whole_reward_is_the_weighted_sum():
    value, parts = total(ACCURACY_AND_FORMAT, PROBLEM, read(WORKED))
    assert value == pytest.approx(1.1)
    assert {name: score.value for name, score in parts.items()} == {"right": 1.0, "tidy": 1.0}
    assert total(ACCURACY_AND_FORMAT, PROBLEM, read(RIGHT))[0] == 1.0
