"""Prepared data with another split, without finding and aligning the faces again."""

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl import files
from keras_dldl.data.frames import Frame, copy_frames, frames_of
from keras_dldl.data.manifest import SPLITS, read_table, write_manifest
from keras_dldl.data.output import begin_output, remove_leftovers
from keras_dldl.data.prepared import FORMAT_VERSION, INDEX_NAME, PreparedFolder, ShardFacts
from keras_dldl.data.protocol import SplitOptions, split_rows, warn_of_empty_splits
from keras_dldl.data.records import schema_as_json
from keras_dldl.data.shards import shards_of
from keras_dldl.errors import DataError
from keras_dldl.progress import progress

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, SKIPPED = "manifest.csv", "skipped.csv"


@dataclass
class ResplitResult:
    """What `resplit` made: the folder, and its faces by split."""

    out: Path
    counts: dict[str, int]


def resplit(
    data: str | os.PathLike, out: str | os.PathLike, options: SplitOptions
) -> ResplitResult:
    """Write prepared data with another split: the same faces, records and rows, in other files.

    Where no image was left out, the files are those that `prepare` would have written with these
    options. The new folder needs the old one no more; crops are not copied. A killed run continues
    where it stopped when it is called again.

    Args:
        data: a folder that `prepare` or `resplit` wrote.
        out: the folder to write: `manifest.csv`, `records/`, `skipped.csv` and `dataset.json`,
            which comes last.
        options: how to split; what the data set itself gives is in the manifest's columns
            `official` and `fold`.

    Raises:
        DataError: `data` is not prepared data or damaged, `out` holds something else, or the split
            asked for is not possible.
        OSError: `out` cannot be written.
    """
    data, out = Path(data).resolve(), Path(out).resolve()
    folder = PreparedFolder.open(data)
    if out == data:
        raise DataError(f"`--out` must be another folder than the data. Received: {out}")
    table = folder.manifest.reset_index(drop=True)
    frames = _frames(folder, table)
    table["split"] = _split(table, options)
    begin_output(out, _plan(folder, options))
    remove_leftovers(out)
    warn_of_empty_splits(table["split"], options)
    parts = dict(shards_of(table))
    _copy(parts, frames, out)
    _write_tables(folder, parts, out)
    index = _index(folder, parts, out, options)
    files.write_json(out / INDEX_NAME, index)
    return ResplitResult(out, index["counts"])


def _split(table: "pd.DataFrame", options: SplitOptions) -> "pd.Series":
    given = table.get("official")
    if options.split == "official" and options.fold is None and options.leave_out is None:
        if given is None or not given.isin(SPLITS).any():
            raise DataError(
                "Official splits must be in the data, in the manifest's column `official`. "
                f"Received: columns {', '.join(table.columns)}"
            )
    return split_rows(table, options, given)


def _frames(folder: PreparedFolder, table: "pd.DataFrame") -> dict[int, Frame]:
    """Return the record of each row, by the row's index."""
    found: dict[int, Frame] = {}
    for split in SPLITS:
        rows = table.index[table["split"] == split]
        frames = [frame for path in folder.shards(split) for frame in frames_of(path)]
        if len(frames) != len(rows):
            raise DataError(
                "Records and manifest must hold the same faces; prepare the data again. Received: "
                f"{len(frames)} records and {len(rows)} rows of split {split!r} in {folder.path}"
            )
        found |= zip(rows, frames, strict=True)
    return found


def _plan(folder: PreparedFolder, options: SplitOptions) -> dict[str, Any]:
    content = hashlib.sha256()
    for name in (MANIFEST, INDEX_NAME):
        content.update((folder.path / name).read_bytes())
    return {
        "data": os.fspath(folder.path),
        "options": options.chosen_split(),
        "rows": len(folder.manifest),
        "rows_hash": content.hexdigest()[:16],
    }


def _copy(parts: dict[str, "pd.DataFrame"], frames: dict[int, Frame], out: Path) -> None:
    with progress(total=len(frames), label="copying faces") as bar:
        for name, rows in parts.items():
            target = out / "records" / name
            if not target.exists():
                copy_frames([frames[i] for i in rows.index], rows["path"], target)
            bar.update(len(rows))


def _write_tables(folder: PreparedFolder, parts: dict[str, "pd.DataFrame"], out: Path) -> None:
    import pandas as pd

    order = pd.concat(parts.values())["split"]
    # As text: a number would not come back as it was written.
    table = read_table(folder.path / MANIFEST).reset_index(drop=True).loc[order.index]
    write_manifest(table.assign(split=order), out / MANIFEST)
    if (folder.path / SKIPPED).exists():
        files.write_bytes(out / SKIPPED, (folder.path / SKIPPED).read_bytes())


def _index(
    folder: PreparedFolder, parts: dict[str, "pd.DataFrame"], out: Path, options: SplitOptions
) -> dict[str, Any]:
    shards = {
        name: asdict(ShardFacts.of_file(out / "records" / name, len(rows)))
        for name, rows in parts.items()
    }
    counts = {
        split: sum(of["records"] for name, of in shards.items() if name.startswith(f"{split}-"))
        for split in SPLITS
    }
    of_split = {"split": options.chosen_split(), "counts": counts}
    written = {"format": FORMAT_VERSION, "schema": schema_as_json(), "shards": shards}
    return {**folder.index, **of_split, **written}
