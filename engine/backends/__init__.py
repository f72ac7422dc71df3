"""The backends, and the choice between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.backends.base import Backend
from engine.errors import BackendUnavailable

if TYPE_CHECKING:
    from engine.backends.docker import PullProgress
    from engine.config import PoolConfig


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it was chosen, for people to read."""

    backend: Backend
    reason: str


def choose_backend(config: PoolConfig, on_pull: PullProgress | None = None) -> Choice:
    """Return the backend that the settings name, or with `auto` the best one that works here.

    A backend that is named is returned even if its engine does not answer yet: the pool
    keeps trying. The order of `auto` is docker, bubblewrap, process.

    Raises:
        BackendUnavailable: if bubblewrap is named and the kernel forbids it.
    """
    from engine.backends.bubblewrap import BubblewrapBackend
    from engine.backends.docker import DockerBackend
    from engine.backends.docker_connect import connect
    from engine.backends.process import ProcessBackend

    if config.backend == "docker":
        return Choice(DockerBackend(config.runtime, on_pull), "asked for")
    if config.backend == "bubblewrap":
        BubblewrapBackend.probe()
        return Choice(BubblewrapBackend(), "asked for")
    if config.backend == "process":
        return Choice(ProcessBackend(), "asked for")
    try:
        connect(timeout=5).close()
        return Choice(DockerBackend(config.runtime, on_pull), "a Docker engine answers")
    except BackendUnavailable as error:
        no_docker = error.message
    try:
        BubblewrapBackend.probe()
        return Choice(BubblewrapBackend(), no_docker)
    except BackendUnavailable as error:
        return Choice(ProcessBackend(), f"{no_docker}; {error.message}")
