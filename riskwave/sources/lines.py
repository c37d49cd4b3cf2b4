"""Lines of a byte stream, in blocks, with bounded memory whatever the stream holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from riskwave.sources.batch import MAX_ROW_BYTES

CHUNK = 1 << 18
#: A block of lines stops growing here, whatever number of lines was asked for.
BLOCK_BYTES = 32 << 20
_BOM = b"\xef\xbb\xbf"


class Bytes(Protocol):
    """A stream of bytes; `read` returns b"" when there is no more (or no more yet)."""

    growing: bool  # more may come after b"": an unfinished last line waits

    def read(self, size: int) -> bytes:
        """At most size bytes."""

    def fail_if_damaged(self, line: int) -> None:
        """RiskwaveError naming the file and the line, when b"" was the end only because of damage."""

    def close(self) -> None:
        """Let go of the file."""


@dataclass
class Block:
    """Whole lines without their newlines. When too_long is set, the last line is the kept start of one."""

    first: int
    lines: list[bytes]
    too_long: str | None = None


class LineReader:
    """Splits a stream at newlines; of a line over MAX_ROW_BYTES it keeps the start, the length and a hash."""

    def __init__(self, stream: Bytes) -> None:
        self._stream = stream
        self._ready: list[bytes] = []  # whole lines, the first of which has the number self.number
        self._reasons: dict[int, str] = {}  # of lines that were too long, by number
        self._tail = b""
        self._long: _LongLine | None = None
        self._ended = False
        self.number = 0  # of the next line taken

    def take(self, max_lines: int) -> Block | None:
        """At most max_lines lines, none when there are no more yet; None at the end of the stream.

        Raises RiskwaveError, after the last whole line, for a damaged stream.
        """
        self._fill(max_lines)
        if not self._ready and self._ended:
            return None
        first, too_long = self.number, None
        if self._reasons and (number := min(self._reasons)) < first + max_lines:
            max_lines, too_long = number - first + 1, self._reasons.pop(number)
        lines, self._ready = self._ready[:max_lines], self._ready[max_lines:]
        if first == 0 and lines and lines[0].startswith(_BOM):
            lines[0] = lines[0][len(_BOM) :]
        self.number += len(lines)
        return Block(first, lines, too_long)

    def skip(self, lines: int) -> int:
        """Pass over lines; returns how many there were."""
        passed = 0
        while passed < lines:
            block = self.take(min(lines - passed, 65536))
            if block is None or not block.lines:
                break
            passed += len(block.lines)
        return passed

    def close(self) -> None:
        """Let go of the stream."""
        self._stream.close()

    def _fill(self, max_lines: int) -> None:
        """Read until max_lines are ready, or BLOCK_BYTES were read, or there is no more."""
        size = 0
        while len(self._ready) < max_lines and size < BLOCK_BYTES and not self._ended:
            chunk = self._stream.read(CHUNK)
            if not chunk:
                self._at_end()
                return
            if self._long is not None:
                end, newline, chunk = chunk.partition(b"\n")
                self._long.add(end)
                if not newline:
                    continue
                self._end_long()
            size += len(chunk)
            parts = (self._tail + chunk).split(b"\n")
            self._tail = parts.pop()
            if parts and len(parts[0]) > MAX_ROW_BYTES:  # only the first can be longer than a chunk
                self._long = _LongLine(parts.pop(0))
                self._end_long()
            self._ready += parts
            if len(self._tail) > MAX_ROW_BYTES:
                self._long, self._tail = _LongLine(self._tail), b""

    def _at_end(self) -> None:
        if self._stream.growing or self._ready:
            return  # damage is told after the last whole line
        if self.number == 0 and self._tail == _BOM:
            self._tail = b""  # a mark and nothing to read by it: no line
        self._stream.fail_if_damaged(self.number)
        self._ended = True
        if self._long is not None:
            self._end_long()
        elif self._tail:
            self._ready, self._tail = [self._tail], b""

    def _end_long(self) -> None:
        assert self._long is not None  # noqa: S101 - for the type checker
        self._reasons[self.number + len(self._ready)] = self._long.reason()
        self._ready.append(self._long.start)
        self._long = None


class _LongLine:
    """What is kept of a line that is too long."""

    def __init__(self, start: bytes) -> None:
        self.start = start[:MAX_ROW_BYTES]
        self._length = len(start)
        self._sha256 = hashlib.sha256(start)

    def add(self, more: bytes) -> None:
        self._length += len(more)
        self._sha256.update(more)

    def reason(self) -> str:
        return f"longer than {MAX_ROW_BYTES} bytes: {self._length} bytes, sha256 {self._sha256.hexdigest()}"
