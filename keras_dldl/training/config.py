"""Every number of a training run, in one frozen object that a YAML file holds."""

import dataclasses
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from keras_dldl._utils.files import write_text
from keras_dldl.configs import find_config
from keras_dldl.errors import ConfigError
from keras_dldl.methods import METHODS
from keras_dldl.training.settings import check_known, read_config_file, setting, setting_of

OPTIMIZERS = ("adam", "adamw", "lamb", "lion", "sgd")
_Config = TypeVar("_Config", bound="RunConfig")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Settings that every run has, whatever it learns.

    A field made by `setting` is all there is to a setting: from it come the key of the YAML file,
    the option of the command, its check and its help.
    """

    data: tuple[str, ...] = setting("texts", (), "folder of prepared data")
    model: str = setting(
        "text",
        "tiny-age-net",
        "backbone: tiny-age-net, thin-age-net, nano-age-net, vgg16, or keras:NAME",
    )
    pooling: str | None = setting(
        "text",
        None,
        "pooling of the last feature map; none: the backbone's own",
        optional=True,
        choices=("hybrid", "average", "gem"),
    )
    weights: str | None = setting(
        "text", None, "for keras:NAME: imagenet, or a file of weights", optional=True
    )
    input_size: int | None = setting(
        "integer",
        None,
        "side of the input images in pixels; none: the data's",
        minimum=32,
        optional=True,
    )
    init: str | None = setting(
        "text",
        None,
        "model to start from: file, run folder, shipped model's name or hf://user/name",
        optional=True,
    )
    epochs: int = setting("integer", 60, "passes over the training data", minimum=1)
    batch_size: int = setting("integer", 128, "images per step", minimum=1)
    optimizer: str = setting("text", "adam", "optimizer", choices=OPTIMIZERS)
    learning_rate: float = setting("number", 1e-3, "highest learning rate", above=0)
    beta_1: float = setting(
        "number", 0.9, "decay rate of the first moment; not for sgd", minimum=0, maximum=1
    )
    beta_2: float = setting(
        "number", 0.999, "decay rate of the second moment; not for sgd", minimum=0, maximum=1
    )
    epsilon: float = setting("number", 1e-8, "epsilon of adam, adamw and lamb", above=0)
    momentum: float = setting("number", 0.9, "momentum of sgd", minimum=0, maximum=1)
    weight_decay: float = setting(
        "number", 0.0, "decoupled weight decay of kernels, for any optimizer", minimum=0
    )
    gradient_clip_norm: float | None = setting(
        "number", None, "clip gradients to this global norm", above=0, optional=True
    )
    schedule: str = setting(
        "text", "step", "schedule of the learning rate", choices=("step", "cosine", "constant")
    )
    decay_factor: float = setting("number", 0.1, "step schedule: factor of each step", above=0)
    decay_epochs: int = setting("integer", 30, "step schedule: epochs between steps", minimum=1)
    final_learning_rate: float = setting(
        "number", 0.0, "cosine schedule: last learning rate", minimum=0
    )
    restart_epochs: int | None = setting(
        "integer", None, "cosine schedule: epochs between restarts", minimum=1, optional=True
    )
    warmup_epochs: float = setting(
        "number", 0.0, "epochs in which the learning rate rises from zero", minimum=0
    )
    dropout: float = setting("number", 0.0, "dropout rate before the head", minimum=0, maximum=0.99)
    seed: int = setting(
        "integer",
        0,
        "random seed of the initial weights, the order and the augmentation",
        minimum=0,
        maximum=2**31 - 1,
    )
    precision: str = setting("text", "float32", "precision of the computation", choices=PRECISIONS)
    deterministic: bool = setting("switch", False, "use deterministic operations only")
    validation_split: str | None = setting(
        "text", "val", "split that chooses the best epoch; none: keep the last epoch", optional=True
    )
    patience: int | None = setting(
        "integer", None, "stop after this many epochs without improvement", minimum=1, optional=True
    )
    min_improvement: float = setting(
        "number", 0.0, "smallest decrease of the validation MAE that counts for patience", minimum=0
    )
    tensorboard: bool = setting(
        "switch", False, "write TensorBoard logs into tensorboard/ of the run folder"
    )
    variety: float = setting(
        "number",
        0.0,
        "strength of all augmentation; 0: the paper's, 1: as varied as other photos",
        minimum=0,
        maximum=1,
    )
    augment: Mapping[str, Any] = setting(
        "mapping", None, "strengths of single augmentations; they override variety"
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = setting_of(field).check(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @classmethod
    def from_dict(cls: type[_Config], values: Mapping[str, Any]) -> _Config:
        """Return a config from names and values; an unknown name raises `ConfigError`."""
        check_known(values, [field.name for field in dataclasses.fields(cls)])
        return cls(**values)

    @classmethod
    def load(cls: type[_Config], path: str | os.PathLike) -> _Config:
        """Return the config in a YAML file, such as the `config.yaml` of a run folder.

        Raises:
            ConfigError: the file is no YAML, or a setting in it is wrong; names the line.
        """
        file = read_config_file(path)
        settings = {field.name: setting_of(field) for field in dataclasses.fields(cls)}
        for name, value in file.values.items():
            with file.line_of(str(name)):
                check_known([name], settings)
                settings[name].check(name, value)
        for name, value in (file.values.get("augment") or {}).items():
            with file.line_of(f"augment.{name}"):
                cls(augment={name: value}).with_augmentation()
        return cls.from_dict(file.values)

    def save(self, path: str | os.PathLike) -> None:
        """Write the config as YAML; `load` gives an equal one back."""
        write_text(path, self.to_yaml())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name, in the order of the fields."""

        def plain(value: Any) -> Any:
            if isinstance(value, tuple):
                return list(value)
            return dict(value) if isinstance(value, Mapping) else value

        fields = dataclasses.fields(self)
        return {field.name: plain(getattr(self, field.name)) for field in fields}

    def to_yaml(self) -> str:
        """Return the config as YAML text, each line with what the setting does."""
        import yaml

        lines, values = [], self.to_dict()
        for field in dataclasses.fields(self):
            value = values[field.name]
            lines.append(f"# {setting_of(field).help} ({setting_of(field).allowed()})")
            lines.append(yaml.safe_dump({field.name: value}, sort_keys=False, allow_unicode=True))
        return "\n".join(line.rstrip("\n") for line in lines) + "\n"

    def updated(self: _Config, changes: Mapping[str, Any]) -> _Config:
        """Return a copy with `changes`; "augment.rotation" reaches into a mapping."""
        values = self.to_dict()
        for key, value in changes.items():
            name, _, inner = key.partition(".")
            check_known([name], values)
            if inner and not isinstance(values[name], dict):
                raise ConfigError(
                    f"The setting `{name}` has no parts. Allowed: --set {name}=VALUE. "
                    f"Received: {key}."
                )
            if inner:
                values[name][inner] = value
            else:
                values[name] = value
        return type(self).from_dict(values)

    def from_anywhere(self: _Config, *names: str) -> _Config:
        """Return a copy in which the paths of these settings hold from any working folder."""

        def absolute(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(absolute, value))
            return os.path.abspath(value) if value and os.path.exists(value) else value

        changes = {name: absolute(getattr(self, name)) for name in names}
        return dataclasses.replace(self, **changes)

    def completed(self: _Config, size: int, splits: Collection[str], *paths: str) -> _Config:
        """Return a copy with what the data decide, and paths that hold from any working folder.

        Args:
            size: side of the stored faces.
            splits: that the data have; another one for validation is none.
            *paths: the settings that are paths.
        """
        return dataclasses.replace(
            self.with_augmentation().from_anywhere(*paths),
            input_size=self.input_size or size,
            validation_split=self.validation_split if self.validation_split in splits else None,
        )

    def with_augmentation(self: _Config) -> _Config:
        """Return a copy whose `augment` is complete, so that a changed default changes nothing."""
        from keras_dldl.data.augment import Augmentation

        check_known(self.augment, Augmentation().get_config(), prefix="augment.")
        strengths = Augmentation.varied(self.variety).get_config() | dict(self.augment)
        augmentation = Augmentation.from_config(strengths)
        return dataclasses.replace(self, augment=augmentation.get_config())


@dataclasses.dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Settings of one training run. The defaults are the paper's (Gao et al. 2018).

    Each field is a key of the YAML file and an option of `keras-dldl train`.

    Raises:
        ConfigError: a value has the wrong type or is out of range.

    >>> TrainConfig(epochs=2).learning_rate
    0.001
    >>> TrainConfig(epochs=-1)
    Traceback (most recent call last):
    keras_dldl.errors.ConfigError: The setting `epochs` cannot have this value. Allowed: a whole \
number, at least 1. Received: epochs=-1.
    """

    method: str = setting(
        "text", "dldl-v2", f"method: {', '.join(METHODS)}, or module:Class of your own"
    )
    method_options: Mapping[str, Any] = setting(
        "mapping", None, "options of the method; they override settings of the same meaning"
    )
    sigma: float = setting(
        "number",
        2.0,
        "sigma of the label distribution in years (or points), if the data have none",
        minimum=0,
    )
    sigma_growth: float = setting(
        "number", 0.0, "sigma added per year (or point) of the label", minimum=0
    )
    sigma_by_data: Mapping[str, Any] = setting(
        "mapping", None, "sigma of single data sets, by `database` or the folder's name"
    )
    expectation_weight: float = setting(
        "number", 1.0, "lambda, the weight of the expectation term", minimum=0, option="lambda"
    )
    kl_reduction: str = setting(
        "text",
        "sum",
        "KL over the grid: sum (the paper) or mean (the reference code)",
        choices=("sum", "mean"),
    )
    expectation_norm: str = setting(
        "text", "l1", "for method er: norm of the error of the expectation", choices=("l1", "l2")
    )
    label_step: float | None = setting(
        "number", None, "step of the model's label grid; none: the data's", above=0, optional=True
    )
    teacher: tuple[str, ...] = setting(
        "texts", (), "model to learn from besides the labels", metavar="MODEL"
    )
    teacher_weight: float = setting(
        "number",
        0.5,
        "share of the teachers in the loss; the labels have the rest",
        minimum=0,
        maximum=1,
    )
    accumulate: int = setting(
        "integer", 1, "number of parts to split each batch into, to save memory", minimum=1
    )
    sampling: str = setting(
        "text",
        "natural",
        "how often to draw an image, by the number of images with its label",
        choices=("natural", "sqrt", "balanced", "effective"),
    )
    data_sampling: str = setting(
        "text",
        "natural",
        "how often to draw from a data set, by its number of images",
        choices=("natural", "sqrt", "balanced"),
    )
    sampling_beta: float = setting(
        "number", 0.999, "beta of --sampling effective", minimum=0, maximum=0.999999
    )
    image_weights: str | None = setting(
        "text",
        None,
        "CSV file of path and weight (how often to draw the image), such as `check` writes",
        optional=True,
    )
    ema: float | None = setting(
        "number",
        None,
        "decay of a moving average of the weights, which is validated and saved",
        minimum=0,
        maximum=0.999999,
        optional=True,
    )
    freeze: tuple[str, ...] = setting(
        "texts",
        (),
        "layers to freeze: backbone, stage1 ..., a name, or a pattern with *",
        metavar="LAYERS",
    )
    freeze_epochs: int | None = setting(
        "integer",
        None,
        "epochs in which these layers stay frozen; none: all",
        minimum=1,
        optional=True,
    )
    on_damaged_shard: str = setting(
        "text", "fail", "stop at damaged records, or skip them", choices=("fail", "skip")
    )
    feed: str = setting(
        "text",
        "auto",
        "input pipeline; auto: tf-data if TensorFlow is installed",
        choices=("auto", "tf-data", "memory"),
    )
    devices: int | str = setting(
        "count",
        "auto",
        "devices per process that share each batch; auto: all GPUs, or the CPU if there is none",
    )


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Return names and values of texts such as "augment.rotation=0", the values read as YAML.

    >>> parse_assignments(["augment.rotation=0", "init=null"])
    {'augment.rotation': 0, 'init': None}
    """
    import yaml

    changes = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        try:
            changes[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            equals = ""
        if not equals or not key.strip():
            raise ConfigError(
                f"A setting is given as KEY=VALUE, the value as in YAML. Received: {text!r}."
            )
    return changes


def choose_config(
    out: str | os.PathLike,
    *,
    file: str | os.PathLike | None = None,
    changes: Mapping[str, Any] | None = None,
    resume: bool = False,
    kind: type[_Config] = TrainConfig,
) -> _Config:
    """Return the config of a run: defaults, then the file, then `changes`.

    A run that is resumed without a file starts from the `config.yaml` in its own folder.
    """
    stored = Path(out) / "config.yaml"
    if file is None and resume and stored.exists():
        file = stored
    base = kind() if file is None else kind.load(find_config(file))
    return base.updated(changes or {})
