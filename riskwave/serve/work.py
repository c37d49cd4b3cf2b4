"""One piece of work on a copy of the history, in a process of its own: the system bounds what it may take.

`python -m riskwave.serve.work` reads a task from standard input, says what it is doing in lines of JSON, and ends with
a line that has the result, or the fault.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from riskwave.errors import RiskwaveError

Say = Callable[[str], None]
#: Addresses beyond what DuckDB may take: the interpreter, its libraries, and arrays over flagged events.
BESIDE_MB = 3_072
#: Events that a model's weights are taken from, the last ones.
SAMPLE = 2_000
#: prctl(2): the signal that comes when who started this process ends.
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Do the task."""
    task = orjson.loads(sys.stdin.buffer.read())
    _bound(task["memory_mb"], task["limit_s"])
    # What a library prints is no part of the answer.
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(**words: Any) -> None:
        out.buffer.write(orjson.dumps(words, _plain, orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z) + b"\n")
        out.flush()

    try:
        result = WORKS[task["work"]](task, lambda words: tell(said=words))
    except RiskwaveError as fault:
        tell(fault=" ".join(str(fault).split()))
    except MemoryError:
        tell(fault="it takes more memory than it may; ask for fewer days")
    else:
        tell(result=result)


def sweep(task: dict[str, Any], say: Say) -> Any:
    """One threshold at many values."""
    from riskwave.backtest.history import open_history
    from riskwave.backtest.sweep import find_threshold, read_values
    from riskwave.backtest.sweep import sweep as swept

    rules = _rules(task)
    values = read_values(task["values"], find_threshold(rules, task["rule"], task["threshold"])[1].kind)
    with open_history(Path(task["folder"]), memory=_memory(task)) as history:
        return swept(history, rules, task["rule"], task["threshold"], values, say=say).as_dict()


def backtest(task: dict[str, Any], say: Say) -> Any:
    """A ruleset, beside another one."""
    from riskwave.backtest.backtest import backtest as tested
    from riskwave.backtest.given import given
    from riskwave.backtest.history import open_history

    rules = _rules(task)
    against = given(task["against"], Path(task["state"])) if task["against"] else None
    with open_history(Path(task["folder"]), memory=_memory(task)) as history:
        return tested(history, rules, against, most=50, say=say).as_dict()


def compare(task: dict[str, Any], say: Say) -> Any:
    """What is in the shadow beside what decided."""
    from riskwave.backtest.shadow import compare_shadows

    say("comparing what was recorded")
    found = compare_shadows(
        Path(task["state"]), revision=task["revision"], folder=Path(task["folder"]), memory=_memory(task)
    )
    return {"rulesets": [{**asdict(each), "rules": [asdict(rule) for rule in each.rules.values()]} for each in found]}


def watch(task: dict[str, Any], say: Say) -> Any:
    """A model against its training window."""
    import numpy as np

    from riskwave.scoring.explain import Explainer
    from riskwave.scoring.history import read_history
    from riskwave.scoring.options import open_registry
    from riskwave.watch.over import watch_over

    store = open_registry(task["registry"], None)
    version = store.get(task["model"], task["version"]).version
    whole = read_history([task["folder"]], say=say)
    begins = np.datetime64(task["begins"].removesuffix("Z"), "us")
    found, good = watch_over(store, task["model"], version, whole, begins=begins, say=say)
    quality = good.as_dict() if good is not None else None
    weights: list[dict[str, Any]] = []
    say("what it looks at")
    try:
        sample = whole.events.slice(max(len(whole) - SAMPLE, 0))
        weights = [asdict(each) for each in Explainer(store, task["model"], version).weights(sample)]
    except RiskwaveError as fault:
        say(str(fault))
    return {"model": task["model"], "version": version, "quality": quality, "weights": weights, **found.as_dict()}


def insight(task: dict[str, Any], say: Say) -> Any:
    """What real time missed in the last hour or day of the history."""
    import numpy as np

    from riskwave.insight.drafts import drafts_text
    from riskwave.insight.insight import HOURS, acted_in, distinct
    from riskwave.insight.insight import insight as look_back
    from riskwave.scoring.history import read_history
    from riskwave.scoring.options import open_registry

    scorer = open_registry(task["registry"], None).scorer(task["model"], "online") if task["model"] else None
    whole = read_history([task["folder"]], say=say)
    end = whole.end + np.timedelta64(1, "us")
    begin = end - np.timedelta64(HOURS[task["last"]], "h")
    found = look_back(whole, begin, end, acted=acted_in(Path(task["folder"])), scorer=scorer, say=say)
    drafts = distinct([part.draft for part in found.clusters if part.draft is not None])
    return {"last": task["last"], **found.as_dict(), "drafts": drafts_text(drafts) if drafts else None}


WORKS: dict[str, Callable[[dict[str, Any], Say], Any]] = {
    "sweep": sweep,
    "backtest": backtest,
    "compare": compare,
    "watch": watch,
    "insight": insight,
}


def _rules(task: dict[str, Any]) -> Any:
    from riskwave.backtest.given import given, given_text

    state = Path(task["state"])
    return given_text(task["text"], state) if task["text"] else given(task["rules"], state)


def _memory(task: dict[str, Any]) -> str:
    return f"{task['memory_mb']}MB"


def _bound(memory_mb: int, limit_s: float) -> None:
    """Let the engine's process go before, and end where nobody is left to end it."""
    os.nice(5)
    if sys.platform == "linux":
        import ctypes
        import resource

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        bytes_ = (memory_mb + BESIDE_MB) << 20
        resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_))
        seconds = int(limit_s) + 5
        resource.setrlimit(resource.RLIMIT_CPU, (seconds * 2, seconds * 2))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


if __name__ == "__main__":
    main()
