"""Checks of the exercises on policy gradients.

One token, one sample and one arm isolate what a sum or a mean hides; three arms show the exact gradient of
the expected reward. The references are independent of the course's code: cross-entropy for
log-probabilities, and loops over samples in float64 for the rest.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .specification import Case, Check, Mistake


def _normal(*shape: int, seed: int = 0, size: float = 1.0) -> Tensor:
    return size * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _ids(*shape: int, vocab: int, seed: int = 0) -> Tensor:
    return torch.randint(vocab, shape, generator=torch.Generator().manual_seed(seed))


# reinforce_loss


def _expected_reinforce_loss(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    terms = []
    for row, advantage, kept in zip(logprobs, advantages.detach(), mask, strict=True):
        terms.append(advantage * row[kept].sum())
    return -torch.stack(terms).sum() / len(logprobs)


def _whole(logprobs: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask, logprobs, torch.zeros_like(logprobs)).sum(dim=1)


def _rewarded_only(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    earned = (advantages != 0).sum().clamp(min=1)
    return -(advantages.detach() * _whole(logprobs, mask)).sum() / earned


def _mean_of_tokens(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    each = _whole(logprobs, mask) / mask.sum(dim=1).clamp(min=1)
    return -(advantages.detach() * each).mean()


def _over_all_tokens(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    return -(advantages.detach() * _whole(logprobs, mask)).sum() / mask.sum()


def _over_all_places(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    return -(advantages.detach() * _whole(logprobs, mask)).sum() / mask.numel()


def _along_tokens(logprobs: Tensor, advantages: Tensor, mask: Tensor) -> Tensor:
    return -(advantages.detach() * logprobs * mask).sum(dim=1).mean()


def _full(*shape: int) -> Tensor:
    return torch.ones(*shape, dtype=torch.bool)


def _lengths(*lengths: int) -> Tensor:
    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def _logs(*shape: int, seed: int = 0) -> Tensor:
    return -_normal(*shape, seed=seed).abs() - 0.1


REINFORCE_LOSS = Check(
    expected=_expected_reinforce_loss,
    cases=(
        Case(
            "one sample of one token, with probability 1/2 and reward 1",
            lambda: (torch.tensor([[math.log(0.5)]]), torch.tensor([1.0]), _full(1, 1)),
        ),
        Case(
            "one sample of two tokens, with reward 2",
            lambda: (torch.tensor([[-1.0, -2.0]]), torch.tensor([2.0]), _full(1, 2)),
        ),
        Case(
            "two samples, one of them unrewarded",
            lambda: (_logs(2, 1), torch.tensor([1.0, 0.0]), _full(2, 1)),
        ),
        Case("three arms", lambda: (_logs(3, 1), torch.tensor([1.0, 0.0, 0.25]), _full(3, 1))),
        Case(
            "two samples, of which one is shorter",
            lambda: (_logs(2, 3), torch.tensor([1.0, -0.5]), _lengths(3, 1)),
        ),
        Case(
            "as many samples as tokens",
            lambda: (_logs(3, 3, seed=1), torch.tensor([1.0, -2.0, 0.5]), _full(3, 3)),
        ),
        Case(
            "four samples of different lengths",
            lambda: (_logs(4, 6, seed=2), _normal(4, seed=3), _lengths(6, 2, 4, 1)),
        ),
        Case("nothing earned by anybody", lambda: (_logs(2, 1, seed=4), torch.zeros(2), _full(2, 1))),
    ),
    mistakes=(
        Mistake(
            "wrong_sign",
            "the sign is turned round: an optimiser makes a loss small, so this one makes rewarded samples"
            " rarer",
            lambda logprobs, advantages, mask: -_expected_reinforce_loss(logprobs, advantages, mask),
        ),
        Mistake(
            "logprobs_detached",
            "the log-probabilities are cut off by `detach`, and with them the whole gradient; only the"
            " advantages are to be cut off",
            lambda logprobs, advantages, mask: _expected_reinforce_loss(logprobs.detach(), advantages, mask),
        ),
        Mistake(
            "advantages_attached",
            "a gradient flows into the advantages as well; they are numbers that were earned, so detach them",
            lambda logprobs, advantages, mask: -(advantages * _whole(logprobs, mask)).mean(),
        ),
        Mistake(
            "sign_and_attached",
            "the sign is turned round: an optimiser makes a loss small, so this one makes rewarded samples"
            " rarer. Besides, a gradient flows into the advantages: detach them",
            lambda logprobs, advantages, mask: (advantages * _whole(logprobs, mask)).mean(),
        ),
        Mistake(
            "rewarded_only",
            "the mean is over the rewarded samples only; the others count too, or a policy that is seldom"
            " right would move as far as one that often is",
            _rewarded_only,
        ),
        Mistake(
            "probabilities",
            "the probability of a completion stands where its logarithm belongs: then what was likely already"
            " counts more, for a second time, since it is sampled more often",
            lambda logprobs, advantages, mask: -(advantages.detach() * _whole(logprobs, mask).exp()).mean(),
        ),
        Mistake(
            "probabilities_added",
            "the probabilities of the tokens are added up; add their logarithms, which gives the logarithm of"
            " the product of all their probabilities",
            lambda logprobs, advantages, mask: (
                -(advantages.detach() * (logprobs.exp() * mask).sum(dim=1)).mean()
            ),
        ),
        Mistake(
            "mean_of_tokens",
            "the log-probability of a completion is the mean over its tokens, another convention, GRPO's"
            " (lesson 08); here it is the sum, the logarithm of the product of all their probabilities",
            _mean_of_tokens,
        ),
        Mistake(
            "over_all_tokens",
            "the sum is divided by the number of tokens; divide by the number of samples",
            _over_all_tokens,
        ),
        Mistake(
            "over_all_places",
            "the mean is over all places of the table, padding too; sum over the tokens of a sample first,"
            " then take the mean over samples",
            _over_all_places,
        ),
        Mistake(
            "not_averaged",
            "the samples are summed; take their mean, so that the size does not depend on how many there are",
            lambda logprobs, advantages, mask: -(advantages.detach() * _whole(logprobs, mask)).sum(),
        ),
        Mistake(
            "mask_forgotten",
            "what was not sampled counts as well; where the mask is False, the log-probability must not"
            " count",
            lambda logprobs, advantages, mask: -(advantages.detach() * logprobs.sum(dim=1)).mean(),
        ),
        Mistake(
            "along_tokens",
            "the advantages lie along the tokens; there is one for each sample, so it has to become a column:"
            " unsqueeze(1)",
            _along_tokens,
        ),
        Mistake(
            "each_sample",
            "this is one number for each sample; the loss is their mean",
            lambda logprobs, advantages, mask: -advantages.detach() * _whole(logprobs, mask),
        ),
    ),
    why="The gradient of a log-probability says how to make a sample likelier, and its reward says how much"
    " to want that. Averaged over what the policy samples, that is the gradient of the expected reward.",
)


# subtract_baseline


def _expected_subtract_baseline(rewards: Tensor) -> Tensor:
    values = rewards.detach().tolist()
    kept = []
    for place, reward in enumerate(values):
        others = values[:place] + values[place + 1 :]
        kept.append(reward - (math.fsum(others) / len(others) if others else 0.0))
    return torch.tensor(kept, dtype=rewards.dtype)


def _others(rewards: Tensor) -> Tensor:
    """The mean of the other rewards; 0 where there are none."""
    return (rewards.sum() - rewards) / max(len(rewards) - 1, 1)


def _from(baseline: Callable[[Tensor], Any]) -> Callable[[Tensor], Tensor]:
    return lambda rewards: rewards.detach() - baseline(rewards.detach())


def _earlier(rewards: Tensor) -> Tensor:
    """The mean of the rewards before each; 0 for the first."""
    return (rewards.cumsum(0) - rewards) / torch.arange(len(rewards)).clamp(min=1)


def _standardised(rewards: Tensor) -> Tensor:
    values = rewards.detach() - rewards.detach().mean()
    return values / (values.square().mean().sqrt() + 1e-6)


SUBTRACT_BASELINE = Check(
    expected=_expected_subtract_baseline,
    cases=(
        Case("the rewards 1, 0, 0", lambda: (torch.tensor([1.0, 0.0, 0.0]),)),
        Case("the rewards 3, 5", lambda: (torch.tensor([3.0, 5.0]),)),
        Case("four equal rewards", lambda: (torch.full((4,), 0.7),)),
        Case("rewards around 100", lambda: (100 + _normal(5),)),
        Case("negative rewards", lambda: (-_normal(4, seed=1).abs() - 1,)),
        Case("one sample alone", lambda: (torch.tensor([3.0]),)),
    ),
    mistakes=(
        Mistake(
            "own_included",
            "the sample's own reward is in its baseline, another convention: every advantage comes out"
            " smaller by the factor 1 - 1/G for G samples, the direction is the same. Here the mean is over"
            " the others",
            _from(lambda rewards: rewards.mean()),
        ),
        Mistake(
            "divided_by_all",
            "the sum of the others is divided by the number of all samples; there is one less of the others",
            _from(lambda rewards: (rewards.sum() - rewards) / len(rewards)),
        ),
        Mistake(
            "own_added",
            "the sum of all rewards is divided by the number of the others; leave the own one out of the"
            " sum too",
            _from(lambda rewards: rewards.sum() / max(len(rewards) - 1, 1)),
        ),
        Mistake(
            "bracket_forgotten",
            "a bracket is missing: without one, the sum of all rewards is taken away, and only then a part of"
            " the own one. The sum of the others is (rewards.sum() - rewards)",
            _from(lambda rewards: rewards.sum() + rewards / max(len(rewards) - 1, 1)),
        ),
        Mistake(
            "alone_is_zero",
            "one sample alone comes out as 0; it has no others, so its reward stays as it is",
            _from(lambda rewards: _others(rewards) if len(rewards) > 1 else rewards),
        ),
        Mistake(
            "alone_is_nan",
            "one sample alone divides 0 by 0; it has no others, so its reward stays as it is",
            _from(lambda rewards: (rewards.sum() - rewards) / (len(rewards) - 1)),
        ),
        Mistake(
            "attached",
            "a gradient flows through the rewards; an advantage is a number, so detach it",
            lambda rewards: rewards - _others(rewards),
        ),
        Mistake(
            "baseline_returned",
            "these are the baselines; they are still to be taken from the rewards",
            lambda rewards: _others(rewards.detach()),
        ),
        Mistake(
            "the_other_way_round",
            "the reward is taken from the baseline; then what did better than the others is pushed down",
            lambda rewards: _others(rewards.detach()) - rewards.detach(),
        ),
        Mistake(
            "standardised",
            "the advantages are divided by their spread, which is GRPO's convention (lesson 08); here only"
            " the mean is taken away",
            _standardised,
        ),
        Mistake(
            "best_for_baseline",
            "the best reward is the baseline; then nobody is ever pushed up",
            _from(lambda rewards: rewards.max()),
        ),
        Mistake(
            "earlier_ones",
            "the mean is over the samples before; take all others, also those that come after",
            _from(_earlier),
        ),
    ),
    why="What the others earned says nothing of this sample, so taking it away moves no mean. But it says how"
    " well such a question goes in general, and that is what made the gradient noisy.",
)


# gradient_variance

LossOfBatch = Callable[[int], Tensor]


def _gradients(loss_of_batch: LossOfBatch, parameter: Tensor, numbers: range) -> Tensor:
    return torch.stack(
        [torch.autograd.grad(loss_of_batch(number), parameter)[0] for number in numbers]
    ).double()


def _spread(gradients: Tensor) -> float:
    """The total variance, number by number."""
    columns = gradients.flatten(1).T.tolist()
    means = [math.fsum(column) / len(column) for column in columns]
    return math.fsum(
        math.fsum((value - mean) ** 2 for value in column) / len(column)
        for column, mean in zip(columns, means, strict=True)
    )


def _expected_gradient_variance(
    loss_of_batch: LossOfBatch, parameter: Tensor, batches: int
) -> tuple[Tensor, float]:
    gradients = _gradients(loss_of_batch, parameter, range(batches))
    return gradients.mean(dim=0).float(), _spread(gradients)


def _measured(
    spread: Callable[[Tensor], Any], numbers: Callable[[int], range] = range
) -> Callable[..., tuple[Tensor, float]]:
    """The mean gradient, with another number for its spread, or over other batches."""

    def measure(loss_of_batch: LossOfBatch, parameter: Tensor, batches: int) -> tuple[Tensor, float]:
        gradients = _gradients(loss_of_batch, parameter, numbers(batches))
        return gradients.mean(dim=0).float(), float(spread(gradients))

    return measure


def _of_losses(loss_of_batch: LossOfBatch, parameter: Tensor, batches: int) -> tuple[Tensor, float]:
    losses = torch.stack([loss_of_batch(number).detach() for number in range(batches)])
    mean, _ = _expected_gradient_variance(loss_of_batch, parameter, batches)
    return mean, losses.var(correction=0).item()


def _added_up(loss_of_batch: LossOfBatch, parameter: Tensor, batches: int) -> tuple[Tensor, float]:
    gradients = _gradients(loss_of_batch, parameter, range(batches)).cumsum(dim=0)
    return gradients.mean(dim=0).float(), _spread(gradients)


def _one_tensor(loss_of_batch: LossOfBatch, parameter: Tensor, batches: int) -> tuple[Tensor, float]:
    """What comes of a list of `parameter.grad`, never cleared and never copied: always the last sum."""
    return _gradients(loss_of_batch, parameter, range(batches)).sum(dim=0).float(), 0.0


def _one_batch(loss_of_batch: LossOfBatch, parameter: Tensor, batches: int) -> tuple[Tensor, float]:
    gradient = _gradients(loss_of_batch, parameter, range(1))[0]
    return gradient.float(), 0.0


def _linear(*gradients: list[Any]) -> tuple[LossOfBatch, Tensor, int]:
    """Losses whose gradients are these, at a parameter that is not zero."""
    table = torch.tensor(gradients)
    parameter = torch.ones_like(table[0]).requires_grad_()

    def loss_of_batch(number: int) -> Tensor:
        turn, row = divmod(number, len(table))
        return (parameter * (table[row] + turn)).sum()  # a batch too many has a gradient of its own

    return loss_of_batch, parameter, len(gradients)


def _with_gradients(candidate: Callable[..., Any], *arguments: Any) -> Any:
    """Call it with gradients on, whatever is around: it is made to take some."""
    with torch.enable_grad():
        return candidate(*arguments)


GRADIENT_VARIANCE = Check(
    expected=_expected_gradient_variance,
    call=_with_gradients,
    gradients=False,
    cases=(
        Case("a parameter of one number, with the gradients 1 and 3", lambda: _linear([1.0], [3.0])),
        Case("a parameter of two numbers", lambda: _linear([1.0, 2.0], [3.0, 6.0])),
        Case("three batches", lambda: _linear([1.0, 2.0], [3.0, 6.0], [-1.0, 0.0])),
        Case("gradients that are always the same", lambda: _linear([2.0, -1.0], [2.0, -1.0])),
        Case(
            "a parameter of two rows",
            lambda: _linear([[1.0, 2.0], [3.0, 4.0]], [[3.0, 2.0], [3.0, 0.0]]),
        ),
        Case("five batches of a parameter of three numbers", lambda: _linear(*_normal(5, 3).tolist())),
    ),
    mistakes=(
        Mistake(
            "of_losses",
            "this is the variance of the loss; what is noisy for learning is its gradient",
            _of_losses,
        ),
        Mistake(
            "added_up",
            "each gradient has the earlier ones in it: `backward` adds to `.grad`. Take"
            " torch.autograd.grad, or set `.grad` to None before each batch",
            _added_up,
        ),
        Mistake(
            "one_tensor",
            "all gradients that were kept are one and the same tensor, `parameter.grad`, to which `backward`"
            " adds; it is never cleared. Take torch.autograd.grad, which gives a new one each time",
            _one_tensor,
        ),
        Mistake(
            "mean_over_numbers",
            "the variance is averaged over the parameter's numbers; add them up, so that it is a squared"
            " distance",
            _measured(lambda gradients: _spread(gradients) / gradients[0].numel()),
        ),
        Mistake(
            "divided_by_one_less",
            "the squared distances are divided by the number of batches less one, another convention; here by"
            " the number of batches (correction=0)",
            _measured(lambda gradients: _spread(gradients) * len(gradients) / (len(gradients) - 1)),
        ),
        Mistake(
            "standard_deviation",
            "this is the root of the variance",
            _measured(lambda gradients: math.sqrt(_spread(gradients))),
        ),
        Mistake(
            "from_zero",
            "the squared sizes of the gradients are averaged; their distances from the mean gradient are"
            " asked for",
            _measured(lambda gradients: gradients.square().flatten(1).sum(dim=1).mean().item()),
        ),
        Mistake(
            "one_batch",
            "every batch is the first one: call loss_of_batch with 0, 1, 2, ...",
            _one_batch,
        ),
        Mistake(
            "counted_from_one",
            "the batches are counted from 1; begin with 0, and stop before `batches`",
            _measured(_spread, lambda batches: range(1, batches + 1)),
        ),
    ),
    why="The policy stands still while it is measured, so all that differs from batch to batch is luck; and"
    " one number tells how much: the mean squared distance from the mean.",
)


# token_logprobs


def _expected_token_logprobs(logits: Tensor, completions: Tensor, temperature: float = 1.0) -> Tensor:
    new = completions.shape[1]
    before = logits[:, logits.shape[1] - new - 1 : logits.shape[1] - 1]
    surprise = functional.cross_entropy(
        before.double().transpose(1, 2) / temperature, completions, reduction="none"
    )
    return -surprise.to(logits.dtype)


def _at(logits: Tensor, completions: Tensor, first: int) -> Tensor:
    """The logits of as many positions as there are new tokens, from the position `first` on."""
    return logits[:, first : first + completions.shape[1]]


def _right_place(logits: Tensor, completions: Tensor) -> int:
    return logits.shape[1] - completions.shape[1] - 1


def _picked(values: Tensor, completions: Tensor) -> Tensor:
    return values.gather(-1, completions.unsqueeze(-1)).squeeze(-1)


def _made_of(values: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """Picks `values(logits, temperature)` of the right positions at the sampled tokens."""

    def logprobs(logits: Tensor, completions: Tensor, temperature: float = 1.0) -> Tensor:
        predicting = _at(logits, completions, _right_place(logits, completions))
        return _picked(values(predicting, temperature), completions)

    return logprobs


def _from_position(first: Callable[[Tensor, Tensor], int]) -> Callable[..., Tensor]:
    """Right, but for the positions whose logits are read."""

    def logprobs(logits: Tensor, completions: Tensor, temperature: float = 1.0) -> Tensor:
        predicting = _at(logits, completions, first(logits, completions))
        return _picked((predicting / temperature).log_softmax(-1), completions)

    return logprobs


def _of_the_likeliest(logits: Tensor, temperature: float) -> Tensor:
    best = (logits / temperature).log_softmax(-1).amax(dim=-1, keepdim=True)
    return best.expand(logits.shape)


def _changed(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda logits, completions, temperature=1.0: change(
        _expected_token_logprobs(logits, completions, temperature), completions
    )


def _case(name: str, batch: int, prompt: int, new: int, temperature: float = 1.0, seed: int = 0) -> Case:
    vocab = 5
    return Case(
        name,
        lambda: (
            _normal(batch, prompt + new, vocab, seed=seed),
            _ids(batch, new, vocab=vocab, seed=seed + 1),
            temperature,
        ),
    )


def _by_hand() -> tuple[Tensor, Tensor, float]:
    """The prompt's only position gives the shares 1/2, 1/4, 1/4; the one after it speaks of other things."""
    return torch.tensor([[[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]]]).log(), torch.tensor([[1]]), 1.0


def _unlikely() -> tuple[Tensor, Tensor, float]:
    return torch.tensor([[[0.0, 120.0, 3.0], [1.0, 0.0, 2.0]]]), torch.tensor([[0]]), 1.0


def _ended() -> tuple[Tensor, Tensor, float]:
    """Two completions: the second has written its end, token 1, and is filled up with 0."""
    return _normal(2, 5, 4, seed=8), torch.tensor([[3, 2, 1], [1, 0, 0]]), 1.0


TOKEN_LOGPROBS = Check(
    expected=_expected_token_logprobs,
    cases=(
        Case("a prompt of one token, one new token, and the shares 1/2, 1/4, 1/4", _by_hand),
        _case("a prompt of three tokens and two new ones", 1, 3, 2),
        _case("three completions of four tokens", 3, 2, 4, seed=2),
        _case("as many completions as tokens", 3, 3, 3, seed=4),
        _case("a temperature of 2", 1, 2, 3, 2.0, seed=3),
        _case("a temperature of 0.5", 2, 2, 3, 0.5, seed=5),
        Case("a completion that has ended, and is filled up", _ended),
        Case("a token that the policy hardly ever gives", _unlikely),
    ),
    mistakes=(
        Mistake(
            "same_position",
            "off by one: the logits at a token's own position speak of the token after it; take those of the"
            " position before",
            _from_position(lambda logits, completions: logits.shape[1] - completions.shape[1]),
        ),
        Mistake(
            "from_the_start",
            "the first positions are read, which are the prompt's; the completion's tokens are predicted at"
            " the end, from the last of the prompt on",
            _from_position(lambda logits, completions: 0),
        ),
        Mistake(
            "probabilities",
            "these are probabilities; their logarithms are asked for",
            _made_of(lambda logits, temperature: (logits / temperature).softmax(-1)),
        ),
        Mistake(
            "raw_logits",
            "these are logits; log_softmax over the vocabulary makes log-probabilities of them",
            _made_of(lambda logits, temperature: logits / temperature),
        ),
        Mistake(
            "temperature_ignored",
            "the temperature changes nothing; what was sampled from is the softmax of the logits divided by"
            " it",
            _made_of(lambda logits, temperature: logits.log_softmax(-1)),
        ),
        Mistake(
            "multiplied",
            "the logits are multiplied by the temperature; divide by it",
            _made_of(lambda logits, temperature: (logits * temperature).log_softmax(-1)),
        ),
        Mistake(
            "divided_afterwards",
            "the log-probabilities are divided by the temperature; divide the logits before the log_softmax",
            _made_of(lambda logits, temperature: logits.log_softmax(-1) / temperature),
        ),
        Mistake(
            "underflow",
            "the logarithm of a very small probability is minus infinity; log_softmax keeps clear of that",
            _made_of(lambda logits, temperature: (logits / temperature).softmax(-1).log()),
        ),
        Mistake(
            "over_positions",
            "the softmax runs over the positions; it should run over the vocabulary, the last axis",
            _made_of(lambda logits, temperature: (logits / temperature).log_softmax(1)),
        ),
        Mistake(
            "likeliest",
            "these are the log-probabilities of the likeliest tokens; those of the sampled ones are asked"
            " for",
            _made_of(_of_the_likeliest),
        ),
        Mistake(
            "negative",
            "the sign is that of a loss; log-probabilities are not positive",
            _changed(lambda logprobs, completions: -logprobs),
        ),
        Mistake(
            "summed",
            "the tokens are summed already; one number for each token is asked for",
            _changed(lambda logprobs, completions: logprobs.sum(dim=1)),
        ),
        Mistake(
            "filling_set_to_zero",
            "token 0 gets a zero; every token gets its value here, and the mask leaves out what does not"
            " count",
            _changed(lambda logprobs, completions: logprobs * (completions != 0)),
        ),
        Mistake(
            "end_left_out",
            "the last token is missing; the end token was sampled like the others, and to stop at the right"
            " place has to be learned too",
            _changed(lambda logprobs, completions: logprobs[:, :-1]),
        ),
    ),
    why="The policy gave each token its chance one position earlier, at the temperature that was sampled"
    " with: that, and nothing else, is what a gradient may take hold of.",
)

CHECKS: dict[str, Check] = {
    "reinforce_loss": REINFORCE_LOSS,
    "subtract_baseline": SUBTRACT_BASELINE,
    "gradient_variance": GRADIENT_VARIANCE,
    "token_logprobs": TOKEN_LOGPROBS,
}
