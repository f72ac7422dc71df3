"""The facade, and what can be imported from `engine`."""

from __future__ import annotations

import engine
from engine import errors
from engine.sandbox import CodeSandbox


def test_sandbox_without_a_pool_has_statistics_that_say_so() -> None:
    with CodeSandbox(use_pool=False) as sandbox:
        stats = sandbox.get_stats()
    assert stats["pool_enabled"] is False
    assert stats.keys() >= {
        "pool_id", "available_containers", "in_use_containers", "total_containers", "max_size", "min_size",
        "total_created", "total_destroyed", "total_executions", "total_resets", "health_check_failures",
        "containers", "timestamp",
    }  # fmt: skip
    assert (stats["total_containers"], stats["containers"]) == (0, [])


def test_sandbox_with_a_pool_has_its_statistics() -> None:
    with CodeSandbox(backend="process", pool_initial_size=1, pool_max_size=1) as sandbox:
        assert sandbox.pool is not None
        assert sandbox.get_stats()["pool_id"] == sandbox.pool.id


def test_every_public_name_is_there_and_every_error_is_public() -> None:
    for name in engine.__all__:
        assert getattr(engine, name).__name__ == name
    ours = {
        name for name, each in vars(errors).items() if isinstance(each, type) and each.__module__ == errors.__name__
    }
    assert ours <= set(engine.__all__)
