"""From files and names below a data set's folder to rows, checked a column at a time."""

import logging
import os
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_dldl._utils.arguments import first_few
from keras_dldl._utils.on_disk import as_on_disk, composed
from keras_dldl._utils.photos import is_picture
from keras_dldl.data.annotations.reading import OLDEST, numbers_in
from keras_dldl.data.sources.base import Skipped, SourceRows, in_words
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
SAMPLED_IMAGES = 200


def files_below(root: Path, wanted: Callable[[str], bool] | None = None) -> list[str]:
    """Return the paths of the files below `root`, relative, with `/`, in order of name.

    Args:
        root: a folder.
        wanted: tells by a file's name whether to return it; default: those that are not hidden.

    Raises:
        DataError: a folder cannot be read.
    """
    wanted = wanted or (lambda name: not name.startswith("."))
    found = []
    for folder, _, names in os.walk(root, onerror=_refuse):
        within = Path(folder).relative_to(root).as_posix()
        prefix = "" if within == "." else f"{within}/"
        found += [prefix + name for name in names if wanted(name)]
    return sorted(found, key=lambda path: path.split("/"))


def _refuse(error: OSError) -> None:
    raise DataError(
        "Every folder of the data set must be readable. "
        f"Received: {error.filename} ({error.strerror})"
    ) from error


def as_utf8(path: str) -> str:
    r"""Return `path` with escapes for what is not Unicode, as old file names may hold.

    >>> as_utf8("Zoë.jpg"), as_utf8("Zo\udceb.jpg")
    ('Zoë.jpg', 'Zo\\udceb.jpg')
    """
    return path.encode("utf-8", "backslashreplace").decode()


def find_near(root: Path, name: str) -> list[Path]:
    """Return the files of this name (or pattern) in `root`, or else up to two folders down.

    Data sets unpack into a folder or two of their own, so people name one of three folders.

    Args:
        root: a folder.
        name: a path relative to the folder sought; may hold `*` and `?`.
    """
    for folders in ("", "*/", "*/*/"):
        found = sorted(root.glob(folders + name))
        if found:
            return found
    return []


def only_one(found: list[Path]) -> Path:
    """Return the only one of the files found, at least one.

    Raises:
        DataError: there are several.
    """
    if len(found) > 1:
        raise DataError(
            "The folder must hold the data set once; name the folder of the one to read. Received: "
            + ", ".join(str(path) for path in found)
        )
    return found[0]


def only_file(
    root: Path, patterns: Sequence[str], wanted: str, option: str = "", given: object = None
) -> Path:
    """Return the only file below `root` whose name matches one of `patterns`.

    Args:
        root: the data set's folder.
        patterns: as of `Path.rglob`.
        wanted: what is looked for, for the error message.
        option: the option that names the file instead, if there is one.
        given: the file that this option names; it is then returned.

    Raises:
        DataError: there is none, or more than one.
    """
    if given:
        return Path(given)
    found = sorted({path for pattern in patterns for path in root.rglob(pattern) if path.is_file()})
    if len(found) == 1:
        return found[0]
    remedy = f" Name it with {option}, or keep exactly one." if option else ""
    state = f"a folder with {entries(root)}"
    if found:
        state = "several: " + first_few([str(path.relative_to(root)) for path in found])
    raise DataError(f"Looked for {wanted}.{remedy} Received: {root}, {state}")


def entries(root: Path) -> str:
    """Return the first few names in a folder, for error messages."""
    return first_few(sorted(path.name for path in root.iterdir())) or "nothing in it"


def not_here(root: Path, wanted: str) -> DataError:
    """Return the error for a folder that does not hold the data set: says what it does hold."""
    try:
        there = entries(root)
    except OSError as error:
        return DataError(f"The folder must be readable. Received: {root} ({error.strerror})")
    return DataError(
        f"The data set is not in this folder. Looked for: {wanted}. Received: {root} with {there}"
    )


def check_images(root: Path, paths: Sequence[str], listing: Path) -> None:
    """Raise a DataError where none of the listed images is there, judging by some hundred of them.

    Single ones may be missing: the row is kept, and `prepare` lists it as unreadable.
    """
    sample = paths[:: max(1, len(paths) // SAMPLED_IMAGES)]
    if not any(os.path.isfile(as_on_disk(root / path)) for path in sample):
        raise DataError(
            f"The images that {listing.name} lists must be below the root. "
            f"Looked for: {', '.join(sample[:3])} and others. Received: {root} without any of them"
        )


def check_folder(root: Path, wanted: str) -> None:
    """Raise a DataError unless `root` is a folder."""
    if not root.is_dir():
        state = "a file" if root.exists() else "nothing there"
        raise DataError(f"`--root` must be a folder with {wanted}. Received: {root} ({state})")


def image_names(root: Path, wanted: str) -> list[str]:
    """Return the paths of the images below `root`, relative, with `/`, in order of name.

    Args:
        root: the data set's folder.
        wanted: what should be there, for the error message.

    Raises:
        DataError: no such folder, no image in it, or a folder in it that cannot be read.
    """
    check_folder(root, wanted)
    found = list(filter(is_picture, files_below(root)))
    if not found:
        raise not_here(root, wanted)
    return found


def rows_by_name(
    root: Path,
    pattern: re.Pattern,
    form: str,
    row_of: Callable[[re.Match, Path], dict[str, Any]],
    parts: int = 1,
) -> SourceRows:
    """Return a row for every image below `root` whose name says what the data set knows of it.

    Args:
        root: the data set's folder.
        pattern: what a name must match.
        form: the names' form, as text.
        row_of: makes the row, without its `path`, from the match and the image's path.
        parts: how many last parts of the path make up the name: 2 adds the folder it lies in.

    Returns:
        The rows, with `path` first; images of other names are in `skipped`.

    Raises:
        DataError: no such folder, no image in it, or none with such a name.
    """
    rows, skipped = [], []
    for relative in image_names(root, f"images named {form}"):
        match = pattern.match("/".join(relative.split("/")[-parts:]))
        if as_utf8(relative) != relative:  # neither a CSV file nor a record can hold such a name
            skipped.append(Skipped(as_utf8(relative), "name is not UTF-8"))
        elif match is None:
            skipped.append(Skipped(relative, f"name is not {form}"))
        else:
            rows.append({"path": relative, **row_of(match, root / relative)})
    if not rows:
        raise DataError(
            f"No image is named {form}. Received: {root} with {len(skipped):,} images, "
            f"such as {', '.join(item.path for item in skipped[:3])}"
        )
    if len(skipped) > len(rows):
        log.warning(
            "Only %d of %d images are named %s; is this the right data set?",
            len(rows),
            len(rows) + len(skipped),
            form,
        )
    return SourceRows.from_dicts(rows, skipped)


class ImagesByName:
    """Finds the images that an annotation file names without their folder.

    Args:
        root: the data set's folder.
        wanted: what should be there, for the error message.

    Raises:
        DataError: no such folder, or no image in it.
    """

    def __init__(self, root: Path, wanted: str):
        self.paths = image_names(root, wanted)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            self._by_name[composed(PurePosixPath(path).name).lower()].append(path)

    def find(self, name: str, missing: str, fits: Callable[[str], bool] = lambda path: True) -> str:
        """Return the path of the image with this file name.

        Args:
            name: with or without folders; upper and lower case are the same, and so are the forms
                of Unicode.
            missing: the path to return where there is no such image; reading it will fail, and say
                so.
            fits: which images to look among, by path. Of several, the one in the fewest folders is
                taken, then the first by name.
        """
        last = PurePosixPath(name.replace("\\", "/")).name
        found = self._by_name.get(composed(last).lower(), [])
        fitting = [path for path in found if fits(path)]
        return min(fitting, key=lambda path: (path.count("/"), path), default=missing)


class Rows:
    """The rows of a listing; those found bad are left out, each with the first fault found.

    Args:
        columns: of the manifest, `path` among them, of one length; None for what is not known.
        listing: the file they come from, for messages.
        lines: the line of the listing of each row, where it has lines.
    """

    def __init__(self, columns: dict[str, Any], listing: Path, lines: Sequence[int] | None = None):
        import pandas as pd

        self.table = pd.DataFrame(columns, index=lines)
        self.listing, self.has_lines = listing, lines is not None
        self._faults: dict[int, str] = {}

    def note(self, bad: "np.ndarray | pd.Series", fault: str | Sequence[str]) -> None:
        """Note `fault`, one text or one for each row, where `bad` is true."""
        for i in np.flatnonzero(np.asarray(bad, bool)).tolist():
            self._faults.setdefault(i, fault if isinstance(fault, str) else fault[i])

    def read_numbers(self, texts: Sequence[str], what: str) -> np.ndarray:
        """Return the numbers that `texts` hold; note those that hold none."""
        numbers = numbers_in(texts)
        bad = numbers.isna()
        self.note(bad, [f"{what} is not a number: {text!r}" for text in texts] if bad.any() else "")
        return numbers.to_numpy()

    def read_ages(self, texts: Sequence[str], what: str = "age") -> None:
        """Make a column `label` of ages in years; note those that are none."""
        self.table.insert(1, "label", self.read_numbers(texts, what))
        self.check_ages()

    def check_ages(self) -> None:
        """Note labels that no age in years can have."""
        ages = self.table["label"]
        bad = ~ages.between(0, OLDEST)
        texts = [f"age {age:g} is outside 0...{OLDEST:g}" for age in ages] if bad.any() else ""
        self.note(bad, texts)

    def result(self) -> SourceRows:
        """Return the good rows, without columns of which nothing is known, and the bad ones.

        Raises:
            DataError: there is no good row; says what is wrong with the others.
        """
        skipped = [
            Skipped(
                str(self.table["path"].iat[i]),
                f"line {self.table.index[i]}: {fault}" if self.has_lines else fault,
            )
            for i, fault in sorted(self._faults.items())
        ]
        bad = self.table.index[list(self._faults)]
        good = self.table.drop(index=bad).reset_index(drop=True)
        if good.empty:
            raise DataError(f"{self.listing}: no usable row. Received: {in_words(skipped)}")
        return SourceRows(good.dropna(axis="columns", how="all"), skipped)


def rows_of_parts(
    root: Path, names: Mapping[str, str], wanted: str, read: Callable[[str, Path], SourceRows]
) -> SourceRows:
    """Return the rows of a data set that lists its parts apart, one part after the other.

    Args:
        root: the data set's folder.
        names: part to the name of its listing, as for `find_near`; some parts may be missing.
        wanted: what should be there, for the error message.
        read: returns the rows of a part from its name and its listing.

    Raises:
        DataError: there is no such listing, or one of them is there several times.
    """
    import pandas as pd

    check_folder(root, wanted)
    found = {part: find_near(root, name) for part, name in names.items()}
    listings = {part: only_one(places) for part, places in found.items() if places}
    if not listings:
        raise not_here(root, wanted)
    parts = [read(part, listing) for part, listing in listings.items()]
    table = pd.concat([part.table for part in parts], ignore_index=True)
    return SourceRows(table, [item for part in parts for item in part.skipped])


def without_torn_subjects(rows: SourceRows) -> SourceRows:
    """Leave out the column `subject` where people are in several of the parts given.

    Official parts go first: with such subjects the rows could not be split at all.
    """
    pairs = rows.table[["subject", "split"]].dropna().drop_duplicates()
    torn = int(pairs["subject"].duplicated().sum())
    if torn == 0:
        return rows
    log.warning(
        "%d people are in more than one official part; the parts are kept as they are, and the "
        "column `subject` is left out.",
        torn,
    )
    return SourceRows(rows.table.drop(columns="subject"), rows.skipped)
