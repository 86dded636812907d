"""The whole story, from random numbers to a distilled student: what `python -m pocketr1 train` runs.

    base ----- R1-Zero
      |------- cold start, reasoning RL
      |------- second fine-tuning, R1 ---- its right answers ----.
    small base ------------------------------------------------ student
      |------- the small model's own RL, for as many operations as the student's distillation took

Control arms ask what is due to the reward (a coin in its place) and to the teacher (the student's own right
answers, or worked documents of the corpus).

Each stage leaves one file in the folder, with its evaluation inside, and a card beside it. A stage whose file
is there is not run again, so an interrupted run goes on where it was.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from . import checkpoints, pipeline, shipped
from .cards import Bill, Chapter, Made, card
from .configuration import ModelConfig
from .distillation import active_parameters, compute_spent, controls, distil, filter_traces
from .evaluation import Decomposition
from .fast_writing import FastWriter
from .grpo_training import GrpoPlan, GrpoRecord
from .model import LanguageModel
from .pretraining import STUDENT, STUDENT_PLAN, TEACHER, TEACHER_PLAN, new_model, pretrain
from .report_card import PARTS, Part, Result, evaluate
from .rewards import ACCURACY_AND_FORMAT, random_reward
from .training import Plan, Record, with_progress
from .worlds import WEB, Document, Recipe, corpus

AnyRecord = Record | GrpoRecord


@dataclass(frozen=True)
class Settings:
    """How large and how long everything is. `problems` and `samples`: a part, in each evaluation. `coin`: how
    often the random reward pays."""

    teacher: ModelConfig = TEACHER
    teacher_plan: Plan = TEACHER_PLAN
    zero: GrpoPlan = pipeline.ZERO_RL
    cold_start: Plan = pipeline.COLD_START
    reasoning_rl: GrpoPlan = pipeline.REASONING_RL
    stage_two_answers: pipeline.SamplingPlan = pipeline.STAGE_TWO_ANSWERS
    second_fine_tuning: Plan = pipeline.SECOND_FINE_TUNING
    final_rl: GrpoPlan = pipeline.FINAL_RL
    student: ModelConfig = STUDENT
    student_plan: Plan = STUDENT_PLAN
    traces: pipeline.SamplingPlan = pipeline.SamplingPlan(batches=32, samples=2)
    distillation: Plan = Plan(steps=500, learning_rate=3e-3, warmup=20)
    student_rl: GrpoPlan = GrpoPlan(steps=400, learning_rate=1e-3, max_new=pipeline.LONGEST)
    own_samples: pipeline.SamplingPlan = pipeline.SamplingPlan(batches=80, samples=8)
    coin: float = 0.25
    problems: int = 16
    samples: int = 16


@dataclass(frozen=True)
class Stage:
    """One stage. `starts`: the stage whose model it goes on from; None for random numbers.

    `says`: what it is trained on, for the card. `train(story, model)` trains in place and yields records;
    `settings`: the names of those settings that it depends on, besides those of its start.
    """

    name: str
    starts: str | None
    says: str
    train: Callable[["Story", LanguageModel], Iterator[AnyRecord]]
    settings: tuple[str, ...]
    needs: tuple[str, ...] = ()


class Story:
    """All stages of one seed, in one folder."""

    def __init__(self, folder: Path, seed: int, settings: Settings = Settings()) -> None:  # noqa: B008
        self.folder, self.seed, self.settings = folder, seed, settings
        self.bill = Bill()

    def run(self, with_controls: bool = False) -> Iterator[Chapter]:
        """Make what is missing, stage by stage, with the control arms or without; yields their chapters."""
        for name, stage in (STAGES | CONTROLS if with_controls else STAGES).items():
            if not self._path(name).exists():
                self._make(stage)
            yield self.chapter(name)

    def model(self, name: str) -> LanguageModel:
        """The model that a finished stage left."""
        return shipped.load(name, self.folder)

    def chapter(self, name: str) -> Chapter:
        """What a finished stage came to. Raises CheckpointError if it was made with other settings."""
        path = self._path(name)
        _, about = checkpoints.load(path)
        if about.get("made with") != self._made_with((STAGES | CONTROLS)[name]):
            raise checkpoints.CheckpointError(
                f"{path} was made with another seed or other settings; remove it to make it again"
            )
        return Chapter(name, results_from(about["results"]), Bill(**about["bill"]))

    @cached_property
    def authors(self) -> tuple[dict[str, list[Document]], dict[str, int]]:
        """What the student may learn from, by who wrote it, as many documents of each (see `controls`); and
        what it cost to have it written, in operations."""
        settings = self.settings
        teacher, price = right_answers(self.model("r1"), settings.traces, self.seed + 1, "the teacher")
        own, own_price = right_answers(
            self.model("small-base"), settings.own_samples, self.seed + 2, "itself"
        )
        recipe = Recipe(dict.fromkeys(PARTS, 1.0), worked=1.0, translated=WEB.translated, habits=WEB.habits)
        sets = controls(teacher, own, corpus(recipe, len(teacher), self.seed))
        return sets, {"teacher": price, "own samples": own_price, "no teacher": 0}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{shipped.SUFFIX}"

    def _made_with(self, stage: Stage) -> dict[str, Any]:
        """The seed and all settings on which a stage depends, its own and those of the stages before it."""
        own = {name: plain(getattr(self.settings, name)) for name in (*stage.settings, "problems", "samples")}
        for before in (*([stage.starts] if stage.starts else []), *stage.needs):
            own |= self._made_with(STAGES[before])
        return {"seed": self.seed, **own}

    def _make(self, stage: Stage) -> None:
        """Train one stage, evaluate it, and keep the model with its results and its card."""
        start, self.bill = time.process_time(), Bill()
        model = self._start(stage)
        for record in stage.train(self, model):
            self._pay(record, model)
        self.bill.seconds = round(time.process_time() - start, 1)
        results = evaluate(FastWriter(model), PARTS, self.settings.problems, self.settings.samples)
        about = {
            "config": model.config.as_dict(),
            "stage": stage.name,
            "starts from": stage.starts,
            "made with": self._made_with(stage),
            "bill": asdict(self.bill),
            "results": results_as_plain(results),
        }
        checkpoints.save(self._path(stage.name), model.state_dict(), about)
        self.write_card(stage)

    def write_card(self, stage: Stage) -> None:
        """Write a finished stage's card beside its model."""
        model = self.model(stage.name)
        digest = checkpoints.digest(model.state_dict())
        text = card(
            Made(stage.name, stage.says, stage.starts, self.seed, digest), model, self.chapter(stage.name)
        )
        (self.folder / f"{stage.name}.md").write_text(text, encoding="utf-8", newline="\n")

    def _start(self, stage: Stage) -> LanguageModel:
        if stage.starts is not None:
            return self.model(stage.starts)
        return new_model(getattr(self.settings, stage.settings[0]), self.seed)

    def _pay(self, record: AnyRecord, model: LanguageModel) -> None:
        size = active_parameters(model)
        if isinstance(record, Record):
            self.bill.training += compute_spent(size, record.tokens)
        else:
            self.bill.training += compute_spent(size, record.tokens_trained)
            self.bill.rollouts += compute_spent(size, 0, record.tokens_sampled)


def plain(setting: Any) -> Any:
    """A setting as JSON gives it back."""
    if isinstance(setting, ModelConfig):
        return setting.as_dict()
    return asdict(setting) if hasattr(setting, "__dataclass_fields__") else setting


def results_as_plain(results: Mapping[Part, Result]) -> dict[str, Any]:
    """Results as JSON can hold them."""
    return {f"{skill} {level}": asdict(result) for (skill, level), result in results.items()}


def results_from(kept: Mapping[str, Any]) -> dict[Part, Result]:
    """The results that `results_as_plain` made plain."""
    results = {}
    for name, values in kept.items():
        skill, level = name.split()
        parts, shares = Decomposition(**values["parts"]), tuple(values["per_problem"])
        results[skill, int(level)] = Result(**{**values, "parts": parts, "per_problem": shares})
    return results


def _base(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.teacher_plan
    yield from with_progress(pretrain(model, plan, story.seed), plan.steps, "base: pretraining")


def _zero(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.zero
    yield from with_progress(pipeline.r1_zero(model, story.seed, plan), plan.steps, "R1-Zero: RL")


def _cold_start(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.cold_start
    yield from with_progress(pipeline.cold_start(model, story.seed, plan), plan.steps, "R1, 1: cold start")


def _reasoning_rl(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.reasoning_rl
    records = pipeline.reasoning_rl(model, story.seed, plan)
    yield from with_progress(records, plan.steps, "R1, 2: RL on reasoning")


def _second_fine_tuning(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan, sampling = story.settings.second_fine_tuning, story.settings.stage_two_answers
    author = story.model("reasoning-rl")
    answers = pipeline.answers(author, pipeline.REASONING, sampling, story.seed)
    written: list[Document] = []
    for rollouts in with_progress(answers, sampling.batches, "R1, 3: sampling"):
        written += pipeline.as_documents(rollouts)
        story.bill.teacher += compute_spent(0, 0, teacher=active_parameters(author), sampled=rollouts.tokens)
    documents = pipeline.second_set(written, story.seed)
    records = pipeline.second_fine_tuning(model, documents, story.seed, plan)
    yield from with_progress(records, plan.steps, "R1, 3: fine-tuning")


def _final_rl(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.final_rl
    yield from with_progress(pipeline.final_rl(model, story.seed, plan), plan.steps, "R1, 4: final RL")


def _student_base(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan = story.settings.student_plan
    yield from with_progress(pretrain(model, plan, story.seed), plan.steps, "small base: pretraining")


def right_answers(
    author: LanguageModel, sampling: pipeline.SamplingPlan, seed: int, label: str
) -> tuple[list[Document], int]:
    """A model's right answers to training problems, and what all of its answers cost, in operations."""
    found: list[Document] = []
    tokens = 0
    answers = pipeline.answers(author, PARTS, sampling, seed)
    for rollouts in with_progress(answers, sampling.batches, f"right answers by {label}"):
        found += filter_traces(rollouts.problems[:: sampling.samples], pipeline.texts(rollouts))
        tokens += rollouts.tokens
    return found, compute_spent(0, 0, teacher=active_parameters(author), sampled=tokens)


def _student(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan, sampling = story.settings.distillation, story.settings.traces
    traces, price = right_answers(story.model("r1"), sampling, story.seed + 1, "the teacher")
    story.bill.teacher += price
    yield from with_progress(distil(model, traces, plan, story.seed), plan.steps, "student: distillation")


def _student_rl(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    """RL until it has cost as much as the distillation, the teacher's sampling counted."""
    plan, budget = story.settings.student_rl, story.chapter("student").bill.operations
    records = pipeline.reinforce(model, PARTS, plan, ACCURACY_AND_FORMAT, story.seed)
    for record in with_progress(records, plan.steps, "small model: its own RL"):
        yield record
        if story.bill.operations >= budget:
            return


def _random_reward(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan, coin = story.settings.zero, random_reward(story.seed, story.settings.coin)
    records = pipeline.reinforce(model, PARTS, plan, {"coin": (1.0, coin)}, story.seed)
    yield from with_progress(records, plan.steps, "control: random reward")


def _by_author(author: str) -> Callable[[Story, LanguageModel], Iterator[AnyRecord]]:
    def learn(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
        plan, (sets, prices) = story.settings.distillation, story.authors
        story.bill.teacher += prices[author]
        records = distil(model, sets[author], plan, story.seed)
        yield from with_progress(records, plan.steps, f"control: {author}")

    return learn


def _faultless(story: Story, model: LanguageModel) -> Iterator[AnyRecord]:
    plan, sets = story.settings.distillation, story.authors[0]
    documents = pipeline.faultless_documents(PARTS, len(sets["teacher"]), story.seed)
    yield from with_progress(distil(model, documents, plan, story.seed), plan.steps, "control: faultless")


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            "base",
            None,
            "the base corpus: a textbook in which all is worked, then a web in which a quarter is",
            _base,
            ("teacher", "teacher_plan"),
        ),
        Stage(
            "r1-zero",
            "base",
            "rewards for right answers and for the format, on training problems; no worked example",
            _zero,
            ("zero",),
        ),
        Stage(
            "cold-start",
            "base",
            "stage 1 of R1: a few faultless worked answers in the question's language",
            _cold_start,
            ("cold_start",),
        ),
        Stage(
            "reasoning-rl",
            "cold-start",
            "stage 2 of R1: RL on `calc` and `run`, with a reward for the question's language",
            _reasoning_rl,
            ("reasoning_rl",),
        ),
        Stage(
            "second-fine-tuning",
            "base",
            "stage 3 of R1: right and readable answers of stage 2's model, and documents of `write`",
            _second_fine_tuning,
            ("stage_two_answers", "second_fine_tuning"),
            ("reasoning-rl",),
        ),
        Stage("r1", "second-fine-tuning", "stage 4 of R1: RL over all skills", _final_rl, ("final_rl",)),
        Stage(
            "small-base",
            None,
            "the base corpus, as for the base, in a smaller model",
            _student_base,
            ("student", "student_plan"),
        ),
        Stage(
            "student",
            "small-base",
            "distillation: right answers of `r1` to training problems, and nothing else",
            _student,
            ("traces", "distillation"),
            ("r1",),
        ),
        Stage(
            "small-rl",
            "small-base",
            "the control arm: the small base's own RL, with the compute that `student` took",
            _student_rl,
            ("student_rl",),
            ("student",),
        ),
    )
}

CONTROLS: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            "random-reward",
            "base",
            "a control arm of `r1-zero`: a coin pays, whatever was written",
            _random_reward,
            ("zero", "coin"),
        ),
        Stage(
            "own-samples",
            "small-base",
            "a control arm of `student`: as many right answers of its own",
            _by_author("own samples"),
            ("traces", "own_samples", "distillation"),
            ("r1",),
        ),
        Stage(
            "no-teacher",
            "small-base",
            "a control arm of `student`: as many worked documents of the corpus, with their slips",
            _by_author("no teacher"),
            ("traces", "own_samples", "distillation"),
            ("r1",),
        ),
        Stage(
            "faultless",
            "small-base",
            "a control arm of `student`: as many worked documents without slips, written by no model",
            _faultless,
            ("traces", "own_samples", "distillation"),
            ("r1",),
        ),
    )
}

SHIPPED = ("base", "r1-zero", "r1", "small-base", "student", "small-rl")
"""The stages whose models come with the course."""
