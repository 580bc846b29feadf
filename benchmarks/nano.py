"""NanoAgeNet against SSR-Net: parameters, multiply-adds, and the time of one face.

python benchmarks/nano.py

Both take 64 x 64 faces. SSR-Net (Yang, Huang, Lin, Hsiu and Chuang, IJCAI 2018) is built here as it
was published, with its stages of 3, 3 and 3 and untrained weights: time does not depend on them.
Each engine runs both in turn, round after round, on the same threads; the ratio of a round is of
two medians taken a second apart.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from keras import layers

SIZE, STAGES = 64, (3, 3, 3)
LAMBDA_LOCAL, LAMBDA_D = 1.0, 1.0
LABELS = 101


def ssr_net() -> keras.Model:
    """Return SSR-Net, (B, 64, 64, 3) to (B, 1) years."""
    images = keras.Input((SIZE, SIZE, 3))
    plain = _stream(images, 32, "relu", layers.AveragePooling2D)
    gated = _stream(images, 16, "tanh", layers.MaxPooling2D)
    # From the last maps to the first: coarse to fine. Pooled so that all give 4 x 4 places.
    levels = [
        _level(p, g, pool, bins)
        for p, g, pool, bins in zip(plain[::-1], gated[::-1], (1, 4, 8), STAGES, strict=True)
    ]
    return keras.Model(images, Expected()(sum(levels, [])))


def _stream(x, width, activation, pooling):
    """Return the maps of one stream after its first, second and fourth convolution."""
    maps = []
    for k in range(4):
        x = layers.Conv2D(width, 3)(x)
        x = layers.Activation(activation)(layers.BatchNormalization()(x))
        if k < 3:
            x = pooling(2)(x)
        if k != 2:
            maps.append(x)
    return maps


def _level(plain, gated, pool, bins):
    """Return (share of each bin, shift of the bins' centres, change of their width)."""
    p = _places(plain, pool, layers.AveragePooling2D)
    g = _places(gated, pool, layers.MaxPooling2D)
    width = layers.Dense(1, activation="tanh")(layers.Multiply()([g, p]))
    mixed = [layers.Dense(bins, activation="relu")(layers.Dropout(0.2)(x)) for x in (g, p)]
    joint = layers.Dense(2 * bins, activation="relu")(layers.Multiply()(mixed))
    share = layers.Dense(bins, activation="relu")(joint)
    shift = layers.Dense(bins, activation="tanh")(joint)
    return [share, shift, width]


def _places(x, pool, pooling):
    x = layers.Conv2D(10, 1, activation="relu")(x)
    return layers.Flatten()(pooling(pool)(x) if pool > 1 else x)


@keras.saving.register_keras_serializable(package="benchmark")
class Expected(layers.Layer):
    """The age: each level refines the bin of the one before (their equation 4)."""

    def call(self, tensors):
        """Return (B, 1) years of all levels' shares, shifts and widths."""
        age, scale = 0.0, 1.0
        for k, bins in enumerate(STAGES):
            share, shift, width = tensors[3 * k : 3 * k + 3]
            scale = scale * bins * (1 + LAMBDA_D * width)
            centres = np.arange(bins, dtype="float32") + LAMBDA_LOCAL * shift
            age = age + keras.ops.sum(share * centres, axis=1, keepdims=True) / scale
        return age * LABELS


def in_tensorflow(model, threads):
    """Return a function that runs `model` as a TensorFlow graph, folded as `export` does."""
    import tensorflow as tf

    from keras_dldl.models.folding import fold_normalization

    network = fold_normalization(model)
    graph = tf.function(lambda x: network(x, training=False), jit_compile=False)
    spec = tf.TensorSpec((1, SIZE, SIZE, 3), tf.float32)
    concrete = graph.get_concrete_function(spec)
    return lambda face: concrete(tf.constant(face))


def in_litert(model, threads):
    """Return a function that runs `model` in LiteRT."""
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    with tempfile.TemporaryDirectory() as folder:
        model.export(folder, verbose=False)
        content = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, SIZE, SIZE, 3))
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]

    def run(face):
        interpreter.set_tensor(place, face)
        interpreter.invoke()

    return run


def in_onnx(model, threads):
    """Return a function that runs `model` in ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.onnx")
        model.export(path, format="onnx", verbose=False)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda face: session.run(None, {name: face})


ENGINES = {"TensorFlow": in_tensorflow, "LiteRT": in_litert, "ONNX Runtime": in_onnx}


def milliseconds(run, face, calls):
    """Return the median time of a call."""
    for _ in range(10):
        run(face)
    times = []
    for _ in range(calls):
        begin = time.perf_counter()
        run(face)
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def main() -> None:
    """Print a line an engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=100, help="of each model in a round")
    parser.add_argument("--threads", type=int, default=2, help="of LiteRT and ONNX Runtime")
    given = parser.parse_args()
    from keras_dldl import LabelGrid, build_model
    from keras_dldl.benchmark.engines import multiply_adds

    models = {
        "nano-age-net": build_model("nano-age-net", LabelGrid.age(), input_size=SIZE),
        "SSR-Net": ssr_net(),
    }
    for name, model in models.items():
        macs = multiply_adds(model) / 1e6
        print(f"{name}: {model.count_params():,} parameters, {macs:.1f} M multiply-adds")
    face = np.random.default_rng(0).uniform(0, 255, (1, SIZE, SIZE, 3)).astype("float32")
    for engine, opened in ENGINES.items():
        runs = {name: opened(model, given.threads) for name, model in models.items()}
        rounds = [
            {name: milliseconds(run, face, given.calls) for name, run in runs.items()}
            for _ in range(given.rounds)
        ]
        ratios = [r["nano-age-net"] / r["SSR-Net"] for r in rounds]
        times = ", ".join(f"{n} {statistics.median(r[n] for r in rounds):.2f} ms" for n in runs)
        print(
            f"{engine}: {times}; ratio {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} ... {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
