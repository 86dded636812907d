"""DeepSeek-R1's four stages, in small: from the base to R1, with R1-Zero as a branch of its own.

    base -- RL ----------------------------------------------> R1-Zero
    base -- cold start -- reasoning RL --> right answers, kept as documents
    base -- second fine-tuning on those ---------- final RL --> R1

Both fine-tunings start from the *base*. What the first two stages leave behind is not their model: it is the
documents that it wrote. Each stage trains a model in place and yields records; each can be run alone.

Source: DeepSeek-R1 (arXiv 2501.12948v1), section 2.3. All RL here is without a KL term: R1-Zero had one,
of weight 0.001, to a reference that was moved along.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from .fast_writing import FastWriter
from .fine_tuning import fine_tune
from .generation import Sampling
from .grpo_training import GrpoPlan, GrpoRecord, train_grpo
from .model import LanguageModel
from .report_card import LONGEST, PARTS, Part
from .rewards import ACCURACY, ACCURACY_AND_FORMAT, ACCURACY_FORMAT_AND_LANGUAGE, Rewards
from .rollouts import Rollouts, roll_out
from .training import Plan, Record
from .worlds import VOCABULARY, Document, Problem, document, judge, read, stream_of_problems
from .worlds.vocabulary import END

REASONING: tuple[Part, ...] = tuple(part for part in PARTS if part[0] != "write")
"""What the first RL trains. Writing programs joins in the last two stages, as all other skills do in R1."""


def stage_starts() -> dict[str, str]:
    """Which model each of R1's four stages starts from.

    Returns a dictionary with the four stages as its keys: "cold start", "reasoning RL", "second fine-tuning"
    and "final RL". Each value names the model from which the stage starts: "base", the pretrained model
    before any stage; "R1-Zero", the base after RL alone; or an earlier stage, for the model that it leaves.

    Source: DeepSeek-R1 (arXiv 2501.12948v1), section 2.3.
    """
    # Both fine-tunings start from the base. Each RL goes on from the fine-tuning before it.
    return {
        "cold start": "base",
        "reasoning RL": "cold start",
        "second fine-tuning": "base",
        "final RL": "second fine-tuning",
    }


def rejection_sample(documents: Sequence[Document], cap: int) -> list[Document]:
    """Keep what is worth learning from: right answers to training problems, none of them twice.

    `documents` are problems with what a model wrote to them: `document.problem` and `document.completion`.
    `cap` is how many documents of one problem are kept at most, the first ones. Without a cap, easy problems,
    which are answered rightly most often, would fill the set. Two documents are the same where both problem
    and completion are. Returns a list of the kept documents, in their order.

    An answer is what `read(document.completion).answer` finds (None: there is none), and `judge(problem,
    answer)` returns None for a right one. `problem.split` is "train" or "test".

    Source: DeepSeek-R1 (arXiv 2501.12948v1), section 2.3.3.
    """
    kept: list[Document] = []
    answered: Counter[Problem] = Counter()
    for written in dict.fromkeys(documents):  # each once, in their order
        problem, answer = written.problem, read(written.completion).answer
        right = answer is not None and judge(problem, answer) is None
        if right and problem.split == "train" and answered[problem] < cap:
            answered[problem] += 1
            kept.append(written)
    return kept


def readable(written: Document) -> bool:
    """Whether a completion keeps to the format, and to the language of its question.

    R1's second fine-tuning leaves out thoughts in mixed languages, too (section 2.3.3).
    """
    reading = read(written.completion)
    return reading.tidy and reading.consistency(written.problem.language) == 1


def draw_problems(parts: Sequence[Part], count: int, seed: int | str) -> Callable[[int], list[Problem]]:
    """Training problems for every step, each part equally likely. A step always has the same ones."""

    def problems_at(step: int) -> list[Problem]:
        generator = random.Random(f"problems {seed} {step}")
        return [next(stream_of_problems(*generator.choice(parts), generator)) for _ in range(count)]

    return problems_at


def reinforce(
    model: LanguageModel, parts: Sequence[Part], plan: GrpoPlan, rewards: Rewards, seed: int
) -> Iterator[GrpoRecord]:
    """GRPO on training problems of these parts; trains `model` in place and yields one record a step."""
    problems_at = draw_problems(parts, plan.problems, f"rl {seed}")
    yield from train_grpo(model, problems_at, plan, rewards, seed=seed, writer_of=FastWriter)


@dataclass(frozen=True)
class SamplingPlan:
    """How many batches of how many problems to answer, and how often each."""

    batches: int
    problems: int = 64
    samples: int = 4


def answers(model: LanguageModel, parts: Sequence[Part], plan: SamplingPlan, seed: int) -> Iterator[Rollouts]:
    """What a model writes to training problems of these parts, batch by batch. Nothing is filtered."""
    problems_at = draw_problems(parts, plan.problems, f"answers {seed}")
    generator, writer = torch.Generator().manual_seed(seed), FastWriter(model)
    for batch in range(plan.batches):
        yield roll_out(writer, problems_at(batch), plan.samples, ACCURACY, Sampling(LONGEST), generator)


def texts(rollouts: Rollouts) -> list[tuple[str, ...]]:
    """The words of each completion, the end word included where it was reached."""
    rows = zip(rollouts.completions.tolist(), rollouts.lengths.tolist(), strict=True)
    return [tuple(VOCABULARY.words[token] for token in row[:length]) for row, length in rows]


def as_documents(rollouts: Rollouts) -> list[Document]:
    """Completions as documents, without those that were cut off before their end word."""
    pairs = zip(rollouts.problems, texts(rollouts), strict=True)
    return [Document(problem, words[:-1]) for problem, words in pairs if words[-1] == END]


ZERO_RL = GrpoPlan(steps=60, learning_rate=5e-4, max_new=LONGEST)
REASONING_RL = replace(ZERO_RL, steps=40)
FINAL_RL = replace(ZERO_RL, steps=40)
COLD_START = Plan(steps=80, learning_rate=1e-3, warmup=10)
SECOND_FINE_TUNING = Plan(steps=300, learning_rate=2e-3, warmup=20)

COLD_START_DOCUMENTS = 300
STAGE_TWO_ANSWERS = SamplingPlan(batches=12)
CAP = 2
"""So many answers to one problem are kept."""


def r1_zero(base: LanguageModel, seed: int, plan: GrpoPlan = ZERO_RL) -> Iterator[GrpoRecord]:
    """R1-Zero: nothing but rewards for right answers and for the format, straight from the base."""
    yield from reinforce(base, PARTS, plan, ACCURACY_AND_FORMAT, seed)


def faultless_documents(parts: Sequence[Part], count: int, seed: int) -> list[Document]:
    """Worked documents as a careful person would write them: no slip, tidy, in the question's language."""
    generator = random.Random(f"faultless {seed}")
    chosen = draw_problems(parts, count, f"faultless {seed}")(0)
    return [document(problem, "worked", problem.language, generator) for problem in chosen]


def cold_start(base: LanguageModel, seed: int, plan: Plan = COLD_START) -> Iterator[Record]:
    """Stage 1: fine-tune the base on a few readable worked answers."""
    yield from fine_tune(base, faultless_documents(REASONING, COLD_START_DOCUMENTS, seed), plan, seed)


def reasoning_rl(model: LanguageModel, seed: int, plan: GrpoPlan = REASONING_RL) -> Iterator[GrpoRecord]:
    """Stage 2: RL on reasoning alone, with a reward for keeping to the question's language."""
    yield from reinforce(model, REASONING, plan, ACCURACY_FORMAT_AND_LANGUAGE, seed)


def second_set(written: Sequence[Document], seed: int) -> list[Document]:
    """Stage 3's documents: the right and readable answers of stage 2's model, and a third as many documents
    of the other skill. In R1: some 600,000 and 200,000."""
    kept = rejection_sample([each for each in written if readable(each)], CAP)
    others = tuple(part for part in PARTS if part not in REASONING)
    return kept + faultless_documents(others, len(kept) // 3, seed + 1)


def second_fine_tuning(
    base: LanguageModel, documents: Sequence[Document], seed: int, plan: Plan = SECOND_FINE_TUNING
) -> Iterator[Record]:
    """Stage 3: fine-tune the base, not the last stage's model, on what that model wrote and others."""
    yield from fine_tune(base, documents, plan, seed)


def final_rl(model: LanguageModel, seed: int, plan: GrpoPlan = FINAL_RL) -> Iterator[GrpoRecord]:
    """Stage 4: RL over all skills."""
    yield from reinforce(model, PARTS, plan, ACCURACY_FORMAT_AND_LANGUAGE, seed + 1)
