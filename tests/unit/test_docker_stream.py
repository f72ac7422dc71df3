"""The engine's own framing is taken off, however it is cut."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from engine.backends.docker_stream import AttachedStream


class Pieces:
    """A connection that delivers the given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def recv(self, size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=40)), max_size=10),
    st.lists(st.integers(1, 30), min_size=1),
)
def test_stdout_comes_out_whole_and_stderr_is_remembered(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    whole = b"".join(struct.pack(">BxxxI", kind, len(data)) + data for kind, data in sent)
    pieces = []
    while whole:
        pieces.append(whole[: cuts[len(pieces) % len(cuts)]])
        whole = whole[len(pieces[-1]) :]
    stream = AttachedStream(Pieces(pieces))
    received = b""
    while data := stream.receive(100):
        received += data
    assert received == b"".join(data for kind, data in sent if kind == 1)
    assert stream.complaint == b"".join(data for kind, data in sent if kind == 2)
