"""From a started container to one whose agent is ready."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from engine.agent.channel import AgentChannel
from engine.backends.base import Backend, ContainerSpec, Launched
from engine.container import ContainerMetadata
from engine.errors import BackendError, ContainerLost, ImageUnusable, PooldeckError


def hand_over(
    launched: Launched, backend: Backend, spec: ContainerSpec, metadata: ContainerMetadata, timeout: float
) -> tuple[AgentChannel, ContainerMetadata]:
    """Give the agent to a container and wait until it is ready; destroy it if that fails.

    Args:
        timeout: seconds for the agent to be ready, preloading included.

    Returns:
        The channel, and `metadata` with what the agent said of itself.

    Raises:
        ImageUnusable: if the agent says it cannot work here, or the interpreter failed.
        BackendError: if there was no answer.
    """
    channel = AgentChannel(launched.stream)
    plan = {
        **launched.plan,
        "preload": list(spec.preload),
        "env": dict(spec.env),
        "reset_timeout": spec.reset_timeout,
    }
    try:
        info = channel.start(plan, timeout)
    except BaseException as error:
        complaint = launched.stream.complaint.decode("utf-8", "replace").strip()
        channel.close()
        with suppress(PooldeckError):
            backend.destroy(launched.id)
        if isinstance(error, ContainerLost):
            if complaint:
                last = complaint.splitlines()[-1]
                raise ImageUnusable(f"the agent could not start in {metadata.image}: {last}") from error
            end = backend.post_mortem(launched.id)
            raise BackendError(f"a new container was lost: {error.message}{f' ({end})' if end else ''}") from error
        raise
    return channel, replace(metadata, python=info.python, places=info.places)
