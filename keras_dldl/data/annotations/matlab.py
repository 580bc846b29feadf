"""Structures of MATLAB files, as columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_dldl.errors import DataError

HDF5 = b"\x89HDF"
HDF5_PLACES = (0, 512)  # MATLAB puts its own header of 512 bytes before it


def read_struct(
    path: Path, name: str, needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Read fields of the structure `name` in a MATLAB file of version 5 to 7, by scipy.io.

    Returns:
        Numbers as float64 arrays of one dimension, cells of text as lists of str, all of one
        length; optional fields that are not there are left out.

    Raises:
        DataError: the file cannot be read, is of version 7.3, is damaged, or is not as expected.
    """
    struct = _loaded(path, name)
    fields = struct.dtype.names or ()
    missing = [field for field in needed if field not in fields]
    if missing:
        raise DataError(
            f"{path}: field missing in {name}: {', '.join(missing)}. It must have "
            f"{', '.join(needed)}. Received: {', '.join(fields) or 'no fields'}"
        )
    wanted = [*needed, *(field for field in optional if field in fields)]
    columns = {field: _column(path, f"{name}.{field}", struct[field]) for field in wanted}
    lengths = {field: len(column) for field, column in columns.items()}
    if len(set(lengths.values())) != 1 or not lengths[needed[0]]:
        raise DataError(
            f"{path}: the fields of {name} must be of one length, at least 1. Received: "
            + ", ".join(f"{field} {length:,}" for field, length in lengths.items())
        )
    return columns


def _loaded(path: Path, name: str) -> Any:
    """Return the structure, a record of NumPy arrays."""
    from scipy.io import loadmat

    _check_version(path)
    try:
        content = loadmat(str(path), appendmat=False)
    except Exception as error:  # scipy raises a dozen kinds on damaged bytes
        raise DataError(
            "A MATLAB file must be whole and of version 5 to 7. "
            f"Received: {path} ({type(error).__name__}: {error})"
        ) from error
    found = content.get(name)
    if found is None or found.dtype.names is None or found.size != 1:
        names = [key for key in content if not key.startswith("__")]
        raise DataError(
            f"{path}: no structure {name} in this MATLAB file. "
            f"Received: {', '.join(names) or 'an empty file'}"
        )
    return found.ravel()[0]


def _check_version(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(HDF5_PLACES[-1] + len(HDF5))
    except OSError as error:
        raise DataError(
            f"A MATLAB file must be there and readable. Received: {path} ({error.strerror})"
        ) from error
    if start.startswith(b"MATLAB 7.3") or any(start[k:].startswith(HDF5) for k in HDF5_PLACES):
        raise DataError(
            "A MATLAB file must be of version 5 to 7. Save it again in MATLAB or Octave: load it, "
            f"then save -v7. Received: {path} of version 7.3 (HDF5)"
        )


def _column(path: Path, name: str, values: Any) -> Any:
    values = np.asarray(values).ravel()
    if values.dtype.kind in "OUS":
        return [_text(value) for value in values]
    try:
        return values.astype("float64")
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{path}: {name} must hold numbers or text. Received: {values.dtype}"
        ) from error


def _text(value: Any) -> str:
    """Return the text of a cell, which is an array of one text, or an empty one."""
    if isinstance(value, str):
        return str(value)
    return str(value.ravel()[0]) if value.size else ""
