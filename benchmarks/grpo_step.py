"""One step of GRPO, rollouts and update, beside TRL's GRPOTrainer: same weights, problems and group size.

The two take turns, step by step, at a learning rate so small that the policy stays what it is. TRL runs as
it should on such a machine: float32, no gradient checkpointing, all completions in one batch.
"""

import tempfile
import time
from collections.abc import Iterator
from statistics import mean, median
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from pocketr1.fast_writing import FastWriter
from pocketr1.grpo import GRPO, grpo_loss
from pocketr1.grpo_training import GrpoPlan, train_grpo
from pocketr1.model import LanguageModel
from pocketr1.policy_gradient import token_logprobs
from pocketr1.rewards import ACCURACY, correctness
from pocketr1.shipped import load
from pocketr1.worlds import VOCABULARY, Problem, problems, read

from .peers import twin

PROBLEMS, GROUP, STEPS, MAX_NEW = 16, 8, 12, 64
PLAN = GrpoPlan(STEPS, PROBLEMS, GROUP, learning_rate=1e-9, max_new=MAX_NEW)
AIM = 0.7


def measure() -> Iterator[str]:
    """The ratio of CPU seconds a step of the shipped base model, and both losses of one batch."""
    policy = load("base")
    pool = [p for level in (2, 3, 4, 5) for p in problems("calc", level, PROBLEMS * STEPS // 4, seed=0)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = _their_trainer(policy, pool, folder)
        yield f"loss of one batch: {_same_loss(trainer, policy)}"
        clock = _Turns(policy, pool)
        trainer.add_callback(clock)
        trainer.train()
    ratio = median(clock.ours[1:]) / median(clock.theirs[1:])
    yield (
        f"a step of {PROBLEMS} problems x {GROUP}: {ratio:.2f} x the CPU seconds of TRL (aim {AIM} x); "
        f"{mean(clock.silent):.0%} of our groups had no contrast"
    )


class _Turns(TrainerCallback):
    """Times each of their steps, and after each of theirs runs and times one of ours."""

    def __init__(self, policy: LanguageModel, pool: list[Problem]) -> None:
        self.steps = train_grpo(
            policy,
            lambda step: pool[step * PROBLEMS : (step + 1) * PROBLEMS],
            PLAN,
            ACCURACY,
            writer_of=FastWriter,
        )
        self.start, self.ours, self.theirs, self.silent = 0.0, list[float](), list[float](), list[float]()

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.start = time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        ended = time.process_time()
        self.theirs.append(ended - self.start)
        record = next(self.steps)
        self.ours.append(time.process_time() - ended)
        self.silent.append(record.silent_groups)


def _their_trainer(policy: LanguageModel, pool: list[Problem], folder: str) -> GRPOTrainer:
    by_prompt = {" ".join(problem.prompt): problem for problem in pool}

    def right(prompts: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        return [
            correctness(by_prompt[prompt], _read(ids)).value
            for prompt, ids in zip(prompts, completion_ids, strict=True)
        ]

    settings = GRPOConfig(
        folder,
        per_device_train_batch_size=PROBLEMS * GROUP,
        num_generations=GROUP,
        max_completion_length=MAX_NEW,
        max_steps=STEPS,
        learning_rate=1e-9,
        lr_scheduler_type="constant",
        loss_type="grpo",
        bf16=False,
        gradient_checkpointing=False,
        shuffle_dataset=False,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
    )
    return GRPOTrainer(
        twin(policy),
        right,
        settings,
        Dataset.from_dict({"prompt": list(by_prompt)}),
        processing_class=_tokenizer(),
    )


def _read(ids: list[int]) -> Any:
    ended = VOCABULARY.end in ids
    return read([VOCABULARY.words[i] for i in ids if i != VOCABULARY.pad], ended)


def _tokenizer() -> PreTrainedTokenizerFast:
    words = {word: place for place, word in enumerate(VOCABULARY.words)}
    split = Tokenizer(models.WordLevel(words, unk_token=VOCABULARY.words[VOCABULARY.pad]))
    split.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=split,
        pad_token=VOCABULARY.words[VOCABULARY.pad],
        eos_token=VOCABULARY.words[VOCABULARY.end],
        padding_side="left",
    )


def _same_loss(trainer: GRPOTrainer, policy: LanguageModel) -> str:
    """Both losses of made-up completions, off-policy so that ratio and clip act."""
    generator = torch.Generator().manual_seed(0)
    prompts = torch.randint(2, len(VOCABULARY), (4, 6), generator=generator)
    completions = torch.randint(2, len(VOCABULARY), (4, 9), generator=generator)
    mask = torch.arange(9) < torch.tensor([[9], [3], [5], [1]])
    advantages = torch.tensor([1.0, -1.0, 0.5, -0.5])
    with torch.no_grad():
        logprobs = token_logprobs(policy(torch.cat([prompts, completions], dim=1)), completions)
        old = logprobs + 0.5 * torch.randn(logprobs.shape, generator=generator)
        ours = grpo_loss(logprobs, old, advantages, mask, GRPO).item()
        theirs = _their_loss(trainer, prompts, completions, mask, advantages, old)
    return f"{ours:.6f} here, {theirs:.6f} in TRL"


def _their_loss(
    trainer: GRPOTrainer, prompts: Tensor, completions: Tensor, mask: Tensor, advantages: Tensor, old: Tensor
) -> float:
    batch = {
        "prompt_ids": prompts,
        "prompt_mask": torch.ones_like(prompts),
        "completion_ids": completions,
        "completion_mask": mask.long(),
        "advantages": advantages,
        "old_per_token_logps": old,
        "num_items_in_batch": mask.sum(),
    }
    trainer.current_gradient_accumulation_steps = 1
    return float(trainer.compute_loss(trainer.model, batch))
