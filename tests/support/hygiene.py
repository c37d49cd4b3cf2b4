"""What no file of the repository may hold: the traces of one machine. `python -m tests.support.hygiene FILE …`"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LOCKS = {
    "uv.lock",
    "poetry.lock",
    "Pipfile.lock",
    "pdm.lock",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "Cargo.lock",
    "package-lock.yml",
}
#: Each with what to do about it. They are written so that they do not find themselves.
TRACES = {
    r"/(?:home|root|Users|work)/[\w.-]": "a path of one machine: write it relative to the repository",
    r"\b(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|repo\d?\.maven\.(?:org|apache\.org))": (
        "the address of a registry: leave that to each machine's own settings"
    ),
    r"--(?:extra-)?index-url": "the address of a package index: leave that to each machine's own settings",
    r"\b(?:TOD[O]|FIXM[E]|XX[X])\b": "unfinished: finish it, or take it out",
}


def faults(path: Path) -> list[str]:
    """One line for each trace in a file, with file and line number; none for a file that is not text."""
    found = [f"{path}: a lock file holds addresses: constraints.txt has the versions"] if path.name in LOCKS else []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return found
    for number, line in enumerate(lines, 1):
        found += [f"{path}:{number}: {advice}" for pattern, advice in TRACES.items() if re.search(pattern, line)]
    return found


if __name__ == "__main__":
    told = [fault for name in sys.argv[1:] for fault in faults(Path(name))]
    sys.stderr.write("".join(f"{fault}\n" for fault in told))
    sys.exit(bool(told))
