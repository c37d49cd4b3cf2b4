"""The scoring server over gRPC, and who may ask it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from riskwave.errors import RiskwaveError
from riskwave.project import project_dir
from riskwave.scoring.given import one
from riskwave.scoring.history import History
from riskwave.scoring.local import LocalScorer
from riskwave.scoring.remote import RemoteScorer
from tests.scoring.served import serve, started
from udf import scoring_pb2
from udf.access import is_loopback, read_key

KEY = "a-key-of-sixteen-characters-and-more"
SERVICE = "/riskwave.scoring.v1.Scoring/"


@pytest.fixture(scope="module")
def online(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("online")
    serve(folder, files, online=("1.1.0",), shadows=("1.0.1",))
    return folder


@pytest.fixture(scope="module")
def channel(online: Path) -> Iterator[grpc.Channel]:
    options = ("--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
    with started(online, *options) as (_, addresses), grpc.insecure_channel(addresses[1]) as made:
        yield made


@pytest.fixture(scope="module")
def keyed(online: Path) -> Iterator[tuple[str, str]]:
    """Addresses of a server that asks for a key: Flight's and gRPC's."""
    with started(online, "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", key=KEY) as (_, addresses):
        yield addresses[0], addresses[1]


def call(channel: grpc.Channel, name: str, request: Any, key: str | None = None) -> Any:
    answer = scoring_pb2.Result if name == "Score" else scoring_pb2.Results
    made = channel.unary_unary(
        SERVICE + name, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
    )
    return made(request, timeout=60, metadata=[("authorization", f"Bearer {key}")] if key else None)


def event_of(row: dict[str, Any], names: set[str]) -> scoring_pb2.Event:
    """A row of decision_input as a caller gives it."""
    event = scoring_pb2.Event(card_id=row["card_id"])
    for name in names & set(row):
        value = row[name]
        if isinstance(value, bool):
            event.features[name].flag = value
        elif isinstance(value, str):
            event.features[name].text = value
        elif hasattr(value, "isoformat"):
            moment = Timestamp()
            moment.FromDatetime(value)
            event.features[name].time.CopyFrom(moment)
        elif value is not None:
            event.features[name].number = float(value)
    return event


def test_grpc_says_what_the_function_says(channel: grpc.Channel, online: Path, history: History) -> None:
    local = LocalScorer(online, "card")
    rows = history.events.slice(0, 40).to_pylist()
    order = one({}).order
    events = [event_of(row, {*order.numbers, *order.texts}) for row in rows]
    expected = [local(one(row)).to_pylist()[0] for row in rows]
    answers = [*call(channel, "ScoreAll", scoring_pb2.Events(events=events)).results]
    for event, answer, row in zip(events, answers, expected, strict=True):
        assert (answer.score, answer.version, answer.degraded) == (row["score"], "card 1.1.0", False)
        assert list(answer.shadow_scores) == row["shadow_scores"]
        assert call(channel, "Score", event) == answer
    assert len({answer.score for answer in answers}) > 3
    assert list(call(channel, "ScoreAll", scoring_pb2.Events()).results) == []


@pytest.mark.parametrize(
    ("name", "request_", "code", "said"),
    [
        ("Score", scoring_pb2.Event(model="loan"), grpc.StatusCode.NOT_FOUND, "no model loan here, only card"),
        (
            "Score",
            scoring_pb2.Event(features={"card_txn_cuont_1h": scoring_pb2.Value(number=1)}),
            grpc.StatusCode.INVALID_ARGUMENT,
            "no feature card_txn_cuont_1h",
        ),
        (
            "ScoreAll",
            scoring_pb2.Events(events=[scoring_pb2.Event()] * 4_097),
            grpc.StatusCode.INVALID_ARGUMENT,
            "4,097 events; at most 4,096",
        ),
        ("Other", scoring_pb2.Event(), grpc.StatusCode.UNIMPLEMENTED, ""),
    ],
)
def test_what_cannot_be_scored_is_told(
    channel: grpc.Channel, name: str, request_: Any, code: grpc.StatusCode, said: str
) -> None:
    with pytest.raises(grpc.RpcError) as fault:
        call(channel, name, request_)
    assert (fault.value.code(), said in fault.value.details()) == (code, True)


def test_a_feature_of_another_kind_is_told_and_not_scored_as_unknown(channel: grpc.Channel) -> None:
    wrong = scoring_pb2.Event(features={"card_txn_count_1h": scoring_pb2.Value(text="many")})
    for name, request in (("Score", wrong), ("ScoreAll", scoring_pb2.Events(events=[wrong]))):
        with pytest.raises(grpc.RpcError) as fault:
            call(channel, name, request)
        assert fault.value.code() == grpc.StatusCode.INVALID_ARGUMENT, name
        assert "card_txn_count_1h" in fault.value.details()


def test_it_says_that_it_lives_and_what_it_can(channel: grpc.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "riskwave.scoring.v1.Scoring"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="riskwave.scoring.v1.Scoring"),
    ]
    services, files = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter(asked), timeout=60)
    assert "riskwave.scoring.v1.Scoring" in {each.name for each in services.list_services_response.service}
    found = files.file_descriptor_response.file_descriptor_proto
    parsed = [descriptor_pb2.FileDescriptorProto.FromString(each) for each in found]
    methods = {method.name for file in parsed for service in file.service for method in service.method}
    assert methods == {"Score", "ScoreAll"}


def test_without_the_key_nothing_is_scored(keyed: tuple[str, str], history: History) -> None:
    flight_address, grpc_address = keyed
    given = one(history.events.slice(0, 1).to_pylist()[0])
    for wrong in (None, "another-key-of-that-length-or-more"):
        with pytest.raises(pa.ArrowException, match="RISKWAVE_SCORING_KEY"):
            RemoteScorer(flight_address, "card", key=wrong, timeout_s=30)(given)
    assert RemoteScorer(flight_address, "card", key=KEY, timeout_s=30)(given).field("score")[0].is_valid
    with grpc.insecure_channel(grpc_address) as channel:
        asks = {"Score": scoring_pb2.Event(), "ScoreAll": scoring_pb2.Events(), "Other": scoring_pb2.Event()}
        for name, request in asks.items():
            for wrong in (None, KEY[:-1], KEY + "x"):
                with pytest.raises(grpc.RpcError) as fault:
                    call(channel, name, request, wrong)
                assert fault.value.code() == grpc.StatusCode.UNAUTHENTICATED, (name, wrong)
        assert call(channel, "Score", scoring_pb2.Event(), KEY).version == "card 1.1.0"
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        with pytest.raises(grpc.RpcError) as fault:
            list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, timeout=60))
        assert fault.value.code() == grpc.StatusCode.UNAUTHENTICATED
        check = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert check.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "0.0.0.0:0"), "--listen 0.0.0.0:0: others could ask without a key"),
        (("--listen", "0.0.0.0:0", "--open-flight", "--grpc", "0.0.0.0:0"), "--grpc 0.0.0.0:0: others could ask"),
        (("--listen", "[::]:0"), "others could ask without a key"),
        (("--key-file", "nothing"), "nothing: the key cannot be read"),
    ],
)
def test_others_are_let_in_only_with_a_key_or_by_saying_so(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "udf", "--models", str(tmp_path), *options],
        cwd=project_dir(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_keys_are_read_and_short_ones_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert read_key(file, {}) == KEY
    assert read_key(None, {"RISKWAVE_SCORING_KEY": KEY}) == KEY
    assert read_key(None, {}) is None
    file.write_text("short")
    with pytest.raises(RiskwaveError, match="16 plain characters"):
        read_key(file, {})
    own, others = ("127.0.0.1", "[::1]", "localhost"), ("0.0.0.0", "10.1.2.3", "[::]", "bank")  # noqa: S104
    assert [host for host in (*own, *others) if is_loopback(f"{host}:1")] == list(own)


def test_the_generated_module_is_in_step_with_the_proto(tmp_path: Path) -> None:
    root = project_dir()
    subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc", "-I", str(root)),
            *(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", "udf/scoring.proto"),
        ],
        cwd=root,
        check=True,
    )
    for name in ("scoring_pb2.py", "scoring_pb2.pyi"):
        assert (tmp_path / "udf" / name).read_text() == (root / "udf" / name).read_text(), "run `make proto`"
