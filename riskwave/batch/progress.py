"""What is being done, on the terminal: one line that changes, or a line now and then where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

LINE_EVERY_S = 5.0


@contextmanager
def saying(console: Console) -> Iterator[Callable[[str], None]]:
    """A function that shows the words it is given."""
    began = last = time.monotonic()

    def plainly(words: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_EVERY_S:
            last = now
            console.print(f"{words} ({now - began:.0f} s)", highlight=False)

    if not console.is_terminal:
        yield plainly
        return
    with console.status("starting") as status:
        yield lambda words: status.update(f"{words} ({time.monotonic() - began:.0f} s)")
