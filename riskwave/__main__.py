"""The `riskwave` command, also as `python -m riskwave`."""

from __future__ import annotations

from riskwave.allocator import start_with_allocator


def main() -> None:
    """Choose the memory allocator, which starts the process again, and only then load what is large."""
    start_with_allocator()
    from riskwave.cli import main as command

    command()


if __name__ == "__main__":
    main()
