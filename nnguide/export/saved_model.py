"""A run as a SavedModel that takes raw inputs.

It holds preprocessing, network, calibration and decision.

Pictures have `serving_default` (grey levels), `serve_bytes` (picture files) and `classify`; texts
and rows have `serving_default` and `classify`. Besides its signatures, a loaded SavedModel of texts
has the function `ids(text)`, which returns the inputs of the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from nnguide import logs
from nnguide.export import tf_joined, tf_pictures
from nnguide.inference.decision import DIGITS, NONE
from nnguide.models.saving import preprocessor
from nnguide.runs import Run

CLASSIFY = "tensorflow/serving/classify"  # the method name that TensorFlow Serving looks for
SIDE = 28


class Decided(tf.Module):
    """The parts of every exported model: the weights and the decision."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        model = run.model
        core = model.get_layer("core")
        layer = preprocessor(model)
        self.weights = [variable.value for variable in core.variables]
        self._network = lambda inputs: core(inputs, training=False)
        self._prepare = layer
        self.names_digits = DIGITS.issuperset(run.labels)
        self._labels = tf.constant(list(run.labels))
        self._threshold = run.threshold
        self.refuse_below = run.decision.refuse_below

    def answers(self, prepared: Any, empty: Any = False) -> dict[str, Any]:
        """Return the answers for preprocessed inputs (batch, …).

        The signatures return them.

        Args:
            empty: (batch,) bool, pictures without ink: none, where the run can refuse.
        """
        outputs = self._network(prepared)
        if self._threshold is None:
            label = tf.gather(self._labels, tf.argmax(outputs, axis=1))
            probability = tf.reduce_max(outputs, axis=1)
            if self.refuse_below is not None:
                refused = probability < tf.constant(self.refuse_below, tf.float32)
                label = tf.where(refused | empty, NONE, label)
            return {
                "label": label,
                "probability": probability,
                "probabilities": outputs,
            }
        spam = outputs[:, 0]
        above = spam > tf.constant(self._threshold, tf.float32)  # strictly, as a Decision
        return {"label": tf.gather(self._labels, tf.cast(above, tf.int32)), "probability": spam}

    def classes(self, prepared: Any) -> dict[str, Any]:
        """Return every label and its score for each input.

        The form is that of TensorFlow Serving's classify.
        """
        scores = self._network(prepared)
        if self._threshold is not None:
            scores = tf.concat([1 - scores, scores], axis=1)
        return {"classes": tf.repeat(self._labels[None], tf.shape(scores)[0], 0), "scores": scores}


class Pictures(Decided):
    """A SavedModel for pictures."""

    def _pixels(self, image: Any) -> Any:
        ok = tf.reduce_all(tf.math.is_finite(image) & (image >= 0) & (image <= 255))
        refusal = tf.debugging.Assert(ok, ["expected finite grey levels 0-255"])
        with tf.control_dependencies([] if refusal is None else [refusal]):
            return self._prepare(tf.identity(image))

    @tf.function(input_signature=[tf.TensorSpec((None, SIDE, SIDE), tf.float32, "image")])
    def serving_default(self, image: Any) -> dict[str, Any]:
        """Answer pictures as grey levels 0-255, white on black."""
        return self.answers(self._pixels(image), _empty(image))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "image_bytes")])
    def serve_bytes(self, image_bytes: Any) -> dict[str, Any]:
        """Answer PNG, JPEG, GIF or BMP files of one digit each."""
        form = tf.TensorSpec((SIDE, SIDE), tf.float32), tf.TensorSpec((), tf.bool)
        image, is_mark = tf.map_fn(
            lambda data: tf_pictures.read(data, self.refuse_below is not None),
            image_bytes,
            fn_output_signature=form,
        )
        image = tf.reshape(image, [tf.size(image_bytes), SIDE, SIDE])  # of none, map_fn gives (0,)
        answers = self.answers(self._prepare(image), _empty(image))
        if not self.names_digits or self.refuse_below is None:
            return answers
        several = is_mark & (answers["label"] != NONE) & tf_joined.surely(image)
        refusal = tf.debugging.Assert(
            ~tf.reduce_any(several), ["expected one digit on the picture; several touch"]
        )
        with tf.control_dependencies([] if refusal is None else [refusal]):
            return {name: tf.identity(value) for name, value in answers.items()}

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "inputs")])
    def classify(self, inputs: Any) -> dict[str, Any]:
        """Classify tf.Examples with the feature `image`.

        It has 784 floats, row by row.
        """
        features = {"image": tf.io.FixedLenFeature((SIDE, SIDE), tf.float32)}
        return self.classes(self._pixels(tf.io.parse_example(inputs, features)["image"]))


def _empty(image: Any) -> Any:
    """Return which pictures (batch, 28, 28) hold no ink.

    The result is (batch,) bool.
    """
    return ~tf.reduce_any(image > 0, axis=[1, 2])


class Texts(Decided):
    """A SavedModel for texts."""

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "text")])
    def ids(self, text: Any) -> Any:
        """Return the token ids for the network, (batch, width) int32."""
        return self._prepare(text)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "text")])
    def serving_default(self, text: Any) -> dict[str, Any]:
        """Answer messages in UTF-8."""
        return self.answers(self._prepare(text))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "inputs")])
    def classify(self, inputs: Any) -> dict[str, Any]:
        """Classify tf.Examples with the feature `text`.

        It is one byte string.
        """
        features = {"text": tf.io.FixedLenFeature((), tf.string)}
        return self.classes(self._prepare(tf.io.parse_example(inputs, features)["text"]))


class Rows(Decided):
    """A SavedModel for rows of numbers."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        count = len(run.features)
        rows = tf.TensorSpec((None, count), tf.float32, "features")
        serialized = tf.TensorSpec((None,), tf.string, "inputs")
        form = {"features": tf.io.FixedLenFeature((count,), tf.float32)}

        def checked(features: Any) -> Any:
            ok = tf.reduce_all(tf.math.is_finite(features))
            refusal = tf.debugging.Assert(ok, ["expected finite numbers"])
            with tf.control_dependencies([] if refusal is None else [refusal]):
                return self._prepare(tf.identity(features))

        def serving_default(features: Any) -> dict[str, Any]:
            """Answer rows with the table's columns in the run's order."""
            return self.answers(checked(features))

        def classify(inputs: Any) -> dict[str, Any]:
            """Classify tf.Examples with the feature `features`.

            It has as many floats as the table has columns.
            """
            return self.classes(checked(tf.io.parse_example(inputs, form)["features"]))

        self.serving_default = tf.function(serving_default, input_signature=[rows])
        self.classify = tf.function(classify, input_signature=[serialized])


def write(run: Run, folder: Path) -> dict[str, Any]:
    """Write the SavedModel of `run` into `folder`, with warm-up requests.

    Returns:
        What the manifest says of it: its signatures.
    """
    from nnguide.export import warm_up

    with logs.stderr_diverted():
        kind = run.task.kind
        model = kind.saved_model()(run)
        names = ("classify", *kind.served(len(run.features)))
        # traced once and held here: given the functions themselves, save traces them again
        signatures = {name: getattr(model, name).get_concrete_function() for name in names}
        tf.saved_model.save(model, str(folder), signatures)
    name_method(folder, "classify", CLASSIFY)
    warm_up.write(folder, kind.warm_up(run.task.name, len(run.features)))
    return {"signatures": {name: described(function) for name, function in signatures.items()}}


def described(signature: Any) -> dict[str, Any]:
    """Return the inputs and outputs of a signature.

    They are name -> dtype and shape, None where a size is open.
    """
    (spec,) = tf.nest.flatten(signature.structured_input_signature)
    return {
        "inputs": {spec.name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}},
        "outputs": {
            name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
            for name, spec in sorted(signature.structured_outputs.items())
        },
    }


def name_method(folder: Path, signature: str, method: str) -> None:
    """Set the method name of a signature in `folder`.

    tf.saved_model.save calls every signature a prediction. The fingerprint that it wrote is of
    the file before this change, so it goes.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        graph.signature_def[signature].method_name = method
    path.write_bytes(saved.SerializeToString(deterministic=True))
    (folder / "fingerprint.pb").unlink(missing_ok=True)
