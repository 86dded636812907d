"""All models of one seed, for the claims about reinforcement learning and distillation.

    base ------- true reward, random reward, Dr. GRPO, RL on `calc` alone, RL on `write` alone
      |--------- cold start, RL after it: the teacher ----- its right answers ---.
    small base ---------------------------------------------------------------- distilled
      |--------- its own RL, own samples, no teacher
    narrow base  (a small one whose corpus is `calc` alone) ------------------- distilled on `run`
      |--------- its own RL on `run`

Every arm is trained on `calc` and `run` unless it says otherwise, and is trained when it is first asked for.
It leaves one file, with its answers to test problems in it; so claims that share arms share their training,
and a run that was stopped goes on after the last arm that was finished. The files are kept in the learner's
folder, under the seed and a digest of this module and of the library.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from .. import checkpoints, pipeline
from ..cards import Bill
from ..configuration import ModelConfig, config_from
from ..distillation import active_parameters, compute_spent, distil, filter_traces
from ..fine_tuning import batches
from ..grpo import DR_GRPO
from ..grpo_training import GrpoPlan, GrpoRecord
from ..model import LanguageModel
from ..pipeline import REASONING, SamplingPlan
from ..pretraining import STUDENT, STUDENT_PLAN, TEACHER, TEACHER_PLAN, TEXTBOOK_SHARE, new_model, pretrain
from ..report_card import LONGEST, Part
from ..rewards import ACCURACY_AND_FORMAT, Rewards, random_reward
from ..training import Plan, Record, train, with_progress
from ..workbook.files import work_folder
from ..worlds import TEXTBOOK, WEB, Document, Recipe, corpus
from ..worlds.corpus import stream_of_documents
from .answers import KEPT, Answers, answer
from .recorded_results import digest, library

AnyRecord = Record | GrpoRecord
CALC, RUN, WRITE = (
    tuple(part for part in pipeline.PARTS if part[0] == skill) for skill in ("calc", "run", "write")
)

TRIES = (1, 4, 16, 64)
"""The k at which pass@k is measured."""


@dataclass(frozen=True)
class Size:
    """How large the models are, how long they are trained, and on what they are measured.

    `problems`: test problems of each part; `few` and `many`: answers to each of them. `coin`: how often the
    random reward pays.
    """

    large: ModelConfig = TEACHER
    base_plan: Plan = replace(TEACHER_PLAN, steps=2000)
    rl: GrpoPlan = GrpoPlan(steps=30, problems=24, learning_rate=1e-3, max_new=LONGEST)
    coin: float = 0.25
    cold_start: Plan = pipeline.COLD_START
    small: ModelConfig = STUDENT
    small_plan: Plan = replace(STUDENT_PLAN, steps=2000)
    narrow_plan: Plan = replace(STUDENT_PLAN, steps=1000)
    traces: SamplingPlan = SamplingPlan(batches=24, samples=2)
    distillation: Plan = Plan(steps=400, learning_rate=3e-3, warmup=20)
    small_rl: GrpoPlan = GrpoPlan(steps=400, learning_rate=1e-3, max_new=LONGEST)
    own_samples: SamplingPlan = SamplingPlan(batches=60, samples=8)
    problems: int = 16
    few: int = 16
    many: int = TRIES[-1]


FULL = Size()


@dataclass
class Trained:
    """An arm: its model, what it cost, how many documents it was taught with, and its answers."""

    model: LanguageModel
    bill: Bill
    documents: int
    answers: Answers


@dataclass(frozen=True)
class Arm:
    """How one arm comes about.

    `starts`: the arm from whose model it goes on; or the name, in `Size`, of the model that it begins as.
    `train(family, model)` trains in place and yields records; `needs`: the other arms that it asks for.
    `many`: it answers each test problem often, for pass@k at large k.
    """

    starts: str
    train: Callable[["Family", LanguageModel], Iterator[AnyRecord]]
    needs: tuple[str, ...] = ()
    many: bool = False


@dataclass
class Family:
    """The arms of one seed, made as they are asked for, and kept in one folder."""

    seed: int
    size: Size
    folder: Path
    made: dict[str, Trained] = field(default_factory=dict)
    bill: Bill = field(default_factory=Bill)
    documents: int = 0

    def arm(self, name: str) -> Trained:
        """An arm, trained now unless it was before."""
        if name not in self.made:
            path = self.folder / f"{name}.safetensors"
            if not path.exists():
                self._make(name, path)
            self.made[name] = self._read(name, path)
        return self.made[name]

    def answers(self, name: str) -> Answers:
        """What an arm answers to the test problems."""
        return self.arm(name).answers

    def copy(self, name: str) -> LanguageModel:
        """A model to train on: an arm's, or a new one."""
        if name in ARMS:
            model = LanguageModel(self.arm(name).model.config)
            model.load_state_dict(self.arm(name).model.state_dict())
            return model
        return new_model(getattr(self.size, name), self.seed)

    def _make(self, name: str, path: Path) -> None:
        arm = ARMS[name]
        model = self.copy(arm.starts)
        for needed in arm.needs:
            self.arm(needed)  # now, so that their bills do not become its own
        self.bill, self.documents, start = Bill(), 0, time.process_time()
        for record in with_progress(arm.train(self, model), 0, f"seed {self.seed}: {name}"):
            self._pay(record, model)
        samples = self.size.many if arm.many else self.size.few
        answers = answer(model, REASONING, self.size.problems, samples, self.seed)
        self.bill.seconds = round(time.process_time() - start, 1)
        tensors = {f"model.{key}": tensor for key, tensor in model.state_dict().items()}
        about = {"config": model.config.as_dict(), "bill": asdict(self.bill), "documents": self.documents}
        checkpoints.save(path, tensors | {key: getattr(answers, key) for key in KEPT}, about)

    def _read(self, name: str, path: Path) -> Trained:
        tensors, about = checkpoints.load(path)
        model = LanguageModel(config_from(about["config"]))
        model.load_state_dict({key: tensors[f"model.{key}"] for key in model.state_dict()})
        answers = Answers(REASONING, *(tensors[key] for key in KEPT))
        return Trained(model, Bill(**about["bill"]), about["documents"], answers)

    def _pay(self, record: AnyRecord, model: LanguageModel) -> None:
        size = active_parameters(model)
        if isinstance(record, Record):
            self.bill.training += compute_spent(size, record.tokens)
        else:
            self.bill.training += compute_spent(size, record.tokens_trained)
            self.bill.rollouts += compute_spent(size, 0, record.tokens_sampled)


@cache
def family(seed: int, size: Size = FULL) -> Family:
    """The family of a seed, at this size, from this version of the experiment."""
    key = digest(sys.modules[__name__], repr(size) + library())
    return Family(seed, size, work_folder() / "claims" / f"seed {seed}, {key}")


Training = Callable[[Family, LanguageModel], Iterator[AnyRecord]]


def _base(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    yield from pretrain(model, family.size.base_plan, family.seed)


def _small_base(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    yield from pretrain(model, family.size.small_plan, family.seed)


def _narrow_base(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    """As `pretrain`, on `calc` alone: first all of it worked, then a quarter."""
    plan = family.size.narrow_plan
    textbook, web = (replace(recipe, parts=dict.fromkeys(CALC, 1.0)) for recipe in (TEXTBOOK, WEB))
    documents = batches(
        lambda step, generator: stream_of_documents(
            textbook if step < TEXTBOOK_SHARE * plan.steps else web, generator, "train"
        ),
        f"narrow corpus {family.seed}",
    )
    yield from train(model, documents, plan)


def _rl(parts: Sequence[Part], change: Callable[[GrpoPlan], GrpoPlan] = lambda plan: plan) -> Training:
    """RL on these parts, with rewards for right answers and for the format."""

    def learn(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
        plan = change(family.size.rl)
        yield from pipeline.reinforce(model, parts, plan, ACCURACY_AND_FORMAT, family.seed)

    return learn


def _random_reward(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    coin: Rewards = {"coin": (1.0, random_reward(family.seed, family.size.coin))}
    yield from pipeline.reinforce(model, REASONING, family.size.rl, coin, family.seed)


def _cold_start(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    yield from pipeline.cold_start(model, family.seed, family.size.cold_start)


def _teacher(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    yield from pipeline.reasoning_rl(model, family.seed, family.size.rl)


def _distilled(parts: Sequence[Part]) -> Training:
    """Fine-tuning on the teacher's right answers to training problems of these parts."""

    def learn(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
        yield from _learn(family, model, _right_answers(family, "teacher", parts, family.size.traces))

    return learn


def _own_samples(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    """The small base's own right answers, at most as many as the teacher's."""
    found = _right_answers(family, "small base", REASONING, family.size.own_samples)
    yield from _learn(family, model, found[: family.arm("distilled").documents])


def _no_teacher(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
    """As many worked documents of the corpus as the teacher's answers, with their slips."""
    parts = dict.fromkeys(REASONING, 1.0)
    recipe = Recipe(parts, worked=1.0, translated=WEB.translated, habits=WEB.habits)
    yield from _learn(family, model, corpus(recipe, family.arm("distilled").documents, family.seed))


def _learn(family: Family, model: LanguageModel, documents: list[Document]) -> Iterator[AnyRecord]:
    family.documents = len(documents)
    yield from distil(model, documents, family.size.distillation, family.seed)


def _right_answers(family: Family, author: str, parts: Sequence[Part], plan: SamplingPlan) -> list[Document]:
    """An arm's right answers to training problems; what all of its answers cost is put on the bill."""
    model, found = family.arm(author).model, []
    for rollouts in pipeline.answers(model, parts, plan, family.seed + 1):
        found += filter_traces(rollouts.problems[:: plan.samples], pipeline.texts(rollouts))
        family.bill.teacher += compute_spent(0, 0, teacher=active_parameters(model), sampled=rollouts.tokens)
    return found


def _rl_for_the_price_of(other: str, parts: Sequence[Part]) -> Training:
    """RL until it has cost as many operations as another arm, a teacher's sampling counted."""

    def learn(family: Family, model: LanguageModel) -> Iterator[AnyRecord]:
        budget = family.arm(other).bill.operations
        rewards, plan = ACCURACY_AND_FORMAT, family.size.small_rl
        for record in pipeline.reinforce(model, parts, plan, rewards, family.seed):
            yield record
            if family.bill.operations >= budget:
                return

    return learn


def _without_std_and_length(plan: GrpoPlan) -> GrpoPlan:
    return replace(plan, variant=DR_GRPO)


ARMS: dict[str, Arm] = {
    "base": Arm("large", _base, many=True),
    "true reward": Arm("base", _rl(REASONING), many=True),
    "random reward": Arm("base", _random_reward),
    "Dr. GRPO": Arm("base", _rl(REASONING, _without_std_and_length)),
    "calc alone": Arm("base", _rl(CALC)),
    "write alone": Arm("base", _rl(WRITE)),
    "cold start": Arm("base", _cold_start),
    "teacher": Arm("cold start", _teacher),
    "small base": Arm("small", _small_base, many=True),
    "distilled": Arm("small base", _distilled(REASONING), ("teacher",), many=True),
    "small RL": Arm("small base", _rl_for_the_price_of("distilled", REASONING), ("distilled",)),
    "own samples": Arm("small base", _own_samples, ("distilled",)),
    "no teacher": Arm("small base", _no_teacher, ("distilled",)),
    "narrow base": Arm("small", _narrow_base, many=True),
    "narrow distilled": Arm("narrow base", _distilled(RUN), ("teacher",), many=True),
    "narrow RL": Arm(
        "narrow base", _rl_for_the_price_of("narrow distilled", RUN), ("narrow distilled",), many=True
    ),
}
