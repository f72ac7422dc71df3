"""The colours of Python in the REPL's input and output, from the app's theme."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.style import Style
from textual.widgets.text_area import TextAreaTheme

if TYPE_CHECKING:
    from pygments.lexers.python import PythonLexer

_TOKENS = {
    "keyword": ("secondary", True),
    "keyword.function": ("secondary", True),
    "keyword.return": ("secondary", True),
    "keyword.operator": ("secondary", False),
    "conditional": ("secondary", True),
    "repeat": ("secondary", True),
    "exception": ("secondary", True),
    "include": ("secondary", True),
    "operator": ("foreground", False),
    "string": ("success", False),
    "string.documentation": ("success", False),
    "comment": ("quiet", False),
    "number": ("warning", False),
    "float": ("warning", False),
    "boolean": ("warning", False),
    "constant.builtin": ("warning", False),
    "function": ("primary", False),
    "function.call": ("primary", False),
    "method": ("primary", False),
    "method.call": ("primary", False),
    "function.builtin": ("state-starting", False),
    "class": ("state-starting", False),
    "type": ("state-starting", False),
    "type.class": ("state-starting", False),
}
"""Token of the highlighting query to a variable of the theme, and whether it is bold."""


def syntax_theme(variables: Mapping[str, str]) -> TextAreaTheme:
    """Return a theme for the input whose colours are those of the app's theme."""

    def style(variable: str, bold: bool) -> Style:
        colour = variables.get(variable, "default")
        return Style(color=colour.removeprefix("ansi_") if colour else None, bold=bold or None)

    return TextAreaTheme(
        name="pooldeck", syntax_styles={token: style(variable, bold) for token, (variable, bold) in _TOKENS.items()}
    )


_MAX_HIGHLIGHTED = 20_000
"""Characters of the longest text that is highlighted; Pygments takes its time."""

_COLOURS = (("Keyword", "scrub"), ("Literal.String", "good"), ("Literal.Number", "warn"), ("Comment", "dim"),
            ("Name.Builtin", "busy"), ("Name.Function", "busy"), ("Operator.Word", "scrub"))  # fmt: skip
"""Pygments' tokens, and the names of colours in `tui.looks`."""


@lru_cache(1)
def _lexer() -> PythonLexer:
    from pygments.lexers.python import PythonLexer

    return PythonLexer(stripnl=False, ensurenl=False)


def load_highlighting() -> None:
    """Import what highlights, and compile its patterns: takes a while. From any thread."""
    python_parts("0")


def python_parts(code: str) -> list[tuple[str, str]]:
    """Return Python cut into texts with the names of their colours."""
    if len(code) > _MAX_HIGHLIGHTED:
        return [(code, "text")]
    return [(text, _colour(str(kind).removeprefix("Token."))) for kind, text in _lexer().get_tokens(code)]


def _colour(kind: str) -> str:
    return next((colour for name, colour in _COLOURS if kind.startswith(name)), "text")
