"""From the cells to the numbers of `comparison.json`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.comparison.bootstrap import REPLICATES, Bootstrap, bootstrap
from keras_dldl.comparison.cells import DONE, Cell, CellResult
from keras_dldl.comparison.naming import differences
from keras_dldl.errors import DataError
from keras_dldl.evaluation.resampling import LEVEL, holm

if TYPE_CHECKING:
    from keras_dldl.comparison.plan import Plan, Variant

Done = Sequence[tuple[Cell, CellResult]]
NUMBERS = ("mae", "rmse", "pearson", "bias", "balanced_mae", "epsilon_error")
INTERVALS = (
    f"central {100 * LEVEL:g} % of {REPLICATES:,} bootstrap replicates; each draws the faces anew, "
    "the same for all variants, and of n seeds n - 1 anew, the same for variants with equal seeds"
)


def summarise(plan: "Plan", done: Done) -> list[dict[str, Any]]:
    """Return an entry a variant, in the plan's order.

    Args:
        plan: the plan.
        done: the cells that are done or failed, with what they gave.

    Raises:
        DataError: the cells did not predict the same faces.
    """
    errors = errors_of(done)
    drawn = bootstrap(errors) if errors else Bootstrap({})
    entries = [_entry(plan, variant, done, drawn) for variant in plan.variants]
    _add_differences(entries, plan.baseline, drawn)
    return entries


def errors_of(done: Done) -> dict[str, dict[int, np.ndarray]]:
    """Return (N,) absolute errors by variant and seed, of the cells that are done.

    Raises:
        DataError: they did not predict the same faces.
    """
    errors: dict[str, dict[int, np.ndarray]] = {}
    first = None
    for cell, result in done:
        if result.state != DONE:
            continue
        table = cell.predictions()
        faces = table[["path", "label"]]
        first = faces if first is None else first
        if not faces.equals(first):
            raise DataError(
                "Cells can be compared only on the same faces in the same order. "
                f"Received: others in {cell.evaluation / 'predictions.csv'}"
            )
        error = (table["value"] - table["label"]).abs().to_numpy(np.float64)
        errors.setdefault(cell.variant, {})[cell.seed] = error
    return {name: dict(sorted(by_seed.items())) for name, by_seed in errors.items()}


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    """Return mean and standard deviation (n - 1) over seeds, None where it takes more of them.

    >>> spread([4.0, 6.0])["std"] ** 2, spread([4.0])["std"]
    (2.0000000000000004, None)
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return {"mean": None, "std": None, "min": None, "max": None}
    return {
        "mean": float(np.mean(known)),
        "std": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "min": float(min(known)),
        "max": float(max(known)),
    }


def _entry(plan: "Plan", variant: "Variant", done: Done, drawn: Bootstrap) -> dict[str, Any]:
    own = [result for _, result in done if result.variant == variant.name]
    good = sorted((r for r in own if r.state == DONE), key=lambda result: result.seed)
    failed = sorted(result.seed for result in own if result.state != DONE)
    measured = [result.seed for result in good]
    entry = {
        "name": variant.name,
        "method": variant.config.method,
        "model": variant.config.model,
        "settings": differences(plan.base, variant.config),
        "given": bool(variant.folders),
        "seeds": measured,
        "failed": failed,
        "waiting": [s for s in variant.seeds if s not in measured and s not in failed],
        "parameters": good[0].numbers["parameters"] if good else None,
        "seconds": spread([result.training["seconds"] for result in good])["mean"],
    }
    for name in NUMBERS:
        entry[name] = spread([result.numbers.get(name) for result in good])
    thresholds = good[0].numbers["cs"] if good else {}
    entry["cs"] = {t: spread([result.numbers["cs"][t] for result in good]) for t in thresholds}
    entry["mae"]["by_seed"] = {str(result.seed): result.numbers["mae"] for result in good}
    entry["mae"]["interval"] = list(drawn.interval(variant.name)) if good else None
    return entry


def _add_differences(entries: list[dict[str, Any]], baseline: str, drawn: Bootstrap) -> None:
    """Give each entry its difference in MAE from the baseline's, None where there is none.

    One seed says nothing of how much another would differ, so there is no p: it would test two
    trained models, and be read as a test of what they were trained with.
    """
    base = next(entry for entry in entries if entry["name"] == baseline)
    for entry in entries:
        entry["difference"] = None
        if entry is not base and entry["seeds"] and base["seeds"]:
            several = min(len(entry["seeds"]), len(base["seeds"])) > 1
            entry["difference"] = {
                "mae": entry["mae"]["mean"] - base["mae"]["mean"],
                "interval": list(drawn.interval(entry["name"], baseline)),
                "p": drawn.p_value(entry["name"], baseline) if several else None,
                "p_holm": None,
            }
    found = [entry["difference"] for entry in entries if entry["difference"]]
    tested = [difference for difference in found if difference["p"] is not None]
    for difference, p in zip(tested, holm([one["p"] for one in tested]), strict=True):
        difference["p_holm"] = p


def notes_of(entries: Sequence[Mapping[str, Any]], baseline: str) -> list[str]:
    """Return what a reader of the numbers must know, a sentence each."""
    notes = []
    measured = [entry for entry in entries if entry["seeds"]]
    single = [entry["name"] for entry in measured if len(entry["seeds"]) == 1]
    if single:
        names = "all variants" if len(single) == len(measured) > 1 else ", ".join(single)
        notes.append(
            "one seed only, so no spread and no p; intervals are over faces alone, and say nothing "
            f"of how another seed would differ: {names}"
        )
    other = _with_other_seeds(entries, baseline)
    if other:
        notes.append(f"other seeds than the baseline's, so not paired by them: {', '.join(other)}")
    for key, text in (("failed", "failed"), ("waiting", "not finished")):
        listed = [f"{e['name']} (seed {', '.join(map(str, e[key]))})" for e in entries if e[key]]
        if listed:
            notes.append(f"{text}, and left out: {'; '.join(listed)}")
    if not next(entry for entry in entries if entry["name"] == baseline)["seeds"]:
        notes.append(f"the baseline {baseline} has no numbers, so there are no differences")
    return notes


def _with_other_seeds(entries: Sequence[Mapping[str, Any]], baseline: str) -> list[str]:
    seeds = {entry["name"]: entry["seeds"] for entry in entries}
    return [n for n, own in seeds.items() if own and seeds[baseline] and own != seeds[baseline]]
