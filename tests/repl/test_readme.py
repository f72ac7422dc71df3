"""The README says of the REPL what the registries say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.repl import commands, keys

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(("mark", "table"), [("keys", keys.as_markdown()), ("commands", commands.as_markdown())])
def test_readme_has_the_table(mark: str, table: str) -> None:
    text = README.read_text()
    stands = text.partition(f"<!-- repl-{mark} -->\n")[2].partition(f"<!-- /repl-{mark} -->")[0]
    assert stands == table + "\n", f"put this between the marks:\n{table}"
