"""All that knows of notebooks: what a lesson imports, the checks, progress, and the builder.

Names are imported when they are first used, so that commands which need no PyTorch do not wait for it.
"""

import importlib
from typing import Any

_HOMES = {
    "exercises": "catalogue",
    "examine": "examination",
    "begin": "notebook",
    "check": "notebook",
    "keep": "notebook",
    "lend": "notebook",
    "predict": "notebook",
    "progress": "notebook",
    "recall": "notebook",
    "solution": "notebook",
    "steps": "notebook",
    "use_reference": "notebook",
    "keep_model": "own_models",
    "load_model": "own_models",
    "colours": "figures",
    "show": "figures",
    "watch": "live",
    "explore": "widgets",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a name from the module that has it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """All names, also those not imported yet."""
    return __all__
