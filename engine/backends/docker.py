"""The docker backend: locked-down containers of any engine that docker-py reaches."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import docker.errors
import requests.exceptions
import urllib3.exceptions
from docker import APIClient
from docker.types import CancellableStream
from docker.utils import parse_repository_tag

from engine.agent import handover
from engine.backends.base import (
    WORKDIR,
    ContainerLook,
    ContainerSpec,
    DeathCallback,
    Guarantee,
    Launched,
    PostMortem,
    owner_id,
    owner_is_gone,
    random_uid,
)
from engine.backends.docker_connect import connect, root_cause
from engine.backends.docker_stream import AttachedStream
from engine.errors import BackendError, BackendUnavailable, ImageUnavailable, ImageUnusable

_OWNER_LABEL = "pooldeck.owner"
_POOL_LABEL = "pooldeck.pool"
_CAPABILITIES = ("SETUID", "SETGID", "KILL", "DAC_OVERRIDE")
"""To become the tenant, to signal its processes, and to look into what it has locked."""

_PLACES = ("/tmp", "/var/tmp", "/dev/shm", WORKDIR)
_NO_INTERPRETER = ("executable file not found", "no such file or directory", "stat ")
_PYTHON = "python3"
_NOT_FOUND, _CONFLICT = 404, 409
_REMOVAL_WAIT = 10
"""Seconds for the engine to finish a removal that it has begun by itself."""

_EVENT_SILENCE = 3600
"""Seconds without an event after which the event stream is opened again."""

_RECONNECT = 1.0
"""Seconds before a lost event stream is opened again."""

_HINTS = (
    ("invalid reference format", "an image is named as in 'python:3.11-slim', in lower case"),
    (r"unknown.*runtime", "'pooldeck doctor' lists the engine's runtimes"),
    (r"network \S+ not found", "'docker network ls' lists the engine's networks"),
)
"""What to do about an engine's refusal, by its words."""

PullProgress = Callable[[str, int, int], None]
"""Called with the image, the bytes fetched so far and the bytes known of in all."""


class DockerBackend:
    """Containers of a Docker engine, or of another that speaks its API."""

    name = "docker"

    def __init__(self, runtime: str = "", on_pull: PullProgress | None = None) -> None:
        """Args: runtime: the engine's runtime; on_pull: told how a pull goes on."""
        self.isolation = f"container ({runtime})" if runtime else "container"
        self.missing: Mapping[Guarantee, str] = {}
        self._runtime = runtime
        self._on_pull = on_pull
        self._client: APIClient | None = None
        self._lock = threading.Lock()
        self._image_lock = threading.Lock()
        self._volumes: dict[str, tuple[str, ...]] = {}
        self._mine: set[str] = set()
        self._starved: set[str] = set()
        self._dead: dict[str, PostMortem] = {}
        self._closed = threading.Event()
        self._events: CancellableStream[Any] | None = None
        self._watcher: threading.Thread | None = None

    def create(self, spec: ContainerSpec) -> Launched:
        """Create, attach and start one container; see `Backend.create`."""
        client = self._connected()
        uid = random_uid()
        with _translated():
            try:
                container_id = self._create(client, spec)
            except docker.errors.ImageNotFound:  # it was there a while ago
                self._volumes.pop(spec.image, None)
                container_id = self._create(client, spec)
        with self._lock:
            self._mine.add(container_id)
        stream = None
        try:
            with _translated():
                streams = dict.fromkeys(("stdin", "stdout", "stderr", "stream"), 1)
                stream = AttachedStream(client.attach_socket(container_id, params=streams))
                client.start(container_id)
        except BaseException as error:
            if stream is not None:
                stream.close()
            with suppress(BackendError):
                self.destroy(container_id)
            if isinstance(error, BackendError) and any(word in error.message for word in _NO_INTERPRETER):
                raise ImageUnusable(
                    f"image {spec.image} has no {spec.python or _PYTHON}", "use an image with Python 3.8 or newer"
                ) from error
            raise
        plan = {
            "uid": uid,
            "workdir": WORKDIR,
            "own_mounts": True,
            "own_network": spec.network == "none",
            "limits": {"core": 0, "nofile": spec.max_open_files, "fsize": spec.disk, "msgqueue": 819_200},
        }
        return Launched(container_id, stream, plan)

    def _create(self, client: APIClient, spec: ContainerSpec) -> str:
        volumes = self._ensure_image(client, spec.image)
        return str(client.create_container(**self._settings(client, spec, volumes))["Id"])

    def look(self, container_id: str) -> ContainerLook:
        """Ask the engine for the container's state."""
        try:
            with _translated():
                state = self._connected().inspect_container(container_id)["State"]
        except BackendError as error:
            if _status_code(error) == _NOT_FOUND:
                return ContainerLook(False, "gone")
            raise
        return ContainerLook(bool(state["Running"]) and not state["Paused"], state["Status"])

    def destroy(self, container_id: str) -> None:
        """Kill and remove the container, and wait until the engine lists it no more."""
        client = self._connected()
        try:
            with _translated():
                client.remove_container(container_id, force=True, v=True)
        except BackendError as error:
            if _status_code(error) == _CONFLICT:  # the engine is removing it already, by itself
                _wait_removed(client, container_id)
            elif _status_code(error) != _NOT_FOUND:
                raise
        with self._lock:
            self._mine.discard(container_id)

    def post_mortem(self, container_id: str) -> PostMortem | None:
        """What the event stream said when the container ended."""
        with self._lock:
            return self._dead.pop(container_id, None)

    def remove_orphans(self) -> list[str]:
        """Remove containers whose label names an owner that has ended."""
        client = self._connected()
        removed = []
        with _translated():
            found = client.containers(all=True, filters={"label": _OWNER_LABEL})
        for container in found:
            if owner_is_gone(container["Labels"][_OWNER_LABEL]):
                with suppress(BackendError):
                    self.destroy(container["Id"])
                    removed.append(container["Id"])
        return removed

    def watch(self, on_death: DeathCallback) -> None:
        """Follow the engine's event stream in one thread, through losses of the engine."""
        self._watcher = threading.Thread(
            target=self._follow_events, args=(on_death,), name="pooldeck-docker-events", daemon=True
        )
        self._watcher.start()

    def close(self) -> None:
        """Stop watching and close the connections."""
        self._closed.set()
        events = self._events
        if events is not None:
            with suppress(Exception):
                events.close()
        if self._watcher is not None:
            self._watcher.join(2)
        if self._client is not None:
            self._client.close()

    def describe(self) -> dict[str, Any]:
        """The engine's `GET /info`.

        Raises:
            BackendUnavailable: if it does not answer.
        """
        with _translated():
            info: dict[str, Any] = self._connected().info()
            return info

    def _connected(self) -> APIClient:
        with self._lock:
            if self._client is None:
                self._client = connect()
            return self._client

    def _settings(self, client: APIClient, spec: ContainerSpec, volumes: tuple[str, ...]) -> dict[str, Any]:
        """The arguments of `create_container`: everything a program could lean on, taken away."""
        tmpfs = f"rw,nosuid,nodev,exec,size={spec.disk},nr_inodes={spec.max_files},mode=1777"
        host_config = client.create_host_config(
            auto_remove=True,
            cap_drop=["ALL"],
            cap_add=list(_CAPABILITIES),
            security_opt=["no-new-privileges:true"],
            read_only=True,
            network_mode=spec.network,
            ipc_mode="private",
            mem_limit=spec.memory,
            memswap_limit=spec.memory,
            nano_cpus=int(spec.cpus * 1e9),
            pids_limit=spec.max_processes,
            tmpfs=dict.fromkeys((*_PLACES, *volumes), tmpfs),
            ulimits=[
                docker.types.Ulimit(name="core", soft=0, hard=0),
                docker.types.Ulimit(name="nofile", soft=spec.max_open_files, hard=spec.max_open_files),
                docker.types.Ulimit(name="fsize", soft=spec.disk, hard=spec.disk),
            ],
            log_config=docker.types.LogConfig(type="none"),
            runtime=spec.runtime or None,
            # A port of one program, closed but remembered, would be seen and missed by the next.
            sysctls={"net.ipv4.tcp_max_tw_buckets": "0"} if spec.network == "none" and not spec.runtime else None,
        )
        return {
            "image": spec.image,
            "entrypoint": handover.command(spec.python or _PYTHON),
            "command": [],
            "hostname": "sandbox",
            "name": f"pooldeck-{spec.pool_id}-{os.urandom(4).hex()}",
            "user": "0:0",
            "working_dir": "/",
            "stdin_open": True,
            "host_config": host_config,
            "network_disabled": spec.network == "none",
            "labels": {_OWNER_LABEL: owner_id(), _POOL_LABEL: spec.pool_id},
        }

    def _ensure_image(self, client: APIClient, image: str) -> tuple[str, ...]:
        """Pull the image if it is missing; return the volumes it declares."""
        with self._image_lock:
            known = self._volumes.get(image)
            if known is None:
                config = _inspect_image(client, image)
                if config is None:
                    self._pull(client, image)
                    config = _inspect_image(client, image) or {}
                known = tuple((config.get("Config") or {}).get("Volumes") or ())
                self._volumes[image] = known
            return known

    def _pull(self, client: APIClient, image: str) -> None:
        layers: dict[str, tuple[int, int]] = {}
        repository, tag = parse_repository_tag(image)
        try:
            for line in client.pull(repository, tag or "latest", stream=True, decode=True):
                if "error" in line:
                    raise docker.errors.APIError(line["error"])
                detail = line.get("progressDetail") or {}
                if self._on_pull is not None and detail.get("total"):
                    layers[line.get("id", "")] = (detail.get("current", 0), detail["total"])
                    done, total = (sum(column) for column in zip(*layers.values(), strict=True))
                    self._on_pull(image, done, total)
        except (docker.errors.APIError, requests.exceptions.RequestException) as error:
            raise ImageUnavailable(
                f"image {image} is not on the engine and cannot be pulled: {_said(error)}",
                "pull or load it yourself (docker pull, docker load), or choose another with --image",
            ) from error

    def _follow_events(self, on_death: DeathCallback) -> None:
        filters = {"type": "container", "event": ["die", "oom"], "label": f"{_OWNER_LABEL}={owner_id()}"}
        while not self._closed.is_set():
            try:
                client = connect(timeout=30)
                try:
                    client.timeout = _EVENT_SILENCE
                    self._events = client.events(decode=True, filters=filters)
                    if self._closed.is_set():
                        return  # `close` came before there was anything to close
                    for event in self._events:
                        self._note_event(event, on_death)
                finally:
                    if self._events is not None:
                        with suppress(Exception):
                            self._events.close()
                    client.close()
            except (BackendError, OSError, ValueError, AttributeError, urllib3.exceptions.HTTPError):
                pass  # the engine went away, or `close` hung up
            except (requests.exceptions.RequestException, docker.errors.DockerException):
                pass
            self._closed.wait(_RECONNECT)

    def _note_event(self, event: Mapping[str, Any], on_death: DeathCallback) -> None:
        container_id = event["Actor"]["ID"]
        with self._lock:
            if container_id not in self._mine:
                return
            if event["Action"] == "oom":
                self._starved.add(container_id)
                return
            code = event["Actor"]["Attributes"].get("exitCode")
            starved = container_id in self._starved
            self._starved.discard(container_id)
            self._mine.discard(container_id)
            # An oom event also comes when only a program was killed; then the agent ends with 0.
            end = PostMortem(int(code) if code else None, starved and code == "137")
            self._dead[container_id] = end
            while len(self._dead) > 1000:
                del self._dead[next(iter(self._dead))]
        on_death(container_id, end)


def _inspect_image(client: APIClient, image: str) -> dict[str, Any] | None:
    """What the engine knows of an image; None if it has none of that name."""
    try:
        found: dict[str, Any] = client.inspect_image(image)
    except docker.errors.ImageNotFound:
        return None
    return found


def _said(error: Exception) -> str:
    """The engine's own words if it has answered, else what kept it from answering."""
    if isinstance(error, docker.errors.APIError):
        return " ".join(str(error.explanation or error).split())[:300]
    return root_cause(error)


def _wait_removed(client: APIClient, container_id: str) -> None:
    """Wait for the end of a removal that is in progress.

    Raises:
        BackendError: if it is not over in time; whoever asked tries again later.
    """
    try:
        with _translated():
            client.wait(container_id, timeout=_REMOVAL_WAIT, condition="removed")
    except BackendError as error:
        if _status_code(error) != _NOT_FOUND:
            raise


def _status_code(error: BackendError) -> int | None:
    """The HTTP status with which the engine refused; None if it did not answer at all."""
    cause = error.__cause__
    return cause.status_code if isinstance(cause, docker.errors.APIError) else None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn docker-py's and its transport's errors into ours; the cause stays chained."""
    try:
        yield
    except docker.errors.APIError as error:
        said = _said(error)
        hint = next((hint for words, hint in _HINTS if re.search(words, said, re.IGNORECASE)), "")
        raise BackendError(f"the engine refused: {said}", hint) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise BackendUnavailable(f"the Docker engine does not answer: {root_cause(error)}", "is it running?") from error
