"""The command line and the files that it names; metrics as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import InputError
from serving.model_server.batching import BatchingOptions
from serving.model_server.config_files import read_batching, read_metrics_path, read_model_config
from serving.model_server.flags import parse_flags
from serving.model_server.metrics import Counter, Distribution, Metrics, exponential_limits


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_flags_with_their_defaults() -> None:
    options = parse_flags(["--model_base_path=/m", "--enable_batching", "--rest_api_port", "9"])
    assert (options.port, options.rest_api_port, options.model_name) == (8500, 9, "default")
    assert options.enable_batching
    assert options.enable_model_warmup
    assert not parse_flags(
        ["--model_base_path=/m", "--enable_model_warmup=false"]
    ).enable_model_warmup


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "neither --model_base_path nor --model_config_file"),
        (["--model_base_path=/m", "--unknown=1"], "unrecognized arguments: --unknown=1"),
        (["--model_base_path=/m", "--port=x"], "invalid int value"),
        (["--model_base_path=/m", "--enable_batching=maybe"], "neither true nor false"),
        (["--model_base_path=/m", "--batching_parameters_file=f"], "add --enable_batching=true"),
        (["--model_base_path=/m", "--port=1", "--rest_api_port=1"], "a port of their own"),
    ],
)
def test_flags_that_are_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_flags(arguments)


def test_batching_parameters(tmp_path: Path) -> None:
    assert read_batching(None, 6) == BatchingOptions(num_threads=6)
    text = (
        "max_batch_size { value: 8 } batch_timeout_micros { value: 1500 } "
        "max_enqueued_batches { value: 3 } num_batch_threads { value: 2 } "
        "allowed_batch_sizes: 4 allowed_batch_sizes: 8"
    )
    assert read_batching(written(tmp_path / "b", text), 6) == BatchingOptions(
        8, 0.0015, 3, 2, (4, 8)
    )


@pytest.mark.parametrize(
    "text",
    [
        "max_batch_size { value: 8 } allowed_batch_sizes: 4",
        "max_batch_size { value: 4 } allowed_batch_sizes: 8 allowed_batch_sizes: 4",
        "pad_variable_length_inputs: true",
        "no_such_field: 1",
    ],
)
def test_batching_parameters_that_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        read_batching(written(tmp_path / "b", text), 2)


def test_monitoring(tmp_path: Path) -> None:
    assert read_metrics_path(written(tmp_path / "m", "prometheus_config { path: '/x' }")) is None
    on = written(tmp_path / "m", "prometheus_config { enable: true }")
    assert read_metrics_path(on) == "/monitoring/prometheus/metrics"
    at = written(tmp_path / "m", "prometheus_config { enable: true path: '/x' }")
    assert read_metrics_path(at) == "/x"


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ModelServerConfig in protocol buffer text format"):
        read_model_config(tmp_path / "missing")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=str(binary)):
        read_model_config(binary)


def test_counters_and_distributions_as_prometheus_reads_them() -> None:
    counter = Counter("/a/b-c", ("model", "status"))
    counter.add('m"\\', "OK")
    counter.add('m"\\', "OK", by=2)
    assert counter.lines() == [
        "# TYPE :a:b:c counter",
        ':a:b:c{model="m\\"\\\\",status="OK"} 3',
    ]
    spread = Distribution("/d", ("model",), exponential_limits(10, 2, 3))
    for value in (9.5, 10, 1e6):
        spread.add(value, "m")
    assert spread.lines() == [
        "# TYPE :d histogram",
        ':d_bucket{model="m",le="10"} 1',
        ':d_bucket{model="m",le="20"} 2',
        ':d_bucket{model="m",le="+Inf"} 3',
        ':d_sum{model="m"} 1.00002e+06',
        ':d_count{model="m"} 3',
    ]


def test_an_empty_page_names_the_metrics() -> None:
    page = Metrics().page()
    assert "# TYPE :tensorflow:serving:request_count counter\n" in page
    assert "# TYPE :tensorflow:serving:request_latency histogram\n" in page
