"""Draws, figure by figure, that a ranking network learns a cumulative label distribution.

python scripts/ranking_as_ldl.py --out FOLDER
    trains three small models on drawn faces first, four minutes of processor time: `ranking-bce`,
    `dldl`, and a second `dldl` from another seed, for scale
python scripts/ranking_as_ldl.py --out FOLDER --ranking RUN --ldl RUN [--second RUN] --data DIR
    takes models and prepared data of your own

Writes five pictures and ranking.json, the numbers. docs/ranking.md explains them; its own were
made by `--out docs/images`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

FACES = {"count": 1500, "size": 32}
SETTINGS = {"epochs": 20, "batch-size": 32, "schedule": "cosine"}
SHOWN_AGES = (8, 30, 52, 78)  # the faces nearest to these are drawn
SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)  # in steps
COLOURS = {"ranking": "#c44e52", "ldl": "#4c72b0", "truth": "#666666"}


@dataclass(frozen=True)
class Answers:
    """What the models say of N faces; all (N, K) or (N, K-1), float64."""

    ages: np.ndarray
    labels: np.ndarray
    raw: np.ndarray  # the ranking network's outputs, as they are
    code: np.ndarray  # the nearest that fall
    from_code: np.ndarray  # the distribution of those
    p: np.ndarray  # the label distribution network's
    above: np.ndarray  # 1 - c of that
    second: np.ndarray | None  # 1 - c of another label distribution network


def main() -> None:
    """Train or load, answer, count, draw."""
    given = parsed()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.ranking is None:
        with tempfile.TemporaryDirectory() as scratch:
            found = answers(*train_all(given.work or Path(scratch)))
    else:
        found = answers(given.ranking, given.ldl, given.second, given.data)
    figures = (limit, closed_form, single_faces, distributions, all_faces)
    for figure, name in zip(figures, NAMES, strict=True):
        save(figure(found), given.out / name)
    write_numbers(numbers(found), given.out / "ranking.json")


NAMES = (
    "ranking-limit.png",
    "ranking-closed-form.png",
    "ranking-faces.png",
    "ranking-distributions.png",
    "ranking-all.png",
)


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for pictures and numbers")
    parser.add_argument("--work", type=Path, help="an empty folder to keep faces and models in")
    parser.add_argument("--ranking", help="a run or model file trained by ranking-bce")
    parser.add_argument("--ldl", help="one trained by dldl or dldl-v2 on the same data")
    parser.add_argument("--second", help="another of that kind, from another seed")
    parser.add_argument("--data", help="the prepared folder whose test split is shown")
    given = parser.parse_args()
    own = [given.ranking, given.ldl, given.data]
    if any(own) != all(own):
        parser.error("--ranking, --ldl and --data belong together")
    return given


def train_all(folder: Path) -> tuple[Path, Path, Path, Path]:
    """Draw faces and train three models on them; return their run folders and the data."""
    faces = folder / "faces"
    run("prepare", "synthetic", out=faces, **FACES)
    runs = []
    for method, seed in (("ranking-bce", 0), ("dldl", 0), ("dldl", 1)):
        place = folder / f"{method}-{seed}"
        run("train", data=faces, out=place, method=method, seed=seed, **SETTINGS)
        runs.append(place)
    return (*runs, faces)


def run(*words: str, **options: Any) -> None:
    """Show a `keras-dldl` command and run it."""
    words += tuple(str(w) for name, value in options.items() for w in (f"--{name}", value))
    print("$ keras-dldl", *words, flush=True)
    subprocess.run([sys.executable, "-m", "keras_dldl.cli.main", *words], check=True)


def answers(ranking: Any, ldl: Any, second: Any, data: Any) -> Answers:
    """Ask the models about the test split of prepared data."""
    from keras_dldl import load_model
    from keras_dldl.data.pipeline import evaluation_dataset
    from keras_dldl.data.prepared import PreparedData
    from keras_dldl.ops import distribution_to_ranking
    from keras_dldl.ranking import falling, nearest_distribution

    ranking, ldl = load_model(ranking), load_model(ldl)
    if not ranking.method.name.startswith("ranking") or ranking.grid != ldl.grid:
        raise SystemExit("--ranking must be of a ranking method, both over one grid")
    batches = evaluation_dataset(
        PreparedData(data), "test", input_size=ranking.input_size, batch_size=64
    )
    rows = [(np.asarray(images), np.asarray(targets)) for images, targets in batches]
    images, targets = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    raw = sigmoid(asked(ranking.training_model(), images))
    p = asked(ldl, images)
    second = None if second is None else asked(load_model(second), images)
    return Answers(
        targets[:, 0].astype(np.float64),
        ranking.grid.labels64,
        raw,
        np.clip(falling(raw), 0, 1),
        np.asarray(nearest_distribution(raw)),
        p,
        np.asarray(distribution_to_ranking(p)),
        None if second is None else np.asarray(distribution_to_ranking(second)),
    )


def asked(model: Any, images: np.ndarray) -> np.ndarray:
    """Return the outputs of a model, float64."""
    parts = [model(images[i : i + 64], training=False) for i in range(0, len(images), 64)]
    return np.concatenate([np.asarray(part, np.float64) for part in parts])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x))."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def numbers(found: Answers) -> dict[str, Any]:
    """Return how near the two networks' answers are, beside what else could be."""
    truth = found.ages[:, None] > found.labels[:-1]
    rises = np.diff(found.raw, axis=1)
    shuffled = np.random.default_rng(0).permutation(len(found.ages))
    step = found.labels[1] - found.labels[0]
    decoded = found.labels[(found.raw >= 0.5).sum(axis=1)]
    return {
        "faces": len(found.ages),
        "mean_absolute_difference": {
            "ranking_from_ldl": mean(found.raw - found.above),
            "falling_ranking_from_ldl": mean(found.code - found.above),
            "second_ldl_from_ldl": None
            if found.second is None
            else mean(found.second - found.above),
            "ranking_from_ldl_of_another_face": mean(found.raw - found.above[shuffled]),
            "ranking_from_the_true_code": mean(found.raw - truth),
            "ldl_from_the_true_code": mean(found.above - truth),
        },
        "correlation_of_ranking_and_ldl": float(
            np.corrcoef(found.raw.ravel(), found.above.ravel())[0, 1]
        ),
        "share_of_answers_that_rise": float((rises > 1e-6).mean()),
        "mean_change_to_make_them_fall": mean(found.code - found.raw),
        "mae": {
            "ranking_median": mean(decoded - found.ages),
            "ranking_expectation": mean(found.from_code @ found.labels - found.ages),
            "ldl_expectation": mean(found.p @ found.labels - found.ages),
        },
        "mean_spread": {
            "ranking": mean(spread(found.from_code, found.labels)),
            "ldl": mean(spread(found.p, found.labels)),
        },
        "step": float(step),
    }


def mean(differences: np.ndarray) -> float:
    """Return the mean absolute value."""
    return float(np.abs(differences).mean())


def spread(p: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each distribution."""
    expectation = p @ labels
    return np.sqrt(np.maximum(p @ labels**2 - expectation**2, 0))


def limit(found: Answers) -> Any:
    """Figure 1: as sigma falls, 1 - c becomes the ranking code."""
    from keras_dldl.ops import distribution_to_ranking, label_distribution, ranking_code

    labels, y = found.labels, np.array([36.0])
    figure, (left, right) = axes(1, 2)
    for sigma, shade in zip((8.0, 4.0, 2.0, 0.5), (0.25, 0.45, 0.7, 1.0), strict=True):
        p = np.asarray(label_distribution(y, sigma, labels))
        style = {"color": COLOURS["ldl"], "alpha": shade, "label": f"sigma {sigma:g}"}
        left.plot(labels, p[0], **style)
        right.plot(labels[:-1], np.asarray(distribution_to_ranking(p))[0], **style)
    code = np.asarray(ranking_code(y, labels))[0]
    right.step(labels[:-1], code, color=COLOURS["ranking"], ls=":", lw=2, label="code", where="mid")
    left.set(title="label distribution of y = 36, p", xlim=(16, 56), xlabel="label")
    right.set(title="1 - c, and the ranking code of 36", xlim=(16, 56), xlabel="label")
    right.legend(fontsize=8)
    return figure


def closed_form(found: Answers) -> Any:
    """Figure 2: the Gaussian's closed form against the sum, and what half a step is worth."""
    from keras_dldl.ops import distribution_to_ranking, label_distribution
    from keras_dldl.ranking import gaussian_ranking

    labels, y = found.labels, np.array([36.0])
    figure, (left, right) = axes(1, 2)
    summed = np.asarray(distribution_to_ranking(label_distribution(y, 2.0, labels)))[0]
    for midpoints, name in ((False, "at the labels"), (True, "at the midpoints")):
        closed = np.asarray(gaussian_ranking(y, 2.0, labels, midpoints))[0]
        left.plot(labels[:-1], closed - summed, marker=".", label=name)
        right.plot(SIGMAS, errors(labels, midpoints), marker=".", label=name)
    left.set(title="closed form minus sum, sigma 2", xlim=(26, 46), xlabel="label")
    right.set(title="largest difference", xlabel="sigma, steps", xscale="log", yscale="log")
    right.set_xticks(SIGMAS, [f"{sigma:g}" for sigma in SIGMAS], minor=False)
    right.set_xticks([], minor=True)
    left.legend(fontsize=8)
    return figure


def errors(labels: np.ndarray, midpoints: bool) -> list[float]:
    """Return the largest difference of the closed form from the sum, for each of `SIGMAS`."""
    from keras_dldl.ops import distribution_to_ranking, label_distribution
    from keras_dldl.ranking import gaussian_ranking

    middle = np.array([labels.mean()])
    step = labels[1] - labels[0]
    largest = []
    for sigma in SIGMAS:
        summed = np.asarray(
            distribution_to_ranking(label_distribution(middle, sigma * step, labels))
        )
        closed = np.asarray(gaussian_ranking(middle, sigma * step, labels, midpoints))
        largest.append(float(np.abs(closed - summed).max()))
    return largest


def single_faces(found: Answers) -> Any:
    """Figure 3: of four test faces, the ranking network's outputs and 1 - c of the other's."""
    figure, panels = axes(1, len(SHOWN_AGES))
    for panel, i in zip(panels, shown(found), strict=True):
        x, truth = found.labels[:-1], found.ages[i] > found.labels[:-1]
        panel.step(x, truth, color=COLOURS["truth"], lw=1, ls=":", label="true code")
        panel.plot(x, found.above[i], color=COLOURS["ldl"], label="1 - c, dldl")
        panel.plot(x, found.raw[i], color=COLOURS["ranking"], label="ranking-bce")
        panel.set(title=f"drawn as {found.ages[i]:g}", xlabel="label")
    panels[0].legend(fontsize=7)
    return figure


def distributions(found: Answers) -> Any:
    """Figure 4: the same faces, as label distributions."""
    figure, panels = axes(1, len(SHOWN_AGES))
    for panel, i in zip(panels, shown(found), strict=True):
        name = "differences,\nranking-bce"
        panel.bar(found.labels, found.from_code[i], 1.0, color=COLOURS["ranking"], label=name)
        panel.plot(found.labels, found.p[i], color=COLOURS["ldl"], label="p, dldl")
        panel.axvline(found.ages[i], color=COLOURS["truth"], lw=1, ls=":")
        panel.set(title=f"drawn as {found.ages[i]:g}", xlabel="label")
    panels[0].legend(fontsize=7)
    return figure


def all_faces(found: Answers) -> Any:
    """Figure 5: all test faces by age, a row a face."""
    order = np.argsort(found.ages, kind="stable")
    figure, panels = axes(1, 3)
    extent = (found.labels[0], found.labels[-1], len(order), 0)
    pictures = (
        ("ranking-bce", found.raw, (0, 1), "Greys"),
        ("1 - c, dldl", found.above, (0, 1), "Greys"),
        ("difference", found.raw - found.above, (-0.5, 0.5), "RdBu"),
    )
    for panel, (title, values, (low, high), colours) in zip(panels, pictures, strict=True):
        drawn = panel.imshow(
            values[order], cmap=colours, vmin=low, vmax=high, aspect="auto", extent=extent
        )
        panel.plot(found.ages[order], np.arange(len(order)), color="#e1a700", lw=1)
        panel.set(title=title, xlabel="label")
        figure.colorbar(drawn, ax=panel)
    panels[0].set_ylabel("test faces, by age")
    return figure


def shown(found: Answers) -> list[int]:
    """Return the faces to draw: the nearest to each of `SHOWN_AGES`."""
    return [int(np.abs(found.ages - age).argmin()) for age in SHOWN_AGES]


def axes(rows: int, columns: int) -> tuple[Any, Any]:
    """Return a figure of the width of a page, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.7 * rows), layout="constrained")
    return figure, figure.subplots(rows, columns)


def save(figure: Any, path: Path) -> None:
    """Write a picture atomically."""
    from keras_dldl._utils.files import atomic_path

    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90)
    print(path, flush=True)


def write_numbers(found: dict[str, Any], path: Path) -> None:
    """Write and show the numbers."""
    from keras_dldl._utils.files import write_json

    write_json(path, found)
    print(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
