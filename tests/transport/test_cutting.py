"""The cutter and the library's parser agree on every stream, wherever the reads fall."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from dualbroker.transport.cutting import FrameCutter

LARGEST = 70_000

sizes = st.one_of(st.integers(0, 300), st.sampled_from([125, 126, 127, 65_535, 65_536, LARGEST]))
texts = sizes.map(lambda size: [Frame(Opcode.TEXT, b"t" * size)])
controls = st.builds(
    lambda opcode, size: [Frame(opcode, b"c" * size)],
    st.sampled_from([Opcode.PING, Opcode.PONG]),
    st.integers(0, 125),
)
binaries = sizes.map(lambda size: [Frame(Opcode.BINARY, b"b" * size)])


@st.composite
def fragments(draw: st.DrawFn) -> list[Frame]:
    """One message in pieces, maybe with control frames between them."""
    parts = draw(st.lists(st.binary(max_size=40), min_size=2, max_size=4))
    frames: list[Frame] = []
    for number, part in enumerate(parts):
        opcode = Opcode.TEXT if number == 0 else Opcode.CONT
        frames.append(Frame(opcode, part, fin=number == len(parts) - 1))
        if number < len(parts) - 1:
            frames += draw(st.one_of(st.just([]), controls))
    return frames


good = st.lists(st.one_of(texts, texts, texts, controls, binaries, fragments()), max_size=12).map(
    lambda groups: b"".join(frame.serialize(mask=False) for group in groups for frame in group)
)
ends = st.sampled_from(
    [
        b"",
        Frame(Opcode.CLOSE, b"\x03\xe8bye").serialize(mask=False) + b"\x81\x03abc",
        Frame(Opcode.TEXT, b"masked").serialize(mask=True),
        b"\xc1\x02ab",  # a reserved bit
        b"\x83\x01x",  # an opcode that nobody knows
        b"\x80\x01x",  # a continuation of nothing
        b"\x09\x01x",  # a control frame in fragments
        b"\x89\x7e\x00\x80" + b"x" * 128,  # a control frame that is too long
        b"\x81\x7f" + (LARGEST + 1).to_bytes(8, "big") + b"x" * 50,
        b"\x81\xff" + b"\xff" * 12,
        b"\x01\x02ab\x81\x02cd",  # a new message among the fragments of another
    ]
)


class Both:
    """A stream's messages by the cutter with a parser behind it, or by the parser alone."""

    def __init__(self, *, cuts: bool) -> None:
        self.parser = Protocol(Side.CLIENT, max_size=LARGEST)
        self.cutter = FrameCutter(LARGEST) if cuts else None
        self.messages: list[bytes] = []
        self.others: list[Frame] = []
        self._part: list[bytes] = []

    def feed(self, data: bytes) -> None:
        if self.cutter is None or self.parser.state is not State.OPEN:
            self._parse(data)
            return
        cut, other = self.cutter.cut(data)
        self.messages += cut
        while other:
            self._parse(other)
            if self.parser.state is not State.OPEN:
                self._parse(self.cutter.tail())
                return
            cut, other = self.cutter.cut(b"")
            self.messages += cut

    def _parse(self, data: bytes) -> None:
        self.parser.receive_data(data)
        for frame in self.parser.events_received():
            assert isinstance(frame, Frame)
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._part.append(bytes(frame.data))
                if frame.fin:
                    self.messages.append(b"".join(self._part))
                    self._part = []
            else:
                self.others.append(frame)


@given(good, ends, st.lists(st.integers(1, 4_000), min_size=1, max_size=30))
def test_it_brings_what_the_parser_brings_wherever_reads_fall(
    frames: bytes, end: bytes, reads: list[int]
) -> None:
    stream = frames + end
    cutting, parsing = Both(cuts=True), Both(cuts=False)
    position = 0
    while position < len(stream):
        size = reads[position % len(reads)]
        read = stream[position : position + size]
        cutting.feed(read)
        parsing.feed(read)
        position += size
    assert cutting.messages == parsing.messages
    assert cutting.others == parsing.others
    assert cutting.parser.state is parsing.parser.state
    assert cutting.parser.close_sent == parsing.parser.close_sent
    # Of what is answered only the size: it is masked by chance.
    assert [len(sent) for sent in cutting.parser.data_to_send()] == [
        len(sent) for sent in parsing.parser.data_to_send()
    ]


def test_plain_text_never_reaches_the_parser_though_reads_end_within_frames() -> None:
    frame = Frame(Opcode.TEXT, b"x" * 130).serialize(mask=False)
    stream = frame * 50
    cutter = FrameCutter(LARGEST)
    found = []
    for start in range(0, len(stream), 97):
        messages, other = cutter.cut(stream[start : start + 97])
        assert other == b""
        found += messages
    assert found == [b"x" * 130] * 50


@pytest.mark.parametrize("kind", [b"\x82\x01b", b"\x89\x00", b"\x8a\x02pp"])
def test_another_frame_goes_to_the_parser_alone_and_only_when_it_is_whole(kind: bytes) -> None:
    cutter = FrameCutter(LARGEST)
    assert cutter.cut(b"\x81\x01a" + kind[:1]) == ([b"a"], b"")
    assert cutter.cut(kind[1:] + b"\x81\x01z\x81") == ([], kind)
    assert cutter.cut(b"") == ([b"z"], b"")
    assert cutter.tail() == b"\x81"
