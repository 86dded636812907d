"""Models that a lesson leaves behind, so that the next one goes on from them: files in `work/models/`.

A lesson that needs a model of an earlier one takes the learner's own, where there is one, and otherwise the
one that comes with the course. So nobody has to have done every lesson, or to do it again.
"""

import importlib
from pathlib import Path
from typing import Any

from .files import work_folder
from .mine import NAME
from .wording import ended, wrapped

FOLDER = "models"


def keep_model(name: str, model: Any) -> None:
    """Keep a trained model under a name, whole or not at all, and print where.

    `model` is a language model of `mine`. What was kept under this name before is replaced.
    """
    path, checkpoints = _path(name), _own("checkpoints")
    try:
        checkpoints.save(path, model.state_dict(), {"config": model.config.as_dict()})
    except OSError as error:
        print(wrapped(f"The model {name} is not kept: {_shown(name)} cannot be written ({error.strerror})."))
        return
    print(wrapped(f"Kept: {_shown(name)}. Later lessons go on from it."))


def load_model(name: str) -> Any:
    """A trained model by its name, as a language model of `mine`; prints whose it is.

    Raises CheckpointError for a name that neither the learner nor the course has a model of.
    """
    path, shipped = _path(name), _own("shipped")
    if path.is_file():
        try:
            model = shipped.load(name, path.parent)
        except ValueError as error:
            why = str(error).replace(str(path), _shown(name))
            print(wrapped(f"Your own {name} cannot be used, and is left as it is: {ended(why)}"))
        else:
            print(wrapped(f"{name}: your own. Remove {_shown(name)} to take the course's."))
            return model
    model = shipped.load(name)
    print(f"{name}: the one that comes with the course.")
    return model


def _path(name: str) -> Path:
    return work_folder() / FOLDER / f"{name}.safetensors"


def _own(module: str) -> Any:
    """A module of the learner's library, as it is now."""
    return importlib.import_module(f"{NAME}.{module}")


def _shown(name: str) -> str:
    """The file as a learner finds it. No path of a machine: outputs are kept in notebooks and compared."""
    return f"{FOLDER}/{name}.safetensors in your work folder"
