"""What the variants let one see: the paper's ablation, and how the MAE follows one setting."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_dldl.comparison.naming import flat

if TYPE_CHECKING:
    from keras_dldl.comparison.plan import Plan, Variant

JOINT = "dldl-v2"
# The parts of the joint loss on their own (Gao et al. 2020, section 5.4).
PARTS = {"dldl": (True, False), "er": (False, True)}
LEAST_POINTS = 2


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
            rows += [_row(one, True, True) for one in plan.variants if _is_joint(joint, one)]
            tables.append({"joint": joint.name, "rows": rows})
    return tables


def sensitivities(plan: "Plan", grid_step: float, size: int) -> list[dict[str, Any]]:
    """Return the settings of numbers that vary while all others stay, each with its curves.

    Args:
        plan: the plan.
        grid_step: of the data's label grid, which `label_step: null` means.
        size: of the data's faces, which `input_size: null` means.

    Returns:
        `{"setting": ..., "curves": [{"name": ..., "points": [{"value": ..., "variant": ...}]}]}`,
        the points by ascending value.
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
        if len({point["value"] for point in points}) >= LEAST_POINTS:
            curves.append({"name": _name(plan, points), "points": points})
    return curves


def _name(plan: "Plan", points: Sequence[dict[str, Any]]) -> str:
    """Return the shortest name of a curve's variants: that of the shared settings."""
    return min((point["variant"] for point in points), key=len)


def _is_joint(joint: "Variant", other: "Variant") -> bool:
    return other.config.method == JOINT and not _other_settings(joint, other, "kl_reduction")


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
