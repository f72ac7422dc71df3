"""What the keys do at the prompt; `tui/repl/keys.py` tells people of them."""

from __future__ import annotations

import os
import shlex
import shutil

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer, ValidationState
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.validation import ValidationError

from tui.repl.shell import Shell
from tui.repl.source import INDENT, Completeness, indent_after

_STEP = len(INDENT)
_EDITORS = tuple(f"/usr/bin/{name}" for name in ("editor", "nano", "pico", "vi", "emacs"))
"""Those that prompt-toolkit tries in the end."""


@Condition
def _in_indentation() -> bool:
    before = get_app().current_buffer.document.current_line_before_cursor
    return bool(before) and not before.strip()


@Condition
def _at_line_start() -> bool:
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


def key_bindings(shell: Shell) -> KeyBindings:
    """Return the bindings of the input, which come before prompt-toolkit's own."""
    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER) & ~is_searching

    @bindings.add("enter", filter=typing)
    def _enter(event: KeyPressEvent) -> None:
        enter(shell, event.current_buffer)

    @bindings.add("escape", "enter", filter=typing)
    @bindings.add("c-j", filter=typing)
    def _submit(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("c-c", filter=typing)
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    @bindings.add("tab", filter=typing & ~_at_line_start)
    def _complete(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state:
            buffer.complete_next()
        else:
            buffer.start_completion(select_first=True)

    @bindings.add("tab", filter=typing & _at_line_start)
    def _indent(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.insert_text(" " * (_STEP - buffer.document.cursor_position_col % _STEP))

    @bindings.add("backspace", filter=typing & _in_indentation)
    def _dedent(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        buffer.delete_before_cursor((buffer.document.cursor_position_col - 1) % _STEP + 1)

    @bindings.add("up", filter=typing)
    def _earlier(event: KeyPressEvent) -> None:
        earlier(event.current_buffer)

    @bindings.add("down", filter=typing)
    def _later(event: KeyPressEvent) -> None:
        later(event.current_buffer)

    @bindings.add("f2", filter=typing)
    def _edit(event: KeyPressEvent) -> None:
        if problem := no_editor():
            _mark(event.current_buffer, event.current_buffer.cursor_position, problem)
        else:
            event.current_buffer.open_in_editor()

    return bindings


def enter(shell: Shell, buffer: Buffer) -> None:
    """Run the input if it is complete, mark its mistake, or go on in a new line."""
    if buffer.complete_state and buffer.complete_state.current_completion:
        buffer.complete_state = None  # the choice is made, not the cell entered
        return
    document = buffer.document
    if not document.is_cursor_at_the_end and not document.on_last_line:
        _new_line(buffer)
        return
    verdict = shell.judge(buffer.text)
    if verdict.completeness is Completeness.COMPLETE:
        buffer.validate_and_handle()
    elif verdict.completeness is Completeness.INCOMPLETE:
        _new_line(buffer)
    else:
        _mark(buffer, verdict.position, f"{verdict.message} (Alt+Enter sends it as it is)")


def _mark(buffer: Buffer, position: int, message: str) -> None:
    buffer.cursor_position = position
    buffer.validation_state = ValidationState.INVALID
    buffer.validation_error = ValidationError(position, message)


def no_editor() -> str:
    """Why no editor can be opened; empty if one can. prompt-toolkit does nothing then, and says nothing."""
    for name in ("VISUAL", "EDITOR"):
        try:
            command = shlex.split(os.environ.get(name, ""))
        except ValueError as error:
            return f"${name} cannot be run: {str(error).lower()}"
        if command and shutil.which(command[0]):
            return ""
    return "" if any(map(shutil.which, _EDITORS)) else "no editor is there: set $EDITOR to one"


def _new_line(buffer: Buffer) -> None:
    buffer.insert_text("\n" + indent_after(buffer.document.text_before_cursor))


def earlier(buffer: Buffer) -> None:
    """Up: in a menu that was entered, the choice above; else the line above, else an earlier entry."""
    if buffer.complete_state and buffer.complete_state.current_completion:
        buffer.complete_previous()
    elif buffer.document.cursor_position_row > 0:
        buffer.cursor_up()
    else:
        buffer.cancel_completion()
        buffer.history_backward()


def later(buffer: Buffer) -> None:
    """Down: into the menu where there is nothing later to go to; else as `earlier`."""
    newest = buffer.working_index == len(buffer._working_lines) - 1  # noqa: SLF001 - it has no other way to tell
    if buffer.complete_state and (buffer.complete_state.current_completion or newest):
        buffer.complete_next()
    elif not buffer.document.on_last_line:
        buffer.cursor_down()
    else:
        buffer.cancel_completion()
        buffer.history_forward()
