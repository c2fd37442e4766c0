"""Writes small SavedModels whose answers can be worked out by hand."""

from __future__ import annotations

from pathlib import Path


def write_half_plus(folder: Path, addend: float = 2.0) -> Path:
    """y = x / 2 + addend, in the form of TF Serving's own half_plus_two.

    Signatures: `serving_default` (x -> y), `regress_x_to_y` and `classify_x_to_y` (of
    Examples with one float feature `x`), and `two` (x -> y, doubled = 2x).
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        examples = v1.placeholder(tf.string, [None], name="examples")
        parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})
        x = v1.placeholder_with_default(parsed["x"], [None, 1], name="x")
        free = v1.placeholder(tf.float32, None, name="free")
        half = tf.Variable(0.5, name="half")
        y = tf.add(tf.multiply(x, half), addend, name="y")
        free_y = tf.add(tf.multiply(free, half), addend, name="free_y")
        doubled = tf.multiply(free, 2.0, name="doubled")
        labels = tf.as_string(tf.cast(x, tf.int64), name="labels")
        info = v1.saved_model.build_tensor_info
        build = v1.saved_model.build_signature_def
        signatures = {
            "serving_default": build(
                {"x": info(free)}, {"y": info(free_y)}, "tensorflow/serving/predict"
            ),
            "two": build(
                {"x": info(free)},
                {"y": info(free_y), "doubled": info(doubled)},
                "tensorflow/serving/predict",
            ),
            "regress_x_to_y": build(
                {"inputs": info(examples)}, {"outputs": info(y)}, "tensorflow/serving/regress"
            ),
            "classify_x_to_y": build(
                {"inputs": info(examples)},
                {"scores": info(y), "classes": info(labels)},
                "tensorflow/serving/classify",
            ),
            "no_method": build({"x": info(free)}, {"y": info(free_y)}, "something/else"),
        }
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.save()
    return folder


def write_texts(folder: Path) -> Path:
    """A TensorFlow 2 SavedModel on strings, integers and booleans; `serving_default`.

    text `[B]` and times `[B]` int64 -> `loud` (text + "!"), `raw_bytes` (text + "?"),
    `long` (times > 2) and `thrice` `[B, 3]` (times, times + 1, times + 2).
    """
    import tensorflow as tf

    class Texts(tf.Module):  # type: ignore[misc]
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, "text"),
                tf.TensorSpec([None], tf.int64, "times"),
            ]
        )
        def answer(self, text: tf.Tensor, times: tf.Tensor) -> dict[str, tf.Tensor]:
            return {
                "loud": text + "!",
                "raw_bytes": text + "?",
                "long": times > 2,
                "thrice": times[:, tf.newaxis] + tf.constant([[0, 1, 2]], tf.int64),
            }

    module = Texts()
    tf.saved_model.save(module, str(folder), {"serving_default": module.answer})
    return folder
