"""Prepared data: one or several folders that `prepare` wrote, read as one data set."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.data.manifest import SPLITS, read_manifest
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

INDEX_NAME = "dataset.json"
FORMAT_VERSION = 1


def index_of(source, options, shards: dict[str, int], manifest: "pd.DataFrame", plan: dict) -> dict:
    """Return the content of `dataset.json`, which is written last and says that all is there."""
    return {
        "format": FORMAT_VERSION,
        "source": source.name,
        "root": plan["root"],
        "grid": source.grid().get_config(),
        "size": options.size,
        "alignment": Alignment(options.margin).get_config(),
        "split": options.chosen_split(),
        "counts": {name: int((manifest["split"] == name).sum()) for name in SPLITS},
        "whole": int((manifest["face"] == "whole").sum()),
        "shards": shards,
    }


@dataclass(frozen=True)
class PreparedFolder:
    """One folder that `prepare` wrote: its index and its manifest."""

    path: Path
    index: dict[str, Any]
    manifest: "pd.DataFrame"

    @classmethod
    def open(cls, path: str | os.PathLike) -> "PreparedFolder":
        """Read a folder's index and manifest.

        Raises:
            DataError: the folder is not prepared data, or not to its end.
        """
        path = Path(path)
        try:
            index = json.loads((path / INDEX_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            state = (
                "begun but not finished" if (path / "plan.json").exists() else "not prepared data"
            )
            raise DataError(
                "A data folder must be one that `keras-dldl prepare` has finished. "
                f"Received: {path} ({state})"
            ) from error
        if index.get("format") != FORMAT_VERSION:
            raise DataError(
                f"A data folder must be of format {FORMAT_VERSION}; prepare it again. "
                f"Received: {path} of format {index.get('format')}"
            )
        return cls(path, index, read_manifest(path / "manifest.csv"))

    def rows(self, split: str) -> "pd.DataFrame":
        """Return the manifest's rows of a split, in the order of the records."""
        return self.manifest[self.manifest["split"] == split].reset_index(drop=True)

    def shards(self, split: str) -> list[Path]:
        """Return the record files of a split, in order."""
        names = sorted(name for name in self.index["shards"] if name.startswith(f"{split}-"))
        return [self.path / "records" / name for name in names]


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
            )
        return pd.concat(parts, ignore_index=True)

    def shards(self, split: str) -> list[Path]:
        """Return the record files of a split, folder after folder."""
        return [shard for folder in self.folders for shard in folder.shards(split)]

    def _check_agreement(self, name: str) -> None:
        first = self.folders[0]
        for other in self.folders[1:]:
            if other.index[name] != first.index[name]:
                raise DataError(
                    f"Data folders used together must have one {name}. Received: "
                    f"{first.path} with {first.index[name]}, {other.path} with {other.index[name]}"
                )
