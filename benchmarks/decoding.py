"""Writing, beside `transformers`: the same weights, the same greedy tokens, 16 + 64 tokens a row."""

from collections.abc import Callable, Iterator

import torch

from pocketr1.configuration import ModelConfig
from pocketr1.fast_writing import FastWriter
from pocketr1.generation import Sampling, generate
from pocketr1.model import LanguageModel

from .peers import DENSE, LATENT_EXPERTS, lively, twin
from .ratios import best_seconds

PROMPT, NEW = 16, 64
NEVER = (-1,)  # a stop token that there is not, so that every row has the same length

AIMS = {("dense", 8): 1.9, ("dense", 64): 1.4, ("latent attention, experts", 8): 2.2,
        ("latent attention, experts", 64): 2.6}  # fmt: skip


def measure() -> Iterator[str]:
    """One line a model and batch size: how many times their tokens a second."""
    for name, config in (("dense", DENSE), ("latent attention, experts", LATENT_EXPERTS)):
        model = lively(config)
        for rows in (8, 64):
            yield f"{name}, {rows} sequences: {_line(model, config, rows, AIMS[name, rows])}"


def _line(model: LanguageModel, config: ModelConfig, rows: int, aim: float) -> str:
    generator = torch.Generator().manual_seed(rows)
    prompts = torch.randint(2, config.vocab, (rows, PROMPT), generator=generator)
    rivals = _rivals(model, prompts, generator)
    tokens = {name: run() for name, run in rivals.items()}
    same = all(torch.equal(tokens["transformers"], other) for other in tokens.values())
    seconds = best_seconds(rivals)
    ratios = {name: seconds["transformers"] / taken for name, taken in seconds.items()}
    return (
        f"FastWriter {ratios['FastWriter']:.2f} x, the readable model {ratios['readable']:.2f} x the tokens "
        f"a second of transformers (aim {aim} x); same tokens: {'yes' if same else 'NO'}"
    )


def _rivals(
    model: LanguageModel, prompts: torch.Tensor, generator: torch.Generator
) -> dict[str, Callable[[], torch.Tensor]]:
    peer, lists, sampling = twin(model), prompts.tolist(), Sampling(NEW, 0.0, stop=NEVER)
    peer.generation_config.eos_token_id = None  # nobody stops early

    def theirs() -> torch.Tensor:
        with torch.no_grad():
            written = peer.generate(
                prompts, attention_mask=torch.ones_like(prompts), max_new_tokens=NEW, do_sample=False
            )
        return written[:, PROMPT:]

    return {
        "transformers": theirs,
        "FastWriter": lambda: generate(FastWriter(model), lists, sampling, generator).tokens,
        "readable": lambda: generate(model, lists, sampling, generator).tokens,
    }
