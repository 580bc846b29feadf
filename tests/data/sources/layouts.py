"""Small folders in the layouts that data sets are published in; the images are empty files."""

import numpy as np
from scipy.io import savemat

IMDB_CLEAN_HEADER = "filename,age,gender,head_roll,head_yaw,head_pitch,x_min,y_min,x_max,y_max"
MORPH_HEADER = (
    "id_num,picture_num,dob,doa,race,gender,facial_hair,age,age_diff,glasses,photo"
)  # fmt: skip
APPA_HEADER = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"


def touch(root, *names):
    """Make empty files and their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def write_lines(path, *lines, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def cells(values, column=False):
    """A MATLAB cell array, 1 x N or N x 1."""
    array = np.empty(len(values), object)
    array[:] = values
    return array[:, None] if column else array[None]


def datenum(date):
    """MATLAB's number of a datetime.date."""
    return date.toordinal() + 366


def write_imdb(path, name, rows):
    """Write imdb.mat or wiki.mat: rows of (dob, year, path, gender, name, score, second score)."""
    born, year, paths, gender, names, score, second = zip(*rows, strict=True)
    struct = {
        "dob": np.array([born], np.uint32),
        "photo_taken": np.array([year], np.uint16),
        "full_path": cells(paths),
        "gender": np.array([gender], float),
        "name": cells(names),
        "face_location": cells([np.ones((1, 4))] * len(rows)),
        "face_score": np.array([score], float),
        "second_face_score": np.array([second], float),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {name: struct}, do_compression=True)


def write_cacd(path, rows):
    """Write celebrity2000_meta.mat: rows of (age, identity, year, rank, file name)."""
    age, identity, year, rank, names = zip(*rows, strict=True)
    columns = {"age": age, "identity": identity, "year": year, "rank": rank}
    struct = {key: np.array(values, np.uint16)[:, None] for key, values in columns.items()}
    savemat(path, {"celebrityImageData": {**struct, "name": cells(names, column=True)}})


def columns_of(table):
    """A table as lists by column, with None for what is missing."""
    return {name: [None if x != x else x for x in table[name].astype(object)] for name in table}
