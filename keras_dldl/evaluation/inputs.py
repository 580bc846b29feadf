"""The faces an evaluation runs over: prepared data, or any labelled images."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from keras_dldl._utils.arguments import check_integer, first_few
from keras_dldl._utils.backends import is_installed
from keras_dldl.data.integrity import check_records
from keras_dldl.data.manifest import SPLITS, line_number, usable_rows
from keras_dldl.data.prepared import PreparedData, databases
from keras_dldl.errors import DataError, NoFaceFound, UnreadableImage
from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.batches import batched
from keras_dldl.faces.detectors import Detector, as_detector, detector_here, name_of
from keras_dldl.faces.images import Photo, pixel_limit
from keras_dldl.labels import LabelGrid
from keras_dldl.runtime import ModelCard

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
DEFAULT_SPLITS = ("test", "val")

Batch = tuple[Sequence[int], np.ndarray]


class Faces(Protocol):
    """Labelled faces in batches.

    Attributes:
        rows: the manifest's rows to evaluate, indexed 0, 1, 2 ...
        source: where they come from, as plain JSON values; names without folders, as they are
            published with the numbers.
        unreadable: what was left out so far; filled while batches are made.
    """

    rows: "pd.DataFrame"
    source: dict[str, Any]
    unreadable: list["Unreadable"]

    def check(self, card: ModelCard) -> list[str]:
        """Return remarks on how the faces suit the model; raise DataError where they cannot."""

    def batches(self, card: ModelCard, batch_size: int) -> Iterator[Batch]:
        """Yield (positions in `rows`, (B, S, S, 3) faces, 0 ... 255) until all rows are through."""

    def detection(self) -> dict[str, int] | None:
        """Return how many faces were "found" or taken "whole"; None where that is not known."""

    def origins(self) -> np.ndarray:
        """Return (N,) the data set of each row: its `database`, or else its folder's name."""


@dataclass(frozen=True)
class Unreadable:
    """A row that was left out (image or label): its path, its line in the manifest, and why."""

    path: str
    line: int
    reason: str


class PreparedFaces:
    """The faces of one split of prepared data.

    Args:
        *folders: folders that `prepare` wrote, or one `PreparedData`.
        split: "train", "val" or "test"; default: "test" where there is one, else "val".
        limit: only this many faces, the first ones; 0 means all.

    Attributes:
        folder_numbers: (N,) which of the folders each row is of.

    Raises:
        DataError: not prepared data, or no such split.
    """

    def __init__(
        self, *folders: str | os.PathLike | PreparedData, split: str | None = None, limit: int = 0
    ):
        given_open = len(folders) == 1 and isinstance(folders[0], PreparedData)
        self.data = folders[0] if given_open else PreparedData(*folders)
        held = [name for name in DEFAULT_SPLITS if name in self.data.splits]
        if not split and not held:
            raise DataError(
                "Without a split named (--split), the data must have rows of test or val. "
                f"Received: only {', '.join(self.data.splits) or 'empty splits'}"
            )
        self.split = split or held[0]
        self.rows = self.data.rows(self.split)
        if check_integer("limit", limit, minimum=0):
            self.rows = self.rows.iloc[:limit]
        counts = [len(folder.rows(self.split)) for folder in self.data.folders]
        self.folder_numbers = np.repeat(np.arange(len(counts)), counts)[: len(self.rows)]
        self.unreadable: list[Unreadable] = []
        self.source = {
            "kind": "prepared",
            "folders": [base_name(folder.path) for folder in self.data.folders],
            "split": self.split,
            "detector": self.data.alignment.detector,
        }

    def check(self, card: ModelCard) -> list[str]:
        """Compare task and alignment of data and model, and the records with their checksums."""
        if self.data.grid.task != card.grid.task:
            raise DataError(
                f"The data must have the model's task, {card.grid.task}. "
                f"Received: data of task {self.data.grid.task}"
            )
        check_records(self.data, [self.split])
        remarks = []
        if self.data.alignment != card.alignment:
            remarks.append(
                "the faces were not cut out as the model expects: "
                f"{self.data.alignment} in the data, {card.alignment} in the model"
            )
        return remarks

    def batches(self, card: ModelCard, batch_size: int) -> Iterator[Batch]:
        """Yield the faces in the order of the rows; see `Faces`."""
        first = 0
        for images in _stored_batches(self.data, self.split, card.input_size, batch_size):
            positions = range(first, min(first + len(images), len(self.rows)))
            if not positions:  # `limit` took the first ones
                return
            yield positions, images[: len(positions)]
            first += len(images)

    def detection(self) -> dict[str, int] | None:
        """Return what `prepare` noted in the column `face`; see `Faces`."""
        if "face" not in self.rows:
            return None
        return {state: int((self.rows["face"] == state).sum()) for state in ("found", "whole")}

    def origins(self) -> np.ndarray:
        """Return the `database` of each row, or else its folder's name; see `Faces`."""
        return self.data.origins(self.split)[: len(self.rows)]


class LabelledImages:
    """Any images with labels, found and aligned as at prediction.

    Where no face is found the whole image is used, and counted; a row that cannot be right, a label
    off the model's grid and an image that cannot be read are left out and listed in `unreadable`.

    Args:
        manifest: a table of `path,label[,sigma,split,...]`, read as `prepare csv` reads it.
        root: the folder its paths are relative to, or in.
        align: find and align the faces; False for faces that `records extract` wrote.
        split: only the rows of this split; None takes all rows, whatever their split.
        limit: only this many images, the first ones; 0 means all.
        detector: what finds the faces, see `predict_age`; default: what the model's training faces
            were found by.
        max_pixels: largest image accepted, see `faces.read_image`.

    Raises:
        DataError: the manifest cannot be read, or has no such rows.
        ConfigError: `limit` or `max_pixels` is out of range, or there is no such detector.
    """

    def __init__(
        self,
        manifest: str | os.PathLike,
        root: str | os.PathLike,
        *,
        align: bool = True,
        split: str | None = None,
        limit: int = 0,
        detector: Detector | str | None = None,
        max_pixels: int | None = None,
    ):
        self.max_pixels = pixel_limit(max_pixels)
        if not Path(root).is_dir():
            raise DataError(f"`root` must be the folder of the images. Received: {root}")
        table, bad = usable_rows(manifest, root)
        if table.empty:
            reasons = [f"line {line_number(row.index)}: {row.reason}" for row in bad]
            raise DataError(
                "A manifest must have rows to evaluate. "
                f"Received: {manifest} with {first_few(reasons, divider='; ') or 'none'}"
            )
        if split is not None:
            table = _of_split(table, split, manifest)
            bad = [row for row in bad if row.split not in {*SPLITS} - {split}]
        if 0 < check_integer("limit", limit, minimum=0) < len(table):
            table = table.iloc[:limit]
            bad = [row for row in bad if row.index < table.index[-1]]
        self._lines = [line_number(int(i)) for i in table.index]
        self._left_out = [Unreadable(row.path, line_number(row.index), row.reason) for row in bad]
        self._wrong, self._all, self._told = len(bad), len(bad) + len(table), ""
        self.rows = table.reset_index(drop=True)
        self.root, self.align = Path(root), align
        self.detector = None if detector is None else as_detector(detector)
        self.unreadable: list[Unreadable] = []
        self.whole: list[str] = []
        self.source = {
            "kind": "manifest",
            "manifest": base_name(manifest),
            "root": base_name(root),
            "split": split or "all",
            "aligned_here": align,
            "detector": None,
        }

    def check(self, card: ModelCard) -> list[str]:
        """Compare the detectors; leave out the rows with a label off the grid; see `Faces`."""
        held = card.grid.contains(self.rows["label"])
        grid, off_grid = card.grid, []
        for i in np.flatnonzero(~held):
            reason = (
                f"Labels must lie on the model's grid, {grid.start:g} ... {grid.stop:g} "
                f"{grid.unit}. Received: label {self.rows['label'][i]:g} of {self.rows['path'][i]}"
            )
            off_grid.append(Unreadable(self.rows["path"][i], self._lines[i], reason))
        if not held.any():
            raise DataError(f"No label suits the model. {off_grid[0].reason}")
        self._left_out = sorted(self._left_out + off_grid, key=lambda row: row.line)
        self._lines = [line for line, kept in zip(self._lines, held, strict=True) if kept]
        self.rows = self.rows[held].reset_index(drop=True)
        if self._left_out and (said := self.account()) != self._told:
            log.warning("%s", said)
            self._told = said
        expected = card.alignment.detector
        found_by = name_of(self.detector) if self.detector else detector_here(expected)
        if not self.align or found_by == expected:
            return []
        return [
            f"the faces are found by {found_by}; the model's training faces were, by {expected}"
        ]

    def account(self) -> str:
        """Return a text of how many rows are left out so far, and why."""
        left_out = len(self._left_out)
        unreadable = max(0, len(self.unreadable) - left_out)
        kinds = {
            "that cannot be right": self._wrong,
            "with a label off the model's grid": left_out - self._wrong,
            "whose image cannot be read": unreadable,
        }
        listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
        total = left_out + unreadable
        return f"{total:,} of {self._all:,} rows are left out: {listed or 'none'}"

    def batches(self, card: ModelCard, batch_size: int) -> Iterator[Batch]:
        """Yield the readable images' faces in the manifest's order; see `Faces`."""
        self.unreadable, self.whole = list(self._left_out), []
        aligner, size = FaceAligner(card.alignment, self.detector), card.input_size
        if self.align:  # by its name: without its networks, "auto" is "mtcnn"
            self.source["detector"] = name_of(aligner.detector)
        for group in batched(self._readable()):
            if self.align:
                cut_out = list(self._aligned_crops(aligner, group, size))
            else:
                cut_out = [(i, aligner.alignment.whole(photo.pixels, size)) for i, photo in group]
            del group  # so that the photos are not in memory beside the next ones
            for i in range(0, len(cut_out), batch_size):
                positions, crops = zip(*cut_out[i : i + batch_size], strict=True)
                yield positions, np.stack(crops)

    def detection(self) -> dict[str, int] | None:
        """Return the counts of this run; see `Faces`."""
        if not self.align:
            return None
        whole = len(self.whole)
        unreadable = len(self.unreadable) - len(self._left_out)
        return {"found": len(self.rows) - unreadable - whole, "whole": whole}

    def origins(self) -> np.ndarray:
        """Return the `database` of each row, or else the name of `root`; see `Faces`."""
        return databases(self.rows, np.full(len(self.rows), self.source["root"], object))

    def _readable(self) -> Iterator[tuple[int, Photo]]:
        """Yield position and photo of each row, as far as it can be read; note the others."""
        for i, path in enumerate(self.rows["path"]):
            try:
                yield i, Photo(self.root / path, max_pixels=self.max_pixels, name=path)
            except (UnreadableImage, OSError) as error:
                self._leave_out(i, str(error))

    def _leave_out(self, i: int, reason: str) -> None:
        self.unreadable.append(Unreadable(self.rows["path"][i], self._lines[i], reason))
        log.warning("line %d: left out: %s", self._lines[i], reason)

    def _aligned_crops(
        self, aligner: FaceAligner, group: Sequence[tuple[int, Photo]], size: int
    ) -> Iterator[tuple[int, np.ndarray]]:
        found = aligner.find([photo for _, photo in group], size)
        for (i, photo), faces in zip(group, found, strict=True):
            if isinstance(faces, NoFaceFound):
                self.whole.append(photo.name)
                log.info("line %d: no face found, whole image used: %s", self._lines[i], photo.name)
                yield i, aligner.alignment.whole(photo.pixels, size)
            elif isinstance(faces, Exception):
                self._leave_out(i, f"{photo.name}: {faces}")
            else:
                yield i, faces[0].crop


def check_rows_on_grid(rows: "pd.DataFrame", grid: LabelGrid) -> None:
    """Raise DataError for labels that the model's grid does not hold."""
    outside = rows[~grid.contains(rows["label"])]
    if len(outside):
        path, label = outside[["path", "label"]].iloc[0]
        raise DataError(
            f"Labels must lie on the model's grid, {grid.start:g} ... {grid.stop:g} {grid.unit}. "
            f"Received: {len(outside)} that do not; the first, of {path}: {label:g}"
        )


def _stored_batches(
    data: PreparedData, split: str, size: int, batch_size: int
) -> Iterator[np.ndarray]:
    """Yield the images of a split in order: by `tf.data`, or without TensorFlow."""
    if is_installed("tensorflow"):
        from keras_dldl.data.pipeline import evaluation_dataset

        dataset = evaluation_dataset(data, split, input_size=size, batch_size=batch_size)
        yield from (images for images, _ in dataset.as_numpy_iterator())
        return
    from keras_dldl.data.arrays import open_arrays

    faces = open_arrays(data, split, size)
    for first in range(0, len(faces), batch_size):
        yield faces.images[first : first + batch_size].astype(np.float32)


def _of_split(table: "pd.DataFrame", split: str, manifest: str | os.PathLike) -> "pd.DataFrame":
    present = sorted(table["split"].dropna().unique()) if "split" in table else []
    if split not in present:
        raise DataError(
            f"The manifest must have rows of the split asked for. {manifest} has: "
            f"{', '.join(present) or 'no splits'}. Received: split={split!r}"
        )
    return table[table["split"] == split]


def base_name(path: str | os.PathLike) -> str:
    """Return the name of a file or folder without its location.

    >>> base_name("data/faces/")
    'faces'
    """
    return os.path.basename(os.path.abspath(path))
