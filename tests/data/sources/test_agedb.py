"""AgeDB: everything is in the file's name."""

from keras_dldl.data.sources import SOURCES
from tests.data.sources.layouts import columns_of, touch


def test_names(tmp_path):
    touch(tmp_path, "AgeDB/0_MariaCallas_35_f.jpg", "AgeDB/12_JohnMcCain_7_m.jpg",
          "AgeDB/1_Nobody_f.jpg")  # fmt: skip
    rows = SOURCES["agedb"]().read(tmp_path)
    assert columns_of(rows.table) == {
        "path": ["AgeDB/0_MariaCallas_35_f.jpg", "AgeDB/12_JohnMcCain_7_m.jpg"],
        "label": [35, 7],
        "subject": ["agedb-MariaCallas", "agedb-JohnMcCain"],
        "gender": ["female", "male"],
        "database": ["AgeDB"] * 2,
    }
    assert [item.path for item in rows.skipped] == ["AgeDB/1_Nobody_f.jpg"]
