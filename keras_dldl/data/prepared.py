"""Prepared data: one or several folders that `prepare` or `split` wrote, read as one data set."""

import copy
import json
import logging
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils import files
from keras_dldl._utils.arguments import check_number, did_you_mean
from keras_dldl._utils.files import sha256_of
from keras_dldl.data.manifest import SPLITS, read_manifest, read_table, write_manifest
from keras_dldl.data.records import Records
from keras_dldl.errors import DataError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
MANIFEST_NAME = "manifest.csv"
INDEX_NAME = "dataset.json"
FORMAT_VERSION = 3
FACES = "faces"  # the folder of the shards, and of the table that says where each face is
PLACES_NAME = "index.csv"
PLACE_COLUMNS = ("path", "shard", "offset", "bytes")
NO_SIGMA = -1.0


@dataclass(frozen=True)
class ShardFacts:
    """What the index says of a shard: its records, its size, its checksum in hexadecimal digits."""

    records: int
    bytes: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path, records: int) -> "ShardFacts":
        """Return the facts of a shard that has just been written with `records` records."""
        return cls(records, path.stat().st_size, sha256_of(path))


def write_prepared(
    out: Path,
    manifest: "pd.DataFrame",
    places: "pd.DataFrame",
    shards: dict[str, ShardFacts],
    facts: dict[str, Any],
) -> dict[str, int]:
    """Write the tables of a folder whose shards are written; return the faces by split.

    Args:
        out: the folder.
        manifest: one row per face that is used: `path`, `label`, `split` and so on.
        places: one row per face that is there: `path`, `shard`, `offset`, `bytes`.
        shards: the shards in `out`/faces by name.
        facts: further content of `dataset.json`: `source`, `root`, `grid`, `size`, `alignment`.
    """
    files.write_table(out / FACES / PLACES_NAME, places[list(PLACE_COLUMNS)])
    described = {name: asdict(of) for name, of in shards.items()}
    return write_rows(out, manifest, {"faces": ".", **facts, "shards": described})


def write_rows(out: Path, manifest: "pd.DataFrame", facts: dict[str, Any]) -> dict[str, int]:
    """Write the manifest of faces that are in `facts["faces"]` and, last, `dataset.json`.

    Returns:
        The number of faces by split.
    """
    counts = {name: int((manifest["split"] == name).sum()) for name in SPLITS}
    write_manifest(manifest, out / MANIFEST_NAME)
    files.write_json(out / INDEX_NAME, {"format": FORMAT_VERSION, "counts": counts, **facts})
    return counts


@dataclass(frozen=True)
class PreparedFolder:
    """One folder that `prepare` or `split` wrote: rows, and where their faces are.

    Args:
        path: the folder.
        index: the content of `dataset.json`; of a folder that `split` wrote, with what the folder
            of its faces has there.
        manifest: all its rows.
        places: `shard`, `offset` and `bytes` of each row of the manifest.
        left_out: names of shards whose faces are not used, see `data.integrity`.
    """

    path: Path
    index: dict[str, Any]
    manifest: "pd.DataFrame"
    places: "pd.DataFrame"
    left_out: frozenset[str] = frozenset()

    @classmethod
    def open(cls, path: str | os.PathLike) -> "PreparedFolder":
        """Read a folder's index and manifest.

        Raises:
            DataError: the folder is not prepared data, or not to its end; or a row has no face.
        """
        path = Path(path)
        index = _read_index(path)
        if index["faces"] != ".":
            index = {**_read_index(path / index["faces"], split=path), **index}
        manifest = read_manifest(path / MANIFEST_NAME)
        places = read_table(path / index["faces"] / FACES / PLACES_NAME, PLACE_COLUMNS)
        places = places.set_index("path").reindex(manifest["path"])
        without = manifest["path"][places["shard"].isna().to_numpy()]
        if len(without):
            raise DataError(
                "Every row of manifest.csv must be of a face that was prepared. Received: "
                f"{path / MANIFEST_NAME} with {len(without)} that are not, the first: "
                f"{without.iloc[0]}"
            )
        places = places.astype({"offset": "int64", "bytes": "int64"})
        return cls(path, index, manifest, places.reset_index(drop=True))

    @property
    def name(self) -> str:
        """The folder's own name, by which tables of images tell folders apart."""
        return os.path.basename(os.path.abspath(self.path))

    @property
    def faces(self) -> Path:
        """The folder of the record files."""
        return self.path / self.index["faces"] / FACES

    @cached_property
    def facts(self) -> dict[str, ShardFacts]:
        """What the index says of each shard, also of those left out, in order."""
        return {name: ShardFacts(**of) for name, of in sorted(self.index["shards"].items())}

    def rows(self, *splits: str) -> "pd.DataFrame":
        """Return the manifest's rows, of these splits or of all, in the order of `records`."""
        return self.manifest[self._used(splits)].reset_index(drop=True)

    def records(self, *splits: str) -> Records:
        """Return the faces of `rows(*splits)`."""
        return Records.of_table(self.faces, self.places[self._used(splits)])

    def shards_of(self, splits: Sequence[str]) -> list[str]:
        """Return the names of the shards in use that hold faces of these splits, in order."""
        return sorted(self.places["shard"][self._used(splits)].unique())

    def _used(self, splits: Sequence[str]) -> np.ndarray:
        used = ~self.places["shard"].isin(self.left_out).to_numpy()
        return used & self.manifest["split"].isin(splits).to_numpy() if splits else used


class PreparedData:
    """One or several prepared folders as one data set.

    Args:
        *folders: folders that `prepare` or `split` wrote. They must agree in label grid and
            alignment; their sizes may differ, since the pipeline brings every face to the model's
            input size.

    Raises:
        DataError: a folder is not prepared data, or the folders do not agree.
    """

    def __init__(self, *folders: str | os.PathLike):
        if not folders:
            raise DataError("At least one prepared data folder is needed. Received: none")
        self.folders = [PreparedFolder.open(folder) for folder in folders]
        self.widths: tuple[float, float, dict[str, float]] | None = None  # see `with_sigma`
        self._loaded: dict[Hashable, Any] = {}
        first, *others = self.folders
        for name, options in (("grid", "--grid"), ("alignment", "--margin and --detector")):
            for other in others:
                if other.index[name] != first.index[name]:
                    raise DataError(
                        f"Data folders used together must have one {name}: prepare them with the "
                        f"same {options}. Received: {first.path} with {first.index[name]}, "
                        f"{other.path} with {other.index[name]}"
                    )

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
        """Return the rows of a split, folder after folder, in the order of `records`.

        Raises:
            DataError: the split has no rows.
        """
        import pandas as pd

        parts = [part for folder in self.folders if len(part := folder.rows(split))]
        if not parts:
            raise DataError(
                f"The data has no rows of split {split!r}; it has {', '.join(self.splits)}. "
                "`keras-dldl split` splits it again. "
                f"Received: {', '.join(str(folder.path) for folder in self.folders)}"
                + (f", without {len(self.left_out)} damaged shards" if self.left_out else "")
            )
        return pd.concat(parts, ignore_index=True)

    def origins(self, split: str) -> np.ndarray:
        """Return (N,) the data set of each of `rows(split)`: `database`, or else its folder's name.

        The folder above comes before the name where two folders have one.
        """
        names = [folder.name for folder in self.folders]
        if len(set(names)) < len(names):
            above = [Path(os.path.abspath(folder.path)).parent.name for folder in self.folders]
            names = [f"{parent}/{name}" for parent, name in zip(above, names, strict=True)]
        counts = [len(folder.rows(split)) for folder in self.folders]
        return databases(self.rows(split), np.repeat(np.array(names, object), counts))

    def with_sigma(
        self, sigma: float, growth: float = 0.0, by_data: Mapping[str, float] | None = None
    ) -> "PreparedData":
        """Return the same data with a sigma for every row; those that rows bring along stay.

        A label y of a data set without sigmas gets `sigma + growth * (y - start)`, with `start` the
        grid's first label and the data set's own `sigma` where `by_data` names it.

        Args:
            sigma: width of the label distribution at `start`, in the grid's unit, 0 or more.
            growth: width added for each unit above it, 0 or more.
            by_data: `sigma` of single data sets, named as `origins` does.

        Raises:
            ConfigError: a width is below 0 or no number.
        """
        by_data = dict(by_data or {})
        names = {name for split in self.splits for name in self.origins(split)}
        for name, own in by_data.items():
            check_number(f"sigma_by_data.{name}", own, minimum=0.0)
            if name not in names:
                # No error: settings may be shared by runs on some of their data sets.
                log.warning(
                    "`sigma_by_data` names %r, which is not among the data sets: %s.%s",
                    name,
                    ", ".join(sorted(names)),
                    did_you_mean(name, names),
                )
        filled = copy.copy(self)
        filled.widths = (sigma, growth, by_data)
        filled._loaded = {}
        return filled

    def targets(self, split: str) -> np.ndarray:
        """Return (N, 2) float32 of `rows(split)`: label, sigma (negative where none is given)."""
        rows = self.rows(split)
        sigma = rows["sigma"].fillna(NO_SIGMA) if "sigma" in rows else np.full(len(rows), NO_SIGMA)
        if self.widths is not None:
            width, growth, by_data = self.widths
            widths = np.array([by_data.get(name, width) for name in self.origins(split)], float)
            widths += growth * (rows["label"] - self.grid.start)
            sigma = np.where(sigma >= 0, sigma, widths)
        return np.stack([rows["label"], sigma], axis=1).astype(np.float32)

    def records(self, *splits: str) -> Records:
        """Return the faces of these splits or of all, folder after folder."""
        parts = [folder.records(*splits) for folder in self.folders]
        first = np.cumsum([0, *(len(part.shards) for part in parts)])
        return Records(
            [shard for part in parts for shard in part.shards],
            np.concatenate([part.shard + k for part, k in zip(parts, first, strict=False)]),
            np.concatenate([part.offset for part in parts]),
            np.concatenate([part.size for part in parts]),
        )

    @property
    def left_out(self) -> list[str]:
        """The shards that are left out, as `folder/shard`."""
        return [f"{of.path.name}/{name}" for of in self.folders for name in sorted(of.left_out)]

    def leave_out(self, shards: Iterable[Path]) -> None:
        """Use neither the records nor the rows of these shards from now on."""
        shards = set(shards)

        def without(folder: PreparedFolder) -> PreparedFolder:
            bad = {name for name in folder.facts if folder.faces / name in shards}
            return replace(folder, left_out=folder.left_out | bad)

        self.folders = [without(folder) for folder in self.folders]
        self._loaded.clear()  # it holds their faces

    def loaded(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """Return what `load()` gives, called once for each `key` as long as the shards stay."""
        if key not in self._loaded:
            self._loaded[key] = load()
        return self._loaded[key]


def databases(rows: "pd.DataFrame", otherwise: np.ndarray) -> np.ndarray:
    """Return the `database` of each of N rows, and `otherwise`, (N,), where there is none."""
    if "database" not in rows:
        return otherwise
    return np.where(rows["database"].notna(), rows["database"].astype(str), otherwise)


def _read_index(path: Path, split: Path | None = None) -> dict[str, Any]:
    """Return the content of a folder's `dataset.json`; `split` is the folder that leads to it."""
    try:
        index = dict(json.loads((path / INDEX_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        if split is not None:
            raise DataError(
                f"The faces of a folder that `keras-dldl split` wrote must stay where they were; "
                f"move them back, or split again. Received: {split}, whose faces were in {path}"
            ) from error
        state = "begun but not finished" if (path / "plan.json").exists() else "not prepared data"
        raise DataError(
            "A data folder must be one that `keras-dldl prepare` has finished. "
            f"Received: {path} ({state})"
        ) from error
    if index.get("format") != FORMAT_VERSION:
        source, root = index.get("source", "SOURCE"), index.get("root", "DIR")
        raise DataError(
            f"A data folder must be of format {FORMAT_VERSION}; write it again by `keras-dldl "
            f"prepare {source} --root {root} --out NEW`. "
            f"Received: {path} of format {index.get('format')}"
        )
    return index
