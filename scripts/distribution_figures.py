"""Draws label distributions: by sigma, at the ends of the grid, and what the two losses see.

python scripts/distribution_figures.py

Writes docs/images/distribution-*.png and the tables of docs/distributions.md; only the
text between its marks is replaced.
"""

from pathlib import Path
from typing import Any

import numpy as np
from marked import replaced

from keras_dldl._utils.text_tables import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "distributions.md"
ENDS = "<!-- figures: scripts/distribution_figures.py, ends -->"
LOSSES = "<!-- figures: scripts/distribution_figures.py, losses -->"
SIGMAS = (1.0, 2.0, 3.0, 5.0)
SHADES = ("#0b3c5d", "#328cc1", "#d9912b", "#b23a48")
AGES = (0.0, 1.0, 2.0, 5.0, 10.0)
LABEL = 36.0


def main() -> None:
    """Draw the figures and bring the page up to date."""
    from keras_dldl._utils import files

    figures = {"sigma": by_sigma(), "ends": at_the_ends(), "losses": what_losses_see()}
    for name, figure in figures.items():
        path = ROOT / "docs" / "images" / f"distribution-{name}.png"
        with files.atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=90)
    files.write_text(PAGE, wanted(PAGE.read_text(encoding="utf-8")))


def wanted(page: str) -> str:
    """Return what the page should hold."""
    return replaced(replaced(page, ENDS, table_of_ends()), LOSSES, table_of_losses())


def labels() -> np.ndarray:
    """Return the grid of ages, (K,)."""
    from keras_dldl import LabelGrid

    return LabelGrid.age().labels64


def distribution(y: float, sigma: float) -> np.ndarray:
    """Return the label distribution of one label, (K,)."""
    from keras_dldl.ops import label_distribution

    return np.asarray(label_distribution(np.array([y]), sigma, labels()), np.float64)[0]


def bias(y: float, sigma: float) -> float:
    """Return the expectation of a label's distribution, less the label."""
    return float(distribution(y, sigma) @ labels() - y)


def guesses() -> dict[str, np.ndarray]:
    """Return predictions for a face of 36, three of which have the same expectation."""
    return {
        "the target": distribution(LABEL, 2.0),
        "too wide": distribution(LABEL, 6.0),
        "two peaks": (distribution(LABEL - 10, 2.0) + distribution(LABEL + 10, 2.0)) / 2,
        "shifted": distribution(LABEL + 3, 2.0),
    }


def losses(q: np.ndarray) -> tuple[float, float]:
    """Return the KL divergence from the target of sigma 2, and the error of the expectation."""
    from keras_dldl.ops import kl_divergence

    p = distribution(LABEL, 2.0)
    return float(np.asarray(kl_divergence(p[None], q[None]))[0]), abs(float(q @ labels()) - LABEL)


def table_of_ends() -> str:
    """Return a row a label: by how many years its distribution's expectation is off."""
    head = ["label", *(f"sigma {sigma:g}" for sigma in SIGMAS)]
    rows = [[f"{y:g}", *(f"{bias(y, sigma):+.2f}" for sigma in SIGMAS)] for y in AGES]
    return markdown_table(head, rows, numbers=False)


def table_of_losses() -> str:
    """Return a row a prediction: its expectation and both terms of the loss."""
    rows = []
    for name, q in guesses().items():
        kl, error = losses(q)
        rows.append([name, f"{q @ labels():.1f}", f"{abs(kl):.2f}", f"{error:.2f}"])
    what = "prediction for a face of 36"
    head = [what, "expectation", "KL", "absolute error of the expectation"]
    return markdown_table(head, rows, numbers=False)


def by_sigma() -> Any:
    """Figure 1: the same label with four sigmas, and a label between two of the grid's."""
    figure, (left, right) = axes(2)
    for sigma, shade in zip(SIGMAS, SHADES, strict=True):
        left.plot(labels(), distribution(LABEL, sigma), ".-", color=shade, label=f"sigma {sigma:g}")
    left.set(title="label 36", xlim=(18, 54), xlabel="age, years", ylabel="p")
    left.legend()
    for y, shade in ((36.0, SHADES[0]), (36.4, SHADES[2])):
        right.plot(labels(), distribution(y, 1.0), "o-", color=shade, label=f"label {y:g}")
        right.axvline(y, color=shade, lw=1, ls=":")
    right.set(title="sigma 1: between two labels of the grid", xlim=(31, 42), xlabel="age, years")
    right.legend()
    return figure


def at_the_ends() -> Any:
    """Figure 2: what is cut off at the end of the grid, and what that does to the expectation."""
    figure, (left, right) = axes(2)
    for y, shade in ((0.0, SHADES[3]), (2.0, SHADES[2]), (12.0, SHADES[0])):
        p = distribution(y, 3.0)
        left.plot(labels(), p, ".-", color=shade, label=f"label {y:g}")
        left.axvline(p @ labels(), color=shade, lw=1, ls=":")
    left.set(title="sigma 3; dotted: the expectation", xlim=(-1, 22), xlabel="age, years")
    left.legend()
    ages = np.arange(0, 21, 0.25)
    for sigma, shade in zip(SIGMAS, SHADES, strict=True):
        off = [bias(y, sigma) for y in ages]
        right.plot(ages, off, color=shade, label=f"sigma {sigma:g}")
    right.set(title="expectation minus label, years", xlabel="label, years")
    right.legend()
    return figure


def what_losses_see() -> Any:
    """Figure 3: predictions that one term of the loss cannot tell apart and the other can."""
    figure, panels = axes(4)
    target = distribution(LABEL, 2.0)
    for panel, (name, q) in zip(panels, guesses().items(), strict=True):
        kl, error = losses(q)
        panel.fill_between(labels(), target, color="#cccccc", label="target")
        panel.plot(labels(), q, color=SHADES[1], label="prediction")
        panel.axvline(q @ labels(), color=SHADES[3], lw=1, ls=":", label="expectation")
        title = f"{name}\nKL {abs(kl):.2f}, error {error:.2f}"
        panel.set(title=title, xlim=(16, 56), ylim=(0, 0.21), xlabel="age, years")
    panels[1].legend(loc="upper left", fontsize=6, handlelength=1)
    return figure


def axes(columns: int) -> tuple[Any, Any]:
    """Return a figure of the width of a page, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.9), layout="constrained")
    return figure, figure.subplots(1, columns)


if __name__ == "__main__":
    main()
