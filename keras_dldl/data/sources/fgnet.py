"""FG-NET (Lanitis, Taylor and Cootes 2002): 1,002 photos of 82 people, ages 0 to 69."""

import re
from pathlib import Path
from typing import Any

from keras_dldl.data.annotations.five_points import PointFiles, from_fgnet
from keras_dldl.data.sources.base import Source, SourceRows
from keras_dldl.data.sources.rows import rows_by_name

NAME = re.compile(r"^(\d{3})A(\d{2})([a-z]?)\.(jpe?g|png)$", re.IGNORECASE)
FORM = "<person>A<age>[letter].JPG, such as 001A43a.JPG"


class FGNet(Source):
    """FG-NET: images named `<person>A<age>.JPG`, with a letter where there are several of an age.

    From "Toward Automatic Simulation of Aging Effects on Face Images" (Lanitis, Taylor and Cootes,
    PAMI 2002) and the European project FG-NET. Research use.

    Layout: `images/001A02.JPG` ... and `points/001a02.pts`, 68 landmarks a photo, from which
    `--landmarks given` aligns. `subject` is the person: the field leaves out one person at a time,
    and splits are drawn by person. Files with other names are skipped.
    """

    name = "fg-net"
    summary = "FG-NET: images/001A02.JPG, with points/001a02.pts where present"
    licence = "research"

    def read(self, root: Path) -> SourceRows:
        """Return a row an image, with `subject` and landmarks."""
        points = PointFiles(root, from_fgnet)

        def row(match: re.Match, path: Path) -> dict[str, Any]:
            return {
                "label": float(match[2]),
                "subject": f"fg-net-{match[1]}",
                "database": "FG-NET",
                "landmarks": points.of(path.name),
            }

        rows = rows_by_name(root, NAME, FORM, row)
        points.report()
        return rows
