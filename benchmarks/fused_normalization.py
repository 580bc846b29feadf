"""Training steps with batch normalisation as one TensorFlow operation, against Keras's own.

python benchmarks/fused_normalization.py

For each network, size and precision both are timed in turn, round after round; the ratio of a round
is of two times taken one after the other.
"""

import argparse
import statistics
import time

import keras
import numpy as np

CASES = (
    ("tiny-age-net", 64, "float32"),
    ("tiny-age-net", 112, "float32"),
    ("tiny-age-net", 112, "mixed_bfloat16"),
    ("thin-age-net", 112, "float32"),
    ("thin-age-net", 112, "mixed_bfloat16"),
)


def stepper(name: str, size: int, precision: str, batch: int, is_fused: bool):
    """Return a function that makes one training step."""
    from keras_dldl import LabelDistributionLoss, LabelGrid, build_model
    from keras_dldl.training.devices import precision as set_precision
    from keras_dldl.training.fused_normalization import fuse_batch_normalization

    with set_precision(precision):
        model = build_model(name, LabelGrid.age(), input_size=size).training_model()
    if is_fused:
        fuse_batch_normalization(model)
    loss = LabelDistributionLoss(LabelGrid.age(), from_logits=True)
    model.compile("adam", loss=loss, jit_compile=False)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, size, size, 3)).astype("float32")
    ages = rng.uniform(0, 100, (batch, 1)).astype("float32")
    return lambda: model.train_on_batch(images, ages)


def images_a_second(step, batch: int, steps: int) -> float:
    """Return the speed over a number of steps."""
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    return batch * steps / (time.perf_counter() - begin)


def main() -> None:
    """Print a line a case."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="a round")
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    for name, size, precision in CASES:
        steps = [stepper(name, size, precision, given.batch, fused) for fused in (False, True)]
        for step in steps:
            images_a_second(step, given.batch, 2)
        rounds = [
            [images_a_second(step, given.batch, given.steps) for step in steps]
            for _ in range(given.rounds)
        ]
        ratios = [fused / plain for plain, fused in rounds]
        plain, fused = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(
            f"{name} {size} {precision}: Keras {plain:.0f}, fused {fused:.0f} images/s, ratio "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} ... {max(ratios):.2f})",
            flush=True,
        )
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
