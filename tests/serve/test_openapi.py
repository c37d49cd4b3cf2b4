"""What the OpenAPI document says is so: no route answers 500, or what is not documented, whatever it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serve.conftest import PATIENT, Served, copied

EXAMPLES = 3
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def fuzzed(filled: Path, serving: Callable[..., Served], tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A server of its own: what is sent here changes it."""
    # Whatever comes of what is tried on history, nothing waits long for it.
    return serving(copied(filled, tmp_path_factory.mktemp("fuzzed")), replace(PATIENT, jobs=1, job_s=5))


@pytest.fixture(scope="module")
def token(fuzzed: Served) -> str:
    return fuzzed.token(role="admin", owner="fuzzer")


@pytest.fixture(scope="module")
def api(fuzzed: Served) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", fuzzed.app)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Any, token: str) -> None:
    case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}
    response = case.call()
    assert response.status_code != 500, response.text
    case.validate_response(response, checks=CHECKS)


def _routes(served: Served) -> list[tuple[str, str]]:
    return [(path, method) for path, methods in served.app.openapi()["paths"].items() for method in methods]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_bytes_are_answered(data: st.DataObject, fuzzed: Served, token: str) -> None:
    client = TestClient(fuzzed.app, raise_server_exceptions=False)
    path, method = data.draw(st.sampled_from(_routes(fuzzed)))
    filled = path
    while "{" in filled:
        begin, _, rest = filled.partition("{")
        filled = f"{begin}{data.draw(st.sampled_from(['card', 'x', '%00', '%ff', '..', 'é']))}{rest.partition('}')[2]}"
    headers = {"Authorization": f"Bearer {token}", "content-type": "application/json"}
    if data.draw(st.booleans()):
        headers["Riskwave-Deadline-Ms"] = data.draw(st.sampled_from(["-1", "abc", "99999999999999999999", "\xff"]))
    answer = client.request(
        method.upper(),
        filled,
        content=data.draw(st.binary(max_size=200)),
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    )
    assert answer.status_code != 500, (method, filled, answer.text)


def test_every_operation_says_what_it_is(served: Served) -> None:
    document = served.app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            if path not in ("/healthz", "/readyz"):
                assert {"401", "403", "429"} <= set(operation["responses"]), (method, path)
                assert operation["security"] == [{"key": []}], (method, path)
            body = operation.get("requestBody")
            if body is not None:
                found = str(body) + str(document["components"]["schemas"])
                assert "example" in found, (method, path)
