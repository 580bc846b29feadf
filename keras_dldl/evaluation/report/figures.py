"""The report's figures: one function each, from numbers to PNG bytes."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_dldl._utils.figure_text import drawable
from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.evaluation.tables import percent
from keras_dldl.evaluation.training_run import TrainingRun

# Inches, so small that letters are read on a phone, where a figure is 300 pixels wide.
WIDTH, HEIGHT, DPI = 4.6, 3.4, 160
COLOUR, SECOND, GREY = "#2a6f97", "#bc4749", "#6b7280"
# More points than that only blacken the scatter.
MAX_POINTS = 20_000
# Of more faces the largest errors are left out of figures, that the others can be told apart.
FEW_FACES = 200
LONGEST_NAME = 24


def cumulative_score_curve(
    label: np.ndarray,
    value: np.ndarray,
    unit: str,
    other: np.ndarray | None = None,
    name: str = "the other model",
) -> bytes:
    """Draw the share of faces with an error of at most t, for every t, as PNG.

    `other` are (N,) values of another model, for a second curve, and `name` is what it is called.
    """
    figure, axes = _figure()
    error = np.sort(np.abs(value - label))
    others = error if other is None else np.sort(np.abs(other - label))
    share = 1.0 if len(error) <= FEW_FACES else 0.99
    end = float(max(np.quantile(error, share), np.quantile(others, share)))
    _step(axes, error, color=COLOUR, label="this model")
    for t in THRESHOLDS:
        if t < end:
            share = 100 * np.searchsorted(error, t, side="right") / len(error)
            axes.plot(t, share, "o", color=COLOUR, markersize=5)
            axes.annotate(percent(share), (t, share), (6, -11), textcoords="offset points")
    if other is not None:
        _step(axes, others, color=SECOND, label=_shown(name), linestyle="--")
        axes.legend(loc="lower right", frameon=False)
    axes.set(xlabel=f"|error| at most ({unit})", ylabel="CS: share of faces (%)", ylim=(0, 101))
    axes.set_xlim(0, 1.03 * max(end, 1e-6))  # the last step is seen, too
    return _png(figure)


def predicted_against_true(label: np.ndarray, value: np.ndarray, unit: str) -> bytes:
    """Draw predicted values over true ones, with the diagonal, as PNG."""
    if len(label) > MAX_POINTS:
        shown = np.random.default_rng(0).choice(len(label), MAX_POINTS, replace=False)
        label, value = label[shown], value[shown]
    low = float(min(label.min(), value.min()))
    high = float(max(label.max(), value.max()))
    figure, axes = _figure()
    axes.plot([low, high], [low, high], color="black", linewidth=0.8)
    alpha = float(np.clip(300 / len(label), 0.06, 0.8))
    size = float(np.clip(1500 / len(label), 7, 40))
    axes.scatter(label, value, s=size, alpha=alpha, color=COLOUR, linewidths=0)
    axes.set(xlabel=f"true ({unit})", ylabel=f"predicted ({unit})")
    return _png(figure)


def error_by_group(groups: Mapping[str, Any], unit: str) -> bytes:
    """Draw bias, before the MAE, of groups that have an order, with intervals, as PNG.

    `groups` has `n`, `mae`, `bias` and perhaps `confidence` by name, as `metrics.json` has them.
    """
    figure, axes = _figure(width=max(WIDTH, 0.8 + 0.45 * len(groups)))
    place = np.arange(len(groups))
    mae, bias = (np.array([one[key] for one in groups.values()]) for key in ("mae", "bias"))
    axes.bar(place, mae, width=0.8, color=GREY, alpha=0.22, label="MAE")
    axes.plot(place, bias, color=SECOND, marker="o", markersize=6, label="bias, predicted - true")
    _bars(axes, place, groups, "bias", color=SECOND)
    for at, number in zip(place, bias, strict=True):
        axes.annotate(f"{number:+.1f}", (at, number), (5, 5), textcoords="offset points")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(
        place, [f"{drawable(name)}\n{one['n']:,}" for name, one in groups.items()], fontsize=8
    )
    axes.set(ylabel=unit)
    axes.margins(y=0.12)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return _png(figure)


def error_histogram(label: np.ndarray, value: np.ndarray, unit: str) -> bytes:
    """Draw how often each error occurs, but for the largest 0.5 %, as PNG."""
    error = value - label
    share = 1.0 if len(error) <= FEW_FACES else 0.995
    end = max(float(np.quantile(np.abs(error), share)), 1e-6)
    figure, axes = _figure()
    axes.hist(error, bins=min(60, max(10, len(error) // 10)), range=(-end, end), color=COLOUR)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(float(error.mean()), color=SECOND, linestyle="--", label="mean: the bias")
    axes.legend(frameon=False)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel=f"predicted - true ({unit})", ylabel="faces")
    return _png(figure)


def calibration_curve(calibration: Mapping[str, Any]) -> bytes:
    """Draw the share of faces that intervals cover over the level they claim, as PNG."""
    levels, covered = np.array(calibration["levels"]), np.array(calibration["covered"])
    figure, axes = _figure()
    axes.plot([0, 100], [0, 100], color="black", linewidth=0.8, label="calibrated")
    axes.plot(levels, covered, color=COLOUR, marker="o", markersize=3.5, label="this model")
    ends = calibration["confidence"]
    if None not in ends:
        low, high = np.array(ends).T
        axes.fill_between(levels, low, high, color=COLOUR, alpha=0.2, linewidth=0)
    axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="level of the interval (%)")
    axes.set(ylabel="labels inside it (%)")
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def group_dots(groups: Mapping[str, Any], number: str, unit: str) -> bytes:
    """Draw "mae" or "bias" of the groups of a column, a line each with its interval, as PNG."""
    figure, axes = _figure(0.9 + 0.32 * max(len(groups), 2))
    place, colour = np.arange(len(groups))[::-1], COLOUR if number == "mae" else SECOND
    axes.plot([one[number] for one in groups.values()], place, "o", color=colour, markersize=5)
    _bars(axes, place, groups, number, across=True, color=colour)
    names = [_shown(name) for name in groups]
    counts = [one["n"] for one in groups.values()]
    shown = [f"{name}  ({n:,})" for name, n in zip(names, counts, strict=True)]
    axes.set_yticks(place, shown)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    if number == "mae":
        axes.set(xlabel=f"MAE ({unit})", xlim=(0, None))
    else:
        axes.set(xlabel=f"bias, predicted - true ({unit})")
        axes.axvline(0, color="black", linewidth=0.8)
    return _png(figure)


def training_curves(run: TrainingRun, name: str, unit: str) -> bytes:
    """Draw "loss" or "mae" of training and validation by epoch, and which was kept, as PNG."""
    figure, axes = _figure()
    curves = ((name, "training", GREY, "--"), (f"val_{name}", "validation", COLOUR, "-"))
    for column, label, colour, style in curves:
        shown = [(row["epoch"], row[column]) for row in run.rows if row[column] is not None]
        if shown:
            axes.plot(*zip(*shown, strict=True), style, marker=".", color=colour, label=label)
    axes.axvline(run.epoch, color=SECOND, linewidth=0.8, label="kept")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="epoch (0: before training)" if run.rows[0]["epoch"] == 0 else "epoch")
    axes.set(ylabel=f"MAE ({unit})" if unit else name)
    axes.legend(frameon=False)
    return _png(figure)


def _bars(axes: Any, place: np.ndarray, groups: Mapping[str, Any], key: str, **style) -> None:
    """Draw the intervals of the groups that have one."""
    across = style.pop("across", False)
    for at, one in zip(place, groups.values(), strict=True):
        interval = (one.get("confidence") or {}).get(key)
        if interval is not None:
            ends = (interval, [at, at]) if across else ([at, at], interval)
            axes.plot(*ends, linewidth=1.6, solid_capstyle="butt", **style)


def _shown(name: str) -> str:
    """Return a name as it is drawn, without its middle: long names often differ at their ends."""
    half = LONGEST_NAME // 2
    is_short = len(name) <= LONGEST_NAME
    return drawable(name if is_short else f"{name[: half - 1]}\u2026{name[-half:]}")


def _step(axes: Any, error: np.ndarray, **style) -> None:
    share = 100 * np.arange(1, len(error) + 1) / len(error)
    axes.step(np.r_[0, error], np.r_[0, share], where="post", **style)


def _figure(height: float = HEIGHT, width: float = WIDTH) -> tuple[Any, Any]:
    # Not pyplot, which keeps global state and may want a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
