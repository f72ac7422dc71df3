"""The agent's own bookkeeping, where only a race would show it in a container."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import SimpleNamespace

from engine.agent.agent import Agent
from engine.agent.children import Child


def test_child_that_is_reaped_before_the_agent_has_heard_of_it_is_buried() -> None:
    """The zygote reaps it, then tells; in between there is no such process to kill."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    out, out_writer = os.pipe()
    err, err_writer = os.pipe()
    ours, theirs = socket.socketpair()
    agent = Agent()
    told: list[int] = []
    agent._zygote = SimpleNamespace(wait_ended=lambda pid, *_: told.append(pid) or True)  # type: ignore[assignment, func-returns-value]
    agent._past.append(Child(process.pid, out, err, ours))
    agent.drop_past()
    assert (told, agent._past) == ([process.pid], [])
    for descriptor in (out_writer, err_writer):
        os.close(descriptor)
    theirs.close()
