"""What the REPL's tests share."""

from __future__ import annotations

import pytest

from tests.repl.fakes import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
