"""Times the local model server against the same model in process.

    python -m benchmarks.serving --out OUT [--requests 300] [--batches 20]

OUT is a folder of `goalpath run`. The server is a process of its own; this one sends the
requests over loopback, one at a time unless said, after it has asked the model without
any server: a call of the SavedModel's signature, and `keras.Model.predict` of the `.keras`
file, which reads what the preprocessing made and so has less to do. Also a model that does
next to nothing, which shows what the server itself takes. Rows are golden Examples, over
and over; "one candidate" is the same rows with their lists cut to the first engagement.
Prints a table in Markdown: medians, with the 99th percentile of single requests.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas import names
from schemas.config import GoalpathConfig, stored_config
from schemas.features import candidate_features
from serving.client.grpc_client import GrpcModelClient
from serving.client.model_client import ClientOptions, ModelClient
from serving.client.rest_client import RestModelClient
from serving.client.retry import RetryPolicy
from serving.versions import Version, model_names, newest_version

Array = npt.NDArray[np.generic]
Inputs = Mapping[str, Array]
Call = Callable[[], object]

BATCH: Final = 1000
PAIRS: Final = 100_000
WIDTH: Final = 8
PATIENT: Final = RetryPolicy(attempts=10_000, first_wait_seconds=0.2)


@dataclasses.dataclass(frozen=True)
class Case:
    """What is asked.

    Attributes:
      name: for the table.
      model: on the server.
      signature: of it.
      inputs: of a request.
      rows: in a request.
      plain: the same without a server.
      keras: the same by Keras, where it can be.
      repeats: of the request.
    """

    name: str
    model: str
    signature: str
    inputs: Inputs
    rows: int
    plain: Call
    keras: Call | None
    repeats: int


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds of the requests, and the load when they were sent."""

    seconds: tuple[float, ...]
    load: float

    def text(self, rows: int) -> str:
        """Milliseconds, and rows in a second where there are many."""
        median = float(np.median(self.seconds))
        if rows == 1:
            return f"{median * 1e3:.2f} ({np.percentile(self.seconds, 99) * 1e3:.1f})"
        return f"{median * 1e3:.1f}; {rows / median:,.0f}/s"


def timed(call: Call, repeats: int) -> Timing:
    """Calls three times for warmth, then counts."""
    for _ in range(3):
        call()
    load, seconds = os.getloadavg()[0], []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return Timing(tuple(seconds), load)


def cycled(values: Array, rows: int) -> Array:
    """The first dimension, over and over."""
    chosen: Array = values[np.arange(rows) % len(values)]
    return chosen


def first_candidates(examples: Array, config: GoalpathConfig) -> Array:
    """Serialized Examples whose lists are cut to the first candidate."""
    import tensorflow as tf

    cut = []
    for serialized in examples.tolist():
        example = tf.train.Example.FromString(serialized)
        for spec in candidate_features(config):
            feature = example.features.feature[spec.key]
            kind = feature.WhichOneof("kind")
            if kind is not None:
                del getattr(feature, kind).value[1:]
        cut.append(example.SerializeToString())
    array = np.empty(len(cut), np.object_)
    array[:] = cut
    return array


def plain_call(signature: Callable[..., Mapping[str, object]], inputs: Inputs) -> Call:
    """The signature on constants; the answer as arrays, as a client has it."""
    import tensorflow as tf

    specs = signature.structured_input_signature[1]  # type: ignore[attr-defined]
    fed = {key: tf.constant(value.tolist(), specs[key].dtype) for key, value in inputs.items()}
    return lambda: {key: value.numpy() for key, value in signature(**fed).items()}  # type: ignore[attr-defined]


def goalpath_cases(version: Version, name: str, requests: int, batches: int) -> list[Case]:
    """Requests to a pushed version."""
    import keras
    import tensorflow as tf

    import trainer.model  # noqa: F401  registers the layers
    from trainer.golden import MODEL_INPUTS, load_golden

    extra = version.model_dir / names.ASSETS_EXTRA
    config = stored_config(version.manifest["config"], where=str(version.model_dir))
    golden = load_golden((extra / names.GOLDEN_FILE).read_bytes())
    loaded = tf.saved_model.load(str(version.model_dir)).signatures
    model = keras.saving.load_model(extra / names.KERAS_FILE, compile=False)
    read = golden[MODEL_INPUTS]["inputs"]
    (examples,) = golden[names.SIGNATURE_DEFAULT]["inputs"].values()
    cases = []
    for label, source in (("", examples), (", one candidate", first_candidates(examples, config))):
        for rows, repeats in ((1, requests), (BATCH, batches)):
            inputs = {names.EXAMPLES_INPUT: cycled(source, rows)}
            by_keras = None
            if not label:
                fed = {key: cycled(value, rows) for key, value in read.items()}
                by_keras = lambda fed=fed: model.predict(fed, verbose=0, batch_size=BATCH)  # noqa: E731
            call = plain_call(loaded[names.SIGNATURE_DEFAULT], inputs)
            title = f"{names.SIGNATURE_DEFAULT}, {rows:,} rows{label}"
            cases.append(
                Case(title, name, names.SIGNATURE_DEFAULT, inputs, rows, call, by_keras, repeats)
            )
    asked = golden[names.SIGNATURE_RECOMMEND]["inputs"]
    return cases + recommend_cases(loaded, asked, name, requests, batches)


def recommend_cases(
    loaded: Mapping[str, Callable[..., Mapping[str, object]]],
    inputs: Inputs,
    name: str,
    requests: int,
    batches: int,
) -> list[Case]:
    """Ten best for one student, and for so many that 100,000 pairs are scored."""
    recommend = names.SIGNATURE_RECOMMEND
    fresh = {names.FRESH_AUDIENCE, names.FRESH_ID, *names.FRESH_POPULARITY.values()}
    students = {k: v for k, v in inputs.items() if v.ndim and k not in fresh}
    rest = {k: v for k, v in inputs.items() if k not in students}
    rest[names.TOP_K_INPUT] = np.array(1 << 20, np.int32)
    everything = plain_call(loaded[recommend], {**students, **rest})()
    offered = [sum(bool(i) for i in row) for row in everything[names.RECOMMENDED_ID].tolist()]  # type: ignore[index]
    best = int(np.argmax(offered))
    rest[names.TOP_K_INPUT] = np.array(10, np.int32)
    cases = []
    for count, repeats in ((1, requests), (-(-PAIRS // max(offered[best], 1)), batches)):
        asked = {k: cycled(v[best : best + 1], count) for k, v in students.items()} | rest
        title = f"recommend, 10 best for {count:,} students of {offered[best]:,} offers each"
        call = plain_call(loaded[recommend], asked)
        cases.append(Case(title, name, recommend, asked, count, call, None, repeats))
    return cases


def tiny_cases(folder: Path, requests: int, batches: int) -> list[Case]:
    """Requests to a model that adds one: what is left is the server."""
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec([None, WIDTH], tf.float32, "x")
    module.add = tf.function(lambda x: {"y": x + 1.0}, input_signature=[spec])
    tf.saved_model.save(module, str(folder), {"serving_default": module.add})
    call = tf.saved_model.load(str(folder)).signatures["serving_default"]
    made = []
    for rows, repeats in ((1, requests), (BATCH, batches)):
        inputs = {"x": np.random.default_rng(0).random((rows, WIDTH), np.float32)}
        title = f"x + 1 of {WIDTH} numbers, {rows:,} rows"
        plain = plain_call(call, inputs)
        made.append(Case(title, "tiny", "serving_default", inputs, rows, plain, None, repeats))
    return made


def free_port() -> int:
    """A port of the loopback that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(models: Mapping[str, Path], folder: Path) -> Iterator[tuple[int, int]]:
    """A server process; its gRPC and REST ports."""
    config = folder / "models.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" }}'
        for name, path in models.items()
    )
    config.write_text(f"model_config_list {{ {entries} }}")
    grpc_port, rest_port = free_port(), free_port()
    flags = [f"--port={grpc_port}", f"--rest_api_port={rest_port}", f"--model_config_file={config}"]
    command = [sys.executable, "-m", "serving.model_server", *flags]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield grpc_port, rest_port
        finally:
            process.terminate()


def at_once(call: Call, threads: int, repeats: int) -> float:
    """Requests a second from several threads."""
    workers = [
        threading.Thread(target=lambda: [call() for _ in range(repeats)]) for _ in range(threads)
    ]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return threads * repeats / (time.perf_counter() - began)


def report(cases: Sequence[Case], grpc_port: int, rest_port: int) -> None:
    """Asks, and prints a line for each case."""
    print("| request | in process | Keras | gRPC | gRPC x4, rows/s | REST | load |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in cases:
        plain = timed(case.plain, case.repeats)
        keras = timed(case.keras, max(case.repeats // 10, 5)) if case.keras else None
        answers = []
        for kind, port in ((GrpcModelClient, grpc_port), (RestModelClient, rest_port)):
            options = ClientOptions(f"127.0.0.1:{port}", case.model, 300.0, PATIENT)
            client: ModelClient = kind(options)
            call = lambda c=client: c.predict(case.inputs, signature=case.signature)  # noqa: B023, E731
            timing = timed(call, case.repeats)
            answers.append(timing)
            if kind is GrpcModelClient:
                rate = at_once(call, 4, max(case.repeats // 4, 1)) * case.rows
            client.close()
        over_grpc, over_rest = answers
        cells = [
            case.name,
            plain.text(case.rows),
            keras.text(case.rows) if keras else "",
            over_grpc.text(case.rows),
            f"{rate:,.0f}",
            over_rest.text(case.rows),
            f"{plain.load:.1f} to {over_rest.load:.1f}",
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--batches", type=int, default=20)
    options = parser.parse_args()
    (name,) = model_names(options.out)
    version = newest_version(options.out, name)
    with tempfile.TemporaryDirectory() as folder:
        tiny = Path(folder) / "tiny"
        cases = tiny_cases(tiny / "1", options.requests, options.batches)
        cases += goalpath_cases(version, name, options.requests, options.batches)
        models = {name: version.model_dir.parent, "tiny": tiny}
        with served(models, Path(folder)) as (grpc_port, rest_port):
            report(cases, grpc_port, rest_port)


if __name__ == "__main__":
    main()
