"""The images below a data set's folder, found by their names."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from keras_dldl.data.sources.base import images_below


class ImagesByName:
    """Finds the images that an annotation file names without their folder.

    Args:
        root: the data set's folder.
        wanted: what should be there, for the error message.

    Raises:
        DataError: no such folder, or no image in it.
    """

    def __init__(self, root: Path, wanted: str):
        self.paths = [path.relative_to(root).as_posix() for path in images_below(root, wanted)]
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            self._by_name[PurePosixPath(path).name.lower()].append(path)

    def find(self, name: str, missing: str, fits: Callable[[str], bool] = lambda path: True) -> str:
        """Return the path of the image with this file name.

        Args:
            name: with or without folders; upper and lower case are the same.
            missing: the path to return where there is no such image; reading it will fail, and say
                so.
            fits: which images to look among, by path. Of several, the one in the fewest folders is
                taken, then the first by name.
        """
        found = self._by_name.get(PurePosixPath(name.replace("\\", "/")).name.lower(), [])
        fitting = [path for path in found if fits(path)]
        return min(fitting, key=lambda path: (path.count("/"), path), default=missing)
