"""Weights in files that can be trusted: safetensors, with the configuration and a hash of the weights
inside. (The hash is of the weights alone: what else is said `about` them is not covered.)

A file that is damaged, or was made by something else, is refused by name. Nothing in it is ever executed.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

MARK = "pocketr1"


class CheckpointError(ValueError):
    """The file cannot be used; the message says which file, why, and what to do."""


def digest(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over the names, types, shapes and values of all tensors: equal weights, equal digest."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous()
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        total.update(tensor.numpy().tobytes())
    return total.hexdigest()


def save(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> str:
    """Write tensors and what is to be known `about` them (plain JSON values) to one file; returns the digest.

    The file appears whole or not at all: it is written beside its place and then moved there.
    """
    kept = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    fingerprint = digest(kept)
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {MARK: json.dumps({"about": about, "sha256": fingerprint}, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file(kept, beside, metadata=metadata)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)
    return fingerprint


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and what is known about them. Raises CheckpointError on a missing, foreign or damaged
    file."""
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): make or copy it again") from error
    if MARK not in metadata:
        raise CheckpointError(f"{path} is no checkpoint of this course: it does not carry its mark")
    about, fingerprint = _header(path, metadata[MARK])
    if digest(tensors) != fingerprint:
        raise CheckpointError(f"{path} is damaged: its contents do not match its hash; make or copy it again")
    return tensors, about


def _header(path: Path, text: str) -> tuple[dict[str, Any], str]:
    """What a file says about its tensors, and their hash."""
    try:
        header = json.loads(text)
        return header["about"], header["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged: its header cannot be read; make or copy it again"
        ) from error
