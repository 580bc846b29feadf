"""`comparison.png` and `sensitivity.png`, drawn from the content of `comparison.json`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_dldl._utils.files import atomic_path

Content = Mapping[str, Any]
Entries = Sequence[Mapping[str, Any]]
COLOUR, BASE_COLOUR, QUIET = "#2a6f97", "#bc4749", "#8d99ae"
ROW_HEIGHT, LEAST_HEIGHT = 0.36, 2.6  # inches
PANEL = (5.2, 3.8)  # inches
SIGNIFICANT = 0.05
# Larger errors than this many times the best are named at the edge, to keep the others apart.
FAR = 2.0
# A setting whose values span more than this is drawn on a logarithmic axis.
LOG_SPAN = 20
AXIS_TITLES = {
    "expectation_weight": "lambda, weight of the expectation term",
    "label_step": "step of the label grid",
}


def draw_pictures(folder: Path, content: Content) -> list[Path]:
    """Draw what there is to draw of the content of `comparison.json`, and return the files."""
    drawn = []
    if any(entry["seeds"] for entry in content["variants"]):
        drawn.append(folder / "comparison.png")
        draw_comparison(drawn[-1], content)
    if drawable(content):
        drawn.append(folder / "sensitivity.png")
        draw_sensitivity(drawn[-1], content)
    return drawn


def draw_comparison(path: Path, content: Content) -> None:
    """Draw MAE by seed and differences from the baseline, the best variant on top."""
    from matplotlib.figure import Figure

    entries = [entry for entry in content["variants"] if entry["seeds"]]
    entries.sort(key=lambda entry: entry["mae"]["mean"])
    height = max(LEAST_HEIGHT, 1.6 + ROW_HEIGHT * len(entries))
    figure = Figure(figsize=(11, height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_errors(left, entries, content)
    _draw_differences(right, entries, content)
    names = [entry["name"] for entry in entries]
    named = [f"{name} (baseline)" if name == content["baseline"] else name for name in names]
    left.set_yticks(range(len(entries)), named)
    left.set_ylim(len(entries) - 0.5, -0.5)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw_errors(axes: Any, entries: Entries, content: Content) -> None:
    for y, entry in enumerate(entries):
        colour = BASE_COLOUR if entry["name"] == content["baseline"] else COLOUR
        low, high = entry["mae"]["interval"]
        values = list(entry["mae"]["by_seed"].values())
        axes.plot([low, high], [y, y], color=colour, linewidth=1.5, alpha=0.5)
        axes.plot(values, [y] * len(values), "|", color=colour, markersize=11)
        axes.plot(entry["mae"]["mean"], y, "o", color=colour, markersize=6)
    axes.set_xlabel(f"MAE on {content['split']} ({content['unit']})")
    axes.set_title("● mean   | each seed   — 95 % interval", fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    leave_out_far(axes, entries, {y: entry["mae"] for y, entry in enumerate(entries)}, "mean")


def _draw_differences(axes: Any, entries: Entries, content: Content) -> None:
    axes.axvline(0, color=BASE_COLOUR, linewidth=1)
    for y, entry in enumerate(entries):
        difference = entry["difference"]
        if difference is None:
            continue
        clear = difference["p_holm"] is not None and difference["p_holm"] < SIGNIFICANT
        colour = COLOUR if clear else QUIET
        axes.plot(difference["interval"], [y, y], color=colour, linewidth=1.5)
        face = colour if clear else "white"
        axes.plot(difference["mae"], y, "o", color=colour, markerfacecolor=face, markersize=6)
    axes.set_xlabel(f"MAE minus that of {content['baseline']} ({content['unit']})")
    axes.set_title("95 % interval, paired by faces; filled: p (Holm) < 0.05", fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    shown = {y: entry["difference"] for y, entry in enumerate(entries) if entry["difference"]}
    leave_out_far(axes, entries, shown, "mae")


def leave_out_far(axes: Any, entries: Entries, numbers: dict[int, Any], value: str) -> None:
    """End the axis before the variants far worse than the best, and write their values there."""
    far = [y for y in numbers if entries[y]["mae"]["mean"] > FAR * entries[0]["mae"]["mean"]]
    near = [numbers[y]["interval"] for y in numbers if y not in far]
    if not far or not near:
        return
    low, high = min(ends[0] for ends in near), max(ends[1] for ends in near)
    low, high = (min(low, 0.0), max(high, 0.0)) if value == "mae" else (low, high)
    axes.set_xlim(low - 0.05 * (high - low), high + 0.25 * (high - low))
    for y in far:
        text = f"{numbers[y][value]:.1f} →"
        axes.annotate(text, (0.99, y), xycoords=("axes fraction", "data"), ha="right", va="center")


def draw_sensitivity(path: Path, content: Content) -> None:
    """Draw MAE against each setting that varies in steps, a panel a setting."""
    from matplotlib.figure import Figure

    drawn = drawable(content)
    figure = Figure(figsize=(PANEL[0] * len(drawn), PANEL[1]), layout="constrained")
    panels = figure.subplots(1, len(drawn), squeeze=False)[0]
    for axes, axis in zip(panels, drawn, strict=True):
        _draw_axis(axes, axis, content)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def drawable(content: Content) -> list[dict[str, Any]]:
    """Return the entries of `sensitivities` with the curves that have two points with numbers."""
    measured = {entry["name"] for entry in content["variants"] if entry["seeds"]}
    drawn = []
    for axis in content["sensitivities"]:
        curves = [
            {**curve, "points": [p for p in curve["points"] if p["variant"] in measured]}
            for curve in axis["curves"]
        ]
        curves = [curve for curve in curves if len(curve["points"]) > 1]
        if curves:
            drawn.append({**axis, "curves": curves})
    return drawn


def _draw_axis(axes: Any, axis: Mapping[str, Any], content: Content) -> None:
    by_name = {entry["name"]: entry["mae"] for entry in content["variants"]}
    for curve in axis["curves"]:
        x = [point["value"] for point in curve["points"]]
        mae = [by_name[point["variant"]] for point in curve["points"]]
        mean = [numbers["mean"] for numbers in mae]
        (line,) = axes.plot(x, mean, "o-", label=curve["name"])
        for value, numbers in zip(x, mae, strict=True):
            seeds = list(numbers["by_seed"].values())
            axes.plot([value] * len(seeds), seeds, "_", color=line.get_color(), markersize=9)
    _scale(axes, sorted({p["value"] for curve in axis["curves"] for p in curve["points"]}))
    axes.set_xlabel(AXIS_TITLES.get(axis["setting"], axis["setting"]))
    axes.set_ylabel(f"MAE on {content['split']} ({content['unit']})")
    axes.set_title("● mean   – each seed", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _scale(axes: Any, values: list[float]) -> None:
    positive = [value for value in values if value > 0]
    if positive and positive[-1] / positive[0] > LOG_SPAN and values[0] >= 0:
        if values[0] == 0:
            axes.set_xscale("symlog", linthresh=positive[0])
        else:
            axes.set_xscale("log")
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
