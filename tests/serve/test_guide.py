"""The guide's examples, run one after another as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests.serve.conftest import Served
from tests.support.kafka_server import ROOT
from tests.support.processes import wait_until


def _commands() -> list[list[str]]:
    text = (ROOT / "docs" / "api.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


def test_every_example_of_the_guide_answers(served: Served) -> None:
    commands = _commands()
    assert len(commands) > 30
    token = served.token(role="admin", owner="reader")
    client = served.client(role="investigator", owner="ben")  # the guide assigns an alert to him
    for words in commands:
        method, body, headers, url = "GET", None, {}, ""
        rest = iter(words[1:])
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-d":
                body = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value.replace("$KEY", token)
            else:
                url = word
        assert url.startswith("$API/"), words
        parts = urlsplit(url.removeprefix("$API"))
        where = parts.path + (f"?{parts.query}" if parts.query else "")

        call = partial(client.request, method, where, headers=headers, content=body)

        def answered(words: list[str] = words, call: Callable[[], Any] = call) -> bool:
            answer = call()
            assert answer.status_code < 300, (words, answer.text)
            # What was handed in for later is pending for a while.
            return answer.status_code != 202 or "POST" in words

        wait_until(answered, limit_s=60, what=where)


def test_the_guide_names_every_route(served: Served) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for path in served.app.openapi()["paths"]:
        plain = re.sub(r"\{\w+\}", "", path).replace("//", "/")
        last = path.rsplit("}", 1)[-1] if "}" in path else plain
        assert (last or plain).rstrip("/") in text, path
