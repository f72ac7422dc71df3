"""The wire format between the host and the agent, shared by both ends.

A frame is a 9-byte header (body length, kind, request id; big-endian) and a body.
Bodies that carry a program's bytes are raw; bodies that carry fields are a *message*:
a 4-byte length, that many bytes of JSON, and the rest as an opaque blob.

Nothing a program prints can become a frame: its output travels only as the body of
`STDOUT` and `STDERR` frames, which the agent alone writes.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Dict, Iterator, NamedTuple, Tuple

PROTOCOL = 4
"""Raised whenever a frame changes its meaning; both ends refuse another's."""

MAX_BODY = 4 << 20
"""Longest body either end accepts, bytes. Longer things travel in pieces."""

CHUNK = 64 << 10
"""Largest piece of a file or of output in one frame, bytes: a pipe's capacity."""

# Host to agent.
HELLO = 1
"""Message: the settings of the container. Answered by READY or FAILED."""
PUT = 2
"""Message {path, append} + bytes: a piece of a file for the working directory."""
STDIN = 3
"""Bytes of the next program's standard input."""
RUN = 4
"""Message {filename, args, env, timeout, max_output, fetch, feed (input comes by FEED), ...} + source."""
CANCEL = 5
"""No body: end the running request at once."""
STATUS = 6
"""No body: answered by GAUGES, also while a program runs."""
RESET = 7
"""No body: scrub, take the next child, answer SCRUBBED."""
CHECK = 8
"""No body: answered by CHECKED."""
OPEN = 9
"""No body: start an interpreter for cells; answered by OPENED."""
CELL = 10
"""Message {number, timeout, max_output} + source: run one cell; answered by RESULT."""
INPUT = 11
"""Message {serial, text}: the answer to INPUT_WANTED of the same request; no text is end of file."""
INTERRUPT = 12
"""No body: KeyboardInterrupt in the running cell; a second time, kill the interpreter."""
COMPLETE = 13
"""Message {code, cursor, help}: answered by COMPLETED, also while a cell runs, if the interpreter can."""
FILES = 14
"""Message {paths, max_fetch}: answered by FILE for each of those files, then LISTED."""

FEED = 15
"""Bytes of the running program's standard input; none: its end. Dropped if that program is over."""

# Agent to host.
READY = 64
FAILED = 65
STDOUT = 66
STDERR = 67
FILE = 68
"""Message {path, last} + bytes: a piece of a fetched file."""
RESULT = 69
"""Message; of a cell with the interpreter's own words as its blob, which nobody has verified."""
GAUGES = 70
SCRUBBED = 71
CHECKED = 72
REFUSED = 73
"""Message {reason}: instead of RESULT, for a RUN whose files could not be put."""
OPENED = 74
INPUT_WANTED = 75
"""The interpreter's own words: a JSON object {serial, prompt, secret}."""
COMPLETED = 76
"""The interpreter's own words: a JSON object."""
LISTED = 77
"""Message {files: [[path, size], ...], refused}."""
FED = 78
"""Message {size, more}: so many bytes of FEED are on their way to the program; whether it takes more."""

_HEADER = struct.Struct(">IBI")
_LENGTH = struct.Struct(">I")


class FrameError(Exception):
    """The other end sent bytes that are not a frame."""


class Frame(NamedTuple):
    """One frame as it was read."""

    kind: int
    request: int
    body: bytes


def encode(kind: int, request: int, body: bytes = b"") -> bytes:
    """Return the bytes of one frame.

    Raises:
        FrameError: if the body is longer than the other end takes.
    """
    if len(body) > MAX_BODY:
        raise FrameError("a body of %d bytes is longer than %d" % (len(body), MAX_BODY))
    return _HEADER.pack(len(body), kind, request) + body


def encode_message(kind: int, request: int, fields: Dict[str, Any], blob: bytes = b"") -> bytes:
    """Return the bytes of one frame that carries `fields` as JSON and then `blob`."""
    text = json.dumps(fields, separators=(",", ":")).encode()
    return encode(kind, request, _LENGTH.pack(len(text)) + text + blob)


def decode_message(body: bytes) -> Tuple[Dict[str, Any], bytes]:
    """Split a message's body into its fields and its blob.

    Raises:
        FrameError: if the body is cut short or its JSON is not an object.
    """
    if len(body) < 4:
        raise FrameError("message is shorter than its length field")
    end = 4 + int(_LENGTH.unpack_from(body)[0])
    if end > len(body):
        raise FrameError("message is shorter than its JSON")
    try:
        fields = json.loads(body[4:end].decode())
    except (ValueError, RecursionError) as error:
        raise FrameError("message is not JSON: %s" % error) from None
    if not isinstance(fields, dict):
        raise FrameError("message is not a JSON object")
    return fields, body[end:]


class FrameReader:
    """Cuts a byte stream into frames, never holding more than one frame and one read."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._buffer = bytearray()
        self._max_body = max_body

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield every frame that `data` completes.

        Raises:
            FrameError: if a header announces a body longer than allowed.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _HEADER.size:
                length, kind, request = _HEADER.unpack_from(buffer, start)
                if length > self._max_body:
                    raise FrameError("frame of %d bytes is longer than %d" % (length, self._max_body))
                end = start + _HEADER.size + length
                if end > len(buffer):
                    break
                body = bytes(buffer[start + _HEADER.size : end])
                start = end
                yield Frame(kind, request, body)
        finally:
            del buffer[:start]
