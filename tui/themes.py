"""The dashboard's own themes; Textual's are there too, in the palette."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="pooldeck-dark",
    primary="#4c8dff",
    secondary="#b48cff",
    accent="#4c8dff",
    success="#5fc48a",
    warning="#e3b04b",
    error="#f0616d",
    foreground="#cfd6e4",
    background="#0e1219",
    surface="#141a24",
    panel="#1c2431",
    dark=True,
    variables={
        "border": "#2a3445",
        "quiet": "#76839a",
        "state-starting": "#52c7d9",
        "footer-background": "#0e1219",
        "footer-key-foreground": "#4c8dff",
        "footer-description-foreground": "#76839a",
        "footer-item-background": "#0e1219",
        "footer-description-background": "#0e1219",
        "footer-key-background": "#0e1219",
        "scrollbar": "#2a3445",
        "scrollbar-background": "#0e1219",
        "scrollbar-background-hover": "#0e1219",
        "scrollbar-background-active": "#0e1219",
        "scrollbar-corner-color": "#0e1219",
    },
)

LIGHT = Theme(
    name="pooldeck-light",
    primary="#1f5fd6",
    secondary="#7a45c9",
    accent="#1f5fd6",
    success="#1f8a4c",
    warning="#9a6700",
    error="#c62f3d",
    foreground="#232a36",
    background="#fbfcfe",
    surface="#f1f4f9",
    panel="#e4e9f1",
    dark=False,
    variables={
        "border": "#cdd5e1",
        "quiet": "#66728a",
        "state-starting": "#0f7f95",
        "footer-background": "#fbfcfe",
        "footer-key-foreground": "#1f5fd6",
        "footer-description-foreground": "#66728a",
        "footer-item-background": "#fbfcfe",
        "footer-description-background": "#fbfcfe",
        "footer-key-background": "#fbfcfe",
        "scrollbar": "#cdd5e1",
        "scrollbar-background": "#fbfcfe",
        "scrollbar-background-hover": "#fbfcfe",
        "scrollbar-background-active": "#fbfcfe",
        "scrollbar-corner-color": "#fbfcfe",
    },
)

ANSI = Theme(
    name="pooldeck-ansi",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_magenta",
    accent="ansi_bright_blue",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    luminosity_spread=0.0,
    text_alpha=1.0,
    variables={
        "border": "ansi_bright_black",
        "quiet": "ansi_bright_black",
        "state-starting": "ansi_cyan",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
        "footer-background": "ansi_default",
        "footer-key-foreground": "ansi_bright_blue",
        "footer-description-foreground": "ansi_bright_black",
        "footer-item-background": "ansi_default",
        "footer-description-background": "ansi_default",
        "footer-key-background": "ansi_default",
        "scrollbar": "ansi_bright_black",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)

THEMES = (DARK, LIGHT, ANSI)
"""In the order in which the key goes through them."""

FALLBACKS = {"quiet": "#808080", "state-starting": "ansi_cyan"}
"""What the style sheet needs and another theme may not have."""
