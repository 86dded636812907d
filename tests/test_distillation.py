import pytest
import torch

from pocketr1.distillation import reverse_kl, soft_loss


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
