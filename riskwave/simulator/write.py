"""A simulated bank as files: transactions, profiles, devices and labels in one folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from riskwave.errors import RiskwaveError
from riskwave.simulator.arrivals import CHUNK
from riskwave.simulator.arrow import Column, pc
from riskwave.simulator.bank import SimulatedBank
from riskwave.sources.batch import FIELDS, RAW_SCHEMA

Format = Literal["parquet", "jsonl", "csv"]


def write(bank: SimulatedBank, out_dir: Path | str, format: Format = "parquet") -> list[Path]:
    """Writes transactions, profiles, devices, labels as `<name>.<format>` into `out_dir`, made when missing.

    Parquet transactions are typed by the contract; with malformed rows they are the 39 fields as text and
    `raw`, the bytes as received. JSON and CSV lines carry malformed rows as they are. Gives the paths.
    Raises RiskwaveError for an unknown format or a folder that cannot be written.
    """
    if format not in get_args(Format):
        raise RiskwaveError(f"format: {format!r} is unknown; give one of {', '.join(get_args(Format))}")
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [_write_transactions(bank, folder, format)]
        for name, table in (("profiles", bank.profiles), ("devices", bank.devices), ("labels", bank.labels)):
            paths.append(_write_table(table, folder / f"{name}.{format}", format))
    except OSError as error:
        raise RiskwaveError(f"{folder}: cannot write ({error.strerror}); give a folder you may write to") from None
    return paths


def _write_transactions(bank: SimulatedBank, folder: Path, format: Format) -> Path:
    path = folder / f"transactions.{format}"
    if format == "parquet" and not bank.disorder.malformed:
        return _write_table(bank.transactions, path, format)
    if format == "parquet":
        schema = pa.schema([RAW_SCHEMA.field(name) for name in (*FIELDS, "raw")])
        with pq.ParquetWriter(path, schema, compression="zstd") as out:
            for part in _parts(bank):
                out.write_table(part.select(schema.names))
        return path
    with path.open("wb") as lines:
        if format == "csv":
            lines.write((",".join(FIELDS) + "\n").encode())
        for part in _parts(bank):
            lines.write(_joined(_csv_lines(part) if format == "csv" else part["raw"].combine_chunks()))
    return path


def _parts(bank: SimulatedBank) -> Iterator[pa.Table]:
    for start in range(0, len(bank.arrivals), CHUNK):
        yield bank.arrivals.rows(start, CHUNK)


def _write_table(table: pa.Table, path: Path, format: Format) -> Path:
    if format == "parquet":
        pq.write_table(table, path, compression="zstd", row_group_size=1 << 18)
    elif format == "csv":
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    else:
        with path.open("wb") as out:
            for batch in table.to_batches(max_chunksize=1 << 16):
                out.writelines(orjson.dumps(row) + b"\n" for row in batch.to_pylist())
    return path


def _csv_lines(part: pa.Table) -> Column:
    """Lines of the 39 fields; the simulator's texts hold nothing to quote. Broken rows become junk."""
    columns = [pc.fill_null(part[name].combine_chunks(), "") for name in FIELDS]
    lines = pc.binary_join_element_wise(*columns, ",").cast(pa.binary())
    error = part["decode_error"].combine_chunks()
    junk = pc.if_else(pc.equal(error, "not valid UTF-8"), pa.scalar(b"\xff\xfe"), pa.scalar(b"502 Bad Gateway"))
    return pc.if_else(pc.is_valid(error), junk, lines)


def _joined(lines: Column) -> pa.Buffer:
    """The bytes of all lines, each ended."""
    ended = pc.binary_join_element_wise(lines, b"", b"\n")
    return pa.py_buffer(b"") if len(ended) == 0 else ended.buffers()[2]
