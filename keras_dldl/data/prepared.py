"""Prepared data: one or several folders that `prepare` wrote, read as one data set."""

import json
import os
from collections.abc import Callable, Hashable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.data.manifest import SPLITS, read_manifest
from keras_dldl.data.records.tfrecord import SCHEMA_VERSION, schema_as_json
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detectors import detector_here
from keras_dldl.files import sha256_of
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

INDEX_NAME = "dataset.json"
FORMAT_VERSION = 2
# 1 had neither checksums nor sizes of the shards, and did not write the schema down.
FORMATS = (1, 2)


@dataclass(frozen=True)
class ShardFacts:
    """What the index says of a shard.

    Args:
        records: number of records in it.
        bytes: its size; None where the folder is of format 1.
        sha256: its checksum in hexadecimal digits; likewise.
    """

    records: int
    bytes: int | None = None
    sha256: str | None = None

    @classmethod
    def of_file(cls, path: Path, records: int) -> "ShardFacts":
        """Return the facts of a shard that has just been written with so many records."""
        return cls(records, path.stat().st_size, sha256_of(path))


def index_of(
    source, options, shards: dict[str, ShardFacts], manifest: "pd.DataFrame", plan: dict
) -> dict:
    """Return the content of `dataset.json`, which is written last and says that all is there."""
    return {
        "format": FORMAT_VERSION,
        "source": source.name,
        "root": plan["root"],
        "grid": source.grid().get_config(),
        "size": options.size,
        "alignment": Alignment(options.margin, detector_here(options.detector)).get_config(),
        "split": options.chosen_split(),
        "counts": {name: int((manifest["split"] == name).sum()) for name in SPLITS},
        "whole": int((manifest["face"] == "whole").sum()),
        "schema": schema_as_json(),
        "shards": {name: asdict(facts) for name, facts in shards.items()},
    }


@dataclass(frozen=True)
class PreparedFolder:
    """One folder that `prepare` wrote: its index and its manifest.

    Args:
        path: the folder.
        index: the content of `dataset.json`.
        manifest: all its rows.
        left_out: names of shards whose faces are not used, see `data.integrity`.
    """

    path: Path
    index: dict[str, Any]
    manifest: "pd.DataFrame"
    left_out: frozenset[str] = frozenset()

    @classmethod
    def open(cls, path: str | os.PathLike) -> "PreparedFolder":
        """Read a folder's index and manifest.

        Raises:
            DataError: the folder is not prepared data, or not to its end.
        """
        path = Path(path)
        try:
            index = dict(json.loads((path / INDEX_NAME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            state = (
                "begun but not finished" if (path / "plan.json").exists() else "not prepared data"
            )
            raise DataError(
                "A data folder must be one that `keras-dldl prepare` has finished. "
                f"Received: {path} ({state})"
            ) from error
        _check_readable(path, index)
        return cls(path, index, read_manifest(path / "manifest.csv"))

    @property
    def name(self) -> str:
        """The folder's own name, by which tables of images tell folders apart."""
        return os.path.basename(os.path.abspath(self.path))

    def rows(self, split: str) -> "pd.DataFrame":
        """Return the manifest's rows of a split, in the order of the records."""
        rows = self.manifest[self.manifest["split"] == split].reset_index(drop=True)
        if self.left_out.isdisjoint(self.facts(split)):
            return rows
        return rows[self._kept(split, len(rows))].reset_index(drop=True)

    def shards(self, split: str) -> list[Path]:
        """Return the record files of a split, in order."""
        return [self.shard(name) for name in self.facts(split) if name not in self.left_out]

    @property
    def has_checksums(self) -> bool:
        """Whether the index holds the checksum of every shard."""
        return all(_facts(entry).sha256 is not None for entry in self.index["shards"].values())

    def shard(self, name: str) -> Path:
        """Return the record file with this name."""
        return self.path / "records" / name

    def facts(self, split: str) -> dict[str, ShardFacts]:
        """Return what the index says of each shard of a split, also of those left out, in order."""
        shards = self.index["shards"]
        names = sorted(name for name in shards if name.startswith(f"{split}-"))
        return {name: _facts(shards[name]) for name in names}

    def _kept(self, split: str, count: int) -> "np.ndarray":
        """Return a mask of the split's `count` rows: those whose shard is not left out."""
        import numpy as np

        facts = self.facts(split)
        kept = [name not in self.left_out for name in facts]
        mask = np.repeat(kept, [of.records for of in facts.values()])
        if len(mask) != count:
            raise DataError(
                "Records and manifest must hold the same faces; prepare the data again. Received: "
                f"{len(mask)} records and {count} rows of split {split!r} in {self.path}"
            )
        return mask


class PreparedData:
    """One or several prepared folders as one data set.

    Args:
        *folders: folders that `prepare` wrote. They must agree in label grid and alignment; their
            sizes may differ, since the pipeline brings every face to the model's input size.

    Raises:
        DataError: a folder is not prepared data, or the folders do not agree.
    """

    def __init__(self, *folders: str | os.PathLike):
        if not folders:
            raise DataError("At least one prepared data folder is needed. Received: none")
        self.folders = [PreparedFolder.open(folder) for folder in folders]
        self._loaded: dict[Hashable, Any] = {}
        for name in ("grid", "alignment"):
            self._check_agreement(name)

    @property
    def grid(self) -> LabelGrid:
        """The label grid."""
        return LabelGrid.from_config(self.folders[0].index["grid"])

    @property
    def alignment(self) -> Alignment:
        """How the faces were cut out."""
        return Alignment.from_config(self.folders[0].index["alignment"])

    @property
    def size(self) -> int:
        """Side of the stored faces in pixels; of the smallest, where folders differ."""
        return min(folder.index["size"] for folder in self.folders)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows."""
        return tuple(name for name in SPLITS if any(len(f.rows(name)) for f in self.folders))

    def rows(self, split: str) -> "pd.DataFrame":
        """Return the rows of a split, folder after folder, in the order of the records.

        Raises:
            DataError: the split has no rows.
        """
        import pandas as pd

        parts = [part for folder in self.folders if len(part := folder.rows(split))]
        if not parts:
            raise DataError(
                f"The data has no rows of split {split!r}; it has {', '.join(self.splits)}. "
                "`keras-dldl split` splits it anew. "
                f"Received: {', '.join(str(folder.path) for folder in self.folders)}"
                + (f", without {len(self.left_out)} damaged shards" if self.left_out else "")
            )
        return pd.concat(parts, ignore_index=True)

    def shards(self, split: str) -> list[Path]:
        """Return the record files of a split, folder after folder."""
        return [shard for folder in self.folders for shard in folder.shards(split)]

    @property
    def left_out(self) -> list[str]:
        """The shards that are left out, as `folder/shard`."""
        return [f"{of.path.name}/{name}" for of in self.folders for name in sorted(of.left_out)]

    def leave_out(self, shards: Iterable[Path]) -> None:
        """Use neither the records nor the rows of these shards from now on."""
        shards = set(shards)
        self.folders = [
            replace(
                folder,
                left_out=folder.left_out
                | {name for name in folder.index["shards"] if folder.shard(name) in shards},
            )
            for folder in self.folders
        ]
        self._loaded.clear()  # it holds their faces

    def loaded(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """Return what `load()` gives, called once for each `key` as long as the shards stay."""
        if key not in self._loaded:
            self._loaded[key] = load()
        return self._loaded[key]

    def _check_agreement(self, name: str) -> None:
        first = self.folders[0]
        for other in self.folders[1:]:
            if other.index[name] != first.index[name]:
                raise DataError(
                    f"Data folders used together must have one {name}. Received: "
                    f"{first.path} with {first.index[name]}, {other.path} with {other.index[name]}"
                )


def _check_readable(path: Path, index: dict[str, Any]) -> None:
    if index.get("format") not in FORMATS:
        raise DataError(
            f"A data folder must be of format {' or '.join(map(str, FORMATS))}; prepare it again. "
            f"Received: {path} of format {index.get('format')}"
        )
    version = index.get("schema", {}).get("version", 1)
    if version != SCHEMA_VERSION:
        raise DataError(
            f"Records must be of schema {SCHEMA_VERSION}; prepare the data again, or use the "
            f"package that wrote them. Received: {path} with records of schema {version}"
        )


def _facts(entry: dict[str, Any] | int) -> ShardFacts:
    return ShardFacts(entry) if isinstance(entry, int) else ShardFacts(**entry)
