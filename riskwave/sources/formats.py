"""Files by their names: which there are, and what reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from riskwave.errors import RiskwaveError
from riskwave.sources.bytestream import cannot_read, open_bytes
from riskwave.sources.csv_rows import CsvRows
from riskwave.sources.json_rows import JsonLines
from riskwave.sources.lines import Bytes, LineReader
from riskwave.sources.parquet_rows import ParquetRows
from riskwave.sources.rows import RowReader

_FORMATS = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".zst")
#: Text of either kind, told apart by its first byte.
_SNIFFED = (".log", ".txt")
KNOWN = ".jsonl, .ndjson, .json, .csv, .tsv, .log, .txt (each also .gz or .zst), .parquet"


def format_of(path: Path) -> str | None:
    """json, csv, parquet or text (either of the first two) by the file's name; None for another ending."""
    suffixes = [s.lower() for s in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        inner = suffixes[-2] if len(suffixes) > 1 else ""
        return None if _FORMATS.get(inner) == "parquet" else _by_suffix(inner)
    return _by_suffix(suffixes[-1]) if suffixes else None


def _by_suffix(suffix: str) -> str | None:
    return "text" if suffix in _SNIFFED else _FORMATS.get(suffix)


def list_files(path: Path) -> list[Path]:
    """The data files of a path: itself, or a folder's (and its sub-folders') in order of their names.

    Names that begin with . or _ are passed over. RiskwaveError for no file, and for one of an unknown kind.
    """
    try:
        is_folder = path.is_dir()
        found = sorted(path.rglob("*"), key=lambda file: file.relative_to(path).as_posix()) if is_folder else []
        if not is_folder:
            path.stat()
    except OSError as error:
        raise cannot_read(path, error) from error
    if not is_folder:
        return [_known(path)]
    files = [f for f in found if f.is_file() and not _hidden(f.relative_to(path))]
    for file in files:
        if format_of(file) is None:
            raise RiskwaveError(
                f"{file}: cannot tell what the file holds; expected a name ending in {KNOWN}; move it out of the "
                "folder, or begin its name with _ so that it is passed over"
            )
    if not files:
        raise RiskwaveError(f"{path}: the folder has no files; expected files ending in {KNOWN}")
    return files


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _known(path: Path) -> Path:
    if format_of(path) is None:
        raise RiskwaveError(f"{path}: cannot tell what the file holds; expected a name ending in {KNOWN}")
    return path


def open_rows(path: Path, columns: Sequence[str], *, keep_raw: bool = True) -> RowReader:
    """A reader of the file's rows. RiskwaveError when it cannot be opened or is of an unknown kind."""
    kind = format_of(_known(path))
    if kind == "parquet":
        return ParquetRows(path, columns, keep_raw=keep_raw)
    if path.name.lower().endswith((".json", ".json.gz", ".json.zst")) and _first_byte(path) == b"[":
        raise RiskwaveError(f"{path}: one JSON array; expected an object a line, which `jq -c '.[]'` makes of it")
    if kind == "text":
        kind = "json" if _first_byte(path) in b"{[" else "csv"
    return open_lines(open_bytes(path), kind or "csv", columns, str(path))


def open_lines(stream: Bytes, kind: str, columns: Sequence[str], where: str) -> RowReader:
    """A reader of lines of JSON ("json") or CSV ("csv") from any stream of bytes."""
    lines = LineReader(stream)
    return JsonLines(lines, columns) if kind == "json" else CsvRows(lines, columns, where)


def _first_byte(path: Path) -> bytes:
    stream = open_bytes(path)
    try:
        return stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    finally:
        stream.close()
