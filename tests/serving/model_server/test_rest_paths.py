"""Paths of the REST API."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.model_server.rest_paths import API_PATH, BadVersionError, Target, parse_target
from serving.wire.status import Code, StatusError


@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "/v1/models/m:predict", Target("m", None, None, "predict")),
        ("POST", "/V1/Models/m/versions/12:regress", Target("m", 12, None, "regress")),
        ("POST", "/v1/models/m/labels/a%2Fb:classify", Target("m", None, "a/b", "classify")),
        ("GET", "/v1/models/m", Target("m", None, None, "")),
        ("GET", "/v1/models/m%20n/versions/3", Target("m n", 3, None, "")),
        ("GET", "/v1/models/m/labels/x/metadata", Target("m", None, "x", "metadata")),
        ("GET", "/v1/models", Target("", None, None, "")),
    ],
)
def test_targets(method: str, path: str, target: Target) -> None:
    assert parse_target(method, path) == target


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/foo:predict"),
        ("POST", "/v1/foo"),
        ("POST", "/v1/models/foo/version/50:regress"),
        ("POST", "/v1/models/foo/versions/HELLO:regress"),
        ("POST", "/v1/models/foo/versions/1/labels/a:predict"),
        ("DELETE", "/v1/models/foo"),
    ],
)
def test_other_paths_are_malformed(method: str, path: str) -> None:
    with pytest.raises(StatusError) as caught:
        parse_target(method, path)
    assert str(caught.value) == f"INVALID_ARGUMENT: Malformed request: {method} {path}"


def test_a_version_has_64_bits() -> None:
    largest = (1 << 63) - 1
    assert parse_target("GET", f"/v1/models/m/versions/{largest}").version == largest
    with pytest.raises(BadVersionError, match="Failed to convert version"):
        parse_target("GET", f"/v1/models/m/versions/{largest + 1}")


@given(st.sampled_from(["GET", "POST"]), st.text())
def test_any_path_is_a_target_or_malformed(method: str, path: str) -> None:
    code = Code.INVALID_ARGUMENT
    try:
        parse_target(method, "/v1/" + path)
    except StatusError as error:
        code = error.code
    assert code is Code.INVALID_ARGUMENT


def test_other_servers_paths() -> None:
    assert API_PATH.fullmatch("/v1/models")
    assert not API_PATH.fullmatch("/statuspage")
