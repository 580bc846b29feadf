"""From the finished cells to the files of a comparison."""

from pathlib import Path
from typing import Any

from keras_dldl import files


def write_report(plan: Any, out: Path, done: Any, expected: int) -> dict[str, Any]:
    """Write `comparison.json` and return its content."""
    content = {
        "cells": [
            {
                "variant": c.variant,
                "seed": c.seed,
                "state": r.state,
                "mae": r.numbers.get("mae"),
                "error": r.error,
            }
            for c, r in done
        ]
    }
    files.write_json(out / "comparison.json", content)
    return content
