"""The settings of a pool, and where they come from.

In this order, the first that names a setting wins: arguments, `POOLDECK_*` environment
variables, `pooldeck.toml` in the working directory, `[tool.pooldeck]` in `pyproject.toml`
there, the default.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypedDict

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from engine.backends.base import ContainerSpec
from engine.errors import ConfigError

_PREFIX = "POOLDECK_"
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_size(value: object) -> object:
    """Turn "256m" or "1.5g" (powers of 1024, as Docker writes them) into bytes."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([bkmg]?)i?b?\s*", value.lower())
        if match is None:
            raise ValueError("not a size such as 256m or 1g")
        return int(float(match[1]) * _UNITS[match[2]])
    return value


def _split(value: object) -> object:
    """Let a list be written as "a, b" where only text can stand."""
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[\s,]+", value) if part)
    return value


Size = Annotated[int, BeforeValidator(parse_size)]
Seconds = Annotated[float, Field(gt=0)]


BackendName = Literal["auto", "docker", "bubblewrap", "process"]


class PoolSettings(TypedDict, total=False):
    """All settings but the backend as keyword arguments; `PoolConfig` explains each."""

    initial_size: int
    max_size: int
    min_size: int
    spare: int
    idle_timeout: float
    health_check_interval: float
    reuse: Literal["scrub", "never"]
    max_uses: int
    max_lifetime: float
    acquire_timeout: float
    max_waiting: int
    lease_timeout: float
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
    log_level: Literal["debug", "info", "warning", "error"]


class Settings(PoolSettings, total=False):
    """All settings as keyword arguments."""

    backend: BackendName


class PoolConfig(BaseSettings):
    """Every setting of a pool, validated. Times are seconds, sizes bytes (or "256m")."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        toml_file="pooldeck.toml",
        pyproject_toml_table_header=("tool", "pooldeck"),
        extra="forbid",
        frozen=True,
    )

    initial_size: int = Field(3, ge=0, le=10_000, description="containers made at once at the start")
    max_size: int = Field(10, ge=1, le=10_000, description="never more containers than this")
    min_size: int = Field(1, ge=0, le=10_000, description="never fewer, as far as they can be made")
    spare: int = Field(0, ge=0, le=10_000, description="free containers kept ready ahead of demand")
    idle_timeout: Seconds = Field(300.0, description="idle containers beyond min_size go after this")
    health_check_interval: Seconds = Field(30.0, description="between looks at the available containers")
    reuse: Literal["scrub", "never"] = Field("scrub", description="never: each container serves one lease")
    max_uses: int = Field(0, ge=0, description="leases a container serves before it is replaced; 0: any number")
    max_lifetime: float = Field(3600.0, ge=0, description="a container is replaced after this; 0: never")
    acquire_timeout: Seconds = Field(30.0, description="how long a caller waits for a container")
    max_waiting: int = Field(1000, ge=0, description="callers that may wait; more are refused at once")
    lease_timeout: Seconds = Field(3600.0, description="a lease held longer is reclaimed")
    create_timeout: Seconds = Field(60.0, description="for the agent to be ready in a new container")
    create_workers: int = Field(4, ge=1, le=64, description="containers made at the same time")
    reset_timeout: Seconds = Field(5.0, description="for a scrub; later the container is quarantined")
    check_timeout: Seconds = Field(5.0, description="for the agent's answer to a health check")
    shutdown_timeout: Seconds = Field(30.0, description="for those in use to finish at shutdown")

    backend: BackendName = Field("auto", description="what isolates")
    image: str = Field("python:3.11-slim", min_length=1, description="any image with Python 3.8 or newer")
    python: str = Field("", description="the interpreter; empty: python3, or on bubblewrap the host's own")
    runtime: str = Field("", description="the engine's runtime, such as runsc")
    network: str = Field("none", min_length=1, description="the engine's network, such as bridge")
    memory: Size = Field(256 << 20, ge=32 << 20, description="of a container, with swap and tmpfs")
    cpus: float = Field(1.0, ge=0.01, le=1024, description="share of the host's CPUs")
    max_processes: int = Field(64, ge=8, le=100_000, description="of a container, with the agent's own three")
    disk: Size = Field(64 << 20, ge=1 << 20, description="of each writable place, and of one file")
    max_open_files: int = Field(1024, ge=64, le=1 << 20, description="of one process")
    preload: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        (), description="imported before the fork"
    )
    env: dict[str, str] = Field({}, description="environment of every program")

    timeout: Seconds = Field(30.0, description="for a program that names none")
    max_output: Size = Field(1 << 20, ge=0, description="of each of stdout and stderr")
    max_file_bytes: Size = Field(16 << 20, ge=0, description="put in before or fetched after a run, in sum")

    log_file: str = Field("", description="JSON lines of events: a path, or - for stderr; empty: none")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    dashboard: dict[str, Any] = Field({}, description="of the dashboard alone; it reads them itself")

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError(f"min_size = {self.min_size} is above max_size = {self.max_size}")
        if self.initial_size > self.max_size:
            raise ValueError(f"initial_size = {self.initial_size} is above max_size = {self.max_size}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - named by pydantic-settings
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Name the sources in their order; called by pydantic-settings."""
        return (
            init_settings,
            env_settings,
            TomlConfigSettingsSource(settings_cls),
            PyprojectTomlConfigSettingsSource(settings_cls),
        )

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
    try:
        return PoolConfig(**arguments)
    except ValidationError as error:
        lines = [_explain(problem, arguments) for problem in error.errors()]
        raise ConfigError("; ".join(lines)) from None
    except ValueError as error:  # a TOML file or a JSON value in the environment that cannot be read
        raise ConfigError(f"settings cannot be read: {error}") from error


def _explain(problem: Any, arguments: dict[str, Any]) -> str:
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"{name} is no setting (from {_origin(name, arguments)})"
    wanted = str(problem["msg"]).removeprefix("Value error, ")
    wanted = wanted[:1].lower() + wanted[1:]
    return f"{name} = {problem['input']!r} (from {_origin(name, arguments)}): {wanted}"


def _origin(name: str, arguments: dict[str, Any]) -> str:
    if name in arguments:
        return "the arguments"
    for variable in os.environ:
        if variable.upper() == _PREFIX + name.upper():
            return variable
    if Path("pooldeck.toml").exists() and re.search(rf"^\s*{name}\s*=", Path("pooldeck.toml").read_text(), re.M):
        return "pooldeck.toml"
    return "[tool.pooldeck] in pyproject.toml"
