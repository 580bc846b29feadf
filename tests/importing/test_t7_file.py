"""Torch7 files: read as another program reads them; malformed ones refused, and bounded."""

import struct
import tracemalloc

import numpy as np
import pytest

from keras_dldl.errors import ModelFileError
from keras_dldl.importing import torch7_body
from keras_dldl.importing.t7_file import MAX_DEPTH, MAX_VALUES, TorchObject, read_t7
from keras_dldl.importing.torch7 import split_head
from keras_dldl.importing.torch7_modules import CLASSES, chain_of
from tests.importing.networks import Maker, joint, simple
from tests.importing.t7_writer import Again, Function, Module, Raw, Storage, Strided, as_t7


@pytest.fixture
def read(tmp_path):
    def write_and_read(value, cuda=False):
        path = tmp_path / "file.t7"
        path.write_bytes(value if isinstance(value, bytes) else as_t7(value, cuda))
        return read_t7(path, CLASSES)

    return write_and_read


WIDTHS = (2,) * 5


@pytest.fixture(autouse=True)
def small_widths(monkeypatch):
    monkeypatch.setitem(torch7_body.WIDTHS, "tiny-age-net", WIDTHS)


def small_network():
    maker = Maker(0)
    head = [maker.linear(2, 101), simple("nn.SoftMax"), joint(np.arange(101.0))]
    return maker.age_net(WIDTHS, 1, head)


def test_plain_values(read):
    value = {"a": True, "b": None, 3: "text \0 é", 2.5: {"x": -1e300}, "list": [1, 2]}
    expected = {**value, "list": {1: 1.0, 2: 2.0}}
    assert read(value) == expected
    assert read({1: 2.0, "1": 3.0}) == {1: 2.0, "1": 3.0}


@pytest.mark.parametrize("cuda", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "f2", "f4", "f8"])
def test_tensors(read, dtype, cuda):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    given = read(array, cuda)
    assert given.dtype == array.dtype
    np.testing.assert_array_equal(given, array)
    assert not given.flags.writeable
    assert read(array[:0], cuda).size == 0


def test_a_tensor_is_a_view_of_its_storage(read):
    storage = Storage(np.arange(10, dtype="f4"))
    first, second = Strided(storage, (3, 2), (1, 4), 2), Strided(storage, (2,), (9,))
    given = read({"a": first, "b": second, "c": storage})
    np.testing.assert_array_equal(given["a"], [[1, 5], [2, 6], [3, 7]])
    np.testing.assert_array_equal(given["b"], [0, 9])
    assert given["a"].base is given["b"].base


def test_an_object_and_a_table_that_stand_in_two_places(read):
    module, table = Module("nn.ReLU", {"threshold": 0}), {"x": 1}
    given = read([module, table, module, table])
    assert given[1] is given[3]
    assert given[2] is given[4]
    assert given[1] == TorchObject("nn.ReLU", 1, {"threshold": 0.0})
    assert read(Module("nn.ReLU", {}, version=None)).version == 0


def test_torchfile_reads_the_same(tmp_path, read):
    # The writer is ours as well: here an older reader, of another hand, has its say on both.
    import torchfile

    network = small_network()
    read(network)
    check_same(torchfile.load(str(tmp_path / "file.t7")), read(network))


def check_same(theirs, ours):
    if isinstance(ours, TorchObject):
        assert theirs.torch_typename().decode() == ours.class_name
        theirs, ours = theirs._obj, ours.fields
    if isinstance(ours, dict):
        items = enumerate(theirs, 1) if isinstance(theirs, list) else theirs.items()
        theirs = {k.decode() if isinstance(k, bytes) else k: v for k, v in items}
        assert set(theirs) == set(ours)
        for key in ours:
            check_same(theirs[key], ours[key])
    elif isinstance(ours, np.ndarray):
        np.testing.assert_array_equal(theirs, ours)
    else:
        assert theirs == (ours.encode() if isinstance(ours, str) else ours)


def text(value):
    return struct.pack("<i", len(value)) + value


def storage(count, content, kind=b"Float"):
    return (
        struct.pack("<ii", 4, 2)
        + text(b"V 1") + text(b"torch." + kind + b"Storage") + struct.pack("<q", count) + content
    )  # fmt: skip


def tensor(shape, strides, first, stored, kind=b"Float"):
    numbers = (*shape, *strides, first)
    head = struct.pack("<ii", 4, 1) + text(b"V 1") + text(b"torch." + kind + b"Tensor")
    return head + struct.pack(f"<i{len(numbers)}q", len(shape), *numbers) + stored


FOUR = storage(4, np.arange(4, dtype="f4").tobytes())
ITSELF = struct.pack("<iii", 3, 1, 1) + as_t7("me") + struct.pack("<ii", 3, 1)
MALFORMED = {
    "nothing": (b"", "too early"),
    "one byte": (b"\x03", "too early"),
    "text form": (b"4\n1\n3\nV 1\n13\nnn.Sequential\n", "text form"),
    "another format": (b"PK\x03\x04" + bytes(100), "no kind of value"),
    "a pickle": (b"\x80\x02}q\x00.", "no kind of value"),
    "big-endian": (struct.pack(">iii", 3, 1, 0), "no kind of value"),
    "more behind it": (as_t7(None) + b"x", "1 bytes follow"),
    "a function": (as_t7(Function(b"\x1bLua")), "a function, which is never run"),
    "an old function": (struct.pack("<iii", 6, 1, 0), "a function, which is never run"),
    "an unknown class": (as_t7(Module("os.execute", {"x": "rm"})), "'os.execute', which is not"),
    "a class without a name": (as_t7(Module("", {})), "class '', which is not"),
    "a version of words": (as_t7(Module("nn.ReLU", {}, version="x")), "has the version 'V x'"),
    "fields no table": (as_t7(Module("nn.ReLU", 5)), "are no table"),
    "a boolean of 2": (struct.pack("<ii", 5, 2), "a boolean is 2"),
    "text below 0": (struct.pack("<ii", 2, -1) + bytes(50), "names -1 bytes"),
    "text beyond the end": (struct.pack("<ii", 2, 2**31 - 1), "names 2147483647 bytes"),
    "a long text": (as_t7("x" * 70_000), "a text has 70000 bytes"),
    "a table below 0": (struct.pack("<iii", 3, 1, -5), "names -5 pairs"),
    "a table beyond the end": (struct.pack("<iii", 3, 1, 2**31 - 1), "pairs of a table"),
    "a table as key": (
        struct.pack("<iiiiii", 3, 1, 1, 3, 2, 0) + as_t7(1), "has the key a dict"),
    "a boolean as key": (struct.pack("<iii", 3, 1, 1) + as_t7(None) + as_t7(1), "has the key"),
    "NaN as key": (as_t7({float("nan"): 1}), "has the key nan"),
    "the same key twice": (struct.pack("<iii", 3, 1, 2) + 2 * (as_t7(1) + as_t7(1)), "twice"),
    "a table in itself": (ITSELF, "contains itself"),
    "an object in itself": (
        as_t7(Module("nn.ReLU", {"self": Again(4, 1)})), "contains itself"),
    "one number for two kinds": (
        as_t7([{"a": 1}, Again(4, 2)]), "a table in one place and an object"),
    "a storage below 0": (storage(-1, bytes(64)), "names -1 elements"),
    "a storage beyond the end": (storage(2**62, bytes(64)), "elements of a storage"),
    "a storage cut": (storage(17, bytes(64)), "elements of a storage"),
    "dimensions below 0": (
        as_t7(Raw(struct.pack("<ii", 4, 1) + text(b"V 1") + text(b"torch.FloatTensor")
                  + struct.pack("<i", -1) + bytes(80))), "has -1 dimensions"),
    "many dimensions": (tensor([1] * 9, [1] * 9, 1, FOUR), "has 9 dimensions"),
    "past the storage": (tensor([5], [1], 1, FOUR), "is more than its storage"),
    "past it by the offset": (tensor([4], [1], 2, FOUR), "is more than its storage"),
    "past it by the stride": (tensor([2], [4], 1, FOUR), "is more than its storage"),
    "far past it": (tensor([2], [2**62], 1, FOUR), "is more than its storage"),
    "repeated without end": (tensor([2**31, 2**31], [0, 0], 1, FOUR), "is more than its storage"),
    "before the storage": (tensor([4], [1], 0, FOUR), "offset -1"),
    "a stride below 0": (tensor([4], [-1], 4, FOUR), "strides \\[-1\\]"),
    "a shape below 0": (tensor([-4], [1], 1, FOUR), "shape \\[-4\\]"),
    "a storage of another kind": (tensor([4], [1], 1, FOUR, b"Long"), "of another kind"),
    "a table for a storage": (tensor([4], [1], 1, as_t7("x")), "of another kind"),
    "too deep": (
        b"".join(struct.pack("<iiiid", 3, i, 1, 1, 1.0) for i in range(1, 5000)),
        f"beyond {MAX_DEPTH} deep"),
    "too many": (as_t7([None] * MAX_VALUES), f"beyond {MAX_VALUES} values"),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_in_little_memory(read, name):
    content, message = MALFORMED[name]
    tracemalloc.start()
    with pytest.raises(ModelFileError, match=message) as caught:
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith("A Torch7 file must be a network as `torch.save` writes it")
    assert "file.t7" in str(caught.value)
    assert peak < 30 * len(content) + 2**20


def through(path):
    """All that looks at a file, short of Keras."""
    body, head = split_head(chain_of(read_t7(path, CLASSES)))
    body = torch7_body.read_body(body, 32)
    assert head.linear is None or body.shape


def test_a_file_cut_anywhere_is_refused(tmp_path):
    content, path = as_t7(small_network()), tmp_path / "cut.t7"
    path.write_bytes(content)
    through(path)
    for end in range(0, len(content), 61):
        path.write_bytes(content[:end])
        with pytest.raises(ModelFileError):
            through(path)


@pytest.mark.parametrize("seed", range(2))
def test_damaged_files_end_in_an_error_of_ours_or_in_a_network(tmp_path, seed):
    content, path = as_t7(small_network()), tmp_path / "damaged.t7"
    random = np.random.default_rng(seed)
    refused = 0
    tracemalloc.start()
    for _ in range(150):
        damaged = damage(bytearray(content), random)
        path.write_bytes(damaged)
        try:
            through(path)
        except ModelFileError as error:
            assert "Received: " in str(error)
            refused += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 40 < refused < 150  # a weight may change unseen
    assert peak < 2**22


def damage(content, random):
    """Change bytes, a number, or move a piece."""
    for _ in range(random.integers(1, 4)):
        place = int(random.integers(0, len(content) - 8))
        match random.integers(4):
            case 0:
                content[place] = random.integers(256)
            case 1:
                number = random.choice([-1, 0, 1, 2, 3, 4, 8, 255, 2**31 - 1, -(2**31)])
                content[place : place + 4] = struct.pack("<i", number)
            case 2:
                number = random.choice([-1, 0, 1, 2**62, -(2**63), 10**6])
                content[place : place + 8] = struct.pack("<q", number)
            case 3:
                other = int(random.integers(0, len(content) - 64))
                content[place : place + 40] = content[other : other + 40]
    return bytes(content)
