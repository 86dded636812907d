from dataclasses import replace
from random import Random

import pytest
import torch

from pocketr1.configuration import Dense, Experts
from pocketr1.distillation import (
    active_parameters,
    completion_logits,
    compute_spent,
    controls,
    coverage_change,
    distil,
    distil_on_policy,
    distil_softly,
    filter_traces,
    reverse_kl,
    soft_loss,
)
from pocketr1.generation import Sampling
from pocketr1.model import LanguageModel
from pocketr1.pretraining import STUDENT, new_model
from pocketr1.rewards import ACCURACY
from pocketr1.rollouts import roll_out
from pocketr1.training import Plan
from pocketr1.worlds import VOCABULARY, document, problems


def pair(scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    student = (scale * torch.randn(2, 3, 7, generator=generator)).requires_grad_()
    teacher = (scale * torch.randn(2, 3, 7, generator=generator)).requires_grad_()
    return student, teacher


MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_soft_loss_is_t_squared_times_torchs_own_divergence():
    student, teacher = pair()
    per_token = torch.nn.functional.kl_div(
        (student / 2).log_softmax(-1), (teacher / 2).log_softmax(-1), reduction="none", log_target=True
    ).sum(-1)
    assert soft_loss(student, teacher, MASK, 2.0).item() == pytest.approx(
        4 * per_token[MASK].mean().item(), rel=1e-5
    )


def test_t_squared_keeps_the_gradient_s_size_for_small_logits():
    sizes = []
    for temperature in (1.0, 4.0):
        student, teacher = pair(scale=0.01)
        (gradient,) = torch.autograd.grad(soft_loss(student, teacher, MASK, temperature), student)
        sizes.append(gradient.norm().item())
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


@pytest.mark.parametrize("loss", [soft_loss, reverse_kl])
def test_the_teacher_gets_no_gradient_and_masked_positions_none_either(loss):
    student, teacher = pair()
    loss(student, teacher, MASK).backward()
    assert teacher.grad is None
    assert (student.grad.abs().sum(-1) > 0).tolist() == MASK.tolist()


@pytest.mark.parametrize("loss", [soft_loss, reverse_kl])
def test_a_student_equal_to_its_teacher_has_nothing_to_learn(loss):
    student, _ = pair()
    assert loss(student, student.detach(), MASK).item() == pytest.approx(0, abs=1e-6)


def test_reverse_kl_weighs_by_the_student():
    student, teacher = pair()
    expected = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=student), torch.distributions.Categorical(logits=teacher)
    )[MASK].mean()
    assert reverse_kl(student, teacher, MASK).item() == pytest.approx(expected.item(), rel=1e-5)
    assert reverse_kl(student, teacher, MASK).item() != pytest.approx(
        soft_loss(student, teacher, MASK).item(), rel=0.01
    )


CHAINS = problems("calc", 2, 3, seed=1, language="english")
UNSEEN = problems("calc", 2, 1, seed=1, split="test", language="english")


def written(problem, style="direct"):
    """What a good teacher writes, its end word included."""
    return (*document(problem, style, problem.language, Random(0)).completion, "<end>")


WRONG = ("<answer>", "0", "</answer>", "<end>")


def test_traces_are_right_answers_beside_their_own_problems():
    completions = [WRONG, written(CHAINS[0]), written(CHAINS[1]), written(CHAINS[1], "worked"), WRONG, WRONG]
    traces = filter_traces(CHAINS, completions)
    assert [(trace.problem, (*trace.completion, "<end>")) for trace in traces] == [
        (CHAINS[0], completions[1]),
        (CHAINS[1], completions[2]),
        (CHAINS[1], completions[3]),
    ]


def test_the_right_answer_to_another_problem_is_no_trace():
    assert filter_traces(CHAINS[:2], [written(CHAINS[1]), written(CHAINS[0])]) == []


def test_what_was_cut_off_or_belongs_to_the_test_is_no_trace():
    assert filter_traces(CHAINS[:1], [written(CHAINS[0])[:-1]]) == []
    assert filter_traces(UNSEEN, [written(UNSEEN[0])]) == []


def test_a_right_answer_given_twice_is_kept_twice():
    assert len(filter_traces(CHAINS[:1], [written(CHAINS[0])] * 2)) == 2


def documents_about(asked):
    return [document(problem, "direct", "english", Random(0)) for problem in asked]


def test_controls_are_as_many_for_every_author_and_hold_no_test_problem():
    good = documents_about(CHAINS)
    sets = controls(good, [*documents_about(UNSEEN), *good[:2]], good[::-1])
    assert sets == {"teacher": good[:2], "own samples": good[:2], "no teacher": good[::-1][:2]}


def test_compute_counts_training_rollouts_and_teaching_but_not_the_teacher_s_own_training():
    assert compute_spent(student=10, trained=7) == 420
    assert compute_spent(student=10, trained=7, rolled_out=5) == 520
    assert compute_spent(student=10, trained=7, rolled_out=5, teacher=100, sampled=3) == 1120


def test_coverage_counts_problems_that_are_solved_at_all():
    change = coverage_change([0, 1, 16, 0, 2, 0], [4, 16, 1, 0, 0, 3])
    assert change == {"both": 2, "gained": 2, "lost": 1, "neither": 1}


def test_active_parameters_leave_out_the_embedding_and_idle_experts():
    dense = LanguageModel(STUDENT)
    size = sum(p.numel() for p in dense.parameters())
    assert active_parameters(dense) == size - len(VOCABULARY) * 48
    experts = Experts(experts=6, active=2, width=8, shared=1, dense_layers=1, dense_width=16)
    sparse = LanguageModel(replace(STUDENT, feed_forward=experts))
    size = sum(p.numel() for p in sparse.parameters())
    assert active_parameters(sparse) == size - len(VOCABULARY) * 48 - 4 * 3 * 48 * 8


def tiny(seed):
    return new_model(replace(STUDENT, dim=16, layers=1, feed_forward=Dense(32)), seed)


def distance(student, teacher, tokens):
    with torch.no_grad():
        counted = torch.ones(tokens.shape, dtype=torch.bool)
        return soft_loss(student(tokens), teacher(tokens), counted).item()


def test_soft_distillation_moves_the_student_to_the_teacher_and_leaves_the_teacher_alone():
    student, teacher, traces = tiny(0), tiny(1), documents_about(CHAINS)
    before = [parameter.clone() for parameter in teacher.parameters()]
    plan = Plan(steps=20, learning_rate=1e-2, warmup=2)
    records = list(distil_softly(student, teacher, traces, plan, seed=0, temperature=2.0))
    assert records[-1].loss < records[0].loss / 2
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_soft_distillation_compares_predictions_of_what_is_to_be_written():
    student, teacher, traces = tiny(0), tiny(1), documents_about(CHAINS[:1])
    tokens = torch.tensor([traces[0].tokens])
    start = traces[0].prompt_length
    with torch.no_grad():
        rows = slice(start - 1, tokens.shape[1] - 1)  # the logits that speak of completion and end token
        pair = student(tokens)[:, rows], teacher(tokens)[:, rows]
        expected = soft_loss(*pair, torch.ones(1, pair[0].shape[1], dtype=torch.bool), 2.0).item()
    (record,) = distil_softly(student, teacher, traces, Plan(steps=1, warmup=1), 0, 2.0)
    assert record.loss == pytest.approx(expected, rel=1e-4)


def test_on_policy_distillation_moves_the_student_to_the_teacher_without_a_reward():
    student, teacher = tiny(0), tiny(1)
    tokens = torch.tensor([documents_about(CHAINS)[0].tokens])
    far = distance(student, teacher, tokens)
    plan = Plan(steps=12, learning_rate=1e-2, warmup=2)
    records = list(distil_on_policy(student, teacher, lambda step: CHAINS, plan, seed=0, samples=2))
    assert records[-1].loss < records[0].loss
    assert distance(student, teacher, tokens) < far
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_completion_logits_are_those_by_which_the_tokens_were_chosen():
    model = tiny(0)
    generator = torch.Generator().manual_seed(0)
    rollouts = roll_out(model, CHAINS, 2, ACCURACY, Sampling(9), generator)
    logprobs = completion_logits(model, rollouts).log_softmax(-1)
    found = logprobs.gather(-1, rollouts.completions.unsqueeze(-1)).squeeze(-1)
    assert torch.allclose(found[rollouts.mask], rollouts.logprobs[rollouts.mask], atol=1e-5)


def test_distillation_on_traces_is_next_token_training_and_repeats_itself():
    plan = Plan(steps=6, learning_rate=1e-2, warmup=2)
    losses = [[r.loss for r in distil(tiny(0), documents_about(CHAINS), plan, seed)] for seed in (0, 0)]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]
