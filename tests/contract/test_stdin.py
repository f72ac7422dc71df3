"""Standard input that comes while a program runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from engine.errors import RequestError
from engine.execution import ExecutionRequest, Outcome
from tests.contract.conftest import Bench


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reader, writer = (os.fdopen(end, mode, buffering=0) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with reader, writer:
        yield reader, writer


def test_input_arrives_while_the_program_runs(bench: Bench) -> None:
    code = "for _ in range(3): print('next', flush=True); print(input())\nimport sys; print(repr(sys.stdin.read()))"
    answers = [b"one\n", b"two\n", b"three\n"]
    with _pipe() as (reader, writer), bench.pool.lease(20) as container:

        def answer(_name: str, data: bytes) -> None:
            for _ in range(data.count(b"next")):
                writer.write(answers.pop(0))
                if not answers:
                    writer.close()

        result = container.run(ExecutionRequest(code, stdin=reader), answer)
    assert result.stdout == "next\none\nnext\ntwo\nnext\nthree\n''\n"


def test_silent_input_holds_up_nobody(bench: Bench) -> None:
    with _pipe() as (reader, _):
        assert bench.run("print(1)", stdin=reader).stdout == "1\n"


def test_large_input_arrives_whole(bench: Bench) -> None:
    code = "import sys, hashlib; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    data = os.urandom(3_000_000)
    with open("large", "wb+") as file:
        file.write(data)
        file.seek(0)
        got = bench.run(code, stdin=file)
    assert got.stdout == bench.run(code, stdin=data).stdout


@pytest.mark.parametrize(
    "code", ["import os; os.close(0); print(1)", "print(1)", "import sys; sys.stdin.buffer.read(300_000); print(1)"]
)
def test_endless_input_ends_with_the_program(bench: Bench, code: str) -> None:
    with open("/dev/zero", "rb") as endless:
        assert bench.run(code, stdin=endless).stdout == "1\n"


def test_program_that_reads_endless_input_can_be_stopped(bench: Bench) -> None:
    with open("/dev/zero", "rb") as endless:
        result = bench.run("import sys\nwhile True: sys.stdin.buffer.read(1 << 16)", stdin=endless, timeout=0.5)
    assert result.outcome is Outcome.TIMEOUT


def test_what_one_program_left_of_its_input_is_not_the_nexts(bench: Bench) -> None:
    with open("/dev/zero", "rb") as endless, bench.pool.lease(20) as container:
        assert container.run(ExecutionRequest("print(1)", stdin=endless)).stdout == "1\n"
        for _ in range(3):
            assert container.run("import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def test_flowing_input_can_be_opened_by_name(bench: Bench) -> None:
    with _pipe() as (reader, writer):
        writer.write(b"named")
        writer.close()
        assert bench.run("print(open('/dev/stdin').read())", stdin=reader).stdout == "named\n"


def test_input_without_a_descriptor_is_refused() -> None:
    closed = open(os.devnull, "rb")  # noqa: SIM115
    closed.close()
    with pytest.raises(RequestError, match="stdin has no descriptor"):
        ExecutionRequest("", stdin=closed)


def test_no_descriptor_is_left_by_input_that_flowed(bench: Bench) -> None:
    bench.run("print(1)")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with open("/dev/zero", "rb") as endless:
            assert bench.run("print(1)", stdin=endless).stdout == "1\n"
    assert len(os.listdir("/proc/self/fd")) == before
