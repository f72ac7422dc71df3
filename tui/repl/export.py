"""A transcript as a file: a script, or a Jupyter notebook (nbformat 4.5)."""

from __future__ import annotations

import json
from typing import Any

from engine.execution import Outcome
from tui.repl.ansi import settled, without_colours
from tui.repl.transcript import Cell, Transcript


def as_script(transcript: Transcript) -> str:
    """Return the cells as a script with a `# %%` line before each; those that failed as comments."""
    parts = []
    for cell in transcript:
        code = cell.code.strip("\n")
        if cell.outcome is not Outcome.OK:
            code = "\n".join(f"# {line}".rstrip() for line in code.split("\n"))
        note = "" if cell.outcome is Outcome.OK else f" ended with: {cell.outcome.value.replace('_', ' ')}"
        parts.append(f"# %% Cell {cell.number}{note}\n{code}\n")
    return "\n".join(parts)


def as_notebook(transcript: Transcript) -> str:
    """Return the cells and their output as the JSON of a notebook."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        },
        "cells": [_notebook_cell(cell, position) for position, cell in enumerate(transcript, 1)],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _notebook_cell(cell: Cell, position: int) -> dict[str, Any]:
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": stream, "text": _lines(settled(text))} for stream, text in cell.output
    ]
    if cell.value is not None:
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": cell.number,
                "metadata": {},
                "data": {"text/plain": _lines(without_colours(cell.value))},
            }
        )
    return {
        "cell_type": "code",
        "id": f"cell-{position}",
        "execution_count": cell.number,
        "metadata": {},
        "source": _lines(cell.code.strip("\n")),
        "outputs": outputs,
    }


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
