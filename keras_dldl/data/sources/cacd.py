"""CACD2000 (Chen, Chen, Hsu 2014): 163,446 photos of 2,000 celebrities, ages 14 to 62."""

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.data.annotations.matlab import read_struct
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import find_near, only_one, rows_by_name, without_torn_subjects

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"^(\d{1,3})_(.+)_\d+\.jpe?g$", re.IGNORECASE)
METADATA = "celebrity2000_meta.mat"
STRUCT = "celebrityImageData"


class CACD2000(Source):
    """CACD2000: images named `<age>_<name>_<number>.jpg`, anywhere below the root.

    From Chen, Chen and Hsu, "Cross-Age Reference Coding for Age-Invariant Face Recognition and
    Retrieval" (2014). Research only. The name is the subject. Where `celebrity2000_meta.mat`
    (structure `celebrityImageData`) lies beside the images or up to two folders down, its `rank`
    gives the authors' parts: test for ranks 3 to 5, val for 1 and 2, whose photos were checked by
    hand, train for the rest; images it lists that are not there become unreadable rows. Without
    the file splits are drawn by subject. Images of other names are skipped.
    """

    name = "cacd2000"
    summary = "CACD2000: 14_Aaron_Johnson_0001.jpg, with celebrity2000_meta.mat if present"
    licence = "research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `subject`; `split`, `rank` and `year` from the metadata."""
        form = "<age>_<name>_<number>.jpg, such as 14_Aaron_Johnson_0001.jpg"
        rows = rows_by_name(root, NAME, form, _row)
        found = find_near(root, METADATA)
        return _with_metadata(rows, only_one(found)) if found else rows


def _row(match: re.Match, _: Path) -> dict[str, Any]:
    return {"label": float(match[1]), "subject": f"cacd-{_plain(match[2])}", "database": "CACD2000"}


def _plain(name: str) -> str:
    """Return one spelling of a name with accents, of which file systems know two."""
    return unicodedata.normalize("NFC", name)


def _with_metadata(rows: SourceRows, path: Path) -> SourceRows:
    import pandas as pd

    listed = pd.DataFrame(read_struct(path, STRUCT, needed=("name", "age", "rank", "year")))
    listed["name"] = listed["name"].map(_plain)
    listed = listed.drop_duplicates("name").set_index("name")
    names = rows.table["path"].str.rpartition("/")[2].map(_plain)
    missing = _missing(listed, names, rows.table)
    # Not with an empty table, whose columns have no type.
    table = pd.concat([rows.table] + [missing] * (len(missing) > 0), ignore_index=True)
    names = table["path"].str.rpartition("/")[2].map(_plain)
    table["rank"], table["year"] = names.map(listed["rank"]), names.map(listed["year"])
    table["split"] = table["rank"].map(_part, na_action="ignore")
    return without_torn_subjects(SourceRows(table, rows.skipped))


def _missing(listed: "pd.DataFrame", names: "pd.Series", table: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows for the images that the metadata list and that are not there."""
    import pandas as pd

    lost = listed.index[~listed.index.isin(names)]
    folder = table["path"].str.rpartition("/")[0].mode()[0]
    matches = [(name, NAME.match(name)) for name in lost]
    rows = [
        {"path": f"{folder}/{name}".lstrip("/"), **_row(match, Path(name))}
        for name, match in matches
        if match
    ]
    return pd.DataFrame(rows, columns=table.columns)


def _part(rank: float) -> str:
    if rank <= 2:
        return "val"
    return "test" if rank <= 5 else "train"
