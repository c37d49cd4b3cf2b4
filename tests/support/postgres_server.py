"""A real PostgreSQL server on loopback, from the binaries of this machine."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.processes import free_port, wait_until


def binaries() -> Path | None:
    """The folder of initdb and postgres: the newest version's, or where PATH has both."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name.split(".")[0]))
    for folder in reversed(versions):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    initdb, postgres = shutil.which("initdb"), shutil.which("postgres")
    return Path(initdb).resolve().parent if initdb and postgres else None


def missing() -> str | None:
    """What a server needs and this machine lacks, or None."""
    return None if binaries() else "a PostgreSQL server needs initdb and postgres, which are not installed"


def _as_server() -> tuple[list[str], pwd.struct_passwd]:
    """PostgreSQL does not run as root: what a command starts with, and whose the data are."""
    me = pwd.getpwuid(os.getuid())
    if me.pw_uid != 0:
        return [], me
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user


@contextmanager
def running_postgres() -> Iterator[str]:
    """The DSN (postgresql://…/postgres) of a new server; it trusts whoever is on this machine."""
    bin_folder = binaries()
    assert bin_folder is not None
    become, user = _as_server()
    # Not below pytest's own folders: those are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="riskwave-postgres-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        init = [
            str(bin_folder / "initdb"),
            "-D",
            str(data),
            "-U",
            "riskwave",
            "--auth=trust",
            "-E",
            "UTF8",
            "-N",
        ]
        made = subprocess.run([*become, *init], check=False, capture_output=True, text=True, cwd=folder)
        assert made.returncode == 0, made.stdout + made.stderr
        port = free_port()
        dsn = f"postgresql://riskwave@127.0.0.1:{port}/postgres"
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(folder),
            "fsync": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [*become, str(bin_folder / "postgres"), "-D", str(data), *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        server = process

        def answers() -> bool:
            assert server.poll() is None, f"PostgreSQL stopped: {(folder / 'log').read_text()[-2000:]}"
            try:
                psycopg.connect(dsn, connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, limit_s=30, what="PostgreSQL")
        yield dsn
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
