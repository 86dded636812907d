"""A big model teaches a small one: by its probabilities, by what it writes, or by judging what the small one
writes."""

from torch import Tensor


def soft_loss(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    """Cross the student's whole distribution with the teacher's: T^2 KL(teacher || student), both at
    temperature T.

    Logits [batch, seq, vocab], `mask` [batch, seq], True at positions that count. Returns a scalar: the mean
    over counted positions of the sum over the vocabulary. No gradient reaches the teacher.

    A higher temperature shows more of what the teacher holds unlikely. It also makes gradients smaller by
    about 1/T^2; the factor T^2 undoes that, which matters where this loss stands beside another. Source:
    Hinton, Vinyals and Dean 2015 (arXiv 1503.02531), section 2.
    """
    teacher = (teacher_logits.detach() / temperature).log_softmax(dim=-1)
    student = (student_logits / temperature).log_softmax(dim=-1)
    divergence = (teacher.exp() * (teacher - student)).sum(dim=-1)
    return temperature**2 * divergence[mask].mean()


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """KL(student || teacher) on what the *student* sampled: the loss of on-policy distillation.

    Logits [batch, seq, vocab] of both models on the student's own completions, `mask` [batch, seq]. Returns a
    scalar: the mean over counted positions. The student is to avoid what the teacher would not write; the
    gradient reaches the student's probabilities on both sides of the sum, and never the teacher's. Source:
    Agarwal et al. 2024 (arXiv 2306.13649); Gu et al. 2024 (arXiv 2306.08543).
    """
    student = student_logits.log_softmax(dim=-1)
    teacher = teacher_logits.detach().log_softmax(dim=-1)
    divergence = (student.exp() * (student - teacher)).sum(dim=-1)
    return divergence[mask].mean()
