"""The wire format: whatever the cuts, the frames come out whole; whatever the bytes, it is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agent import frames

FRAMES = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=300)), max_size=8)


@given(sent=FRAMES, cuts=st.lists(st.integers(1, 50), min_size=1))
def test_frames_survive_any_cutting(sent: list[tuple[int, int, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.encode(*frame) for frame in sent)
    reader, received, turn = frames.FrameReader(), [], 0
    while stream:
        piece, stream = stream[: cuts[turn % len(cuts)]], stream[cuts[turn % len(cuts)] :]
        received += [tuple(frame) for frame in reader.feed(piece)]
        turn += 1
    assert received == sent


@given(st.binary(max_size=2000))
def test_any_bytes_are_frames_or_a_typed_error_and_never_more_than_allowed(data: bytes) -> None:
    reader = frames.FrameReader(max_body=100)
    try:
        for frame in reader.feed(data):
            assert len(frame.body) <= 100
    except frames.FrameError:
        pass
    assert len(reader._buffer) <= len(data)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()), st.binary())
def test_messages_survive_the_way(fields: dict[str, object], blob: bytes) -> None:
    (frame,) = frames.FrameReader().feed(frames.encode_message(frames.RUN, 7, fields, blob))
    assert frames.decode_message(frame.body) == (fields, blob)


@given(st.binary())
def test_any_body_is_a_message_or_a_typed_error(body: bytes) -> None:
    try:
        frames.decode_message(body)
    except frames.FrameError:
        pass


@pytest.mark.parametrize("body", [b"", b"\0\0\0\x09{}", b"\0\0\0\x02[]", b"\0\0\0\x01{", b"\xff\xff\xff\xff{}"])
def test_broken_message_is_a_typed_error(body: bytes) -> None:
    with pytest.raises(frames.FrameError):
        frames.decode_message(body)
