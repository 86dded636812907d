"""Small language models on the toy corpus, for the claims that compare one kind of feed-forward with another.

All arms of a seed see the same documents in the same order, start from weights drawn from that seed, and are
measured on the same documents about problems that none of them has seen.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from ..configuration import PADDING, Dense, Experts, Heads, ModelConfig
from ..deepseekmoe import DeepSeekMoE, specialisation
from ..model import LanguageModel
from ..moe import max_vio
from ..training import Batch, Plan, train
from ..worlds import TEXTBOOK, VOCABULARY, Document
from ..worlds.corpus import stream_of_documents
from ..worlds.problems import Split
from ..worlds.vocabulary import SKILLS

CHUNK = 64
EASY = replace(TEXTBOOK, parts={part: share for part, share in TEXTBOOK.parts.items() if part[1] <= 3})
"""Worked documents of the base corpus, up to level 3: shorter, so that more can be read in the time."""


@dataclass(frozen=True)
class Size:
    """How large a model is, how long it is trained, and on how many documents it is measured."""

    dim: int = 48
    layers: int = 2
    heads: int = 4
    steps: int = 250
    documents: int = 24
    learning_rate: float = 6e-3
    warmup: int = 50
    measured: int = 512


SMALL = Size()


@dataclass(frozen=True)
class Measured:
    """A model on unseen documents: `loss`, in nats a token of their completions, and whom its experts served.

    `visits` [layers, vocab, experts, skills]: how often a token of a document of that skill visited an
    expert, in each layer that has experts.
    """

    loss: float
    visits: Tensor

    @property
    def max_vio(self) -> float:
        """MaxVio over all measured documents, the mean over layers."""
        return sum(max_vio(visits.sum(dim=(0, 2))).item() for visits in self.visits) / len(self.visits)

    @property
    def bits_about_skill(self) -> float:
        """What a visit tells of the document's skill, in bits: 0 if every skill uses all experts alike."""
        return self._mean(lambda visits: specialisation(visits.sum(dim=0).T))

    @property
    def bits_about_token(self) -> float:
        """What a visit tells of the token, in bits."""
        return self._mean(lambda visits: specialisation(visits.sum(dim=2)))

    @property
    def bits_about_skill_beyond_token(self) -> float:
        """What a visit tells of the skill to one who knows the token, in bits: 0 if only tokens decide."""

        def of_each_token(visits: Tensor) -> float:
            seen = [of for of in visits if of.any()]
            return sum(float(of.sum() / visits.sum()) * specialisation(of.T) for of in seen)

        return self._mean(of_each_token)

    def _mean(self, bits: Callable[[Tensor], float]) -> float:
        return sum(bits(visits) for visits in self.visits) / len(self.visits)


@cache
def trained(feed_forward: Dense | Experts, seed: int, size: Size = SMALL) -> LanguageModel:
    """A model with this feed-forward, trained on worked documents.

    Claims that share an arm share its training. Whoever wants to change the model takes a copy.
    """
    attention = Heads(size.heads, size.heads, size.dim // size.heads)
    model = LanguageModel(ModelConfig(len(VOCABULARY), size.dim, size.layers, attention, feed_forward))
    start(model, seed)
    plan = Plan(size.steps, learning_rate=size.learning_rate, warmup=size.warmup)
    for _ in train(model, batches(seed, size), plan):
        pass
    return model


def start(model: LanguageModel, seed: int) -> None:
    """Draw the weights: each matrix so that it keeps the size of what goes through it.

    A large model starts with smaller ones, and has the time to enlarge them.
    """
    generator = torch.Generator().manual_seed(seed)
    deviations = {"embedding.weight": 0.5, "head.weight": 0.05}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim >= 2:
                deviation = deviations.get(name, parameter.shape[-1] ** -0.5)
                parameter.normal_(0.0, deviation, generator=generator)


def mixtures(model: LanguageModel) -> list[DeepSeekMoE]:
    """The layers of a model that have experts."""
    return [block.feed_forward for block in model.blocks if isinstance(block.feed_forward, DeepSeekMoE)]


def batches(seed: int, size: Size) -> Callable[[int], Batch]:
    """The batch of each step. Every batch mixes all skills."""
    documents = list(islice(_stream(seed, "train"), size.steps * size.documents))
    return lambda step: as_batch(documents[step * size.documents : (step + 1) * size.documents])


def unseen(seed: int, size: Size) -> list[Document]:
    """The documents to measure on. Their problems were kept apart for testing."""
    return list(islice(_stream(seed, "test"), size.measured))


def as_batch(documents: Sequence[Document]) -> Batch:
    """Documents as rows, and a mask of what is to be predicted: their completions."""
    tokens, lengths = VOCABULARY.pad_batch([document.tokens for document in documents])
    place = torch.arange(tokens.shape[1])
    prompts = torch.tensor([document.prompt_length for document in documents])
    return tokens, (place >= prompts.unsqueeze(1)) & (place < lengths.unsqueeze(1))


def measure(model: LanguageModel, seed: int, size: Size = SMALL) -> Measured:
    """The model on unseen documents."""
    documents = unseen(seed, size)
    layers = mixtures(model)
    experts = layers[0].shape.experts if layers else 0
    visits = torch.zeros(len(layers), len(VOCABULARY), experts, len(SKILLS), dtype=torch.long)
    loss, predicted = 0.0, 0
    for first in range(0, len(documents), CHUNK):
        chunk = documents[first : first + CHUNK]
        tokens, mask = as_batch(chunk)
        skills = torch.tensor([SKILLS.index(document.problem.skill) for document in chunk])
        with torch.no_grad(), _watching(layers) as chosen:
            logits = model(tokens)
        losses = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
        loss += float(losses[mask[:, 1:]].sum())
        predicted += int(mask.sum())
        for layer, experts_of in enumerate(chosen):
            visits[layer] += _count(tokens, experts_of, skills, visits.shape[1:])
    return Measured(loss / predicted, visits)


@contextmanager
def _watching(layers: Sequence[DeepSeekMoE]) -> Iterator[list[Tensor]]:
    """Collect, layer by layer, which experts each token visits: [batch, seq, active]."""
    chosen: list[Tensor] = []

    def watch(layer: DeepSeekMoE, arguments: tuple[Tensor], _: Tensor) -> None:
        (x,) = arguments
        logits = None if layer.router is None else x.flatten(0, -2) @ layer.router.T
        chosen.append(layer.route(logits)[1].unflatten(0, x.shape[:-1]))

    hooks = [layer.register_forward_hook(watch) for layer in layers]
    try:
        yield chosen
    finally:
        for hook in hooks:
            hook.remove()


def _count(tokens: Tensor, chosen: Tensor, skills: Tensor, size: tuple[int, ...]) -> Tensor:
    """Visits of real tokens, [vocab, experts, skills]: tokens [batch, seq], chosen [..., active], skills
    [batch]."""
    _, experts, kinds = size
    place = (tokens.unsqueeze(-1) * experts + chosen) * kinds + skills.reshape(-1, 1, 1)
    return place[tokens != PADDING].flatten().bincount(minlength=prod(size)).reshape(size)


def _stream(seed: int, split: Split) -> Iterator[Document]:
    return stream_of_documents(EASY, random.Random(f"claims {seed} {split}"), split)
