"""CSV to columns of text, with each row's own bytes beside it.

Lines are split before they are parsed, so that a row's bytes are known and one bad line stays one bad line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from riskwave.errors import RiskwaveError
from riskwave.sources.batch import MAX_ROW_BYTES
from riskwave.sources.lines import LineReader
from riskwave.sources.rows import Rows, all_null, texts

#: A quoted value may go on over this many lines; a quote left open any longer spoils its own line only.
MAX_ROW_LINES = 100
_DELIMITERS = ",;\t|"

# The module's own limit of 131,072 characters a field is below the longest row that is decoded.
csv.field_size_limit(MAX_ROW_BYTES)

#: A row's lines (from, to), its values, and why it could not be read.
_Parsed = tuple[int, int, list[str], str | None]


class CsvRows:
    """A RowReader of CSV with a header line; the delimiter (, ; tab |) is the commonest in the header."""

    def __init__(self, lines: LineReader, columns: Sequence[str], where: str) -> None:
        self._lines = lines
        self._columns = tuple(columns)
        self._where = where
        self._header: tuple[str, ...] | None = None
        self._delimiter = ","
        self._waiting: list[bytes] = []  # the lines of a row whose quote is still open
        self._row = 0
        self._ended = False

    @property
    def names(self) -> tuple[str, ...] | None:
        """The header; None while there is none yet."""
        if self._header is None:
            self._read_header()
        return self._header

    def skip(self, rows: int) -> int:
        """Pass over rows; the header is not one."""
        passed = 0
        while passed < rows:
            parsed = self._take(min(rows - passed, 65536))
            if not parsed:
                break
            passed += len(parsed[1])
        return passed

    def read(self, max_rows: int) -> Rows | None:
        """At most max_rows rows."""
        parsed = self._take(max_rows)
        if parsed is None:
            return None
        lines, rows = parsed
        names = self._header or ()
        good = [values for _, _, values, error in rows if error is None]
        columns = {}
        if len(good) == len(rows):
            by_name = dict(zip(names, zip(*good, strict=True), strict=True)) if good else {}
        else:
            nothing = (None,) * len(names)
            filled = [nothing if error else values for _, _, values, error in rows]
            by_name = dict(zip(names, zip(*filled, strict=True), strict=True))
        for name in self._columns:
            columns[name] = texts(by_name[name]) if name in by_name else all_null(len(rows))
        raw = [lines[i] if j == i + 1 else b"\n".join(lines[i:j]) for i, j, _, _ in rows]
        errors = [error for *_, error in rows] if len(good) < len(rows) else None
        first = self._row - len(rows)
        return Rows(columns, raw, errors, range(first, first + len(rows)))

    def close(self) -> None:
        """Let go of the file."""
        self._lines.close()

    def _read_header(self) -> None:
        while (block := self._lines.take(1)) is not None and block.lines:
            line = block.lines[0]
            if not line.strip():
                continue
            if block.too_long:
                raise RiskwaveError(f"{self._where}: the header line is {block.too_long}; expected column names")
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise RiskwaveError(f"{self._where}: the header line is not valid UTF-8") from error
            self._delimiter = max(_DELIMITERS, key=text.count)
            names = tuple(name.strip() for name in next(csv.reader([text], delimiter=self._delimiter)))
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RiskwaveError(f"{self._where}: the header names {twice[0]!r} twice; expected each column once")
            self._header = names
            return
        self._ended = block is None

    def _take(self, max_rows: int) -> tuple[list[bytes], list[_Parsed]] | None:
        """Lines, and the rows that they hold; None at the end."""
        if self._ended or (self.names is None and self._ended):
            return None
        if self._header is None:
            return [], []
        block = self._lines.take(max(1, max_rows - len(self._waiting)))
        waiting, self._waiting = self._waiting, []
        if block is None:
            self._ended = True
            if not waiting:
                return None
            rows = list(self._parse(waiting, final=True))
            lines = waiting
        else:
            lines = waiting + block.lines
            whole = lines[:-1] if block.too_long else lines
            rows = list(self._parse(whole, final=block.too_long is not None))
            if block.too_long:
                rows.append((len(whole), len(lines), [], block.too_long))
        self._row += len(rows)
        return lines, rows

    def _parse(self, lines: list[bytes], *, final: bool) -> Iterator[_Parsed]:
        width = len(self._header or ())
        decoded, invalid = _decode(lines)
        if not any('"' in text for text in decoded):
            for i, text in enumerate(decoded):
                values = text.rstrip("\r").split(self._delimiter)
                if invalid and i in invalid:
                    yield i, i + 1, [], "not valid UTF-8"
                elif len(values) == width:
                    yield i, i + 1, values, None
                elif lines[i].strip():
                    yield i, i + 1, [], _wrong_width(values, width)
            return
        yield from self._parse_quoted(lines, decoded, invalid, final=final)

    def _parse_quoted(
        self, lines: list[bytes], decoded: list[str], invalid: set[int], *, final: bool
    ) -> Iterator[_Parsed]:
        """Rows that may span lines. A row of several lines that does not fit spoils its first line only."""
        width = len(self._header or ())
        start = 0
        while start < len(lines):
            feed = _Feed(decoded, start)
            reader = csv.reader(feed, delimiter=self._delimiter, strict=True)
            reason: str | None = None
            try:
                for values in reader:
                    end = feed.position
                    if values or lines[start].strip():
                        broken = invalid.intersection(range(start, end)) if invalid else None
                        if len(values) != width:
                            reason = _wrong_width(values, width)
                        if broken:
                            reason = "not valid UTF-8"
                        if reason and end - start > 1:
                            break
                        yield start, end, values, reason
                    reason = None
                    start = feed.start = end
            except csv.Error as error:
                open_bytes = sum(map(len, lines[start : start + MAX_ROW_LINES]))
                if feed.exhausted and not final and open_bytes <= MAX_ROW_BYTES:
                    self._waiting = lines[start:]
                    return
                reason = f"not valid CSV: {error}"
            if reason:
                if start in invalid:
                    reason = "not valid UTF-8"
                yield start, start + 1, [], reason
                start += 1


class _Feed(Iterator[str]):
    """Lines for csv.reader: it stops where a row has had as many lines as a row may have."""

    def __init__(self, lines: list[str], start: int) -> None:
        self._lines = lines
        self.start = self.position = start
        self.exhausted = False

    def __next__(self) -> str:
        if self.position >= len(self._lines):
            self.exhausted = True
            raise StopIteration
        if self.position - self.start >= MAX_ROW_LINES:
            raise StopIteration
        self.position += 1
        return self._lines[self.position - 1] + "\n"


def _decode(lines: list[bytes]) -> tuple[list[str], set[int]]:
    """Lines as texts, and which of them are not valid UTF-8."""
    try:
        return b"\n".join(lines).decode().split("\n") if lines else [], set()
    except UnicodeDecodeError:
        decoded = [line.decode(errors="surrogateescape") for line in lines]
        return decoded, {i for i, text in enumerate(decoded) if not _is_utf8(text)}


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_width(values: Sequence[str], width: int) -> str:
    return f"wrong number of columns: {len(values)}, expected {width} as in the header"
