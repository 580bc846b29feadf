"""The report's figures: one function each, from labels and predicted values to PNG bytes."""

import io
from typing import Any

import numpy as np

WIDTH, HEIGHT, DPI = 5.6, 4.2, 100
COLOUR = "#2a6f97"
# More points than that only blacken the scatter.
MAX_POINTS = 20_000


def cumulative_score_curve(label: np.ndarray, value: np.ndarray, unit: str) -> bytes:
    """Draw the share of faces with an error of at most t, for every t, as PNG."""
    error = np.sort(np.abs(value - label))
    share = 100 * np.arange(1, len(error) + 1) / len(error)
    figure, axes = _figure()
    axes.step(np.r_[0, error], np.r_[0, share], where="post", color=COLOUR)
    axes.set(xlabel=f"|error| at most ({unit})", ylabel="CS: share of faces (%)", ylim=(0, 101))
    axes.set_xlim(0, max(float(np.quantile(error, 0.99)), 1e-6))
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
    axes.scatter(label, value, s=6, alpha=_alpha(len(label)), color=COLOUR, linewidths=0)
    axes.set(xlabel=f"true ({unit})", ylabel=f"predicted ({unit})")
    return _png(figure)


def error_by_band(label: np.ndarray, value: np.ndarray, unit: str, width: float) -> bytes:
    """Draw MAE and bias in bands of the true label, with the number of faces, as PNG.

    Args:
        label: (N,) true labels.
        value: (N,) predicted values.
        unit: of both.
        width: of a band, such as 10 years.
    """
    band = np.floor(label / width + 1e-9).astype(int)
    present, counts = np.unique(band, return_counts=True)
    error = value - label
    centres = (present + 0.5) * width
    mae = np.array([np.abs(error[band == b]).mean() for b in present])
    bias = np.array([error[band == b].mean() for b in present])
    figure, axes = _figure()
    axes.bar(centres, mae, width=0.9 * width, color=COLOUR, alpha=0.6, label="MAE")
    axes.plot(centres, bias, color="#bc4749", marker="o", label="bias (predicted - true)")
    axes.axhline(0, color="black", linewidth=0.8)
    for x, y, count in zip(centres, mae, counts, strict=True):
        axes.text(x, y, f"{count:,}", ha="center", va="bottom", fontsize=7)
    axes.set(xlabel=f"true ({unit}), bands of {width:g}; number of faces above", ylabel=unit)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    return _png(figure)


def error_histogram(label: np.ndarray, value: np.ndarray, unit: str) -> bytes:
    """Draw how often each error occurs, as PNG."""
    error = value - label
    figure, axes = _figure()
    axes.hist(error, bins=min(60, max(10, len(error) // 10)), color=COLOUR)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set(xlabel=f"predicted - true ({unit})", ylabel="faces")
    return _png(figure)


def _figure() -> tuple[Any, Any]:
    # Not pyplot, which keeps global state and may want a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def _alpha(points: int) -> float:
    return float(np.clip(300 / points, 0.05, 0.8))
