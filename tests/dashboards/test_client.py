"""What the API does not do is told with what to do about it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import dashboards
from dashboards.client import Api, ApiError
from dashboards.show import money, plain
from tests.support.processes import free_port


class _Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path names, as a proxy before the API would: without a problem's body."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.rsplit("/", 1)[-1]))
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "todo"),
    [(401, "Sign in"), (403, "administrator"), (429, "Wait 7 seconds"), (503, "Wait 7 seconds"), (502, "server's log")],
)
def test_a_fault_says_what_to_do(proxy: str, status: int, todo: str) -> None:
    with pytest.raises(ApiError) as told:
        Api(proxy, "rwk_x").get(f"/{status}")
    assert told.value.status == status
    assert todo in told.value.todo


def test_a_server_that_is_not_there_is_named_with_how_to_start_it() -> None:
    where = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ApiError) as told:
        Api(where, "rwk_x").get("/v1/me")
    assert told.value.status == 0
    assert where in told.value.detail
    assert "riskwave serve" in told.value.todo


def test_a_key_is_not_told() -> None:
    assert "rwk_secret" not in repr(Api("http://127.0.0.1:1", "rwk_secret"))


def test_the_app_is_over_the_api_alone() -> None:
    """No module of it imports the package whose API it asks, and none hides one of Python's own."""
    folder = Path(dashboards.__file__).parent
    for path in folder.rglob("*.py"):
        assert path.stem in ("__init__", "app") or path.stem not in sys.stdlib_module_names, path
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] in ("riskwave", "duckdb", "sqlite3")], path


def test_amounts_are_in_the_currency_s_own_decimals() -> None:
    assert money(123456, "EUR") == "1,234.56 EUR"
    assert money(123456, "JPY") == "123,456 JPY"
    assert money(123456, "KWD") == "123.456 KWD"
    assert money(None, "EUR") == "not known"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not known"),
        (True, "yes"),
        (1234, "1,234"),
        (0.00003, "0"),
        (2.5, "2.5"),
        (123456.7, "123,457"),
        ("x", "x"),
    ],
)
def test_values_are_said_plainly(value: object, said: str) -> None:
    assert plain(value) == said
