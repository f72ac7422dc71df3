"""The settings of a pool, validated; `sources.py` says where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypedDict, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.backends.base import ContainerSpec
from engine.errors import ConfigError
from engine.kinds import Choice, Kind, Names, Number, Size, Table, Text, Variables, Whole, seconds
from engine.sources import ARGUMENTS, DEFAULT, gather

_MOST = 10_000
"""Containers of one pool."""

_COUNT = Annotated[int, Whole(0, _MOST)]
_SECONDS = Annotated[float, seconds()]
_TEXT = Annotated[str, Text()]
_NEEDED_TEXT = Annotated[str, Text(needed=True)]


BackendName = Literal["auto", "docker", "bubblewrap", "process"]


Reuse = Literal["scrub", "never"]
LogLevel = Literal["debug", "info", "warning", "error"]


class PoolSettings(TypedDict, total=False):
    """All settings but the backend as keyword arguments; `PoolConfig` explains each."""

    initial_size: int
    max_size: int
    min_size: int
    spare: int
    idle_timeout: float
    health_check_interval: float
    reuse: Reuse
    max_uses: int
    max_lifetime: float
    acquire_timeout: float
    max_waiting: int
    lease_timeout: float
    session_timeout: float
    session_grace: float
    create_timeout: float
    create_workers: int
    reset_timeout: float
    check_timeout: float
    shutdown_timeout: float
    image: str
    python: str
    runtime: str
    network: str
    memory: int | str
    cpus: float
    max_processes: int
    disk: int | str
    max_open_files: int
    preload: tuple[str, ...] | list[str]
    env: dict[str, str]
    timeout: float
    max_output: int | str
    max_file_bytes: int | str
    log_file: str
    log_level: LogLevel


class Settings(PoolSettings, total=False):
    """All settings as keyword arguments."""

    backend: BackendName


class PoolConfig(BaseModel):
    """Every setting of a pool, validated. Times are seconds, sizes bytes (or "256m").

    Raises:
        ConfigError: naming each wrong setting, its value, where it came from and what is allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    initial_size: _COUNT = Field(3, description="containers made at once at the start")
    max_size: Annotated[int, Whole(1, _MOST)] = Field(10, description="never more containers than this")
    min_size: _COUNT = Field(1, description="never fewer, as far as they can be made")
    spare: _COUNT = Field(0, description="free containers kept ready ahead of demand")
    idle_timeout: _SECONDS = Field(300.0, description="idle containers beyond min_size go after this")
    health_check_interval: _SECONDS = Field(30.0, description="between looks at the available containers")
    reuse: Annotated[Reuse, Choice(get_args(Reuse))] = Field(
        "scrub", description="never: each container serves one lease"
    )
    max_uses: Annotated[int, Whole(0, 1_000_000_000)] = Field(
        0, description="leases a container serves before it is replaced; 0: any number"
    )
    max_lifetime: Annotated[float, seconds(at_least=0)] = Field(
        3600.0, description="a container is replaced after this; 0: never"
    )
    acquire_timeout: _SECONDS = Field(30.0, description="how long a caller waits for a container")
    max_waiting: Annotated[int, Whole(0, 1_000_000)] = Field(
        1000, description="callers that may wait; more are refused at once"
    )
    lease_timeout: _SECONDS = Field(3600.0, description="a lease held longer is reclaimed")
    session_timeout: _SECONDS = Field(900.0, description="a session without a cell for so long is closed")
    session_grace: _SECONDS = Field(30.0, description="that a session has when the pool drains")
    create_timeout: _SECONDS = Field(60.0, description="for the agent to be ready in a new container")
    create_workers: Annotated[int, Whole(1, 64)] = Field(4, description="containers made at the same time")
    reset_timeout: _SECONDS = Field(5.0, description="for a scrub; later the container is quarantined")
    check_timeout: _SECONDS = Field(5.0, description="for the agent's answer to a health check")
    shutdown_timeout: _SECONDS = Field(30.0, description="for those in use to finish at shutdown")

    backend: Annotated[BackendName, Choice(get_args(BackendName))] = Field("auto", description="what isolates")
    image: _NEEDED_TEXT = Field("python:3.11-slim", description="any image with Python 3.8 or newer")
    python: _TEXT = Field("", description="the interpreter; empty: python3, or on bubblewrap the host's own")
    runtime: _TEXT = Field("", description="the engine's runtime, such as runsc")
    network: _NEEDED_TEXT = Field("none", description="the engine's network, such as bridge")
    memory: Annotated[int, Size(32 << 20, 1 << 40)] = Field(
        256 << 20, description="of a container, with swap and tmpfs"
    )
    cpus: Annotated[float, Number(0.01, 1024)] = Field(1.0, description="share of the host's CPUs")
    max_processes: Annotated[int, Whole(8, 100_000)] = Field(
        64, description="of a container, with the agent's own three"
    )
    disk: Annotated[int, Size(1 << 20, 1 << 40)] = Field(
        64 << 20, description="of each writable place, and of one file"
    )
    max_open_files: Annotated[int, Whole(64, 1 << 20)] = Field(1024, description="of one process")
    preload: Annotated[tuple[str, ...], Names()] = Field((), description="packages imported once, before the fork")
    env: Annotated[dict[str, str], Variables()] = Field({}, description="environment of every program")

    timeout: _SECONDS = Field(30.0, description="for a program that names none")
    max_output: Annotated[int, Size(0, 1 << 30)] = Field(1 << 20, description="of each of stdout and stderr")
    max_file_bytes: Annotated[int, Size(0, 1 << 30)] = Field(
        16 << 20, description="put in before or fetched after a run, in sum"
    )

    dashboard: Annotated[dict[str, Any], Table()] = Field(
        {}, description="of the dashboard alone, which checks them itself"
    )

    log_file: _TEXT = Field("", description="JSON lines of events: a path, or - for stderr; empty: none")
    log_level: Annotated[LogLevel, Choice(get_args(LogLevel))] = Field("info", description="the least that is logged")

    def __init__(self, origins: Mapping[str, str] | None = None, /, **settings: Any) -> None:
        """Args: origins: where each setting came from, for messages; nothing for arguments."""
        where = dict.fromkeys(settings, ARGUMENTS) if origins is None else origins
        try:
            super().__init__(**settings)
        except ValidationError as error:
            problems = [_explain(problem, where) for problem in error.errors()]
        else:
            problems = list(self._disagreements(where))
        if problems:
            raise ConfigError("; ".join(problems))

    def _disagreements(self, origins: Mapping[str, str]) -> Iterator[str]:
        """What is wrong between settings that are right one by one."""
        for name in ("min_size", "initial_size"):
            if getattr(self, name) > self.max_size:
                low, high = (
                    f"{each} = {getattr(self, each)} (from {origins.get(each, DEFAULT)})" for each in (name, "max_size")
                )
                yield f"{low} is above {high}"

    def container_spec(self, pool_id: str) -> ContainerSpec:
        """What a backend needs to know to make a container."""
        return ContainerSpec(
            pool_id=pool_id,
            image=self.image,
            python=self.python,
            memory=self.memory,
            cpus=self.cpus,
            max_processes=self.max_processes,
            disk=self.disk,
            max_open_files=self.max_open_files,
            network=self.network,
            runtime=self.runtime,
            preload=self.preload,
            env=self.env,
            reset_timeout=self.reset_timeout,
        )


def load_config(**arguments: Any) -> PoolConfig:
    """Return the settings from all sources.

    Raises:
        ConfigError: naming each wrong setting, its value, where it came from and what is allowed.
    """
    given = gather(arguments)
    origins = {name: each.origin for name, each in given.items()}
    return PoolConfig(origins, **{name: each.value for name, each in given.items()})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is in force; all but the name as people write it."""

    name: str
    value: str
    origin: str
    allowed: str
    description: str


def settings_in_force(**arguments: Any) -> list[Setting]:
    """Return every setting, its value and where that came from.

    Raises:
        ConfigError: as `load_config`.
    """
    config = load_config(**arguments)
    given = gather(arguments)
    return [
        Setting(
            name,
            kind.show(getattr(config, name)),
            given[name].origin if name in given else DEFAULT,
            kind.allowed,
            field.description or "",
        )
        for name, field in PoolConfig.model_fields.items()
        for kind in field.metadata
        if isinstance(kind, Kind)
    ]


def _explain(problem: Any, origins: Mapping[str, str]) -> str:
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(name.lower(), PoolConfig.model_fields, 1)
        return f"{name} (from {origins[name]}) is no setting{f': did you mean {near[0]}?' if near else ''}"
    wanted = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name} = {problem['input']!r} (from {origins[name]}): {wanted}"
