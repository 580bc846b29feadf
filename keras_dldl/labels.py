"""The label grid: range, step and task of the values a model predicts. NumPy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_dldl._utils.arguments import check_choice, check_number
from keras_dldl.errors import ConfigError

# Two values closer than this share of a step are the same: float32 cannot hold 1.35 exactly, yet
# 1.35 must stay a tie between 1.3 and 1.4. Between 7 and 8 float32 is good to 5e-6 of a 0.1 step.
TIE_TOLERANCE = 1e-5

# From a distribution to a value: see `LabelGrid.decode`.
DECODERS = ("expectation", "median")
# This much below one half still counts as half of the mass: float32 sums of probabilities are good
# to 1e-6, and two views that disagree share the mass in exact halves.
HALF_TOLERANCE = 1e-5


@dataclass(frozen=True)
class LabelGrid:
    """Evenly spaced labels `start, start + step, ..., stop` (Gao et al. 2018/2020, section 3).

    Immutable and hashable; two grids are equal if all four arguments are.

    Args:
        start: the lowest label, in years for age, in rating points for attractiveness.
        stop: the highest label, which is part of the grid; above `start`.
        step: distance between neighbours; must divide `stop - start`.
        task: what is estimated: "age", "attractiveness", or a name of your own.

    Raises:
        ConfigError: an argument is of the wrong kind or out of range, or `step` does not divide
            the range.

    >>> grid = LabelGrid(1, 5, step=0.1, task="attractiveness")
    >>> grid.size, float(grid.labels64[3]), grid.unit
    (41, 1.3, 'points')
    """

    start: float
    stop: float
    step: float = 1.0
    task: str = "age"

    def __post_init__(self) -> None:
        start = check_number("start", self.start)
        stop = check_number("stop", self.stop, minimum=start, exclusive=True)
        step = check_number("step", self.step, minimum=0.0, exclusive=True)
        steps = (stop - start) / step
        if round(steps) < 1 or abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
            raise ConfigError(
                "`step` does not fit the grid. It must divide `stop - start` "
                f"({stop - start:g}) without remainder. Received: step={self.step!r}"
            )
        if not isinstance(self.task, str) or not self.task:
            raise ConfigError(
                "`task` is not valid. It must be a name such as 'age' or 'attractiveness'. "
                f"Received: task={self.task!r}"
            )
        # Plain floats, so that grids made from integers or NumPy scalars have the same config.
        for name, value in (("start", start), ("stop", stop), ("step", step)):
            object.__setattr__(self, name, value)

    @classmethod
    def age(cls) -> "LabelGrid":
        """Return the grid of the age data sets: 0 to 100 years, step 1, 101 labels."""
        return cls(0.0, 100.0, 1.0, "age")

    @classmethod
    def scut_fbp(cls) -> "LabelGrid":
        """Return the grid of SCUT-FBP and SCUT-FBP5500: 1 to 5 points, step 0.1, 41 labels."""
        return cls(1.0, 5.0, 0.1, "attractiveness")

    @classmethod
    def cfd(cls) -> "LabelGrid":
        """Return the grid of the Chicago Face Database: 1 to 7 points, step 0.1, 61 labels."""
        return cls(1.0, 7.0, 0.1, "attractiveness")

    @cached_property
    def size(self) -> int:
        """Number of labels, K."""
        return round((self.stop - self.start) / self.step) + 1

    @cached_property
    def labels64(self) -> np.ndarray:
        """The labels, (K,) float64, read-only."""
        # Decimal, because 1 + 3 * 0.1 is 1.3000000000000003 and a user's 1.3 must be on the grid.
        start, stop = Decimal(repr(self.start)), Decimal(repr(self.stop))
        last = self.size - 1
        labels = np.array([float(start + (stop - start) * k / last) for k in range(self.size)])
        labels.flags.writeable = False
        return labels

    @cached_property
    def labels(self) -> np.ndarray:
        """The labels, (K,) float32, read-only."""
        labels = self.labels64.astype(np.float32)
        labels.flags.writeable = False
        return labels

    @property
    def unit(self) -> str:
        """Unit of the labels: "years" for the task "age", "points" for any other."""
        return "years" if self.task == "age" else "points"

    def contains(self, y: ArrayLike) -> np.ndarray:
        """Return where `y` lies between `start` and `stop`, ends included; NaN does not.

        >>> LabelGrid.age().contains([-1, 0, 55.5, 101]).tolist()
        [False, True, True, False]
        """
        y = np.asarray(y, np.float64)
        slack = TIE_TOLERANCE * self.step
        return (y >= self.start - slack) & (y <= self.stop + slack)

    def nearest_index(self, y: ArrayLike) -> np.ndarray:
        """Return the index of the label nearest to each `y`, of the shape of `y`, int64.

        A value midway between two labels (within 1e-5 of a step) takes the lower one; values
        beyond the ends take the end.

        Raises:
            ValueError: a value is NaN.

        >>> LabelGrid.age().nearest_index([-3.0, 36.5, 36.6, 250.0]).tolist()
        [0, 36, 37, 100]
        """
        y = np.asarray(y, np.float64)
        if np.isnan(y).any():
            raise ValueError(
                "`y` has no nearest label. It must hold numbers. "
                f"Received: {np.count_nonzero(np.isnan(y))} NaN of {y.size} values"
            )
        position = (np.clip(y, self.start, self.stop) - self.start) / self.step
        index = np.ceil(position - 0.5 - TIE_TOLERANCE).astype(np.int64)
        return np.clip(index, 0, self.size - 1)

    def decode(self, distribution: ArrayLike, decoder: str = "expectation") -> np.ndarray:
        """Return the value of each distribution, float64, in the grid's unit.

        `ops.decode` is the same on any back end.

        Args:
            distribution: (..., K) probabilities; the last axis sums to 1.
            decoder: "expectation", `sum_k l_k p_k`; or "median", the label above which less than
                half of the mass lies, and below which no more than half: `l[n]`, counted from 0,
                with n the number of labels that have at least half of the mass above them (to
                1e-5). For a ranking code that is `l[sum_k 1(r_k >= 0.5)]`.

        Raises:
            ConfigError: there is no such decoder.

        >>> grid = LabelGrid(0, 3)
        >>> p = [0.4, 0.3, 0.2, 0.1]
        >>> round(float(grid.decode(p)), 6), float(grid.decode(p, "median"))
        (1.0, 1.0)
        """
        check_choice("decoder", decoder, DECODERS)
        p = np.asarray(distribution, np.float64)
        if decoder == "expectation":
            return p @ self.labels64
        mass_above = np.cumsum(p[..., :0:-1], axis=-1)
        return self.labels64[np.sum(mass_above >= 0.5 - HALF_TOLERANCE, axis=-1)]

    def std(self, distribution: ArrayLike) -> np.ndarray:
        """Return the standard deviation of each distribution, float64, in the grid's unit.

        Args:
            distribution: (..., K) probabilities; the last axis sums to 1.

        >>> LabelGrid(0, 2).std([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]).tolist()
        [1.0, 0.0]
        """
        p = np.asarray(distribution, np.float64)
        squares = np.square(self.labels64 - self.decode(p)[..., None])
        return np.sqrt((p * squares).sum(axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments as a dictionary that JSON can hold."""
        return {"start": self.start, "stop": self.stop, "step": self.step, "task": self.task}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "LabelGrid":
        """Return the grid that `get_config` described."""
        return cls(**config)


def as_grid(grid: "LabelGrid | Mapping[str, Any]") -> LabelGrid:
    """Return `grid` itself, or the grid of a config, as losses, metrics and layers store it.

    Raises:
        ConfigError: `grid` is neither.

    >>> as_grid({"start": 16, "stop": 65})
    LabelGrid(start=16.0, stop=65.0, step=1.0, task='age')
    """
    if isinstance(grid, LabelGrid):
        return grid
    if isinstance(grid, Mapping) and {"start", "stop"} <= set(grid) <= set(_FIELDS):
        return LabelGrid.from_config(grid)
    raise ConfigError(
        "`grid` is not valid. It must be a LabelGrid, or the dictionary its `get_config()` "
        f"returns. Received: grid={grid!r}"
    )


# The grids that options and sources name.
GRIDS = {"age": LabelGrid.age, "scut-fbp": LabelGrid.scut_fbp, "cfd": LabelGrid.cfd}


def grid_named(name: str) -> LabelGrid:
    """Return the grid of one of the names in `GRIDS`.

    Raises:
        ConfigError: no grid has this name.

    >>> grid_named("scut-fbp").stop
    5.0
    """
    return GRIDS[check_choice("grid", name, GRIDS)]()


_FIELDS = ("start", "stop", "step", "task")
