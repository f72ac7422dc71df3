"""One pool for each backend; the same tests run on every one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.backends.base import Guarantee
from engine.execution import ExecutionRequest, ExecutionResult
from engine.pool import ContainerPool
from tests.conftest import need


class Bench:
    """A pool of one container, and short ways to use it."""

    def __init__(self, pool: ContainerPool) -> None:
        self.pool = pool
        self.backend = pool.backend

    def run(self, code: str | bytes, **request: object) -> ExecutionResult:
        """Run one program in a leased container, which is scrubbed afterwards."""
        return self.pool.execute(ExecutionRequest(code, **request), timeout=20)  # type: ignore[arg-type]

    def promises(self, guarantee: Guarantee) -> bool:
        return guarantee not in self.backend.missing

    def require(self, guarantee: Guarantee) -> None:
        """End the test here, having shown that the backend says itself that it cannot promise this."""
        if not self.promises(guarantee):
            pytest.skip(f"{self.backend.name} does not promise {guarantee.value!r}: {self.backend.missing[guarantee]}")


@pytest.fixture(scope="module", params=["docker", "bubblewrap", "process"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    need(request.param)
    with ContainerPool(
        backend=request.param,
        initial_size=1,
        min_size=1,
        max_size=1,
        memory="160m",
        disk="8m",
        max_processes=40,
        timeout=20,
        reset_timeout=20,  # a busy machine is not what is tested
        max_file_bytes="4m",
        max_output="1m",
    ) as pool:
        pool.wait(30)
        yield Bench(pool)


@pytest.fixture
def _no_threads_left() -> None:
    """The pool of a module has threads while a test runs."""
