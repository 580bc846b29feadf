"""The result of a benchmark as text, and as Markdown."""

from collections.abc import Callable, Iterator
from typing import Any

from keras_dldl._utils.text_tables import aligned, markdown_table
from keras_dldl.benchmark.engines import ENGINES

HEAD = (
    "model", "engine", "precision", "ms, batch of 1", "quartiles", "times VGG-16",
    "images/s, batch of {batch}", "times VGG-16", "of the peak", "difference, mean (most)",
)  # fmt: skip
START_HEAD = ("cold start of predict", "s", "s of the processor", "MB at most")


def text(result: dict[str, Any]) -> str:
    """Return what `run_benchmark` found, for a terminal."""
    return _document(result, "", lambda head, rows: "\n".join(aligned([head, *rows], words=3)))


def markdown(result: dict[str, Any]) -> str:
    """Return the same in Markdown."""
    return _document(result, "- ", lambda *rows: markdown_table(*rows, numbers=False))


def _document(result: dict[str, Any], bullet: str, table: Callable[..., str]) -> str:
    head = [title.format(batch=result["batch"]) for title in HEAD]
    parts = [about_machine(result), table(head, list(rows(result)))]
    parts.append("\n".join(f"{bullet}{line}" for line in about_models(result)))
    if result["cold_start"]:
        parts.append(table(START_HEAD, list(start_rows(result))))
    if result["not_measured"]:
        lines = missing_lines(result)
        parts.append("\n".join(f"{bullet}not measured: {line}" for line in lines))
    return "\n\n".join(parts)


def about_machine(result: dict[str, Any]) -> str:
    """Return a sentence on what was measured on, and how."""
    of, peak = result["machine"], result["peak"]
    whole = "not measured" if peak["int8"] is None else f"{peak['int8']:,.0f}e9"
    lines = [
        f"{of['processor']}, {of['cores']} cores, {of['threads']} threads an engine,",
        f"{of['system']}; medians of {result['rounds']} interleaved rounds.",
        "Peak of large matrix products, operations a second:",
        f"float32 {peak['float32']:,.0f}e9, int8 {whole}.",
    ]
    if of["load"] is not None:
        lines.append(f"Load before {of['load']:.1f}, after {result['load_after']:.1f}.")
    return " ".join(lines)


def about_models(result: dict[str, Any]) -> Iterator[str]:
    """Yield a line a model: its size and its arithmetic."""
    for model in result["models"]:
        compared = any(found["difference"] for found in model["engines"].values())
        note = " (its differences say little)" if compared else ""
        weights = "trained" if model["trained"] else f"untrained{note}"
        yield (
            f"{model['name']}: {model['backbone']}, {model['input_size']} x {model['input_size']}, "
            f"{model['parameters']:,} parameters, {model['multiply_adds'] / 1e6:,.0f} million "
            f"multiply-adds, {weights}"
        )


def rows(result: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each model in each engine."""
    for model in result["models"]:
        for name, found in model["engines"].items():
            engine, share, gap = ENGINES[name], found["share_of_peak"], found["difference"]
            yield (
                model["name"],
                engine.title,
                engine.precision,
                f"{found['milliseconds']:.2f}",
                "{:.2f} ... {:.2f}".format(*found["quartiles"]),
                f"{found['ratio']:.1f}",
                f"{found['images_per_second']:.1f}",
                f"{found['batch_ratio']:.1f}",
                "-" if share is None else f"{100 * share:.0f} %",
                "-" if gap is None else f"{gap['mean']:.2g} ({gap['most']:.2g}) {model['unit']}",
            )


def start_rows(result: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each engine's cold start."""
    for engine, found in result["cold_start"].items():
        yield (
            f"--engine {engine}",
            f"{found['seconds']:.2f}",
            f"{found['processor']:.2f}",
            f"{found['megabytes']:.0f}",
        )


def missing_lines(result: dict[str, Any]) -> list[str]:
    """Return what was not measured and why, a line a reason."""
    by_reason: dict[str, list[str]] = {}
    for one in result["not_measured"]:
        by_reason.setdefault(f"{one['engine']}, {one['reason']}", []).append(one["model"])
    return [f"{reason} ({', '.join(models)})" for reason, models in by_reason.items()]
