"""The whole story in a few seconds: every stage for a step or two, on models too small to learn anything."""

from dataclasses import replace

from pocketr1.configuration import Dense, Heads
from pocketr1.grpo_training import GrpoPlan
from pocketr1.pipeline import SamplingPlan
from pocketr1.pretraining import STUDENT
from pocketr1.story import Settings
from pocketr1.training import Plan

SMALL = replace(STUDENT, dim=8, layers=1, attention=Heads(2, 2, 4), feed_forward=Dense(8))
STEPS = Plan(steps=2, learning_rate=1e-3, warmup=1)
RL = GrpoPlan(steps=2, problems=2, group_size=2, learning_rate=1e-3, max_new=6)
SAMPLING = SamplingPlan(batches=1, problems=2, samples=2)

TINY = Settings(
    teacher=SMALL,
    teacher_plan=STEPS,
    zero=RL,
    cold_start=STEPS,
    reasoning_rl=RL,
    stage_two_answers=SAMPLING,
    second_fine_tuning=STEPS,
    final_rl=RL,
    student=SMALL,
    student_plan=STEPS,
    traces=SAMPLING,
    distillation=STEPS,
    student_rl=RL,
    own_samples=SAMPLING,
    problems=2,
    samples=2,
)
