"""From the cells to the content of `comparison.json`.

Faces and seeds are both samples, and every model predicts every face, so both are resampled,
crossed (the "pigeonhole bootstrap": Owen 2007, Annals of Applied Statistics 1). Faces are drawn
once for all models, so differences are paired. Of n seeds n - 1 are drawn, which makes the
variance right for few (Rao and Wu 1988, JASA 83); of one seed that one.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl.comparison.cells import DONE, Cell, CellResult
from keras_dldl.comparison.plan import differences, flat
from keras_dldl.errors import DataError
from keras_dldl.evaluation.confidence import LEVEL, drawn_counts, holm, percentile_interval
from keras_dldl.training.config import TrainConfig

if TYPE_CHECKING:
    from keras_dldl.comparison.plan import Plan, Variant
    from keras_dldl.data.prepared import PreparedData

FORMAT = 1
REPLICATES = 10_000
Done = Sequence[tuple[Cell, CellResult]]
Means = Mapping[str, np.ndarray]  # replicates of the mean error by variant
NUMBERS = ("mae", "rmse", "pearson", "bias", "balanced_mae", "epsilon_error")
INTERVALS = (
    f"central {100 * LEVEL:g} % of {REPLICATES:,} bootstrap replicates; each resamples the faces, "
    "the same for all variants, and n - 1 of n seeds, the same for variants with equal seeds"
)
STATISTICS = {"level": LEVEL, "replicates": REPLICATES, "intervals": INTERVALS, "p_holm": "Holm"}
JOINT = "dldl-v2"
# The parts of the joint loss on their own (Gao et al. 2020, section 5.4).
PARTS = {"dldl": (True, False), "er": (False, True)}


def content_of(
    plan: "Plan", data: "PreparedData", done: Done, measured: "PreparedData | None" = None
) -> dict[str, Any]:
    """Return the content of `comparison.json`.

    Args:
        plan: the plan.
        data: what is trained on.
        done: the cells that are done or failed, with what they gave.
        measured: whose faces are predicted; None: those of `data`.

    Raises:
        DataError: the cells did not predict the same faces.
    """
    entries = summarise(plan, done)
    measured = data if measured is None else measured
    settings = {name: value for name, value in plan.base.to_dict().items() if name != "data"}
    return {
        "format": FORMAT,
        "task": data.grid.task,
        "unit": data.grid.unit,
        "split": plan.split,
        "faces": {split: len(data.rows(split)) for split in data.splits},
        "data": _names(data),
        "test_data": _names(measured) if measured is not data else [],
        "test_faces": len(measured.rows(plan.split)),
        "settings": settings,
        "settings_changed": differences(TrainConfig(), plan.base),
        "baseline": plan.baseline,
        "statistics": STATISTICS,
        "variants": entries,
        "ablations": ablations(plan),
        "sensitivities": sensitivities(plan, data.grid.step, data.size),
        "failed": [
            {"variant": result.variant, "seed": result.seed, "error": result.error}
            for _, result in done
            if result.error is not None
        ],
        "notes": notes_of(entries, plan.baseline),
    }


def _names(data: "PreparedData") -> list[str]:
    return [folder.path.resolve().name for folder in data.folders]


def summarise(plan: "Plan", done: Done) -> list[dict[str, Any]]:
    """Return an entry a variant, in the plan's order; see `content_of`."""
    errors = errors_of(done)
    drawn = bootstrap(errors) if errors else {}
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


def bootstrap(
    errors: Mapping[str, Mapping[int, np.ndarray]],
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Means:
    """Resample faces and seeds; return each variant's mean errors, (replicates,).

    Variants with the same training seeds have the same ones drawn: a seed is one order of the
    faces and one start of the backbone, so they are paired by it.

    Args:
        errors: (N,) absolute errors by variant and training seed; the same N faces in all.
        replicates: how many.
        seed: of the drawing; equal seeds give equal results.
    """
    rng = np.random.default_rng(seed)
    rows = [array for by_seed in errors.values() for array in by_seed.values()]
    table = np.asarray(rows, np.float64)
    faces = table.shape[1]
    # (models, replicates): the mean error of each model over each draw of all faces.
    parts = [table @ counts.T / faces for counts in drawn_counts(faces, replicates, rng)]
    table = np.concatenate(parts, axis=1)
    means, first = {}, 0
    drawn: dict[tuple[int, ...], np.ndarray] = {}
    for name, by_seed in errors.items():
        seeds, count = tuple(by_seed), len(by_seed)
        if seeds not in drawn:
            drawn[seeds] = rng.integers(0, count, (max(1, count - 1), replicates))
        own = table[first : first + count]
        means[name] = np.take_along_axis(own, drawn[seeds], axis=0).mean(axis=0)
        first += count
    return means


def p_value(difference: np.ndarray) -> float:
    """Return twice the share of replicates on the rarer side of no difference, at most 1.

    Replicates of no difference count on both sides, and one is added to both counts, so that no p
    is 0. It fits the interval: p < 0.05 where the interval leaves out 0.
    """
    rarer = min((difference <= 0).sum(), (difference >= 0).sum())
    return float(min(1.0, 2 * (rarer + 1) / (len(difference) + 1)))


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


def _entry(plan: "Plan", variant: "Variant", done: Done, drawn: Means) -> dict[str, Any]:
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
    entry["mae"]["interval"] = percentile_interval(drawn[variant.name]) if good else None
    return entry


def _add_differences(entries: list[dict[str, Any]], baseline: str, drawn: Means) -> None:
    """Give each entry its difference in MAE from the baseline's, None where there is none.

    One seed says nothing of how much another would differ, so there is no p: it would test two
    trained models, and be read as a test of what they were trained with.
    """
    base = next(entry for entry in entries if entry["name"] == baseline)
    for entry in entries:
        entry["difference"] = None
        if entry is not base and entry["seeds"] and base["seeds"]:
            several = min(len(entry["seeds"]), len(base["seeds"])) > 1
            difference = drawn[entry["name"]] - drawn[baseline]
            entry["difference"] = {
                "mae": entry["mae"]["mean"] - base["mae"]["mean"],
                "interval": percentile_interval(difference),
                "p": p_value(difference) if several else None,
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
    seeds = {entry["name"]: entry["seeds"] for entry in entries}
    other = [n for n, own in seeds.items() if own and seeds[baseline] and own != seeds[baseline]]
    if other:
        notes.append(f"other seeds than the baseline's, so not paired by them: {', '.join(other)}")
    for key, text in (("failed", "failed"), ("waiting", "not finished")):
        listed = [f"{e['name']} (seed {', '.join(map(str, e[key]))})" for e in entries if e[key]]
        if listed:
            notes.append(f"{text}, and left out: {'; '.join(listed)}")
    if not seeds[baseline]:
        notes.append(f"the baseline {baseline} has no numbers, so there are no differences")
    return notes


def ablations(plan: "Plan") -> list[dict[str, Any]]:
    """Return a table for each joint variant that a part of its loss stands beside.

    Each has `joint`, its name, and `rows` of `variant`, `distribution_term`, `expectation_term`
    and `kl_reduction`. A joint variant that differs in `kl_reduction` alone is one row more.
    """
    tables = []
    for joint in plan.variants:
        rows = [
            _row(other, *PARTS[other.config.method])
            for other in plan.variants
            if other.config.method in PARTS and not _other_settings(joint, other, "method")
        ]
        if joint.config.method == JOINT and rows:
            rows += [
                _row(other, True, True)
                for other in plan.variants
                if other.config.method == JOINT
                and not _other_settings(joint, other, "kl_reduction")
            ]
            tables.append({"joint": joint.name, "rows": rows})
    return tables


def sensitivities(plan: "Plan", grid_step: float, size: int) -> list[dict[str, Any]]:
    """Return the settings of numbers that vary while all others stay, each with its curves.

    `grid_step` and `size`, of the data, are what `label_step: null` and `input_size: null` mean.
    The form is `{"setting": ..., "curves": [{"name": ..., "points": [{"value": ..., "variant":
    ...}]}]}`, the points by ascending value.
    """
    implied = {"label_step": grid_step, "input_size": size}
    found = []
    for setting in flat(plan.base):
        curves = _curves(plan, setting, implied.get(setting))
        if curves:
            found.append({"setting": setting, "curves": curves})
    return found


def _curves(plan: "Plan", setting: str, implied: float | None) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for variant in plan.variants:
        values = flat(variant.config)
        value = values.pop(setting, None)
        value = implied if value is None else value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            point = {"value": value, "variant": variant.name}
            groups.setdefault(repr(sorted(values.items())), []).append(point)
    curves = []
    for points in groups.values():
        points.sort(key=lambda point: point["value"])
        if len({point["value"] for point in points}) > 1:
            # The shortest name of its variants is that of the settings that they share.
            name = min((point["variant"] for point in points), key=len)
            curves.append({"name": name, "points": points})
    return curves


def _other_settings(one: "Variant", other: "Variant", but: str) -> bool:
    first, second = flat(one.config), flat(other.config)
    return any(first.get(key) != second.get(key) for key in {*first, *second} - {but})


def _row(variant: "Variant", distribution: bool, expectation: bool) -> dict[str, Any]:
    return {
        "variant": variant.name,
        "distribution_term": distribution,
        "expectation_term": expectation,
        "kl_reduction": variant.config.kl_reduction if distribution else None,
    }
