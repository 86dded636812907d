"""A recording of R1-Zero while it learned: what it answered to the same questions, every few steps.

    python -m pocketr1.replay

trains R1-Zero of `python -m pocketr1 train` once more, from the base that comes with the course, and writes
the recording beside the models. It takes some minutes. `recording()` reads what was written.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from . import checkpoints, pipeline, shipped
from .fast_writing import FastWriter
from .generation import Sampling
from .grpo_training import GrpoRecord
from .model import LanguageModel
from .report_card import LONGEST
from .rewards import ACCURACY
from .rollouts import Rollouts, roll_out
from .training import with_progress
from .worlds import Problem, problems

FILE = "r1-zero-replay.json"
"""Beside the models that come with the course."""
SEED = 100
"""The seed of the models that come with the course."""
EVERY = 5
"""So many steps lie between two looks."""

TEST_SEED, COUNT, SAMPLES = 7, 6, 4
"""Test problems of each part of `pipeline.REASONING`, and answers to each."""
TRIES = 8
"""Answers to each question that is shown. The first of them is the one shown."""


@dataclass(frozen=True)
class Look:
    """The model after `step` steps. `right`, `worked` and `lengths` (tokens, the end token included) have one
    entry for each answer to the test problems; `answers` is what it wrote to each of `questions()`, and
    `hits` how many of `TRIES` answers to that question were right."""

    step: int
    right: list[int]
    worked: list[int]
    lengths: list[int]
    answers: list[str]
    hits: list[int]


@dataclass(frozen=True)
class Recording:
    """`looks` every few steps; of the training itself, step by step, the share of `right` and of `worked`
    answers and their mean `length`. `sha256`: of the weights at the end."""

    looks: list[Look]
    right: list[float]
    worked: list[float]
    length: list[float]
    sha256: str


def questions() -> list[Problem]:
    """The questions that are shown: the first test problem of three parts, not picked for its answers."""
    parts = (("calc", 3), ("run", 3), ("run", 5))
    return [problems(*part, 1, TEST_SEED, "test", "english")[0] for part in parts]


def look_at(model: LanguageModel, step: int) -> Look:
    """Let a model answer; the same problems and the same random numbers each time."""
    asked = [problem for part in pipeline.REASONING for problem in problems(*part, COUNT, TEST_SEED, "test")]
    tested, shown = _answers(model, asked, SAMPLES), _answers(model, questions(), TRIES)
    return Look(
        step,
        tested.right.int().tolist(),
        tested.worked.int().tolist(),
        tested.lengths.tolist(),
        [" ".join(words) for words in pipeline.texts(shown)[::TRIES]],
        shown.right.view(-1, TRIES).sum(dim=1).tolist(),
    )


def _answers(model: LanguageModel, asked: list[Problem], samples: int) -> Rollouts:
    generator = torch.Generator().manual_seed(TEST_SEED)
    return roll_out(FastWriter(model), asked, samples, ACCURACY, Sampling(LONGEST), generator)


def record(model: LanguageModel) -> Recording:
    """Train R1-Zero from this base, in place, and look at it every few steps, the first and the last too."""
    looks, steps = [look_at(model, 0)], pipeline.ZERO_RL.steps
    seen: list[GrpoRecord] = []
    for each in with_progress(_train(model), steps, "R1-Zero, recorded"):
        seen.append(each)
        if len(seen) % EVERY == 0 or len(seen) == steps:
            looks.append(look_at(model, len(seen)))
    right, worked, length = (
        [round(getattr(each, name), 3) for each in seen] for name in ("accuracy", "worked", "length")
    )
    return Recording(looks, right, worked, length, checkpoints.digest(model.state_dict()))


def _train(model: LanguageModel) -> Iterator[GrpoRecord]:
    yield from pipeline.r1_zero(model, SEED)


def recording(path: Path | None = None) -> Recording:
    """The recording that comes with the course. Raises ValueError naming a file that cannot be read."""
    path = path or shipped.shelf() / FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Recording(**{**kept, "looks": [Look(**look) for look in kept["looks"]]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no readable recording ({error}): restore it") from error


if __name__ == "__main__":
    text = json.dumps(asdict(record(shipped.load("base")))) + "\n"
    (shipped.shelf() / FILE).write_text(text, encoding="utf-8", newline="\n")
