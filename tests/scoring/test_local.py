"""Models online: what scores whom, and what happens when that changes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from riskwave.errors import RiskwaveError
from riskwave.scoring.function import open_scorer
from riskwave.scoring.given import Listed, listed, one, together
from riskwave.scoring.history import History
from riskwave.scoring.layout import Layout, layout
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.registry import with_card
from riskwave.scoring.routes import Routes, models_there, read_routes, routes_path
from riskwave.scoring.scorer import Scorer
from tests.scoring.served import serve

EVENTS = 2_000


@pytest.fixture(scope="module")
def given(history: History) -> Listed:
    return listed(history.events.slice(0, EVENTS))


@pytest.fixture(scope="module")
def alone(files: dict[str, bytes], history: History) -> dict[str, np.ndarray]:
    """What each version says by itself."""
    return {version: Scorer(file).score(history.events.slice(0, EVENTS)) for version, file in files.items()}


def scores(found: pa.StructArray) -> np.ndarray:
    return np.asarray(found.field("score").to_numpy(zero_copy_only=False))


def test_lists_are_encoded_as_columns_are(files: dict[str, bytes], given: Listed, history: History) -> None:
    encoder = Scorer(files["1.0.0"]).card.encoder
    by_lists, by_columns = encoder.encode_given(given), encoder.encode(history.events.slice(0, EVENTS))
    assert np.array_equal(by_lists, by_columns, equal_nan=True)
    assert not np.isnan(by_lists).all(axis=0).all()


def test_one_event_is_scored_as_among_many(
    tmp_path: Path, files: dict[str, bytes], given: Listed, history: History
) -> None:
    serve(tmp_path, files, online=("1.1.0",))
    scorer = LocalScorer(tmp_path, "card")
    rows = history.events.slice(0, 5).to_pylist()
    singly = together([one(row) for row in rows])
    assert np.array_equal(scores(scorer(singly)), scores(scorer(given))[:5])
    assert singly.cards.to_pylist() == given.cards.to_pylist()[:5]


def test_lists_of_another_layout_are_refused(given: Listed) -> None:
    longer = Layout((*layout().numbers, "another"), layout().texts)
    with pytest.raises(RiskwaveError, match=r"was given .* numbers for 2,000 events, expected"):
        Listed(given.cards, given.number_lists, given.text_lists, longer)


def test_every_score_names_its_version(
    tmp_path: Path, files: dict[str, bytes], given: Listed, alone: dict[str, np.ndarray]
) -> None:
    serve(tmp_path, files, online=("1.0.1",))
    found = LocalScorer(tmp_path, "card")(given)
    assert found.field("version").unique().to_pylist() == ["card 1.0.1"]
    assert np.array_equal(scores(found), alone["1.0.1"])
    assert found.field("degraded").unique().to_pylist() == [False]
    assert found.field("shadow_scores").to_pylist() == [[]] * EVENTS


def test_a_canary_has_its_share_of_the_cards_each_of_them_whole(
    tmp_path: Path, files: dict[str, bytes], given: Listed, alone: dict[str, np.ndarray]
) -> None:
    serve(tmp_path, files, online=("1.0.0",), canary="1.1.0", share=0.3)
    found = LocalScorer(tmp_path, "card")(given)
    named = found.field("version").to_pylist()
    by_card: dict[str | None, set[str]] = {}
    for card, version in zip(given.cards.to_pylist(), named, strict=True):
        by_card.setdefault(card, set()).add(version)
    assert all(len(versions) == 1 for versions in by_card.values())
    took = np.array([version == "card 1.1.0" for version in named])
    assert np.array_equal(scores(found), np.where(took, alone["1.1.0"], alone["1.0.0"]))


def test_shares_are_within_sampling_error() -> None:
    cards = [f"card-{number}" for number in range(20_000)]
    for share in (0.01, 0.1, 0.5):
        routes = Routes("card", 1, "", ("1.0.0",), (1.0,), "1.1.0", share)
        error = np.sqrt(share * (1 - share) / len(cards))
        assert abs(routes.canaries(cards).mean() - share) < 4 * error
    assert not Routes("card", 1, "", ("1.0.0",), (1.0,), "1.1.0", 0.5).takes(None)


def test_a_vote_is_the_weighted_mean_and_shadows_act_on_nothing(
    tmp_path: Path, files: dict[str, bytes], given: Listed, alone: dict[str, np.ndarray]
) -> None:
    serve(tmp_path, files, online=("1.0.0", "1.0.1"), weights=(3.0, 1.0), shadows=("1.1.0", "1.0.0"))
    found = LocalScorer(tmp_path, "card")(given)
    assert found.field("version").unique().to_pylist() == ["card 1.0.0+1.0.1"]
    assert np.allclose(scores(found), 0.75 * alone["1.0.0"] + 0.25 * alone["1.0.1"], rtol=0, atol=1e-12)
    told = [[json.loads(text) for text in texts] for texts in found.field("shadow_scores").to_pylist()]
    assert [each["model_version"] for each in told[0]] == ["card 1.1.0", "card 1.0.0"]
    assert [each[0]["model_score"] for each in told] == alone["1.1.0"].tolist()


def test_nothing_online_scores_nothing_and_needs_no_onnxruntime(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from riskwave.scoring.function import open_scorer; "
        "from riskwave.scoring.given import one; scoring = open_scorer(Path(sys.argv[1])); "
        "print(scoring(one({})).to_pylist(), 'onnxruntime' in sys.modules, 'mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "[{'score': None, 'version': None, 'degraded': False, 'shadow_scores': []}] False False"
    )


def test_a_process_that_ends_without_closing_says_nothing_of_it(tmp_path: Path) -> None:
    script = (
        "import duckdb, sys; from pathlib import Path; from riskwave.scoring.function import open_scorer, register; "
        "connection = duckdb.connect(); register(connection, open_scorer(Path(sys.argv[1]))); sys.exit('an error')"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stderr == "an error\n"


def test_what_cannot_be_loaded_leaves_what_was_online(
    tmp_path: Path, files: dict[str, bytes], given: Listed, caplog: pytest.LogCaptureFixture
) -> None:
    serve(tmp_path, files, online=("1.0.0",))
    scorer = LocalScorer(tmp_path, "card")
    routes = serve(tmp_path, files, online=("1.1.0",))
    (tmp_path / routes.served("1.1.0").file).write_bytes(files["1.0.1"])
    scorer.settle()
    assert scorer(given).field("version").unique().to_pylist() == ["card 1.0.0"]
    assert "what was online goes on" in caplog.text
    with pytest.raises(RiskwaveError, match="is not the file that was published"):
        LocalScorer(tmp_path, "card")


def test_a_shadow_whose_file_is_gone_is_left_out_and_what_acts_is_not(
    tmp_path: Path, files: dict[str, bytes], given: Listed, caplog: pytest.LogCaptureFixture
) -> None:
    routes = serve(tmp_path, files, online=("1.0.0",), canary="1.0.1", share=0.3, shadows=("1.1.0",))
    shadow = tmp_path / routes.served("1.1.0").file
    for break_it in (lambda: shadow.write_bytes(b"damaged"), shadow.unlink):
        break_it()
        caplog.clear()
        found = LocalScorer(tmp_path, "card")(given)
        assert set(found.field("version").unique().to_pylist()) == {"card 1.0.0", "card 1.0.1"}
        assert found.field("shadow_scores").to_pylist() == [[]] * EVENTS
        (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert said.startswith(f"the shadow card 1.1.0 is left out: {shadow}: ")
        assert f"`riskwave models deploy --online {tmp_path}` puts it back" in said
    (tmp_path / routes.served("1.0.1").file).unlink()
    with pytest.raises(RiskwaveError, match=r"card-1\.0\.1-.*cannot be read .*models deploy --online"):
        LocalScorer(tmp_path, "card")


def test_a_folder_that_is_named_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RISKWAVE_MODELS", str(tmp_path / "nosuch"))
    with pytest.raises(RiskwaveError, match=r"RISKWAVE_MODELS=.*nosuch: no such folder; expected"):
        models_there()
    # beside a registry it comes with the first version that is promoted
    monkeypatch.setenv("RISKWAVE_MODELS", str(tmp_path / "riskwave.models" / "online"))
    assert models_there() == tmp_path / "riskwave.models" / "online"
    assert "nothing is scored until" in caplog.text
    monkeypatch.delenv("RISKWAVE_MODELS")
    monkeypatch.chdir(tmp_path)
    assert models_there() == Path("riskwave.models/online")


def test_a_broken_file_of_routes_is_named(tmp_path: Path) -> None:
    routes_path(tmp_path, "card").write_text('{"format": 9}')
    with pytest.raises(RiskwaveError, match=r"card\.json: cannot be read as a model's routes \(expected format 1\)"):
        read_routes(tmp_path, "card")


def test_published_canaried_promoted_and_rolled_back_under_load(
    tmp_path: Path, files: dict[str, bytes], given: Listed, alone: dict[str, np.ndarray]
) -> None:
    """Every event of every call is scored by exactly the version it names; all revisions were seen."""
    serve(tmp_path, files, online=("1.0.0",))
    scorer = LocalScorer(tmp_path, "card")
    steps = (
        {"online": ("1.0.0",), "shadows": ("1.0.1",)},
        {"online": ("1.0.0",), "canary": "1.0.1", "share": 0.1},
        {"online": ("1.0.1",)},
        {"online": ("1.0.1",), "canary": "1.1.0", "share": 0.1},
        {"online": ("1.1.0",)},
        {"online": ("1.0.1",)},
        {"online": ("1.0.0",)},
    )
    ended = threading.Event()
    seen: set[str] = set()
    faults: list[str] = []
    calls = 0

    def calling() -> None:
        nonlocal calls
        while not ended.is_set():
            scorer.refresh()
            found = scorer(given)
            calls += 1
            named, said = found.field("version").to_pylist(), scores(found)
            wanted = np.array([alone[version.split()[1]][row] for row, version in enumerate(named)])
            if not np.array_equal(said, wanted):
                faults.append(f"call {calls}: a score is none of the version it names")
            seen.update(named)

    thread = threading.Thread(target=calling)
    thread.start()
    for step in steps:
        routes = serve(tmp_path, files, **step)
        while scorer.routes != routes and thread.is_alive():
            ended.wait(0.001)
    ended.set()
    thread.join(60)
    assert faults == []
    assert calls >= len(steps)
    assert {"card 1.0.0", "card 1.0.1"} <= seen


def test_a_model_that_learned_from_other_features_is_told(
    tmp_path: Path, files: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """It scores, as the models of before do when a feature's SQL changes under them."""
    serve(tmp_path, files, online=("1.0.0",))
    open_scorer(tmp_path)
    assert "should be trained anew" not in caplog.text
    card = replace(Scorer(files["1.0.0"]).card, sql_hash="0" * 16)
    serve(tmp_path, {**files, "1.0.0": with_card(files["1.0.0"], card)}, online=("1.0.0",))
    open_scorer(tmp_path)
    assert "model card 1.0.0 scores, and should be trained anew: the SQL of decision_input has changed" in caplog.text
