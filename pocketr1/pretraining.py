"""Pretraining: where the base model comes from. It reads documents about problems, and has no other teacher.

First comes the *textbook*, in which every answer is worked out step by step. Then comes the *web*, which is
most of it: three answers of four are given directly, without a reason. The base has then met the long way,
and has got used to the short one.
"""

import random
from collections.abc import Iterator

import torch

from .configuration import Dense, Heads, ModelConfig
from .fine_tuning import batches
from .model import INITIAL_STD, LanguageModel
from .training import Plan, Record, train
from .worlds import TEXTBOOK, VOCABULARY, WEB, Document
from .worlds.corpus import stream_of_documents

TEXTBOOK_SHARE = 0.3
"""The share of the steps that are spent on the textbook."""

TEACHER = ModelConfig(len(VOCABULARY), dim=96, layers=3, attention=Heads(4, 4, 24), feed_forward=Dense(256))
STUDENT = ModelConfig(len(VOCABULARY), dim=48, layers=2, attention=Heads(4, 4, 12), feed_forward=Dense(128))

TEACHER_PLAN = Plan(steps=2600, learning_rate=4e-3, final_share=0.05, weight_decay=0.1)
STUDENT_PLAN = Plan(steps=2600, learning_rate=6e-3, final_share=0.05, weight_decay=0.1)


def new_model(config: ModelConfig, seed: int) -> LanguageModel:
    """A model before any training, with larger numbers than `LanguageModel` starts with.

    0.02 suits models a hundred times as wide. Here matrices have a standard deviation of 1 / sqrt(dim), the
    embedding 0.5, the head half of the matrices'. What is added to the residual stream is smaller by
    sqrt(2 layers), as in GPT-2. This world is learned twice as fast from there.
    """
    model = LanguageModel(config, seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                parameter.mul_(_std(name, config) / INITIAL_STD)
    return model


def _std(name: str, config: ModelConfig) -> float:
    if name.startswith("embedding"):
        return 0.5
    std = config.dim**-0.5
    if name.startswith("head"):
        return std / 2
    closes_a_residual = "output" in name or ("feed_forward" in name and "down" in name)
    return std / (2 * config.layers) ** 0.5 if closes_a_residual else std


def pretrain(model: LanguageModel, plan: Plan, seed: int) -> Iterator[Record]:
    """Train `model` in place on the base corpus of this seed; yields one record a step."""
    textbook_steps = TEXTBOOK_SHARE * plan.steps

    def documents(step: int, generator: random.Random) -> Iterator[Document]:
        return stream_of_documents(TEXTBOOK if step < textbook_steps else WEB, generator, "train")

    yield from train(model, batches(documents, f"corpus {seed}"), plan)
