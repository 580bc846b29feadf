"""The folder that `prepare` writes: whose it is, which run began it, what a killed run left."""

import errno
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl.data.prepared import FACES, INDEX_NAME
from keras_dldl.errors import DataError

PLAN_NAME = "plan.json"
CONTENT = ("rows", "rows_hash")
# What a run that was killed early can leave before it writes its plan.
BEFORE_THE_PLAN = frozenset({"images", ".progress"})


def check_output(out: Path, plan: dict[str, Any]) -> None:
    """Check that `out` can be written: a new or empty folder, or one begun by the same call.

    A call that ended before its first shard or its index binds nobody. Nothing is written here, so
    that a wrong `out` costs nothing and stays as it is.

    Args:
        out: the folder.
        plan: all that decides the output, or as much of it as is known so far.

    Raises:
        DataError: `out` holds other files, or was begun with other arguments.
        OSError: `out` is not a folder, or cannot be read.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(out))
    begun = _begun_plan(out)
    if begun is None:
        if not BEFORE_THE_PLAN.issuperset(files.names_in(out)):
            raise _foreign(out)
        return
    differing = _differing(begun, plan)
    written = (out / INDEX_NAME).exists() or any((out / FACES).glob("*.tfrecord"))
    if differing and written:
        same = begun.keys() >= plan.keys()
        how = f"with other arguments: {'; '.join(differing)}" if same else "by another command"
        raise DataError(
            "`--out` must be a new folder, or one begun with the same arguments; choose another, "
            f"or remove it. Received: {out}, begun {how}"
        )


def begin_output(out: Path, plan: dict[str, Any]) -> None:
    """Make the folder and note the plan, or check that it was begun by the same call.

    Raises:
        DataError, OSError: see `check_output`.
    """
    check_output(out, plan)
    if _begun_plan(out) != plan:
        files.write_json(out / PLAN_NAME, plan)


def remove_leftovers(out: Path, keep: Path | None = None) -> None:
    """Remove the half files of a killed run from `out`, all but those below the folder `keep`."""
    if keep == out:
        return
    for folder, subfolders, names in os.walk(out):
        subfolders[:] = [name for name in subfolders if Path(folder, name) != keep]
        for name in names:
            if name.startswith(files.TEMPORARY_PREFIX):
                with suppress(FileNotFoundError):
                    Path(folder, name).unlink()


def _begun_plan(out: Path) -> dict[str, Any] | None:
    """Return the plan of the run that began `out`; None where none did."""
    try:
        plan = json.loads((out / PLAN_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # not JSON, not UTF-8: some other program's plan
        plan = None
    if not isinstance(plan, dict) or "rows_hash" not in plan:
        raise _foreign(out, f", among them a {PLAN_NAME} of something else")
    return plan


def _foreign(out: Path, more: str = "") -> DataError:
    return DataError(
        f"`--out` must be a new or empty folder. Received: {out}, which holds other files{more}"
    )


def _differing(begun: dict[str, Any], plan: dict[str, Any]) -> list[str]:
    """Return what `plan` has otherwise, as texts for a message."""
    before, now = ({**of, **of.get("options", {})} for of in (begun, plan))
    if before.get("on_missing") == "fail":
        # Its finished shards lack no face, so they are what any other choice would have written.
        now["on_missing"] = "fail"
    known = plan.keys() | plan.get("options", {}).keys() | begun.get("options", {}).keys()
    differing = [
        name
        for name in sorted(known - {"options"})  # `plan` may not know the content yet
        if before.get(name) != now.get(name)
    ]
    texts = [
        f"{name}={before.get(name)!r}, now {now.get(name)!r}"
        for name in differing
        if name not in CONTENT
    ]
    return texts + ["the data set has other rows now"] * any(name in CONTENT for name in differing)
