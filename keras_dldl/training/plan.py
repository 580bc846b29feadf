"""What a run would do, found out without training: `train --dry-run`."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_dldl.training.config import TrainConfig
from keras_dldl.training.optimizer import LearningRate
from keras_dldl.training.team import Team

if TYPE_CHECKING:
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.models import FaceModel
    from keras_dldl.training.memory import Memory

_SHOWN_RATES = 12


@dataclass(frozen=True)
class RunPlan:
    """What a run would do.

    Attributes:
        config: the complete settings.
        images: number of images by split in use.
        labels: least and greatest label of the training images.
        different: how many of the training images an epoch brings, on average.
        steps_per_epoch: steps of the optimizer.
        groups: parameters and those that learn at first, by the first part of the layers' names.
        init: where weights come from and which layers are left out, or None.
        rates: learning rate of the first and the last step of every epoch.
        memory: the estimate.
        process: bytes that this process has now: Python, the libraries, the model.
    """

    config: TrainConfig
    images: dict[str, int]
    labels: tuple[float, float]
    different: int
    steps_per_epoch: int
    groups: dict[str, tuple[int, int]]
    init: dict[str, Any] | None
    rates: tuple[tuple[float, float], ...]
    memory: "Memory"
    process: int | None

    @property
    def parameters(self) -> int:
        """All parameters of the model."""
        return sum(count for count, _ in self.groups.values())

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        memory = asdict(self.memory) | {"process": self.process, "total": self.total}
        return {
            "data": list(self.config.data),
            "images": self.images,
            "labels": list(self.labels),
            "different_images_an_epoch": self.different,
            "epochs": self.config.epochs,
            "steps_per_epoch": self.steps_per_epoch,
            "steps": self.steps_per_epoch * self.config.epochs,
            "parameters": self.parameters,
            "groups": {
                name: {"parameters": count, "learning": learning}
                for name, (count, learning) in self.groups.items()
            },
            "init": self.init,
            "learning_rate": [list(pair) for pair in self.rates],
            "memory": memory,
            "config": self.config.to_dict(),
        }

    @property
    def total(self) -> int:
        """Bytes that the process needs at its peak; with a GPU a part of them is in its memory.

        The weights stand in `process` already.
        """
        return self.memory.total + (self.process - self.memory.weights if self.process else 0)


def make_plan(config: TrainConfig, team: Team | None = None) -> RunPlan:
    """Open the data, build the model, and say what `train` would do; nothing is written.

    Args:
        config: the settings.
        team: the processes that would train together; nobody waits for the others.

    Raises:
        ConfigError, DataError: as `train` would.
    """
    from keras_dldl.training.devices import places_of, precision
    from keras_dldl.training.feed import make_feed, sampling_of
    from keras_dldl.training.learner import FaceLearner
    from keras_dldl.training.memory import resident_bytes
    from keras_dldl.training.trainer import open_data

    team = team or Team()
    team.check_backend()
    config, data, splits = open_data(config, team.processes)
    places = places_of(config, team)
    feed, learner = make_feed(config, data, places), FaceLearner(config, data, places.devices)
    with precision(config.precision):
        facts = learner.build(from_init=True)
        groups = _groups(learner.face_model)
        # Of the time when all layers learn, which takes most.
        learner.begin_epoch(config.freeze_epochs or 0)
        faces = sum(_kept_bytes(config, data, split) for split in splits)
        memory = replace(learner.memory(), faces=faces)
    rate = LearningRate(config, feed.steps_per_epoch)
    labels, sampling = data.rows("train")["label"], sampling_of(config, data)
    return RunPlan(
        config=config,
        images={split: len(data.rows(split)) for split in splits},
        labels=(float(labels.min()), float(labels.max())),
        different=feed.images if sampling is None else round(sampling.different()),
        steps_per_epoch=feed.steps_per_epoch,
        groups=groups,
        init=facts["init"],
        rates=tuple(
            (rate.at(epoch * rate.steps_per_epoch), rate.at((epoch + 1) * rate.steps_per_epoch - 1))
            for epoch in range(config.epochs)
        ),
        memory=memory,
        process=resident_bytes(),
    )


def _kept_bytes(config: TrainConfig, data: "PreparedData", split: str) -> int:
    from keras_dldl.data.arrays import memory_limit

    decoded = len(data.rows(split)) * config.input_size**2 * 3
    if config.feed == "memory":
        return decoded
    encoded = int(data.records(split).size.sum())
    return next((kept for kept in (decoded, encoded) if kept <= memory_limit()), 0)


def _groups(face_model: "FaceModel") -> dict[str, tuple[int, int]]:
    from keras_dldl.training.freezing import group_of, layers_with_weights

    groups: dict[str, tuple[int, int]] = {}
    for name, layer in layers_with_weights(face_model).items():
        count, learning = groups.get(group_of(name), (0, 0))
        learns = sum(math.prod(variable.shape) for variable in layer.trainable_weights)
        groups[group_of(name)] = (count + layer.count_params(), learning + learns)
    return groups


def describe(plan: RunPlan) -> str:
    """Return the plan as lines to read."""
    parts = (_data_lines, _model_lines, _step_lines, _rate_lines, _memory_lines)
    return "\n".join(line for part in parts for line in part(plan))


def _data_lines(plan: RunPlan) -> Iterator[str]:
    yield f"data        {', '.join(plan.config.data)}"
    counts = ", ".join(f"{split} {count:,}" for split, count in plan.images.items())
    low, high = plan.labels
    yield f"images      {counts}; labels {low:g} to {high:g}"
    kinds = (plan.config.sampling, plan.config.data_sampling)
    if kinds != ("natural", "natural") or plan.config.image_weights:
        told = f"{kinds[0]}, data sets {kinds[1]}"
        yield f"sampling    {told}: {plan.different:,} different images an epoch"


def _model_lines(plan: RunPlan) -> Iterator[str]:
    config = plan.config
    yield f"model       {config.model}, {config.method}, {config.input_size} x {config.input_size}"
    for name, (count, learning) in plan.groups.items():
        note = "" if learning else "  frozen"
        yield f"  {name:<18} {count:>12,}{note}"
    yield f"  {'parameters':<18} {plan.parameters:>12,}"
    if config.freeze and config.freeze_epochs is not None:
        yield f"  frozen for {config.freeze_epochs} epochs"
    if plan.init:
        left = f", not {', '.join(plan.init['left'])}" if plan.init["left"] else ""
        yield f"init        {plan.init['from']}: {len(plan.init['copied'])} layers{left}"


def _step_lines(plan: RunPlan) -> Iterator[str]:
    config = plan.config
    parts = f" in {config.accumulate} parts" if config.accumulate > 1 else ""
    yield (
        f"steps       {config.epochs} epochs of {plan.steps_per_epoch:,} steps of "
        f"{config.batch_size} images{parts}: {config.epochs * plan.steps_per_epoch:,}"
    )
    decays = f", average of weights {config.ema:g}" if config.ema is not None else ""
    yield f"optimizer   {config.optimizer}, {config.precision}{decays}"


def _rate_lines(plan: RunPlan) -> Iterator[str]:
    """Yield the learning rate over the epochs; epochs of one rate share a line."""
    lines: list[list] = []
    for epoch, rates in enumerate(plan.rates, 1):
        if lines and lines[-1][2] == rates and rates[0] == rates[1]:
            lines[-1][1] = epoch
        else:
            lines.append([epoch, epoch, rates])
    if len(lines) > _SHOWN_RATES:
        step = (len(lines) - 1) / (_SHOWN_RATES - 1)
        lines = [lines[round(k * step)] for k in range(_SHOWN_RATES)]
    yield "learning rate"
    for first, last, (begin, end) in lines:
        epochs = f"epoch {first}" if first == last else f"epochs {first} to {last}"
        yield f"  {epochs:<18} {begin:>12.3g}" + (f" to {end:.3g}" if begin != end else "")


def _memory_lines(plan: RunPlan) -> Iterator[str]:
    from keras_dldl.training.memory import in_words

    memory = plan.memory
    each = f", with one of {memory.devices} devices" if memory.devices > 1 else ""
    yield f"memory      an estimate{each}"
    names = {
        "weights": "weights",
        "gradients": "gradients",
        "optimizer": "optimizer",
        "activations": f"activations of {memory.images}",
        "batches": "batches",
        "faces": "faces kept",
    }
    for name, text in names.items():
        yield f"  {text:<18} {in_words(getattr(memory, name)):>12}"
    if plan.process:
        yield f"  {'this process now':<18} {in_words(plan.process):>12}"
    yield f"  {'at the peak':<18} {in_words(plan.total):>12}"
