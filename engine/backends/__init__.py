"""The backends, and the choice between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.backends.base import Backend, ContainerSpec
from engine.errors import BackendUnavailable, ConfigError

if TYPE_CHECKING:
    from engine.backends.docker import PullProgress
    from engine.config import PoolConfig

_DEFAULTS = ContainerSpec("", "python:3.11-slim")
_LOCAL_NETWORKS = ("none", "host")
_LOCAL_UNKNOWN = {
    "image": "it runs this machine's own Python",
    "runtime": "it has no engine",
    "cpus": "it has no cgroup",
}
"""What a backend without an engine cannot honour, and why."""


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
        BackendUnavailable: if bubblewrap is named and the kernel forbids it; with `auto`, if there
            is no engine and another backend could not honour a setting.
        ConfigError: if the backend that is named cannot honour a setting.
    """
    from engine.backends.bubblewrap import BubblewrapBackend
    from engine.backends.docker import DockerBackend
    from engine.backends.docker_connect import connect
    from engine.backends.process import ProcessBackend

    if config.backend == "docker":
        return Choice(DockerBackend(config.runtime, on_pull), "asked for")
    dishonoured = ", ".join(_dishonoured(config.container_spec("")))
    if config.backend != "auto":
        if dishonoured:
            raise ConfigError(
                f"{config.backend} cannot honour {dishonoured}", "leave that out, or use --backend docker"
            )
        if config.backend == "process":
            return Choice(ProcessBackend(), "asked for")
        BubblewrapBackend.probe()
        return Choice(BubblewrapBackend(), "asked for")
    try:
        connect(timeout=5).close()
        return Choice(DockerBackend(config.runtime, on_pull), "a Docker engine answers")
    except BackendUnavailable as error:
        if dishonoured:
            raise BackendUnavailable(
                f"{error.message}; without one nothing can honour {dishonoured}", error.hint
            ) from error
        no_docker = error.message
    try:
        BubblewrapBackend.probe()
        return Choice(BubblewrapBackend(), no_docker)
    except BackendUnavailable as error:
        return Choice(ProcessBackend(), f"{no_docker}; {error.message}")


def _dishonoured(spec: ContainerSpec) -> Iterator[str]:
    """The settings that ask for what only an engine has."""
    for name, why in _LOCAL_UNKNOWN.items():
        if getattr(spec, name) != getattr(_DEFAULTS, name):
            yield f"{name} = {getattr(spec, name)!r} ({why})"
    if spec.network not in _LOCAL_NETWORKS:
        yield f"network = {spec.network!r} (it knows {' and '.join(_LOCAL_NETWORKS)})"
