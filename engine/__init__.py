"""Pooldeck's engine: a pool of warm, locked-down containers that run code in milliseconds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.config import PoolConfig as PoolConfig
    from engine.errors import PooldeckError as PooldeckError
    from engine.execution import ExecutionRequest as ExecutionRequest
    from engine.execution import ExecutionResult as ExecutionResult
    from engine.execution import Outcome as Outcome
    from engine.pool import ContainerPool as ContainerPool
    from engine.sandbox import CodeSandbox as CodeSandbox

_HOMES = {
    "CodeSandbox": "engine.sandbox",
    "ContainerPool": "engine.pool",
    "ExecutionRequest": "engine.execution",
    "ExecutionResult": "engine.execution",
    "Outcome": "engine.execution",
    "PoolConfig": "engine.config",
    "PooldeckError": "engine.errors",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `pooldeck --help` stays quick."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
