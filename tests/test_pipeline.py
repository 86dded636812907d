"""R1's stages in small: what each keeps, where it starts, and what it trains on."""

import random
from dataclasses import replace

import pytest
import torch

from pocketr1 import pipeline
from pocketr1.generation import Sampling
from pocketr1.grpo_training import GrpoPlan
from pocketr1.pipeline import (
    CAP,
    REASONING,
    SamplingPlan,
    answers,
    as_documents,
    cold_start,
    draw_problems,
    faultless_documents,
    readable,
    rejection_sample,
    second_set,
    stage_starts,
    texts,
)
from pocketr1.pretraining import STUDENT, new_model
from pocketr1.report_card import PARTS
from pocketr1.rewards import (
    ACCURACY,
    ACCURACY_AND_FORMAT,
    ACCURACY_FORMAT_AND_LANGUAGE,
    RIGHT,
    total,
    total_reward,
)
from pocketr1.rollouts import roll_out
from pocketr1.training import Plan
from pocketr1.worlds import Document, document, judge, problems, read

TRAIN = problems("calc", 2, 4, seed=1, language="english")
TEST = problems("calc", 2, 1, seed=1, split="test", language="english")
TINY_RL = GrpoPlan(steps=1, problems=2, group_size=2, max_new=6)
TINY_PLAN = Plan(steps=1, warmup=1)


def right(problem, style="direct", language="english"):
    return document(problem, style, language, random.Random(0))


def wrong(problem):
    return Document(problem, ("<answer>", "0", "</answer>"))


def tiny_model():
    return new_model(replace(STUDENT, dim=8, layers=1), 0)


def test_rejection_keeps_right_answers_in_their_order():
    documents = [right(TRAIN[1]), wrong(TRAIN[2]), right(TRAIN[0]), Document(TRAIN[3], ("then",))]
    assert rejection_sample(documents, cap=2) == [documents[0], documents[2]]


def test_rejection_keeps_the_first_answers_to_a_problem_up_to_the_cap_and_none_twice():
    several = [
        right(TRAIN[0]),
        right(TRAIN[0]),
        right(TRAIN[0], "worked"),
        right(TRAIN[0], "worked", "latin"),
    ]
    assert rejection_sample(several, cap=2) == [several[0], several[2]]
    assert rejection_sample([*several, right(TRAIN[1])], cap=1) == [several[0], right(TRAIN[1])]


def test_wrong_answers_do_not_count_against_the_cap():
    assert rejection_sample([wrong(TRAIN[0]), right(TRAIN[0])], cap=1) == [right(TRAIN[0])]


def test_rejection_keeps_no_test_problem():
    assert rejection_sample([right(TEST[0]), right(TRAIN[0])], cap=2) == [right(TRAIN[0])]


def test_readable_means_tidy_and_in_the_question_s_language():
    worked = right(TRAIN[0], "worked")
    assert readable(worked)
    assert not readable(right(TRAIN[0], "worked", "latin"))
    assert not readable(Document(TRAIN[0], tuple(word for word in worked.completion if "think" not in word)))


def test_both_fine_tunings_start_from_the_base_and_each_rl_from_its_own():
    starts = stage_starts()
    assert list(starts) == ["cold start", "reasoning RL", "second fine-tuning", "final RL"]
    assert starts["cold start"] == starts["second fine-tuning"] == "base"
    assert starts["reasoning RL"] == "cold start"
    assert starts["final RL"] == "second fine-tuning"


def test_rewards_are_summed_by_weight():
    assert total_reward({"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 0.2}) == pytest.approx(1.1)
    assert total_reward({"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 0.2}) == 1.0  # a product would give nothing


def test_a_right_answer_pays_more_than_format_and_language_together():
    others = [weight for name, (weight, _) in ACCURACY_FORMAT_AND_LANGUAGE.items() if name != RIGHT]
    assert sum(others) < ACCURACY_FORMAT_AND_LANGUAGE[RIGHT][0]


def test_the_language_is_paid_for():
    paid = [
        total(ACCURACY_FORMAT_AND_LANGUAGE, TRAIN[0], read(right(TRAIN[0], "worked", language).completion))[0]
        for language in ("english", "latin")
    ]
    assert paid == pytest.approx([1.3, 1.1])


def test_problems_are_drawn_for_training_the_same_for_a_step_from_all_parts():
    at = draw_problems(PARTS, 60, "x")
    assert at(3) == at(3) != at(4)
    assert at(3) == draw_problems(PARTS, 60, "x")(3) != draw_problems(PARTS, 60, "y")(3)
    assert {problem.split for problem in at(0)} == {"train"}
    assert {(problem.skill, problem.level) for step in range(4) for problem in at(step)} == set(PARTS)


def test_faultless_documents_are_right_tidy_and_in_the_question_s_language():
    documents = faultless_documents(PARTS, 40, seed=2)
    assert len(documents) == 40
    for each in documents:
        reading = read(each.completion)
        assert reading.worked and readable(each) and judge(each.problem, reading.answer) is None
    assert documents == faultless_documents(PARTS, 40, seed=2) != faultless_documents(PARTS, 40, seed=3)


def test_answers_become_documents_without_their_end_word_and_without_what_was_cut_off():
    prompts = problems("calc", 1, 30, seed=5)
    generator = torch.Generator().manual_seed(0)
    rollouts = roll_out(new_model(STUDENT, 3), prompts, 4, ACCURACY, Sampling(12), generator)
    written, documents = texts(rollouts), as_documents(rollouts)
    ended = [words for words in written if words[-1] == "<end>"]
    assert 0 < len(ended) < len(written) == 120
    assert [each.completion for each in documents] == [words[:-1] for words in ended]
    assert [len(words) for words in written] == rollouts.lengths.tolist()
    read_too = sum(len(problem.prompt) for problem in rollouts.problems)
    assert rollouts.tokens == read_too + sum(map(len, written))
    owners = [problem for problem, words in zip(rollouts.problems, written, strict=True) if words in ended]
    assert [each.problem for each in documents] == owners


def test_answers_come_batch_by_batch_and_repeat_themselves():
    plan = SamplingPlan(batches=2, problems=3, samples=2)
    once, again = (list(answers(tiny_model(), REASONING, plan, seed=1)) for _ in range(2))
    assert [len(rollouts.problems) for rollouts in once] == [6, 6]
    assert [texts(rollouts) for rollouts in once] == [texts(rollouts) for rollouts in again]
    assert once[0].problems != once[1].problems


def test_the_second_set_has_right_readable_answers_and_a_third_as_many_of_the_other_skill():
    good = [right(problem, "worked") for problem in problems("run", 2, 9, seed=3, language="english")]
    bad = [wrong(TRAIN[0]), right(TRAIN[1], "worked", "latin"), right(TEST[0], "worked")]
    kept = second_set([*bad, *good], seed=1)
    assert kept[:9] == good
    assert [each.problem.skill for each in kept[9:]] == ["write"] * 3


def test_the_second_set_keeps_few_answers_to_one_problem():
    chain = problems("run", 3, 1, seed=3, language="english")[0]
    variants = [
        Document(
            chain, (*("<think>", "then", *["0"] * extra, "</think>"), "<answer>", *chain.answer, "</answer>")
        )
        for extra in range(5)
    ]
    assert second_set(variants, seed=1)[:CAP] == variants[:CAP]
    assert not set(second_set(variants, seed=1)) & set(variants[CAP:])


@pytest.mark.parametrize(
    ("stage", "parts", "rewards"),
    [
        (pipeline.r1_zero, PARTS, ACCURACY_AND_FORMAT),
        (pipeline.reasoning_rl, REASONING, ACCURACY_FORMAT_AND_LANGUAGE),
        (pipeline.final_rl, PARTS, ACCURACY_FORMAT_AND_LANGUAGE),
    ],
)
def test_each_rl_has_its_parts_and_its_rewards(monkeypatch, stage, parts, rewards):
    seen = []

    def draw(drawn_from, count, seed):
        seen.append(tuple(drawn_from))
        return draw_problems(drawn_from, count, seed)

    monkeypatch.setattr(pipeline, "draw_problems", draw)
    (record,) = stage(tiny_model(), 1, TINY_RL)
    assert seen == [parts]
    assert set(record.parts) == set(rewards)
    assert record.tokens_sampled > record.tokens_trained >= 0


def test_reasoning_leaves_out_writing():
    assert {skill for skill, _ in REASONING} == {"calc", "run"}


def test_the_cold_start_trains_on_reasoning_alone(monkeypatch):
    seen = []

    def fine_tune(model, documents, plan, seed):
        seen.extend(documents)
        return iter(())

    monkeypatch.setattr(pipeline, "fine_tune", fine_tune)
    list(cold_start(tiny_model(), 1))
    assert {(each.problem.skill, each.problem.level) for each in seen} == set(REASONING)
    assert all(readable(each) for each in seen)


def test_a_stage_trains_the_model_in_place():
    model = tiny_model()
    before = model.head.weight.clone()
    (record,) = cold_start(model, 1, TINY_PLAN)
    assert record.step == 0
    assert not torch.equal(before, model.head.weight)
