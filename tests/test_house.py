"""Rules of the code: which way imports point, what stays unloaded, how long files are."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = [ROOT / "keras_dldl", ROOT / "cli", ROOT / "saved_models"]

# Each part may import from its own row and from the rows above it.
ROWS = [
    {"_utils", "_version", "configs", "errors", "interpreters", "saved_models"},
    {"labels", "ops", "ranking"},
    {"calibration"},
    {"losses", "metrics", "layers"},
    {"faces"},
    {"methods", "models"},
    {"runtime"},
    {"predict"},
    {"data"},
    {"check", "training", "evaluation", "explain", "export", "importing"},
    {"benchmark", "comparison", "serving"},
    {"cli"},
]
ROW_OF = {part: i for i, row in enumerate(ROWS) for part in row}
ANY_BACKEND = {
    "calibration", "labels", "ops", "ranking", "losses", "metrics", "layers", "methods", "models",
    "predict",
}  # fmt: skip
HEAVY = {
    "jax", "keras", "matplotlib", "mtcnn", "numpy", "pandas", "PIL", "scipy", "skimage",
    "tensorflow", "torch",
}  # fmt: skip


def source_files() -> list[Path]:
    return sorted(path for place in PLACES for path in place.rglob("*.py"))


def part_of(path: Path) -> str:
    """Return the part of the package that a file belongs to: `losses`, `cli`, `predict` ..."""
    first, *rest = path.relative_to(ROOT).parts
    return Path(rest[0]).stem if first == "keras_dldl" else first


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, int]]:
    """Yield the full dotted name of all that `tree` imports, wherever in it, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(base) + "." if node.level else ""
            module = start + (node.module or "")
            yield from ((f"{module.rstrip('.')}.{alias.name}", node.lineno) for alias in node.names)


class AtImportTime(ast.NodeTransformer):
    """Leaves the statements that run when a file is imported: no functions, no type hints."""

    def visit_If(self, node):
        if "TYPE_CHECKING" in ast.unparse(node.test):
            return [self.visit(child) for child in node.orelse]
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        return None

    visit_AsyncFunctionDef = visit_FunctionDef


def package_of(path: Path) -> str:
    first, *rest = path.relative_to(ROOT).parent.parts
    return ".".join(["keras_dldl", *([] if first == "keras_dldl" else [first]), *rest])


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def house_imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the parts of the package that `path` imports, and the lines."""
    for name, line in imports(parse(path), package_of(path)):
        package, _, rest = name.partition(".")
        part = rest.split(".")[0]
        if package == "keras_dldl" and part in ROW_OF:
            yield part, line
        elif package == "keras_dldl":
            yield "the package itself", line


@pytest.mark.parametrize(
    ("code", "package", "found"),
    [
        ("import keras_dldl.ops as o", "keras_dldl.losses", ["keras_dldl.ops"]),
        (
            "def f():\n  from keras_dldl import ops, labels",
            "x",
            ["keras_dldl.ops", "keras_dldl.labels"],
        ),
        ("from ..ops import expectation", "keras_dldl.losses", ["keras_dldl.ops.expectation"]),
        ("from . import base", "keras_dldl.losses", ["keras_dldl.losses.base"]),
    ],
)
def test_the_reader_of_imports_sees_every_form(code, package, found):
    assert [name for name, _ in imports(ast.parse(code), package)] == found


def test_every_part_has_a_row():
    parts = {part_of(path) for path in source_files()} - {"__init__"}
    assert parts <= set(ROW_OF)


def test_imports_point_one_way():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {other}"
        for path in source_files()
        if part_of(path) != "__init__"
        for other, line in house_imports(path)
        if ROW_OF.get(other, len(ROWS)) > ROW_OF[part_of(path)]
    ]
    assert wrong == []


def test_no_two_parts_import_each_other():
    edges = {
        (part_of(path), other)
        for path in source_files()
        for other, _ in house_imports(path)
        if part_of(path) not in ("__init__", other)
    }
    assert sorted(edge for edge in edges if edge[::-1] in edges) == []


def file_of(name: str) -> Path | None:
    """Return the file of the package that defines a dotted name; None of other packages' names."""
    package, *rest = name.split(".")
    for depth in range(len(rest), -1, -1) if package == "keras_dldl" else ():
        for root in (ROOT / "keras_dldl", ROOT):
            place = root.joinpath(*rest[:depth])
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file():
                    return file
    return None


def test_no_file_imports_itself_by_way_of_others():
    # Those inside functions and for type hints count too.
    graph = {
        path: {file_of(name) for name, _ in imports(parse(path), package_of(path))} - {None, path}
        for path in source_files()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = [str(path.relative_to(ROOT)) for path in error.args[1]]
        pytest.fail(f"a circle of imports: {' <- '.join(circle)}")


def test_no_two_classes_have_one_name():
    names = [
        node.name
        for path in source_files()
        for node in parse(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


MOST_FILES = {"a photo": 15, "a training run": 22, "a request": 8, "an export's parity": 7}


@pytest.mark.parametrize("walk", MOST_FILES)
def test_the_files_that_the_design_says_to_open_are_there_and_few(walk):
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    row = text.partition("Files to open")[2].partition(f"\n| {walk} |")[2].partition("\n")[0]
    named = re.findall(r"`([\w/]+\.py)`", row)
    assert 3 < len(named) <= MOST_FILES[walk]
    assert [name for name in named if not (ROOT / "keras_dldl" / name).is_file()] == []


def test_tensorflow_is_held_out_of_what_every_backend_runs():
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in source_files()
        if part_of(path) in ANY_BACKEND
        for name, line in imports(parse(path), package_of(path))
        if name.split(".")[0] in {"tensorflow", "tf"}
    ]
    assert wrong == []


# What a run needs where TensorFlow is not installed; it may import it where it has found it there.
WITHOUT_TENSORFLOW = [
    "data/arrays.py", "data/manifest.py", "data/prepared.py",
    "data/augment/__init__.py", "data/augment/apply.py", "data/augment/draws.py",
    "data/augment/geometry.py", "data/augment/layer.py", "data/augment/pixels.py",
    "data/augment/strengths.py",
    "data/integrity.py", "data/records.py", "data/sampling.py", "data/leaks", "data/prepare",
    "data/splits", "_utils", "predict", "runtime", "faces", "evaluation", "training",
]  # fmt: skip


def test_tensorflow_is_not_imported_at_the_top_of_what_runs_without_it():
    wrong = []
    for place in WITHOUT_TENSORFLOW:
        path = ROOT / "keras_dldl" / place
        assert path.exists(), place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for name, line in imports(AtImportTime().visit(parse(file)), package_of(file)):
                if name.split(".")[0] == "tensorflow":
                    wrong.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


def test_nothing_heavy_is_imported_at_the_top_of_the_package_or_a_command():
    light = [ROOT / "keras_dldl" / "__init__.py", *(ROOT / "cli").rglob("*.py")]
    light += [path for path in source_files() if ROW_OF.get(part_of(path)) == 0]
    wrong = []
    for path in light:
        for name, line in imports(AtImportTime().visit(parse(path)), package_of(path)):
            if name.split(".")[0] in HEAVY:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert wrong == []


USER_ERRORS = {
    "BadParameter", "ConfigError", "DataError", "DetectorError", "ModelFileError", "NoFaceFound",
    "ParityError", "ServerError", "TrainingError", "UnreadableImage", "UsageError",
}  # fmt: skip


def is_in_three_parts(call: ast.Call) -> bool:
    """Tell whether a message that is written in `call` says what was received.

    It may leave that to another's, with which it ends: to a function's, or to that of an error.
    """
    text = "".join(
        node.value
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    source = ast.unparse(call)
    ends_in_anothers = re.search(r"\{(error|.*\breason)\}['\"]\)$", source)
    takes_anothers = re.match(r"[\w.]+\(f?['\"]?\{?\w*[\w.]*\(", source)
    return " " not in text or "Received" in text or bool(ends_in_anothers or takes_anothers)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ConfigError('`a` must be 1. Received: 2')", True),
        ("ConfigError(f'`a` must be 1. ' f'Received: a={a}')", True),
        ("ConfigError('`a` must be 1')", False),
        ("click.UsageError(f'{a} goes with b.' + (more if b else ' And c.'))", False),
        ("DataError(f'{path}, line {line}: {error}')", True),
        ("DataError(f'{path} cannot be read ({error})')", False),
        ("ModelFileError(not_a_model(path, 'no archive'))", True),
    ],
)
def test_the_reader_of_messages_sees_what_is_missing(call, expected):
    assert is_in_three_parts(ast.parse(call, mode="eval").body) is expected


def test_errors_say_what_was_received():
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for path in source_files()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in USER_ERRORS
        if not is_in_three_parts(node)
    ]
    assert wrong == []


def test_files_and_functions_are_short_enough_to_read_aloud():
    wrong = []
    for path in source_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > 400:
            wrong.append(f"{path.relative_to(ROOT)}: {lines} lines")
        for node in ast.walk(parse(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = node.end_lineno - node.lineno + 1
                if length > 60:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert wrong == []


COMMAND_FILES = ", ".join(
    f"keras_dldl.cli.{path.stem}" for path in (ROOT / "cli").glob("[a-z]*.py")
)
START = {
    "import": "import keras_dldl",
    "commands": f"import {COMMAND_FILES}",
    "help": "from keras_dldl.cli.main import cli; cli.main(['--help'], standalone_mode=False)",
}


@pytest.mark.parametrize("start", START)
def test_start_loads_nothing_heavy(start):
    code = f"{START[start]}; import sys; print(*sys.modules, file=sys.stderr)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    # A command's own options may need the numbers of a label grid, so NumPy, but not seconds.
    allowed = {"numpy"} if start == "commands" else set()
    assert HEAVY & set(result.stderr.split()) <= allowed


@pytest.mark.parametrize("start", ["import", "help"])
def test_start_takes_under_a_fifth_of_a_second(start):
    def seconds() -> float:
        """Return the processor time, which does not count the wait for a busy machine."""
        before = os.times()
        subprocess.run(
            [sys.executable, "-c", START[start]], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])  # user and system, of children

    assert min(seconds() for _ in range(5)) < 0.2
