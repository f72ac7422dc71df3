"""Pooldeck's engine: a pool of warm, locked-down containers that run code in milliseconds."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.cells import CellResult as CellResult
    from engine.cells import Mode as Mode
    from engine.config import PoolConfig as PoolConfig
    from engine.errors import BackendError as BackendError
    from engine.errors import BackendUnavailable as BackendUnavailable
    from engine.errors import ConfigError as ConfigError
    from engine.errors import ContainerLost as ContainerLost
    from engine.errors import CreationFailed as CreationFailed
    from engine.errors import ImageUnavailable as ImageUnavailable
    from engine.errors import ImageUnusable as ImageUnusable
    from engine.errors import LeaseExpired as LeaseExpired
    from engine.errors import PoolClosed as PoolClosed
    from engine.errors import PooldeckError as PooldeckError
    from engine.errors import PoolDraining as PoolDraining
    from engine.errors import PoolError as PoolError
    from engine.errors import PoolSaturated as PoolSaturated
    from engine.errors import PoolTimeout as PoolTimeout
    from engine.errors import RequestError as RequestError
    from engine.errors import SessionLost as SessionLost
    from engine.errors import UnisolatedWarning as UnisolatedWarning
    from engine.errors import UnknownContainer as UnknownContainer
    from engine.execution import ExecutionRequest as ExecutionRequest
    from engine.execution import ExecutionResult as ExecutionResult
    from engine.execution import Outcome as Outcome
    from engine.lease import Lease as Lease
    from engine.pool import ContainerPool as ContainerPool
    from engine.sandbox import CodeSandbox as CodeSandbox
    from engine.session import Session as Session

_HOMES = {
    "BackendError": "engine.errors",
    "BackendUnavailable": "engine.errors",
    "CellResult": "engine.cells",
    "CodeSandbox": "engine.sandbox",
    "ConfigError": "engine.errors",
    "ContainerLost": "engine.errors",
    "ContainerPool": "engine.pool",
    "CreationFailed": "engine.errors",
    "ExecutionRequest": "engine.execution",
    "ExecutionResult": "engine.execution",
    "ImageUnavailable": "engine.errors",
    "ImageUnusable": "engine.errors",
    "Lease": "engine.lease",
    "LeaseExpired": "engine.errors",
    "Mode": "engine.cells",
    "Outcome": "engine.execution",
    "PoolClosed": "engine.errors",
    "PoolConfig": "engine.config",
    "PoolDraining": "engine.errors",
    "PoolError": "engine.errors",
    "PoolSaturated": "engine.errors",
    "PoolTimeout": "engine.errors",
    "PooldeckError": "engine.errors",
    "RequestError": "engine.errors",
    "Session": "engine.session",
    "SessionLost": "engine.errors",
    "UnisolatedWarning": "engine.errors",
    "UnknownContainer": "engine.errors",
}

__all__ = sorted(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `pooldeck --help` stays quick."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
