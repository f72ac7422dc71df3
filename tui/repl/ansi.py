"""What of a program's output may reach a terminal: text, colours, and nothing that acts.

A terminal obeys what it is sent: it sets titles and the clipboard, moves its cursor over what
stands there already, answers questions as if a person had typed. Programs here are not trusted,
so only SGR (colours and weight) of ECMA-48 is let through, besides text, newlines and tabs.
"""

from __future__ import annotations

import codecs
import re
from enum import Enum, auto

RESET = "\x1b[0m"

_MAX_SGR = 64
"""Characters of the longest SGR sequence that is kept; real ones need fewer than 20."""

_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_STRING_END = re.compile("[\x07\x18\x1a\x1b\x9c\n]")
_SGR_PARAMETERS = re.compile(r"[0-9;:]*")
_SGR = re.compile(r"\x1b\[[0-9;:]*m")

_STRING_OPENERS = frozenset("]PX^_")
"""After ESC: OSC, DCS, SOS, PM and APC, which go on until a string terminator."""
_C1_STRING_OPENERS = frozenset("\x90\x98\x9d\x9e\x9f")
"""The same five as single characters."""
_ABORTS = frozenset("\x18\x1a")


class _State(Enum):
    """Where in a sequence the next character is."""

    TEXT = auto()
    ESCAPE = auto()
    """After ESC, and after its intermediate characters."""
    CONTROL = auto()
    """In a CSI sequence, whose final character says what it does."""
    STRING = auto()
    """In a sequence with a text of its own, such as a title."""


class AnsiFilter:
    """Lets text and colours through, whatever comes and however it is cut. Not thread-safe.

    Its memory is bounded: of what is taken away only the parameters of one short sequence are
    ever kept. A carriage return is kept where something follows it on the same line, as in a
    progress bar; before a newline it is dropped.
    """

    def __init__(self, *, colours: bool = True) -> None:
        """Args: colours: whether SGR sequences are kept."""
        self._colours = colours
        self._state = _State.TEXT
        self._parameters = ""
        self._returned = False
        self._coloured = False

    def feed(self, text: str) -> str:
        """Return what of the next piece may be shown; what is not complete yet waits."""
        out: list[str] = []
        at = 0
        while at < len(text):
            match self._state:
                case _State.TEXT:
                    at = self._text(text, at, out)
                case _State.ESCAPE:
                    at = self._escape(text[at], at)
                case _State.CONTROL:
                    at = self._control(text[at], at, out)
                case _State.STRING:
                    at = self._string(text, at)
        return "".join(out)

    def close(self) -> str:
        """Forget a sequence that never ended, and return what puts the colours back."""
        self._state, self._returned = _State.TEXT, False
        coloured, self._coloured = self._coloured, False
        return RESET if coloured else ""

    def _text(self, text: str, at: int, out: list[str]) -> int:
        special = _SPECIAL.search(text, at)
        end = special.start() if special else len(text)
        if end > at:
            if self._returned and text[at] != "\n":
                out.append("\r")
            self._returned = False
            out.append(text[at:end])
        if special is None:
            return end
        character = special[0]
        if character == "\x1b":
            self._state, self._parameters = _State.ESCAPE, ""
        elif character == "\x9b":
            self._state, self._parameters = _State.CONTROL, ""
        elif character in _C1_STRING_OPENERS:
            self._state = _State.STRING
        elif character == "\r":
            self._returned = True
        elif character >= "\ud800":
            out.append("\ufffd")  # half of a pair: no terminal's encoding has it
        elif character > "\x9f":
            # Bidirectional embeddings, overrides and isolates: a line would read as what it is not.
            out.append(f"\\u{ord(character):04x}")
        return end + 1

    def _escape(self, character: str, at: int) -> int:
        if character == "[" and not self._parameters:
            self._state = _State.CONTROL
        elif character in _STRING_OPENERS and not self._parameters:
            self._state = _State.STRING
        elif character == "\x1b":
            self._parameters = ""
        elif " " <= character <= "/":
            self._parameters = character  # as in ESC ( B: one more is to come
        else:
            self._state = _State.TEXT
            if not "0" <= character <= "~" and character not in _ABORTS:
                return at  # no part of a sequence: look at it as text
        return at + 1

    def _control(self, character: str, at: int, out: list[str]) -> int:
        if " " <= character <= "?":
            if len(self._parameters) <= _MAX_SGR:
                self._parameters += character
            return at + 1
        self._state = _State.TEXT
        if not "@" <= character <= "~":
            return at + 1 if character in _ABORTS else at
        if character == "m" and len(self._parameters) <= _MAX_SGR and _SGR_PARAMETERS.fullmatch(self._parameters):
            self._coloured = self._parameters.strip("0;") != ""
            if self._colours:
                out.append(f"\x1b[{self._parameters}m")
        return at + 1

    def _string(self, text: str, at: int) -> int:
        """Skip to the end of a string, or of the line: one that is never ended must not swallow all."""
        end = _STRING_END.search(text, at)
        if end is None:
            return len(text)
        self._state = _State.TEXT
        return end.start() if end[0] in "\x1b\n" else end.end()


class OutputFilter:
    """An `AnsiFilter` for bytes, which may be cut within a character. Not thread-safe."""

    def __init__(self, *, colours: bool = True) -> None:
        """Args: colours: whether SGR sequences are kept."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._filter = AnsiFilter(colours=colours)

    def feed(self, data: bytes) -> str:
        """Return what of the next piece may be shown."""
        return self._filter.feed(self._decoder.decode(data))

    def close(self) -> str:
        """Return what is left at the end of the output, and what puts the colours back."""
        return self._filter.feed(self._decoder.decode(b"", final=True)) + self._filter.close()


def safe_text(text: str, *, colours: bool = False) -> str:
    """Return a whole text as a terminal may have it."""
    each = AnsiFilter(colours=colours)
    end = each.feed(text)
    return end + (each.close() if colours else "")


def one_line(text: str) -> str:
    """Return a name or the like as a terminal may have it: one line, what has no look of its own escaped."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def without_colours(text: str) -> str:
    """Return filtered text without its SGR sequences."""
    return _SGR.sub("", text)


def settled(text: str) -> str:
    """Return what stands in the end where carriage returns have begun lines anew."""
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
