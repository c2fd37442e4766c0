"""A version that the other TFX line pushed, asked here: what its golden file says, to 1e-5.

GOALPATH_OTHER_LINE is the folder of such a version, `OUT/serving/<model>/<version>`, of a run
on the other line (docs/compatibility.md says how it is made).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from schemas import names
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions
from tests.serving.conftest import run_server

pytestmark = pytest.mark.slow

VARIABLE = "GOALPATH_OTHER_LINE"
TOLERANCE = 1e-5
MODEL = "goalpath"


@pytest.fixture(name="version_dir")
def _version_dir() -> Path:
    value = os.environ.get(VARIABLE)
    if not value:
        pytest.skip(
            f"{VARIABLE} is not set: it has to name the folder of a version that was pushed on the"
            " other TFX line, which this environment cannot have beside its own."
        )
    folder = Path(value)
    assert (folder / "saved_model.pb").is_file(), f"{VARIABLE}={folder} holds no SavedModel."
    return folder


def test_a_version_of_the_other_line_gives_what_it_gave_there(
    version_dir: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    from trainer.golden import MODEL_INPUTS, load_golden

    golden = load_golden((version_dir / names.ASSETS_EXTRA / names.GOLDEN_FILE).read_bytes())
    del golden[MODEL_INPUTS]
    assert {names.SIGNATURE_DEFAULT, names.SIGNATURE_RECOMMEND} <= set(golden)
    running = run_server(f"--model_name={MODEL}", f"--model_base_path={version_dir.parent}")
    client = GrpcModelClient(ClientOptions(f"127.0.0.1:{running.grpc_port}", MODEL, 60.0))
    try:
        for signature, call in golden.items():
            answer = client.predict(call["inputs"], signature=signature)
            assert answer.version == int(version_dir.name)
            assert sorted(answer.outputs) == sorted(call["outputs"])
            for alias, expected in call["outputs"].items():
                received = answer.outputs[alias]
                if expected.dtype == object:
                    assert received.tolist() == expected.tolist()
                    continue
                np.testing.assert_allclose(received, expected, rtol=0, atol=TOLERANCE)
                if expected.size:
                    difference = np.abs(received.astype(float) - expected.astype(float)).max()
                    record_testsuite_property(f"{signature}.{alias}", f"{difference:.1e}")
    finally:
        client.close()
        running.server.stop()
