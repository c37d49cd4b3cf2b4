"""Writes the snapshots anew: `python -m tests.snapshots`, then look at `git diff tests/snapshots`."""

from tests.snapshots.compiled import FOLDER, TARGETS, compiled_models, snapshot

for target in TARGETS:
    for old in (FOLDER / target).glob("*.sql"):
        old.unlink()
    (FOLDER / target).mkdir(exist_ok=True)
    for model, sql in compiled_models(target).items():
        snapshot(target, model).write_text(sql)
