"""The page that estimates ages in the browser: gathered from docs/try, the server's page, models.

The runtime is LiteRT for the web, two packages of npm. They are fetched at the first build, checked
by their hashes, and kept in build/npm; all else is in the checkout and the environment.
"""

import base64
import hashlib
import io
import json
import re
import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path

from keras_dldl.faces.detectors.networks import read_network
from keras_dldl.faces.flatbuffer import FILE_IDENTIFIER
from keras_dldl.saved_models import CARD_FILE
from keras_dldl.serving.registry import about_model

ROOT = Path(__file__).resolve().parents[2]
NPM = ROOT / "build" / "npm"
SERVED = ROOT / "keras_dldl" / "serving" / "page"
OWN = ROOT / "docs" / "try"
PARTS = "index.html"
PART = re.compile(r"[ ]*<!-- ([a-z ]+) -->\n?(.*?)[ ]*<!-- end of \1 -->\n?", re.DOTALL)
MODELS = ("nano-age",)
NETWORKS = {"blazeface": "face_detection_short_range", "mesh": "face_landmark"}
UTILS = "@litertjs/wasm-utils"
# Package -> version, the integrity that npm publishes, and its files: where they go.
PACKAGES = {
    "@litertjs/core": (
        "2.5.3",
        "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
        {
            "dist/index.js": "index.js",
            "wasm/litert_wasm_compat_internal.js": "litert_wasm_compat_internal.js",
            "wasm/litert_wasm_compat_internal.wasm": "litert_wasm_compat_internal.wasm",
        },
    ),
    UTILS: (
        "2.5.3",
        "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
        {"dist/bundle.js": "wasm-utils.js"},
    ),
}

# Browsers find modules by address only; and no device of the GPU is asked for, as none is used.
CHANGES = {
    f'"{UTILS}"': '"./wasm-utils.js"',
    "await Environment.create()": "await Environment.create({ webGpuDevice: null })",
}


def stage(to: Path) -> None:
    """Write the page into the folder `to`, complete except for the runtime; see `add_runtime`."""
    shutil.copytree(SERVED, to / "static", ignore=shutil.ignore_patterns("index.html", "docs.*"))
    shutil.copytree(OWN, to, dirs_exist_ok=True)
    texts = (file.read_text(encoding="utf-8") for file in (SERVED / "index.html", OWN / PARTS))
    (to / "index.html").write_text(with_parts(*texts), encoding="utf-8")
    networks = to / "networks"
    networks.mkdir()
    for name, source in NETWORKS.items():
        (networks / f"{name}.tflite").write_bytes(read_network(source))
    listed = []
    for name in MODELS:
        content = (ROOT / "saved_models" / name / "model.tflite").read_bytes()
        (networks / f"{name}.tflite").write_bytes(of_one_picture(content))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            card = json.loads(archive.read(CARD_FILE))
        file = f"networks/{name}.tflite"
        listed.append({"file": file, "card": card, "about": about_model(name)})
    (networks / "models.json").write_text(json.dumps(listed), encoding="utf-8")


def with_parts(page: str, own: str) -> str:
    """Return a page with the marked parts of `own` in place of those of the same names.

    >>> with_parts("a <!-- b -->1<!-- end of b --> c", "<!-- b -->2<!-- end of b -->")
    'a2 c'

    Raises:
        ValueError: the two have other parts.
    """
    parts, there = (dict(PART.findall(text)) for text in (own, page))
    if parts.keys() != there.keys():
        raise ValueError(
            f"docs/try/{PARTS} must have the parts of the server's page, {sorted(there)}. "
            f"Received: {sorted(parts)}"
        )
    return PART.sub(lambda found: parts[found[1]], page)


def of_one_picture(content: bytes) -> bytes:
    """Return a network that takes one picture: LiteRT for the web takes none of a free number."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.shapeSignature = None  # `shape` says 1 where this says -1
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def add_runtime(page: Path) -> None:
    """Add LiteRT to the page in the folder `page`, and the list of files that it keeps.

    Raises:
        OSError: npm's registry cannot be reached.
        ValueError: it sent something else than was known when this was written.
    """
    folder = page / "litert"
    folder.mkdir()
    for package, (version, integrity, files) in PACKAGES.items():
        content = fetched(package, version, integrity)
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for source, target in files.items():
                (folder / target).write_bytes(archive.extractfile(f"package/{source}").read())
    main = folder / "index.js"
    text = main.read_text(encoding="utf-8")
    for old, new in CHANGES.items():
        if old not in text:
            raise ValueError(
                f"@litertjs/core must hold {old!r} in dist/index.js. Received: a file without it"
            )
        text = text.replace(old, new)
    main.write_text(text, encoding="utf-8")
    keep_offline(page)


def keep_offline(page: Path) -> None:
    """Tell the page's service worker which files to keep, and a version that changes with them."""
    worker = page / "offline.js"
    files = sorted(path for path in page.rglob("*") if path.is_file() and path != worker)
    total = hashlib.sha256(worker.read_bytes())
    for path in files:
        total.update(path.read_bytes())
    names = ["./", *(path.relative_to(page).as_posix() for path in files)]
    head = f"const FILES = {json.dumps(names)};\nconst PREFIX = 'keras-dldl-';\n"
    head += f"const VERSION = PREFIX + '{total.hexdigest()[:16]}';\n"
    worker.write_text(head + worker.read_text(encoding="utf-8"), encoding="utf-8")


def fetched(package: str, version: str, integrity: str) -> bytes:
    """Return a package of npm, kept from an earlier build where there was one."""
    name = f"{package.rpartition('/')[2]}-{version}.tgz"
    kept = NPM / name
    address = f"https://registry.npmjs.org/{package}/-/{name}"
    if kept.is_file():
        content = kept.read_bytes()
    else:
        with urllib.request.urlopen(address, timeout=60) as answer:
            content = answer.read()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != integrity:
        raise ValueError(f"{address} must have the hash {integrity}. Received: {digest}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    return content
