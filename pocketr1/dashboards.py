"""Trainers with a fault, known by their dashboards alone.

Each is the course's own GRPO trainer with one thing wrong. All of them start from the small base and get the
same problems. Their logs, and that of a healthy trainer, are in dashboards.json beside this file.
`python -m pocketr1.dashboards` trains all of them again and writes that file; it takes about two minutes.
"""

import copy
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from . import grpo, shipped
from .fast_writing import FastWriter
from .grpo import Variant
from .grpo_training import GrpoPlan, GrpoRecord, train_grpo
from .model import LanguageModel
from .pipeline import draw_problems
from .report_card import LONGEST, Part
from .rewards import ACCURACY, RIGHT, paid_by
from .worlds import Problem

HEALTHY = "healthy"
BASE = "small-base"

FAULTS = {
    "cut off": "answers are cut off before the longer ones can come to their end",
    "fooled verifier": "the verifier pays for answers that are not right",
    "learning rate": "the learning rate is much too high",
    "no gradient": "the ratio is taken of the new policy to itself, so that its gradient is lost",
    "one answer": "each group has one answer only, which is compared with itself",
    "strong pull": "the weight of k3 is much too high",
    "wrong sign": "the advantages have the wrong sign",
}
"""What may be wrong with a trainer, by a short name. Five of these are behind the dashboards."""

PARTS: tuple[Part, ...] = (("calc", 2), ("calc", 3), ("run", 2), ("run", 3))
PLAN = GrpoPlan(steps=40, problems=16, group_size=8, learning_rate=2e-3, updates=4, max_new=LONGEST)
SHOWN: tuple[str, ...] = (
    "reward",
    "accuracy",
    "silent_groups",
    "entropy",
    "length_right",
    "length_wrong",
    "loss",
    "gradient_norm",
    "ratio_max",
    "clipped",
)
"""What a dashboard shows: fields of GrpoRecord."""

Log = dict[str, list[float]]
"""A training's numbers by name: "step", and each of SHOWN."""


def diagnoses() -> dict[str, str]:
    """What is wrong with each of the five trainers "A" to "E": the name of one of the `FAULTS`.

    Look at their dashboards: the gauges beside the loss tell them apart. No two have the same fault, and the
    healthy trainer is there to compare with.
    """
    return {
        "A": "cut off",
        "B": "no gradient",
        "C": "fooled verifier",
        "D": "learning rate",
        "E": "strong pull",
    }


def recorded() -> dict[str, Log]:
    """The logs: "healthy", and "A" to "E"."""
    logs: dict[str, Log] = json.loads(_path().read_text(encoding="utf-8"))
    return logs


def train(model: LanguageModel, fault: str, steps: int = PLAN.steps, seed: int = 0) -> Iterator[GrpoRecord]:
    """Train `model` in place with one of the faults, or with none ("healthy"); yields one record a step."""
    changes: dict[str, dict[str, Any]] = {
        "cut off": {"max_new": 26},
        "learning rate": {"learning_rate": 2.5 * PLAN.learning_rate},
        "strong pull": {"variant": Variant(beta=2.0)},
    }
    plan = replace(PLAN, steps=steps, **changes.get(fault, {}))
    rewards = {RIGHT: (1.0, paid_by(as_far_as_it_goes))} if fault == "fooled verifier" else ACCURACY
    base = copy.deepcopy(model) if plan.variant.beta else None
    problems_at = draw_problems(PARTS, plan.problems, f"rl {seed}")
    records = train_grpo(model, problems_at, plan, rewards, base, seed, FastWriter)
    with _no_gradient() if fault == "no gradient" else nullcontext():
        yield from records


def as_far_as_it_goes(problem: Problem, answer: tuple[str, ...]) -> bool:
    """A flawed verifier: it compares digit with digit, and stops where the shorter of the two ends."""
    return all(digit == wanted for digit, wanted in zip(answer, problem.answer, strict=False))


def _no_gradient() -> AbstractContextManager[Any]:
    """While it lasts, the loss compares the policy with itself, in place of the policy that sampled."""

    def with_itself(logprobs: Tensor, old_logprobs: Tensor) -> Tensor:
        return torch.exp(logprobs - logprobs)

    return patch.object(grpo, "ratio", with_itself)


def log_of(records: Iterator[GrpoRecord]) -> Log:
    """The numbers that a dashboard shows, with four digits each."""
    rows = [asdict(record) for record in records]
    return {name: [float(f"{row[name]:.4g}") for row in rows] for name in ("step", *SHOWN)}


def record() -> None:
    """Train the healthy trainer and the broken ones, and keep their logs."""
    trainers = {HEALTHY: HEALTHY, **diagnoses()}
    logs = {name: log_of(train(shipped.load(BASE), fault)) for name, fault in trainers.items()}
    lines = [f"  {json.dumps(name)}: {json.dumps(log)}" for name, log in logs.items()]
    _path().write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8", newline="\n")


def _path() -> Path:
    return Path(str(files("pocketr1"))) / "dashboards.json"


if __name__ == "__main__":
    torch.set_num_threads(1)
    record()
