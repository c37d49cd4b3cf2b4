"""Bytes of a file: plain, gzip or zstandard, read forward in small pieces."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from riskwave.errors import RiskwaveError
from riskwave.sources.lines import Bytes


class DamagedError(RiskwaveError):
    """A file that can be read up to a line. fault: where and why, for those who can do nothing with a part of it."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; the lines before were read; mend the file and run again to go on from there")
        self.fault = fault

    def unused(self) -> RiskwaveError:
        """The same where nothing comes of the lines before."""
        return RiskwaveError(f"{self.fault}; nothing was decided; mend the file and run again")


def open_bytes(path: Path) -> Bytes:
    """The file's bytes, unpacked by its ending (.gz, .zst). RiskwaveError when it cannot be opened."""
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise cannot_read(path, error) from error
    if path.suffix == ".gz":
        return _Gzip(path, file)
    if path.suffix == ".zst":
        return _Zstandard(path, file)
    return _Plain(path, file)


def cannot_read(path: Path, error: OSError) -> RiskwaveError:
    """The error for a file that the system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return RiskwaveError(f"{path}: no such file or folder; check the path")
    return RiskwaveError(f"{path}: cannot be read: {error.strerror or error}")


class _Plain:
    growing = False

    def __init__(self, path: Path, file: io.RawIOBase) -> None:
        self._path = path
        self._file = file
        self._damage: str | None = None

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size) or b""
        except OSError as error:
            self._damage = error.strerror or str(error)
            return b""

    def fail_if_damaged(self, line: int) -> None:
        if self._damage and line == 0:
            raise RiskwaveError(f"{self._path}: not one line can be read: {self._damage}; mend or replace the file")
        if self._damage:
            raise DamagedError(f"{self._path}: damaged after line {line}: {self._damage}")

    def close(self) -> None:
        self._file.close()


class _Gzip(_Plain):
    """gzip without a buffer over it, so that all that precedes a damage is handed out."""

    def __init__(self, path: Path, file: io.RawIOBase) -> None:
        super().__init__(path, file)
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._packed = b""
        self._begun = False

    def read(self, size: int) -> bytes:
        while not self._damage:
            if self._member.eof:  # a file may hold several members, one after the other
                self._packed = self._member.unused_data
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                self._begun = False
            self._packed = self._packed or super().read(size)
            if not self._packed:
                if self._begun:
                    self._damage = self._damage or "the gzip stream is cut off"
                return b""
            if not self._begun and not self._packed.strip(b"\0"):
                self._packed = b""  # padding after the last member
                continue
            self._begun = True
            try:
                plain = self._member.decompress(self._packed, size)
            except zlib.error as error:
                self._damage = f"not valid gzip ({str(error).rpartition(': ')[2]})"
                return b""
            self._packed = self._member.unconsumed_tail
            if plain:
                return plain
        return b""


class _Zstandard(_Plain):
    def __init__(self, path: Path, file: io.RawIOBase) -> None:
        super().__init__(path, file)
        self._plain: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def read(self, size: int) -> bytes:
        if self._damage:
            return b""
        try:
            return bytes(self._plain.read(size))
        except (OSError, pa.ArrowException) as error:
            self._damage = f"not valid zstandard ({str(error).splitlines()[0]})"
            return b""
