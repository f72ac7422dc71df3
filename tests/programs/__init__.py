"""Programs that tests run in containers, each a file of its own.

`leave_behind` and `leave_shared` try to leave something to the next run; `hostile` tries to
hurt the container it runs in. They find the places they may write to in $PLACES.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def programs(folder: str) -> list[object]:
    """The sources of all programs of a folder, as parameters named after their files."""
    return [pytest.param(path.read_text(), id=path.stem) for path in sorted((_HERE / folder).glob("*.py"))]
