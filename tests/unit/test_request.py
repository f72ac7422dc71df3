"""What a request may hold is checked where it is made, and said by the part's name."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import RequestError
from engine.execution import ExecutionRequest

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"code": 3}, "code is 3"),
    ({"code": None}, "code is None"),
    ({"stdin": 5}, "stdin is 5"),
    ({"args": "abc"}, "args is str 'abc'"),
    ({"args": (1,)}, "args holds 1"),
    ({"args": ("a\0",)}, "NUL byte"),
    ({"fetch": "*.json"}, r"fetch is str '\*.json'"),
    ({"fetch": ("../*",)}, r"fetch '../\*' leaves the working directory"),
    ({"fetch": ("/etc/*",)}, r"fetch '/etc/\*' leaves the working directory"),
    ({"env": ["A=1"]}, "env is "),
    ({"env": {"A": 1}}, "'A' = 1 is not text"),
    ({"env": {"A=B": ""}}, "'A=B' cannot be set"),
    ({"filename": "a/b.py"}, "is a path"),
    ({"filename": 3}, "filename is 3"),
    ({"files": {"../x": b""}}, "'../x' leaves the working directory"),
    ({"files": {"x": "text"}}, "file 'x' is str 'text'"),
    ({"files": {"main.py": b""}}, "'main.py' has the name of the program itself"),
    ({"files": {"./data.py": b""}, "filename": "data.py"}, "has the name of the program itself"),
    ({"timeout": float("inf")}, "timeout = inf: must be above 0 and at most 1000000 seconds"),
    ({"timeout": 1e30}, r"timeout = 1e\+30: must be above 0 and at most 1000000 seconds"),
    ({"timeout": float("nan")}, "timeout = nan: must be"),
    ({"timeout": "5"}, "timeout = '5': must be"),
    ({"timeout": True}, "timeout = True: must be"),
    ({"max_output": -1}, "max_output = -1: must be"),
    ({"max_output": 1.5}, "max_output = 1.5: must be"),
]


@pytest.mark.parametrize(("parts", "said"), WRONG)
def test_wrong_part_of_a_request_is_named(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        ExecutionRequest(**{"code": "", **parts})


def test_lists_are_taken_for_what_they_hold() -> None:
    request = ExecutionRequest("", args=["a"], fetch=["*.json"])  # type: ignore[arg-type]
    assert (request.args, request.fetch) == (("a",), ("*.json",))
