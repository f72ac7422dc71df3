"""Findings about this machine: what backends work here, and whether limits really hold.

A limit that is only configured may silently not be enforced (another cgroup version, a
kernel option). So each is tried by a program that runs into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.backends import choose_backend
from engine.backends.base import Backend, Guarantee
from engine.backends.bubblewrap import BubblewrapBackend
from engine.backends.docker import DockerBackend
from engine.config import PoolConfig
from engine.errors import PooldeckError
from engine.execution import ExecutionRequest, Outcome
from engine.pool import ContainerPool
from engine.probes import PROBES, Probe


class Verdict(StrEnum):
    """How a finding turned out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    verdict: Verdict
    detail: str
    hint: str = ""
    """What to do; empty if nothing."""


def examine(config: PoolConfig) -> Iterator[Finding]:
    """Yield findings one by one, as they are made."""
    works = {}
    for name, look in (("docker", _examine_docker), ("bubblewrap", _examine_bubblewrap)):
        finding = look(config)
        works[name] = finding.verdict is not Verdict.FAILED
        if not works[name] and config.backend != name:
            finding = replace(finding, verdict=Verdict.WARNING)  # another may serve instead
        yield finding
        if not works[name] and config.backend == name:
            yield Finding("backend", Verdict.FAILED, f"{name}: asked for, and does not work here")
            return
    try:
        choice = choose_backend(config)
    except PooldeckError as error:
        yield Finding("backend", Verdict.FAILED, error.message, error.hint)
        return
    backend = choice.backend
    isolated = backend.name != "process"
    better = next((name for name, working in works.items() if working), "")
    mend = f"use --backend {better}: it works here" if better else "start a Docker engine, or make bubblewrap work"
    yield Finding(
        "backend",
        Verdict.OK if isolated else Verdict.FAILED,
        f"{backend.name} ({backend.isolation}): {choice.reason}",
        "" if isolated else mend,
    )
    yield from _examine_guarantees(config, backend)


def _examine_docker(config: PoolConfig) -> Finding:
    backend = DockerBackend(config.runtime)
    try:
        info = backend.describe()
    except PooldeckError as error:
        return Finding("docker engine", Verdict.FAILED, error.message, error.hint)
    finally:
        backend.close()
    detail = (
        f"version {info.get('ServerVersion')}, cgroup v{info.get('CgroupVersion', '1')}, "
        f"runtimes {', '.join(sorted(info.get('Runtimes') or {}))}"
    )
    if config.runtime and config.runtime not in (info.get("Runtimes") or {}):
        return Finding("docker engine", Verdict.FAILED, detail, f"it has no runtime {config.runtime!r}: install it")
    missing = [name for name in ("MemoryLimit", "PidsLimit", "CpuCfsQuota") if not info.get(name, True)]
    if missing:
        return Finding(
            "docker engine", Verdict.WARNING, f"{detail}; no {', '.join(missing)}", "enable these cgroup controllers"
        )
    return Finding("docker engine", Verdict.OK, detail)


def _examine_bubblewrap(_config: PoolConfig) -> Finding:
    try:
        BubblewrapBackend.probe()
    except PooldeckError as error:
        return Finding("user namespaces", Verdict.FAILED, error.message, error.hint)
    return Finding("user namespaces", Verdict.OK, "bubblewrap can make sandboxes here")


def _examine_guarantees(config: PoolConfig, backend: Backend) -> Iterator[Finding]:
    for guarantee, reason in backend.missing.items():
        yield Finding(guarantee, Verdict.WARNING, f"not promised by {backend.name}: {reason}")
    small = config.model_copy(
        update={
            "initial_size": 1, "min_size": 0, "max_size": 1, "reuse": "scrub", "memory": 128 << 20,
            "max_processes": 32, "disk": 8 << 20, "timeout": 10.0, "preload": (), "cpus": 0.5,
            "max_open_files": 256, "max_output": 1000,
        }
    )  # fmt: skip
    with ContainerPool(small, backend=backend) as pool:
        try:
            pool.wait(small.create_timeout)
        except PooldeckError as error:
            cause = error.__cause__ if isinstance(error.__cause__, PooldeckError) else error
            yield Finding(f"container from {config.image}", Verdict.FAILED, cause.message, cause.hint)
            return
        python = pool.snapshot().containers[0].metadata.python
        place = f"image {config.image}" if backend.name == "docker" else "this host"
        yield Finding("container", Verdict.OK, f"Python {python} of {place}")
        for probe in PROBES:
            if probe.subject in backend.missing:
                continue
            why_not = _why_not_tried(probe, config)
            yield Finding(probe.subject, Verdict.WARNING, f"not tried: {why_not}") if why_not else _try(pool, probe)
        yield _try_output(pool)
        if Guarantee.POST_MORTEM not in backend.missing:
            yield _try_post_mortem(pool)


def _why_not_tried(probe: Probe, config: PoolConfig) -> str:
    if probe.subject == Guarantee.NETWORK and config.network != "none":
        return f"network = {config.network!r} lets programs out"
    if probe.subject == Guarantee.SECCOMP and config.runtime not in ("", "runc", "crun"):
        return f"the runtime {config.runtime} filters in a way of its own"
    return ""


def _try(pool: ContainerPool, probe: Probe) -> Finding:
    timeout = 1.0 if probe.also is Outcome.TIMEOUT else None
    result = pool.execute(ExecutionRequest(probe.code, timeout=timeout))
    held = result.stdout.strip() == "held" or (probe.also is not None and result.outcome is probe.also)
    return _verdict(probe.subject, held, result.output.strip() or result.reason or result.outcome.value)


def _try_output(pool: ContainerPool) -> Finding:
    result = pool.execute("print('x' * 5000)")
    return _verdict(
        "output bounded", bool(result.truncated), f"{len(result.stdout_bytes)} bytes where 1000 are allowed"
    )


def _try_post_mortem(pool: ContainerPool) -> Finding:
    """Hang up on a container, which ends it, and see whether the backend says how."""
    lease = pool.get_container()
    lease.broken = "it was hung up on, to see whether its end is noticed"
    lease.explain(lease.broken)
    end = lease.container.post_mortem
    lease.release()
    return _verdict(Guarantee.POST_MORTEM, end is not None and end.exit_code is not None, "its end was not noticed")


def _verdict(subject: str, held: bool, seen: str) -> Finding:
    if held:
        return Finding(subject, Verdict.OK, "tried, and it holds")
    return Finding(
        subject,
        Verdict.FAILED,
        f"tried, and it does not hold: {seen.splitlines()[-1][:100]}",
        "do not run untrusted code here before this is mended",
    )
