"""The shell's parts in prompt-toolkit's interfaces: completion, history, highlighting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_len
from prompt_toolkit.history import History
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.lexers import Lexer

from tui.repl.commands import COMMANDS, is_command
from tui.repl.completion import complete
from tui.repl.console import Console
from tui.repl.history import HistoryStore

if TYPE_CHECKING:
    from prompt_toolkit.lexers import PygmentsLexer

_HELP = {f"%{command.name}": command.help for command in COMMANDS}


class ShellCompleter(Completer):
    """Asks the live interpreter; prompt-toolkit calls it in a thread of its own."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the ways to go on."""
        text, cursor = document.text, document.cursor_position
        if not complete_event.completion_requested and not document.char_before_cursor.strip():
            return  # nothing was begun: a menu of everything is only in the way
        found = complete(self._console, text, cursor)
        for item in found.items:
            meta = _HELP.get(item.text, item.kind.value)
            yield Completion(item.text, start_position=found.start - cursor, display_meta=meta)


class StoredHistory(History):
    """The stored entries, and what is entered now; loaded by prompt-toolkit in a thread of its own."""

    def __init__(self, store: HistoryStore) -> None:
        super().__init__()
        self._store = store

    def load_history_strings(self) -> Iterable[str]:
        """Yield the entries, the newest first."""
        return reversed(self._store.entries())

    def store_string(self, string: str) -> None:
        """Keep an entry."""
        self._store.add(string)


class CellLexer(Lexer):
    """Python, or a command; plain until Pygments is imported, which no key waits for."""

    def __init__(self) -> None:
        self._python: PygmentsLexer | None = None

    def load(self) -> None:
        """Import what highlights. From any thread."""
        from prompt_toolkit.lexers import PygmentsLexer
        from pygments.lexers.python import PythonLexer

        python = PygmentsLexer(PythonLexer)
        python.lex_document(Document("0"))(0)  # its patterns are compiled when it is first used
        self._python = python

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return what highlights a line."""
        if self._python is None:
            return lambda line: [("", document.lines[line])]
        python = self._python.lex_document(document)
        if not is_command(document.text):
            return python
        first = document.lines[0]
        name = len(first) - len(first.lstrip()) + len(first.split(maxsplit=1)[0])

        def lex(line: int) -> StyleAndTextTuples:
            return python(line) if line else [("class:command", first[:name]), ("", first[name:])]

        return lex


class MistakeMarker(Processor):
    """Marks the place of a mistake until the text is changed."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Highlight one character of one line."""
        given = transformation_input
        error = given.buffer_control.buffer.validation_error
        if error is None or is_done():
            return Transformation(given.fragments)
        row, column = given.document.translate_index_to_position(error.cursor_position)
        if row != given.lineno:
            return Transformation(given.fragments)
        fragments = explode_text_fragments(given.fragments)
        column = given.source_to_display(column)
        if column >= fragment_list_len(fragments):
            fragments = explode_text_fragments([*fragments, ("", " ")])
            column = len(fragments) - 1
        fragments[column] = ("class:mistake", fragments[column][1])
        return Transformation(list(fragments))
