"""The `riskwave` command, also as `python -m riskwave`."""

from __future__ import annotations

import sys

from riskwave.allocator import start_with_allocator


def main() -> None:
    """Choose the memory allocator, which starts the process again, and only then load what is large."""
    start_with_allocator()
    try:
        from riskwave.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
