"""Events that were accepted, kept until they are decided: append-only files beside the state."""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from io import FileIO
from itertools import pairwise
from pathlib import Path

from riskwave.durable import sync
from riskwave.errors import RiskwaveError

SEGMENT_BYTES = 64 << 20


def spool_folder(state: Path) -> Path:
    """Where a state's accepted events wait: `bank.duckdb.spool/` beside `bank.duckdb`."""
    return Path(f"{state}.spool")


@dataclass(frozen=True)
class Record:
    """An accepted event. offset: its place in the spool; received: microseconds since 1970; body: its JSON."""

    offset: int
    received: int
    body: bytes


class Spool:
    """Segments named by their first offset, a line an event; a thread writes, and syncs once for all that wait."""

    def __init__(self, folder: Path, accepted: Callable[[Sequence[Record]], None], *, start: int = 0) -> None:
        """accepted: told, in order, of events that are safe; start: the first offset not yet decided.

        Raises RiskwaveError when the folder cannot be used.
        """
        self._folder = folder
        self._accepted = accepted
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.next = max([start, *(self._mend(path) for path in self._segments())])
            self._file = self._open()
        except OSError as error:
            raise RiskwaveError(f"{folder}: accepted events cannot be kept there ({error.strerror})") from error
        self._queue: queue.Queue[tuple[Sequence[bytes], int, Future[list[int]]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="riskwave-spool", daemon=True)
        self._thread.start()

    def append(self, bodies: Sequence[bytes], received: int) -> Future[list[int]]:
        """Keep events; their offsets once they are on the disk."""
        kept: Future[list[int]] = Future()
        self._queue.put((bodies, received, kept))
        return kept

    def waiting(self, start: int) -> Iterator[Record]:
        """What was accepted from an offset on. To be read before the first append."""
        for path in self._segments():
            with path.open("rb") as file:
                for offset, line in enumerate(file, int(path.stem)):
                    if offset >= start:
                        received, _, body = line.rstrip(b"\n").partition(b" ")
                        yield Record(offset, int(received), body)

    def forget(self, start: int) -> None:
        """Remove the segments whose events are all before an offset."""
        segments = self._segments()
        for path, after in pairwise(segments):
            if int(after.stem) <= start:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Keep what was given, and close the file."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"), key=lambda path: int(path.stem))

    def _mend(self, path: Path) -> int:
        """The offset after a segment's last whole line; half a line was never accepted, and is cut off."""
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
        return int(path.stem) + content.count(b"\n")

    def _open(self) -> FileIO:
        path = self._folder / f"{self.next:020d}.jsonl"
        file = FileIO(path, "ab")
        sync(self._folder)
        return file

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            items = [item]
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    self._queue.put(None)
                    break
                items.append(more)
            self._write(items)

    def _write(self, items: list[tuple[Sequence[bytes], int, Future[list[int]]]]) -> None:
        offset = self.next
        records: list[Record] = []
        for bodies, received, _ in items:
            for body in bodies:
                # A line break can only stand between JSON's tokens.
                records.append(Record(offset, received, body.replace(b"\n", b" ").replace(b"\r", b" ")))
                offset += 1
        lines = b"".join(b"%d %b\n" % (record.received, record.body) for record in records)
        before = self._file.seek(0, os.SEEK_END)
        try:
            if before > SEGMENT_BYTES:
                self._file.close()
                self._file = self._open()
                before = 0
            if self._file.write(lines) < len(lines):
                raise OSError(errno.ENOSPC, "no space left")
            os.fsync(self._file.fileno())
        except OSError as error:
            os.truncate(self._file.fileno(), before)
            fault = RiskwaveError(f"{self._folder}: events cannot be kept now ({error.strerror}); try again later")
            for _, _, kept in items:
                kept.set_exception(fault)
            return
        first = self.next
        self.next = offset
        self._accepted(records)
        for bodies, _, kept in items:
            kept.set_result(list(range(first, first + len(bodies))))
            first += len(bodies)
