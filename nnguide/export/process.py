"""A process that loads an exported model, answers, and measures if asked.

    python -P process.py REQUEST.json

No module of nnguide is imported for a SavedModel, ONNX or LiteRT, so they give the same answers
anywhere. (For a run itself, "keras" or "light", nnguide is needed and imported.) The request
names the form, the folder, an .npz file of inputs and one for the answers.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Answer = dict[str, np.ndarray]
Ask = Callable[[str, Any], Answer]  # a kind of input (image, image_bytes, text), a batch of it

TOGETHER = 256  # inputs that are asked at once


def pack(values: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return byte strings as one array of bytes and their lengths.

    This is what an .npz file can hold without pickle.
    """
    return np.frombuffer(b"".join(values), np.uint8), np.array([len(v) for v in values], np.int64)


def unpack(data: np.ndarray, lengths: np.ndarray) -> list[bytes]:
    """Return the byte strings that `pack` packed."""
    ends = np.cumsum(lengths)
    return [bytes(data[end - n : end]) for end, n in zip(ends, lengths, strict=True)]


def saved_model(folder: Path) -> Ask:
    """Load a SavedModel, used by its signatures alone.

    The ids of texts are used too, to be compared.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signatures = dict(loaded.signatures)

    def example(kind: str, value: Any) -> bytes:
        if kind == "text":
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        else:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=value.reshape(-1)))
        features = tf.train.Features(feature={kind: feature})
        return bytes(tf.train.Example(features=features).SerializeToString())

    def ask(kind: str, batch: Any) -> Answer:
        if kind == "examples":  # of the only input that is no file
            rows = "image" if np.ndim(batch) == 3 else "features"
            kind = "text" if isinstance(batch, list) else rows
            inputs = tf.constant([example(kind, value) for value in batch])
            outputs = signatures["classify"](inputs=inputs)
        elif kind == "ids":
            return ragged(loaded.ids(tf.constant(batch)).numpy())
        else:
            name = "serve_bytes" if kind == "image_bytes" else "serving_default"
            outputs = signatures[name](**{kind: tf.constant(batch)})
        plain = {name: value.numpy() for name, value in outputs.items()}
        return {n: v.astype("S").astype("U") if v.dtype == object else v for n, v in plain.items()}

    return ask


def ragged(ids: np.ndarray) -> Answer:
    """Return rows of ids one after another, and their lengths.

    The rows of `ids` end in zeros.
    """
    return {"ids": ids[ids > 0], "lengths": (ids > 0).sum(axis=1)}


def bare(folder: Path, network: Callable[[np.ndarray], np.ndarray]) -> Ask:
    """Load a network behind the NumPy front that lies beside it."""
    sys.path.insert(0, str(folder))
    from front import Front

    front = Front(folder)

    def ask(kind: str, batch: Any) -> Answer:
        raw = [text.decode() for text in batch] if kind in ("text", "ids") else batch
        if kind == "ids":
            rows: list[Any] = [None] * len(raw)
            for places, ready in front.batches(raw):
                for place, row in zip(np.arange(len(raw))[places], ready, strict=True):
                    rows[place] = row[row > 0]
            return {"ids": np.concatenate(rows), "lengths": np.array([len(row) for row in rows])}
        outputs = front.outputs(raw, network)
        return columns(front.answers(outputs), outputs, front.decision.threshold)

    return ask


def columns(answers: list[tuple[str, float]], outputs: np.ndarray, threshold: Any) -> Answer:
    """Return labels and probabilities, and all probabilities where there is no threshold."""
    labels, probability = zip(*answers, strict=True)
    answer = {"label": np.array(labels), "probability": np.array(probability, np.float32)}
    return {**answer, "probabilities": outputs} if threshold is None else answer


def onnx(folder: Path) -> Ask:
    """Load model.onnx in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    (node,) = session.get_inputs()
    return bare(folder, lambda batch: session.run(None, {node.name: batch})[0])


def litert(folder: Path, name: str = "model.tflite") -> Ask:
    """Load a .tflite file in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(folder / name), num_threads=1)
    (tensor,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape: tuple[int, ...] = ()

    def network(batch: np.ndarray) -> np.ndarray:
        nonlocal shape
        if batch.shape != shape:
            interpreter.resize_tensor_input(tensor["index"], batch.shape)
            interpreter.allocate_tensors()
            shape = batch.shape
        interpreter.set_tensor(tensor["index"], batch)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(answer["index"]))

    return bare(folder, network)


def litert_int8(folder: Path) -> Ask:
    """Load the 8-bit network in LiteRT."""
    return litert(folder, "model.int8.tflite")


def run(folder: Path, engine: Any) -> Ask:
    """Load a run of nnguide, through Keras or its light form."""
    from nnguide import logs
    from nnguide.runs import Run

    opened = Run.open(folder)
    if engine == "keras":
        logs.tensorflow()
        _ = opened.model
    else:
        _ = opened.light

    def ask(kind: str, batch: Any) -> Answer:
        raw = [text.decode() for text in batch] if kind == "text" else batch
        outputs = opened.outputs(opened.check(raw), engine)
        answers = [
            (answer.label, answer.probability) for answer in opened.decision.answers(outputs)
        ]
        return columns(answers, outputs, opened.decision.threshold)

    return ask


FORMS: dict[str, Callable[[Path], Ask]] = {
    "keras": lambda folder: run(folder, "keras"),
    "light": lambda folder: run(folder, "light"),
    "saved_model": saved_model,
    "onnx": onnx,
    "litert": litert,
    "litert_int8": litert_int8,
}


def cut(values: Any) -> list[Any]:
    """Return `values` in batches of TOGETHER."""
    return [values[i : i + TOGETHER] for i in range(0, len(values), TOGETHER)]


def measured(ask: Ask, kind: str, values: Any, seconds: float) -> dict[str, float]:
    """Measure the latency of one input and the throughput of many.

    The first is the median in seconds, the second is answers a second.
    """
    ask(kind, values[:1])
    single = []
    ends = time.perf_counter() + seconds
    for i in range(len(values)):
        begin = time.perf_counter()
        ask(kind, values[i : i + 1])
        single.append(time.perf_counter() - begin)
        if time.perf_counter() > ends:
            break
    ask(kind, values[:TOGETHER])
    done, begin = 0, time.perf_counter()
    while (spent := time.perf_counter() - begin) < seconds:
        done += len(ask(kind, values[:TOGETHER])["label"])
    return {"latency_seconds": float(np.median(single)), "throughput": done / spent}


def main() -> None:
    """Do what the request says."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with np.load(request["inputs"], allow_pickle=False) as file:
        inputs = {name: file[name] for name in file.files}
    begin = time.perf_counter()
    ask = FORMS[request["form"]](Path(request["folder"]))
    figures: dict[str, Any] = {"load_seconds": time.perf_counter() - begin}

    answers: Answer = {}
    for kind in request["kinds"]:
        source = request["sources"].get(kind, kind)  # where the values of this kind are
        values: Any = inputs.get(source)
        if values is None:
            values = unpack(inputs[f"{source}_bytes"], inputs[f"{source}_lengths"])
        batches = [ask(kind, batch) for batch in cut(values)]
        for name in batches[0]:
            answers[f"{kind}.{name}"] = np.concatenate([batch[name] for batch in batches])
        if request["seconds"]:
            figures |= measured(ask, kind, values, request["seconds"])
    bare_forms = request["form"] not in ("keras", "light")
    if bare_forms and "nnguide" in sys.modules:
        raise RuntimeError("nnguide was imported, so this shows nothing of a process without it")
    np.savez(request["outputs"], **answers)  # type: ignore[arg-type]
    Path(request["figures"]).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
