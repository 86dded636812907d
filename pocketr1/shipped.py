"""The models that come with the course, so that every lesson can start where it needs to.

    model = load("r1-zero")

They are files in `pocketr1/models/`, each with a card that says what it is. `python -m pocketr1 train` makes
them from nothing; those of `story.SHIPPED` are copied from its folder by hand, with their cards.
"""

from importlib.resources import files
from pathlib import Path

from . import checkpoints
from .configuration import config_from
from .model import LanguageModel

SUFFIX = ".safetensors"


def shelf() -> Path:
    """The folder of the models that come with the course."""
    return Path(str(files("pocketr1"))) / "models"


def names(folder: Path | None = None) -> list[str]:
    """The models that there are."""
    folder = folder or shelf()
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def load(name: str, folder: Path | None = None) -> LanguageModel:
    """A model by its name, with trained weights.

    Raises CheckpointError, naming the file, for a model that there is not, and for a file that is damaged or
    holds something else.
    """
    folder = folder or shelf()
    path = folder / f"{name}{SUFFIX}"
    if not path.is_file():
        raise checkpoints.CheckpointError(f"there is no model {path}; there are {', '.join(names(folder))}")
    tensors, about = checkpoints.load(path)
    try:
        model = LanguageModel(config_from(about["config"]))
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise checkpoints.CheckpointError(
            f"{path} holds no language model of this course: {error}"
        ) from error
    return model


def card(name: str, folder: Path | None = None) -> str:
    """What a model was trained on, how, what it can do and what it cannot: Markdown."""
    return ((folder or shelf()) / f"{name}.md").read_text(encoding="utf-8")
