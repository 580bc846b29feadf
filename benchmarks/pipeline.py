"""Augmented training images a second, against Keras's and PyTorch's own ways; share of a step.

    python benchmarks/pipeline.py [--torch PYTHON] [--size 224] [--faces 2048] [--rounds 5]

Drawn faces are written as records and, the same JPEG files, as a folder. In every round each way
runs one epoch, in turn, on two cores; the ratio is taken within a round, because timings drift:

- ours, in memory: the default, where the decoded faces fit into KERAS_DLDL_CACHE_BYTES;
- ours, from files: records read and decoded in every epoch, as where nothing fits;
- Keras: `image_dataset_from_directory` and Keras's augmentation layers (which have none for lower
  resolution, so it is spared that);
- PyTorch: `DataLoader` and albumentations, run by --torch, the Python of an environment with
  `pip install torch albumentations opencv-python-headless`; skipped where it is not given.

Then training steps of TinyAgeNet are timed with and without augmentation (--step-size, 0: not).
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CORES = 2
DRAWN = 256  # different faces; they are repeated
STEP_BATCH = 64


def main() -> None:
    """Time all ways in turn and print images a second, ratios and their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", help="Python of an environment with PyTorch; default: skip")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--faces", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--step-size", type=int, default=112)
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as temporary:
        compare(args, write_faces(Path(temporary) / "pipeline", args.faces, args.size))
        if args.step_size:
            step_share(args, write_faces(Path(temporary) / "step", 1024, args.step_size))


def compare(args: argparse.Namespace, folder: Path) -> None:
    """Run the rounds; the first epoch of each way, which compiles and fills caches, is left out."""
    ways = {
        "ours, in memory": ours(folder, args, 2**34),
        "ours, from files": ours(folder, args, 0),
        "Keras": keras_layers(folder, args),
        "PyTorch": pytorch(folder, args),
    }
    ways = {name: way for name, way in ways.items() if way is not None}
    for way in ways.values():
        way()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            rates[name].append(args.faces / way())
        print("   ".join(f"{name} {rates[name][-1]:6.0f}/s" for name in ways), flush=True)
    rivals = [name for name in ways if not name.startswith("ours")]
    for name in ("ours, in memory", "ours, from files"):
        for rival in rivals:
            report(
                f"{name} / {rival}", [a / b for a, b in zip(rates[name], rates[rival], strict=True)]
            )


def report(title: str, ratios: list[float]) -> None:
    """Print the median of the rounds' ratios, and the least and the greatest."""
    median = statistics.median(ratios)
    print(f"{title}: median ratio {median:.2f} ({min(ratios):.2f} ... {max(ratios):.2f})")


def write_faces(folder: Path, count: int, size: int) -> Path:
    """Write a prepared folder of `count` faces, and the same files into `folder`/crops/train."""
    import pandas as pd

    from keras_dldl.data.prepared import FACES, PLACE_COLUMNS, ShardFacts, write_prepared
    from keras_dldl.data.records import encode_jpeg, write_shard
    from keras_dldl.data.synthetic import draw_faces
    from keras_dldl.faces.alignment import Alignment
    from keras_dldl.labels import LabelGrid

    drawn = [(encode_jpeg(f.image), f.age) for f in draw_faces(min(DRAWN, count), size=size)]
    (folder / "crops" / "train").mkdir(parents=True)
    rows, places, shards = [], [], {}
    for first in range(0, count, 256):
        part = [drawn[k % len(drawn)] for k in range(first, min(first + 256, count))]
        shard = f"{first // 256:05d}.tfrecord"
        written = write_shard([image for image, _ in part], folder / FACES / shard)
        shards[shard] = ShardFacts.of_file(folder / FACES / shard, len(part))
        for k, ((image, age), place) in enumerate(zip(part, written, strict=True), first):
            name = f"train/{k:06d}.jpg"
            (folder / "crops" / name).write_bytes(image)
            rows.append((name, age, "train", "found"))
            places.append((name, shard, *place))
    manifest = pd.DataFrame(rows, columns=["path", "label", "split", "face"])
    facts = {
        "source": "synthetic", "root": ".", "size": size,
        "grid": LabelGrid.age().get_config(), "alignment": Alignment().get_config(),
    }  # fmt: skip
    write_prepared(folder, manifest, pd.DataFrame(places, columns=PLACE_COLUMNS), shards, facts)
    return folder


def ours(folder: Path, args: argparse.Namespace, memory: int) -> Callable[[], float]:
    """Return a function that runs one epoch of this package's pipeline and returns its seconds."""
    from keras_dldl.data.augment import Augmentation
    from keras_dldl.data.pipeline import training_dataset
    from keras_dldl.data.prepared import PreparedData

    data, epochs = PreparedData(folder), iter(range(10**6))

    def run() -> float:
        os.environ["KERAS_DLDL_CACHE_BYTES"] = str(memory)
        begin = time.perf_counter()
        exhaust(
            training_dataset(
                data, input_size=args.size, batch_size=args.batch_size, seed=0,
                epoch=next(epochs), augment=Augmentation(zoom=0.1, shift=0.05),
            )
        )  # fmt: skip
        return time.perf_counter() - begin

    return run


def keras_layers(folder: Path, args: argparse.Namespace) -> Callable[[], float]:
    """Return the same for Keras's data set of a folder and its augmentation layers."""
    import keras
    import tensorflow as tf

    layers = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomGrayscale(0.5),
        keras.layers.RandomRotation(15 / 360, fill_mode="nearest"),
        keras.layers.RandomZoom(0.1, fill_mode="nearest"),
        keras.layers.RandomTranslation(0.05, 0.05, fill_mode="nearest"),
        keras.layers.RandomBrightness(0.4, value_range=(0, 255)),
        keras.layers.RandomContrast(0.4, value_range=(0, 255)),
        keras.layers.RandomSaturation(0.4, value_range=(0, 255)),
    ]

    def augment(images, labels):
        for layer in layers:
            images = layer(images, training=True)
        return images, labels

    batches = keras.utils.image_dataset_from_directory(
        str(folder / "crops"), labels="inferred", image_size=(args.size, args.size),
        batch_size=args.batch_size, verbose=False,
    )  # fmt: skip
    batches = batches.map(augment, num_parallel_calls=tf.data.AUTOTUNE)
    return lambda: exhaust(batches.prefetch(tf.data.AUTOTUNE))


def pytorch(folder: Path, args: argparse.Namespace) -> Callable[[], float] | None:
    """Return the same for PyTorch, in a process of its own that waits between its turns."""
    if args.torch is None:
        print("PyTorch is skipped: give --torch PYTHON of an environment with")
        print("  pip install torch albumentations opencv-python-headless")
        return None
    script = Path(__file__).with_name("pipeline_torch.py")
    given = [folder / "crops" / "train", args.size, args.batch_size, CORES]
    process = subprocess.Popen(
        [args.torch, str(script), *map(str, given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdout.readline().strip() != "ready":
        raise SystemExit(f"PyTorch did not start: see above. Received: --torch {args.torch}")

    def run() -> float:
        process.stdin.write("epoch\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    return run


def exhaust(dataset) -> float:
    """Return the seconds of one run through a data set."""
    begin = time.perf_counter()
    for _ in dataset:
        pass
    return time.perf_counter() - begin


def step_share(args: argparse.Namespace, folder: Path) -> None:
    """Time epochs of training TinyAgeNet with and without augmentation, in turn."""
    import keras

    from keras_dldl.data.augment import Augmentation
    from keras_dldl.data.pipeline import training_dataset
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.models import build_model

    os.environ["KERAS_DLDL_CACHE_BYTES"] = str(2**34)
    data, size = PreparedData(folder), args.step_size
    model = build_model("tiny-age-net", data.grid, input_size=size)
    model.compile("adam", model.method.loss(data.grid))

    def seconds(augment: Augmentation, epoch: int) -> float:
        dataset = training_dataset(
            data, input_size=size, batch_size=STEP_BATCH, seed=0, epoch=epoch, augment=augment
        )
        begin = time.perf_counter()
        model.fit(dataset, verbose=0, shuffle=False)
        return time.perf_counter() - begin

    plain, full = Augmentation.none(), Augmentation(zoom=0.1, shift=0.05)
    seconds(plain, 0), seconds(full, 0)
    shares = []
    for epoch in range(1, args.rounds + 1):
        without, with_it = seconds(plain, epoch), seconds(full, epoch)
        shares.append(with_it / without - 1)
        per_step = 1000 * STEP_BATCH / 1024
        print(
            f"step of {STEP_BATCH} faces at {size}: {without * per_step:.0f} ms, "
            f"augmented {with_it * per_step:.0f} ms, {100 * shares[-1]:+.1f} %",
            flush=True,
        )
    print(f"augmentation adds {100 * statistics.median(shares):.1f} % to a step (median)")
    keras.backend.clear_session()


if __name__ == "__main__":
    main()
