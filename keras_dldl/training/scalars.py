"""The history for TensorBoard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_dldl.files import make_folder

_EVENT_FILES = "events.out.tfevents.*"


class ScalarLog:
    """Writes rows of the history as TensorBoard's scalars; a step is an epoch.

    A resumed run writes all of them again, so that an epoch which was done twice, because the
    process was killed in between, stands there once.

    Args:
        folder: where the event file goes; older ones there are removed.
        rows: of the epochs so far.
        metric: name of the column beside the loss.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
        from tensorboard.summary import Writer

        make_folder(folder)
        for path in folder.glob(_EVENT_FILES):
            path.unlink()
        self._metric = metric
        self._writer = Writer(str(folder))
        for row in rows:
            self.write(row)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add an epoch."""
        for name, parts in (("loss", _BOTH), (self._metric, _BOTH), ("learning_rate", _ALONE)):
            for prefix, part in parts.items():
                value = row.get(prefix + name)
                if value is not None:
                    self._writer.add_scalar(name + part, value, step=row["epoch"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


_BOTH = {"": "/training", "val_": "/validation"}
_ALONE = {"": ""}
