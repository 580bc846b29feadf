"""MATLAB files: of which version, damaged, and with other content than expected."""

import numpy as np
import pytest
from scipy.io import savemat

from keras_dldl.data.annotations.matlab import read_struct
from keras_dldl.errors import DataError
from tests.data.sources.layouts import cells

STRUCT = {"age": np.array([[3, 40]], np.uint8), "name": cells(["Zoë", ""])}


@pytest.fixture
def mat(tmp_path):
    def write(content, **how):
        savemat(tmp_path / "a.mat", content, **how)
        return tmp_path / "a.mat"

    return write


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_and_cells_become_columns(mat, compressed):
    path = mat({"faces": STRUCT}, do_compression=compressed)
    told = read_struct(path, "faces", ("age",), ("name", "absent"))
    assert set(told) == {"age", "name"} and told["name"] == ["Zoë", ""]
    assert told["age"].tolist() == [3, 40] and told["age"].dtype == np.float64


@pytest.mark.parametrize("start", [b"MATLAB 7.3 MAT-file, Platform: GLNXA64", b"\x89HDF\r\n\x1a\n"])
@pytest.mark.parametrize("before", [0, 512])
def test_version_7_3_says_what_to_do(tmp_path, start, before):
    header = b"MATLAB 7.3 MAT-file".ljust(before, b" ") if before else b""
    (tmp_path / "a.mat").write_bytes(header + start + bytes(600))
    with pytest.raises(DataError, match=r"save -v7\. Received: .*a\.mat of version 7\.3"):
        read_struct(tmp_path / "a.mat", "faces", ("age",))


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_cut_short_anywhere_is_an_error(mat, compressed):
    path = mat({"faces": STRUCT}, do_compression=compressed)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 8, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"a\.mat"):
            read_struct(path, "faces", ("age", "name"))


def test_text_is_no_matlab_file(tmp_path):
    (tmp_path / "a.mat").write_text("version https://git-lfs.github.com/spec/v1\n" * 9)
    with pytest.raises(DataError, match=r"of version 5 to 7\. Received: .*a\.mat"):
        read_struct(tmp_path / "a.mat", "faces", ("age",))
    with pytest.raises(DataError, match="No such file"):
        read_struct(tmp_path / "none.mat", "faces", ("age",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"wiki": STRUCT}, "no structure faces in this MATLAB file. Received: wiki"),
        ({"faces": np.ones(3)}, "no structure faces"),
        ({"faces": {"name": cells(["a"])}}, "field missing in faces: age.*Received: name"),
        ({"faces": {"age": [1, 2], "name": cells(["a"])}}, "one length.*age 2, name 1"),
        ({"faces": {"age": [], "name": []}}, "at least 1. Received: age 0"),
    ],
)
def test_other_content_is_named(mat, content, reason):
    with pytest.raises(DataError, match=reason):
        read_struct(mat(content), "faces", ("age", "name"))
