from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from riskwave.allocator import ASKED, SYSTEM, TUNED, found, in_use, preloaded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="allocators are chosen on Linux alone")


def test_the_best_there_is_is_chosen_once() -> None:
    chosen = preloaded({})
    names = [name for name, _ in found()]
    assert in_use(chosen) == (names[0] if names else TUNED)
    assert set(chosen) == {ASKED, "LD_PRELOAD" if names else "GLIBC_TUNABLES"}
    assert preloaded(chosen) == {}, "a process that was started again would start itself again"


@pytest.mark.parametrize("given", [{ASKED: SYSTEM}, {"LD_PRELOAD": "/lib/mine.so"}, {"GLIBC_TUNABLES": "glibc.x=1"}])
def test_what_the_user_chose_stays(given: dict[str, str]) -> None:
    assert preloaded(given) == {}


def test_a_command_runs_with_it_and_keeps_its_arguments_and_end() -> None:
    unset = {name: value for name, value in os.environ.items() if name not in (ASKED, "LD_PRELOAD", "GLIBC_TUNABLES")}
    allocators = {}
    for given in ({}, {ASKED: SYSTEM}):
        command = [sys.executable, "-m", "riskwave", "doctor", "--json"]
        ended = subprocess.run(command, env=unset | given, capture_output=True, text=True, check=True, timeout=60)
        findings = json.loads(ended.stdout)["findings"]
        allocators[given.get(ASKED)] = next(item["found"] for item in findings if item["name"] == "allocator")
    assert allocators == {None: in_use(preloaded({})), SYSTEM: SYSTEM}
    command = [sys.executable, "-m", "riskwave", "run", "--source", "no such file.jsonl"]
    ended = subprocess.run(command, env=unset, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "no such file.jsonl" in ended.stderr
