"""The colours of Python in the REPL's input, from the app's theme."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.widgets.text_area import TextAreaTheme

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
