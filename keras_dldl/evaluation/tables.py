"""The numbers as rows of text, for the terminal and for the report."""

from collections.abc import Sequence
from typing import Any

from keras_dldl._utils.text_tables import aligned, counted
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.numbers import THRESHOLDS

# What the terminal, the report and the docs call the numbers of `metrics.json`, and what they mean.
TERMS = {
    "MAE": "mean absolute error: how far predictions are off on average",
    "balanced MAE": "mean of the MAE of each decade of age, so that every decade counts the same",
    "bias": "mean of predicted - true: above 0, predictions are too high",
    "CS@3": "cumulative score: share of faces that are off by at most 3",
    "CS@5": "cumulative score: share of faces that are off by at most 5",
    "CS@8": "cumulative score: share of faces that are off by at most 8",
    "RMSE": "root of the mean squared error: large errors weigh more than in the MAE",
    "Pearson": "Pearson's correlation of predicted and true: 1 where they lie on a line",
    "epsilon-error": "0 where predictions agree with the annotators, 1 where they are far outside "
    "their spread",
    "90 % coverage": "how often the 90 % interval of a face holds its label",
}
VIEW_TITLES = {"average": "average of both", "image": "image", "mirror": "mirror image"}


def headings(unit: str) -> list[str]:
    """Return the headings of the columns that `cells` fills; `unit` is "years" or "points".

    >>> headings("years")[1]
    'MAE (years)'
    """
    scores = [f"CS@{t} (%)" for t in THRESHOLDS]
    return ["faces", f"MAE ({unit})", f"bias ({unit})", *scores, "RMSE", "Pearson", "epsilon-error"]


def cells(numbers: dict[str, Any]) -> list[str]:
    """Return one summary as text, "-" where a number is not defined."""
    scores = [f"{numbers['cs'][str(t)]:.1f}" for t in THRESHOLDS]
    return [
        f"{numbers['n']:,}",
        f"{numbers['mae']:.3f}",
        f"{numbers['bias']:+.3f}",
        *scores,
        f"{numbers['rmse']:.3f}",
        _number(numbers["pearson"]),
        _number(numbers["epsilon_error"]),
    ]


def view_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Return a row for the average, the image and the mirror image, titles first."""
    views = {"average": metrics, **metrics["views"]}
    return [[title, *cells(views[name])] for name, title in VIEW_TITLES.items()]


def dataset_rows(metrics: dict[str, Any]) -> list[list[str]]:
    """Return the table of data sets, its head first; no rows where there is only one."""
    found, unit = metrics["datasets"], unit_of(metrics)
    if len(found) < 2:
        return []
    head = ["data set", "faces", f"MAE ({unit})", "interval", "balanced MAE", "bias", "CS@5 (%)"]
    rows = [[*head, "RMSE", "Pearson", "90 % coverage (%)"]]
    for name, numbers in found.items():
        rows.append(
            [
                name,
                f"{numbers['n']:,}",
                f"{numbers['mae']:.3f}",
                _interval(numbers["confidence"]["mae"]),
                "-" if numbers["balanced_mae"] is None else f"{numbers['balanced_mae']:.3f}",
                f"{numbers['bias']:+.3f}",
                f"{numbers['cs']['5']:.1f}",
                f"{numbers['rmse']:.3f}",
                _number(numbers["pearson"]),
                f"{numbers[COVERAGE]:.1f}",
            ]
        )
    return rows


def remarks(metrics: dict[str, Any]) -> list[str]:
    """Return what a reader of the numbers must know, a sentence each."""
    # The epsilon-error is for faces that several people judged: of others there is nothing to say.
    about = () if _has_epsilon(metrics) else ("epsilon_error",)
    found = [note for note in metrics["notes"] if not note.startswith(about)]
    detection, unreadable = metrics["detection"], metrics["unreadable"]
    if detection:
        detector = metrics["data"].get("detector")
        found.append(
            f"images with a face found: {detection['found']:,}; without one, taken whole: "
            f"{detection['whole']:,}" + (f"; detector: {detector}" if detector else "")
        )
    if unreadable:
        found.append(
            f"rows left out (image unreadable, or row not usable): {len(unreadable):,}, listed in "
            "metrics.json"
        )
    return found


def _has_epsilon(metrics: dict[str, Any]) -> bool:
    return metrics["epsilon_error"] is not None


def model_name(model: dict[str, Any]) -> str:
    """Return the name of a model, from `metrics["model"]`: its file's, or else what it is."""
    return model["name"] or f"{model['backbone']} by {model['method']['name']}"


def described_data(data: dict[str, Any]) -> str:
    """Return in a line what was evaluated, from `metrics["data"]`."""
    if data["kind"] == "prepared":
        return f"split {data['split']} of {', '.join(data['folders'])}"
    return f"split {data['split']} of {data['manifest']}, images in {data['root']}"


def leak_sentence(found: dict[str, Any]) -> str:
    """Return what the leak check found, or why it was not run."""
    if (count := found.get("faces_seen")) is None:
        seen = (
            "Whether the model was trained on these faces is not known: its file holds no "
            "fingerprints of its training images."
        )
    else:
        rest = "" if found["seen_complete"] else ", and on others that it does not name"
        seen = f"The model's file says that it was trained on {count:,} of these very images{rest}."
    if not found["checked"]:
        return f"Leak check not run: {found['reason']}. {seen}"
    compared = (
        f"Leak check: {found['faces_in_train']:,} of {found['faces']:,} faces of {found['split']} "
        f"are also among the {found['train_faces']:,} of train"
    )
    without = found["mae_without"]
    others = "" if without is None else f" MAE of the other faces: {without:.3f}."
    people = found["subjects_in_train"]
    rest = "the data names no people"
    if people is not None:
        rest = f"people in both, of the faces that name theirs: {people:,}"
    unread = f"; records not readable: {found['unreadable']:,}" if found["unreadable"] else ""
    return f"{compared}; {rest}{unread}. {seen}{others}"


def against_lines(metrics: dict[str, Any]) -> list[str]:
    """Return the comparison with another model in a line; none where there is none."""
    found = metrics.get("against")
    if not found:
        return []
    name = model_name(metrics["against_model"])
    p, wilcoxon = found["p_permutation"], found["p_wilcoxon"]
    interval, level = found["confidence"], metrics["confidence"]["level"]
    ends = f" ({100 * level:g} % interval {_interval(interval)})" if interval else ""
    rank = "" if wilcoxon is None else f", {p_value(wilcoxon)} (Wilcoxon)"
    return [
        f"against {name}, on the same faces: MAE {metrics['mae']:.3f}, the other's "
        f"{found['mae']:.3f}; difference {found['mae_difference']:+.3f}{ends}; p {p_value(p)} "
        f"(permutation){rank}",
    ]


def percent(share: float) -> str:
    """Return a share of 100 as text, in whole per cent: like the tables' one decimal, rounded.

    >>> percent(57.49999999999999), percent(57.5)
    ('58 %', '58 %')
    """
    return f"{round(share, 1):.0f} %"


def p_value(p: float | None) -> str:
    """Return a p-value as text.

    >>> p_value(0.00009), p_value(0.0421), p_value(None)
    ('< 0.001', '0.042', '-')
    """
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def text_report(metrics: dict[str, Any]) -> str:
    """Return the numbers as sentences, and the short table, for a terminal."""
    unit, sure = unit_of(metrics), metrics["confidence"]
    lines = [described_data(metrics["data"]), "", *metrics["summary"].values(), ""]
    table = [["", *headings(unit)], *view_rows(metrics)]
    if not _has_epsilon(metrics):
        table = [row[:-1] for row in table]
    lines += aligned(table)
    things = {"face": ("face", "faces"), "subject": ("person", "people")}[sure["by"]]
    drawn = counted(sure["units"], *things)
    ends = "none, too few" if sure["mae"] is None else _interval(sure["mae"])
    lines.append(
        f"MAE, {100 * sure['level']:g} % interval: {ends} (bootstrap over {drawn}); "
        f"90 % coverage: {metrics[COVERAGE]:.1f} %"
    )
    if metrics["balanced_mae"] is not None:
        lines.append(f"balanced MAE, the mean over decades: {metrics['balanced_mae']:.3f} {unit}")
    if rows := dataset_rows(metrics):
        lines += aligned(rows)
    lines += against_lines(metrics)
    lines.append(leak_sentence(metrics["leak_check"]))
    return "\n".join(lines + [f"note: {remark}" for remark in remarks(metrics)])


def unit_of(metrics: dict[str, Any]) -> str:
    """Return the unit of the labels."""
    return "years" if metrics["task"] == "age" else "points"


def decimals(unit: str) -> int:
    """Return how many decimals errors have in the tables of reports and cards."""
    return 2 if unit == "years" else 3


def decimals_in_words(unit: str) -> int:
    """Return how many decimals errors have in sentences, and single values everywhere."""
    return 1 if unit == "years" else 2


def _interval(ends: Sequence[float] | None) -> str:
    return "-" if ends is None else f"{ends[0]:.3f} ... {ends[1]:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
