"""What is said of the backend that runs the code."""

from __future__ import annotations

from engine.backends import Choice
from engine.config import PoolConfig


def remark(choice: Choice, config: PoolConfig) -> str:
    """What a person must know of the choice; empty where it is what they expect."""
    name = choice.backend.name
    if name == "process" or (name != "docker" and config.backend == "auto"):
        return f"running in {name} ({choice.backend.isolation}): {choice.reason}"
    return ""
