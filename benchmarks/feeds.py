"""Images a second: each feed alone, and training by it, on the back end and device at hand.

    KERAS_BACKEND=jax python benchmarks/feeds.py data/utk --model thin-age-net --batch-size 256 \
        --precision mixed_bfloat16

The first epoch compiles and is not counted; of the others the fastest is. Feeds that this
installation does not have are left out.
"""

import argparse
import time

import keras

from keras_dldl._utils.backends import backend_name, is_installed
from keras_dldl.data.prepared import PreparedData
from keras_dldl.training import TrainConfig
from keras_dldl.training.devices import precision
from keras_dldl.training.feed import make_feed
from keras_dldl.training.learner import FaceLearner


def best_seconds(epoch, count):
    """Return the seconds of the fastest of `count` calls of `epoch` with 1, 2 ..., after one."""
    epoch(0)
    seconds = []
    for number in range(1, count + 1):
        begun = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def feed_alone(feed):
    """Return what takes the batches of an epoch and does nothing with them."""

    def epoch(number):
        for images, *_ in feed.training(number):
            last = images
        keras.ops.convert_to_numpy(last[:1])  # the device works on after it was asked

    return epoch


def training(feed, learner):
    """Return what trains an epoch."""
    learner.build(from_init=False)
    return lambda number: learner.trained.fit(feed.training(number), verbose=0, shuffle=False)


def main():
    """Print a line a feed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--model", default="tiny-age-net")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--input-size", type=int)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    data = PreparedData(given.data)
    for kind in ("tf-data", "memory"):
        if kind == "tf-data" and not is_installed("tensorflow"):
            continue
        config = TrainConfig(
            data=[given.data], model=given.model, batch_size=given.batch_size, feed=kind,
            input_size=given.input_size or data.size, precision=given.precision,
        ).with_augmentation()  # fmt: skip
        with precision(config.precision):
            feed = make_feed(config, data)
            alone = feed.images / best_seconds(feed_alone(feed), given.epochs)
            trained = feed.images / best_seconds(
                training(feed, FaceLearner(config, data)), given.epochs
            )
        print(
            f"{backend_name()} {kind}: feed {alone:,.0f}, training {trained:,.0f} images a second"
        )


if __name__ == "__main__":
    main()
