"""An image that is not there is pulled, from a real registry, and a person sees how it goes."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.engine import client
from tests.terminal import Terminal
from tests.waiting import eventually

pytestmark = pytest.mark.docker


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An image that only the registry has, with a layer that takes a moment."""
    command = shutil.which("docker-registry")
    if command is None:
        pytest.skip("there is no docker-registry: a package of Debian")
    port = _free_port()
    config = tmp_path / "config.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with subprocess.Popen([command, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as registry:
        eventually(lambda: _answers(port))
        name = f"127.0.0.1:{port}/pulled:1"
        with contextlib.closing(client()) as api:
            archive = io.BytesIO()
            with tarfile.open(fileobj=archive, mode="w") as tar:
                blob = tarfile.TarInfo("blob")
                blob.size = 8 << 20
                tar.addfile(blob, io.BytesIO(os.urandom(blob.size)))
            made = api.create_container("python:3.11-slim", ["true"])["Id"]
            api.put_archive(made, "/", archive.getvalue())
            api.commit(made, repository=name.removesuffix(":1"), tag="1")
            api.remove_container(made)
            for line in api.push(name, stream=True, decode=True):
                assert "error" not in line, line
            api.remove_image(name, force=True)
            try:
                yield name
            finally:
                api.remove_image(name, force=True)
                registry.terminate()


def test_missing_image_is_pulled_with_a_bar(image: str) -> None:
    terminal = Terminal([sys.executable, "-m", "tui.entry", "run", "--image", image, "-c", "print('from it')"])
    try:
        terminal.until(r"pulling .*/pulled:1 .* of \d+ MiB")
        terminal.until("from it")
        assert terminal.wait() == 0
    finally:
        terminal.close()
