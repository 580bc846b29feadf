"""The page, in a browser without a window."""

import importlib.util
import json
import re
import time

import numpy as np
import pytest
from PIL import Image

from keras_dldl.labels import LabelGrid
from keras_dldl.predict.drawing import COLOURS
from keras_dldl.serving.app import PAGE
from tests.prediction_case import picture
from tests.serving.browser import BROWSER, browser_tab
from tests.serving.conftest import client_of
from tests.serving.fakes import FakeNetwork

TEXTS = {
    path.name: path.read_text(encoding="utf-8") for path in PAGE.iterdir() if path.suffix != ".jpg"
}

needs_browser = pytest.mark.skipif(
    BROWSER is None or importlib.util.find_spec("websockets") is None,
    reason="the page is tried in Chromium, driven through websockets: one of them is not here",
)


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_comes_from_elsewhere_and_nothing_breaks_the_policy(name):
    text = TEXTS[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//\w+\.\w+|@import|url\(", text)
    assert not re.search(r"<style|<script(?! type=\"module\" src=)|\sstyle=|\son\w+=\"", text)
    assert "innerHTML" not in text and "eval(" not in text


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrasts_are_those_of_wcag_aa(scheme):
    block = re.findall(r":root \{(.*?)\}", TEXTS["style.css"], re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for text in ("ink", "soft", "error"):
        assert contrast(colours[text], colours["paper"]) >= 4.5, text
    assert contrast(colours["ink"], colours["panel"]) >= 4.5
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    for graphic in ("line", "accent", "warn-line"):
        assert contrast(colours[graphic], colours["paper"]) >= 3, graphic


def test_labels_have_the_contrast_of_wcag_aa_on_every_colour():
    shown = re.search(r"COLOURS = \[(.*?)\]", TEXTS["overlay.js"], re.DOTALL)[1]
    assert tuple(re.findall(r"#\w{6}", shown)) == COLOURS
    for colour in COLOURS:
        assert max(contrast(colour, "#000000"), contrast(colour, "#ffffff")) >= 4.5, colour


@pytest.fixture(scope="module")
def server():
    models = {"age": FakeNetwork(), "beauty": FakeNetwork(LabelGrid.scut_fbp())}
    with client_of(models) as client:
        yield client


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browser_tab(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(browser, server):
    browser.show_as(1200)
    browser.open(str(server.base_url))
    browser.wait("document.getElementById('model').options.length === 2")
    yield browser
    assert browser.complaints() == []
    home = str(server.base_url).rstrip("/")
    assert all(a.startswith((home, "blob:")) for a in browser.addresses())


@pytest.fixture
def photo(tmp_path):
    def photo(faces):
        path = tmp_path / f"{faces}.png"
        Image.fromarray(picture(faces)).save(path)
        return path

    return photo


SHOWN = "!document.getElementById('result').hidden && document.getElementById('busy').hidden"
STATUS = "document.getElementById('status').textContent"


def look(tab, path):
    tab.choose_file("#file", path)
    tab.wait(SHOWN)


def attribute(tab, selector, name):
    return tab.run(f"document.querySelector({selector!r}).getAttribute({name!r})")


@needs_browser
def test_a_photo_of_three_faces(tab, photo, server):
    look(tab, photo(3))
    expected = server.post("/api/faces", content=photo(3).read_bytes()).json()["faces"]
    assert tab.run("document.querySelectorAll('#overlay g').length") == 3
    assert attribute(tab, "#overlay", "viewBox") == "0 0 120 60"
    second = "#overlay g:nth-child(2)"
    assert attribute(tab, second, "class") == "selected"  # the largest
    box = [float(attribute(tab, f"{second} .box", side)) for side in ("x", "y", "width", "height")]
    assert box == pytest.approx(expected[1]["box"])
    assert tab.text("#value") == f"{expected[1]['value']:.1f}" and tab.text("#unit") == "years"
    low, high = expected[1]["interval"]
    assert tab.text("#interval") == (
        f"90 % of the distribution lies between {low:.1f} and {high:.1f}."
    )
    assert tab.run(STATUS).startswith("3 faces. Face 1: ")
    assert tab.run("document.getElementById('status').offsetWidth") <= 1  # for screen readers only
    assert "Face 2" in attribute(tab, "#chart", "aria-label")
    assert attribute(tab, "#photo", "alt") == "Your photo. 3 faces."
    assert tab.run("document.querySelectorAll('#table tr').length") == 101
    assert tab.run("document.querySelectorAll('#table th[scope=row] + td').length") == 101
    tab.run("document.querySelector('#faces button:nth-child(3)').click()")
    assert tab.text("#value") == f"{expected[2]['value']:.1f}"
    tab.run("document.querySelector('#overlay g').dispatchEvent(new MouseEvent('click'))")
    assert tab.text("#value") == f"{expected[0]['value']:.1f}"
    pressed = "[...document.querySelectorAll('#faces button')].map(b => b.ariaPressed).join()"
    assert tab.run(pressed) == "true,false,false"


@needs_browser
def test_the_attention_map_comes_and_goes_and_follows_the_face(tab, photo):
    look(tab, photo(3))
    images = "document.querySelectorAll('#overlay image').length"
    assert tab.run(images) == 0
    tab.run("document.getElementById('attention').click()")
    tab.wait(f"{images} === 1")
    first = attribute(tab, "#overlay image", "transform")
    assert "attention map of face 2" in tab.run(STATUS)
    tab.run("document.querySelector('#faces button').click()")
    tab.wait(f"{images} === 1")
    assert attribute(tab, "#overlay image", "transform") != first
    tab.run("document.getElementById('attention').click()")
    assert tab.run(images) == 0
    tab.choose_file("#file", photo(1))
    tab.wait(f"{SHOWN} && document.querySelectorAll('#overlay g').length === 1")
    assert attribute(tab, "#attention", "aria-pressed") == "false"


@needs_browser
def test_what_fails_is_said(tab, photo, tmp_path):
    look(tab, photo(0))
    assert tab.run(STATUS) == "No face was found." and not tab.run("face.offsetHeight")
    text = tmp_path / "a.png"
    text.write_text("no picture")
    tab.choose_file("#file", text)
    tab.wait("document.getElementById('error').innerText")
    assert "not a picture" in tab.text("#error") and not tab.run(SHOWN)
    other = tmp_path / "a.txt"
    other.write_text("no picture")
    tab.choose_file("#file", other)
    tab.wait("document.getElementById('error').innerText.startsWith('That is not a picture')")
    look(tab, photo(1))
    assert tab.text("#error") == ""
    # Chromium itself notes the refused request.
    tab.events[:] = [event for event in tab.events if event["method"] != "Log.entryAdded"]


@needs_browser
def test_another_model(tab, photo):
    look(tab, photo(1))
    tab.run("model.value = 'beauty'; model.dispatchEvent(new Event('change'))")
    tab.wait("document.getElementById('unit').innerText === 'points'")
    assert re.fullmatch(r"\d\.\d\d", tab.text("#value"))
    assert tab.text("#task") == "attractiveness"
    tab.run("document.getElementById('attention').click()")  # this model has none
    tab.wait("document.getElementById('error').innerText")
    assert "Attention maps are for ages" in tab.text("#error")
    assert attribute(tab, "#attention", "aria-pressed") == "false"
    tab.events[:] = [event for event in tab.events if event["method"] != "Log.entryAdded"]


@needs_browser
def test_dropped_and_pasted_photos(tab, photo):
    content = list(photo(2).read_bytes())
    transfer = (
        f"const t = new DataTransfer(); t.items.add(new File([new Uint8Array({content})], 'a.png', "
        "{type: 'image/png'}));"
    )
    for kind, field in (
        ("DragEvent('drop'", "dataTransfer"),
        ("ClipboardEvent('paste'", "clipboardData"),
    ):
        tab.run(f"{{ {transfer} document.dispatchEvent(new {kind}, {{{field}: t}})) }}")
        tab.wait(f"{SHOWN} && document.querySelectorAll('#overlay g').length === 2")
        tab.run("document.getElementById('overlay').replaceChildren()")


@needs_browser
def test_faces_have_the_colours_and_labels_of_the_annotated_picture(tab, photo, server):
    look(tab, photo(3))
    faces = server.post("/api/faces", content=photo(3).read_bytes()).json()["faces"]
    for number, face in enumerate(faces, 1):
        group = f"#overlay g:nth-of-type({number})"
        assert attribute(tab, f"{group} .box", "stroke") == COLOURS[number - 1]
        assert attribute(tab, f"{group} .label", "fill") == COLOURS[number - 1]
        assert contrast(attribute(tab, f"{group} text", "fill"), COLOURS[number - 1]) >= 4.5
        assert tab.run(f"document.querySelector('{group} text').textContent").startswith(
            f"{number}: {face['value']:.1f}"
        )
    assert tab.run("document.querySelector('#chart .told').textContent").startswith(
        tab.text("#value")
    )


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(360, 740), (390, 844), (1280, 800), (1920, 1080)])
@pytest.mark.parametrize("faces", [1, 5, 30])
def test_the_result_is_on_the_first_screen_and_labels_lie_apart(
    tab, tmp_path, width, height, faces
):
    tab.show_as(width, height)
    path = tmp_path / "group.png"
    Image.fromarray(picture(faces, width=40 + 30 * faces, height=300)).save(path)
    look(tab, path)
    assert tab.run("scrollY") == 0 and tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.getElementById('interval').getBoundingClientRect().bottom") < height
    assert not tab.run("document.getElementById('notice').open")
    script = """(() => {
      const of = (s) => [...document.querySelectorAll(s)].map(e => e.getBoundingClientRect());
      const labels = of("#overlay .label"), [photo] = of("#photo");
      const before = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1;
      const apart = labels.every((a, i) =>
        labels.every((b, j) => i === j || before(a, b) || before(b, a)));
      const inside = labels.every(l => l.left >= photo.left - 1 && l.right <= photo.right + 1 &&
        l.top >= photo.top - 1 && l.bottom <= photo.bottom + 1);
      return [labels.length, apart, inside];
    })()"""
    assert tab.run(script) == [faces, True, True]
    for number in (faces, 1):  # the button of the chosen face is in sight, in rows or in one line
        face = f"document.querySelectorAll('#overlay g')[{number - 1}]"
        tab.run(f"{face}.dispatchEvent(new MouseEvent('click'))")
        seen = """(() => {
          const [list, chip] = ["#faces", "#faces [aria-pressed=true]"].map(
            s => document.querySelector(s).getBoundingClientRect());
          return list.height === 0 || chip.left >= list.left - 1 && chip.right <= list.right + 1 &&
            chip.top >= list.top - 1 && chip.bottom <= list.bottom + 1;
        })()"""
        assert tab.run(seen), number


@needs_browser
def test_small_photos_are_enlarged(tab, photo):
    look(tab, photo(1))  # 120 x 60 pixels
    assert tab.run("document.getElementById('photo').clientWidth") > 500


@needs_browser
def test_the_example_folds_the_notice(tab):
    assert tab.run("document.getElementById('notice').open")
    tab.run("document.getElementById('example').click()")
    tab.wait(SHOWN)
    assert not tab.run("document.getElementById('notice').open")
    assert tab.text("#choose") == "Another photo" and not tab.run("example.offsetHeight")


@needs_browser
def test_several_photos_are_a_gallery(tab, photo, tmp_path):
    text = tmp_path / "no.png"
    text.write_text("no picture")
    tab.choose_file("#file", photo(3), photo(1), text)
    tab.wait(f"{SHOWN} && document.querySelectorAll('#gallery button').length === 3")
    names = "[...document.querySelectorAll('#gallery button')].map(b => b.ariaLabel)"
    assert tab.run(names) == ["3.png: 3 faces", "1.png: One face", "no.png: failed"]
    groups = "document.querySelectorAll('#overlay g').length"
    assert tab.run(groups) == 3
    tab.run("document.querySelector('#gallery button:nth-child(2)').click()")
    tab.wait(f"{groups} === 1")
    assert attribute(tab, "#gallery button:nth-child(2)", "aria-pressed") == "true"
    tab.run("document.querySelector('#gallery button:nth-child(3)').click()")
    tab.wait("document.getElementById('error').innerText")
    assert not tab.run(SHOWN) and "not a picture" in tab.text("#error")
    tab.events[:] = [event for event in tab.events if event["method"] != "Log.entryAdded"]


@needs_browser
def test_the_attention_map_is_a_layer_of_chosen_strength(tab, photo):
    look(tab, photo(1))
    tab.run("document.getElementById('attention').click()")
    tab.wait("document.querySelectorAll('#overlay image').length === 1")
    assert attribute(tab, "#overlay image", "opacity") == "0.6"
    tab.run("strength.value = 20; strength.dispatchEvent(new Event('input'))")
    assert attribute(tab, "#overlay image", "opacity") == "0.2"


@needs_browser
def test_picture_and_json_are_taken_along(tab, photo, tmp_path, server):
    tab.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "got"))
    look(tab, photo(2))
    for button, name in (("save-picture", "2-annotated.png"), ("save-json", "2.json")):
        tab.run(f"document.getElementById('{button}').click()")
        wait_for(tmp_path / "got" / name)
    drawn = np.asarray(Image.open(tmp_path / "got" / "2-annotated.png").convert("RGB"))
    assert drawn.shape == (60, 120, 3) and (drawn != picture(2)).any()
    told = server.post("/api/faces", content=photo(2).read_bytes()).json()
    assert json.loads((tmp_path / "got" / "2.json").read_text()) == told


def wait_for(path, seconds=15):
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.05)


CARD = """# tiny **x**

A network, in
[two lines](../docs/a.md) with `code` and <b>no tags</b>.

<!-- figures -->
| age | MAE |
|---|---|
| 0-9 | **2.3** |
<!-- end -->

- one
  item
- two

```python
predict(

)
```
## End"""


@needs_browser
def test_a_card_is_shown_as_markdown_is_meant(tab):
    script = """import(new URL("static/card.js", location)).then(({ cardElements }) =>
      cardElements(CARD).map((made) => made.outerHTML))""".replace("CARD", json.dumps(CARD))
    assert tab.run(script) == [
        "<h3>tiny <strong>x</strong></h3>",
        "<p>A network, in\ntwo lines with <code>code</code> and &lt;b&gt;no tags&lt;/b&gt;.</p>",
        '<table><thead><tr><th scope="col">age</th><th scope="col">MAE</th></tr></thead>'
        "<tbody><tr><td>0-9</td><td><strong>2.3</strong></td></tr></tbody></table>",
        "<ul><li>one\n  item\n</li><li>two</li></ul>",
        "<pre>predict(\n\n)</pre>",
        "<h4>End</h4>",
    ]


@needs_browser
def test_the_page_of_the_api(tab, server):
    tab.open(f"{server.base_url}/docs")
    tab.wait("document.querySelectorAll('#operations section').length > 3")
    assert "POST /api/faces" in tab.text("#operations") and "landmarks" in tab.text("#operations")
    tab.wait("document.querySelectorAll('#operations th').length > 3")
    assert tab.run("document.querySelectorAll('th:not([scope])').length") == 0


@needs_browser
def test_the_camera(tab):
    tab.run("document.getElementById('camera').click()")
    tab.wait("document.getElementById('video').videoWidth > 0")
    assert tab.run("document.getElementById('camera-dialog').open")
    tab.wait("document.getElementById('live').getAttribute('viewBox')")  # live estimates
    tab.run("document.getElementById('cancel').click()")
    tab.wait("!document.getElementById('camera-dialog').open")
    assert not tab.run("document.getElementById('video').srcObject")
    tab.run("document.getElementById('camera').click()")
    tab.wait("document.getElementById('video').videoWidth > 0")
    tab.run("document.getElementById('shoot').click()")
    tab.wait(SHOWN)


@needs_browser
def test_all_is_reached_by_the_keyboard_in_reading_order(tab, photo):
    look(tab, photo(2))
    tab.run("document.body.focus(); document.querySelector('.skip').focus()")
    names = []
    for _ in range(8):
        names.append(tab.run("document.activeElement.id || document.activeElement.innerText"))
        tab.press("Tab")
    assert names[:4] == ["Skip to choosing a photo", "model", "choose", "camera"]
    assert re.match(r"1: ", names[4]) and re.match(r"2: ", names[5])
    assert names[6] == "attention" and "table" in names[7]
    tab.run("document.querySelector('#faces button').focus()")
    second = "#faces button:nth-child(2)"
    tab.run("document.querySelector('#faces button').click()")
    assert attribute(tab, second, "aria-pressed") == "false"
    tab.press("Tab")
    tab.press("Enter", text="\r")
    assert attribute(tab, second, "aria-pressed") == "true"


@needs_browser
def test_everything_that_can_be_pressed_has_a_name(tab, photo):
    look(tab, photo(2))
    tree = tab.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "combobox", "image", "link", "group", "status", "alert", "heading"}
    named = {}
    for node in tree:
        role = node.get("role", {}).get("value")
        if not node["ignored"] and role in roles:
            named.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    assert all(
        all(names) for role, names in named.items() if role not in ("status", "alert", "group")
    )
    assert any(name.startswith("Face 1: ") for name in named["button"])
    assert any(name.startswith("Distribution of face") for name in named["image"])
    assert "Model" in named["combobox"]


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_is_wide_enough(tab, photo, dark):
    tab.show_as(360, 700, dark=dark)
    look(tab, photo(3))
    tab.run("document.querySelector('details').open = true")
    assert tab.run("document.documentElement.scrollWidth") <= 360
    heights = "[...document.querySelectorAll('button, select, summary')].map(b => b.offsetHeight)"
    assert min(filter(None, tab.run(heights))) >= 44  # of a finger
    paper = tab.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(18, 23, 29)" if dark else "rgb(255, 255, 255)")


def forget_refusals(tab):
    """Drop what Chromium itself notes of requests that were refused or failed."""
    tab.events[:] = [event for event in tab.events if event["method"] != "Log.entryAdded"]


@needs_browser
@pytest.mark.parametrize(("width", "height"), [(3000, 120), (120, 3000)])
def test_of_a_panorama_a_part_is_seen_with_the_chosen_face(tab, tmp_path, width, height):
    tab.show_as(360, 740)
    path = tmp_path / "panorama.png"
    Image.fromarray(picture(3, width=width, height=height)).save(path)
    look(tab, path)
    shown = tab.run("[photo.width, photo.height]")
    assert min(shown) >= 120 and shown[0] / shown[1] == pytest.approx(width / height, rel=0.01)
    assert tab.run("document.documentElement.scrollWidth") <= 360
    for number in (3, 1):
        tab.run(f"document.querySelector('#faces button:nth-child({number})').click()")
        seen = """(() => {
          const [frame, box] = ["#window", "#overlay .selected .box"].map(
            s => document.querySelector(s).getBoundingClientRect());
          return box.left < frame.right && box.right > frame.left && box.width > 15 &&
            box.top < frame.bottom && box.bottom > frame.top && frame.bottom < innerHeight;
        })()"""
        assert tab.run(seen), number


@needs_browser
@pytest.mark.parametrize("suffix", [".tif", ".webp"])  # one not shown, one not turned upright
def test_a_photo_that_the_browser_shows_otherwise_than_it_is_is_not_shown(tab, tmp_path, suffix):
    path = tmp_path / f"turned{suffix}"
    exif = Image.Exif()
    exif[0x112] = 6
    turned = Image.fromarray(picture(2)).transpose(Image.Transpose.ROTATE_90)
    turned.save(path, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    look(tab, path)
    assert tab.run("document.querySelectorAll('#overlay g').length") == 2
    assert "This browser cannot show this photo" in tab.text("#caption")
    assert tab.run("getComputedStyle(document.getElementById('photo')).visibility") == "hidden"
    tab.run("document.getElementById('save-picture').click()")
    tab.wait("document.getElementById('error').innerText")
    assert tab.text("#error").startswith("Save picture failed: this browser cannot show the photo")


@needs_browser
def test_a_photo_is_known_by_its_content_and_a_failure_by_its_name(tab, photo, tmp_path):
    nameless = tmp_path / "photo"
    nameless.write_bytes(photo(2).read_bytes())
    look(tab, nameless)
    assert tab.run("document.querySelectorAll('#overlay g').length") == 2
    text = tmp_path / "words.png"
    text.write_text("no picture")
    tab.choose_file("#file", text, photo(1))
    tab.wait(f"{SHOWN} && document.querySelectorAll('#gallery button').length === 2")
    tab.wait("document.querySelector('#gallery button').textContent.includes('words.png')")
    tab.run("document.querySelector('#gallery button').click()")
    tab.wait("document.getElementById('error').innerText.startsWith('words.png: ')")
    look(tab, nameless)
    nameless.unlink()
    tab.run("model.value = 'beauty'; model.dispatchEvent(new Event('change'))")
    tab.wait("document.getElementById('error').innerText.includes('is gone')")
    assert tab.text("#error").endswith("Received: photo")
    forget_refusals(tab)


@needs_browser
@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"faces": 3, "left_out": 25}, "3 faces, the largest; 25 more are left out, numbered"),
        ({"faces": 2, "left_out": 1}, "2 faces, the largest; 1 more is left out, numbered"),
    ],
)
def test_faces_that_are_left_out_are_told(tab, photo, server, found, told):
    answer = server.post("/api/faces", content=photo(found["faces"]).read_bytes()).json()
    answer["left_out"] = found["left_out"]
    tab.run(f"""{{
      const known = {json.dumps(json.dumps(answer))};
      Object.defineProperty(XMLHttpRequest.prototype, "responseText", {{ get: () => known }});
      true;
    }}""")
    look(tab, photo(found["faces"]))
    assert tab.text("#caption").startswith(told) and told[:-10] in tab.run(STATUS)


@needs_browser
def test_another_model_keeps_the_photo_that_is_shown(tab, photo):
    tab.choose_file("#file", photo(3), photo(1), photo(2))
    tab.wait(f"{SHOWN} && document.querySelectorAll('#gallery button:enabled').length === 3")
    tab.run("document.querySelector('#gallery button:nth-child(3)').click()")
    tab.run("model.value = 'beauty'; model.dispatchEvent(new Event('change'))")
    tab.wait(f"{SHOWN} && document.getElementById('unit').innerText === 'points'")
    assert attribute(tab, "#gallery button:nth-child(3)", "aria-pressed") == "true"
    assert tab.run("document.querySelectorAll('#overlay g').length") == 2


@needs_browser
def test_what_is_no_file_is_said(tab):
    for kind, field in (
        ("DragEvent('drop'", "dataTransfer"),
        ("ClipboardEvent('paste'", "clipboardData"),
    ):
        tab.run("document.getElementById('error').textContent = ''")
        transfer = "const t = new DataTransfer(); t.setData('text/plain', 'hello');"
        tab.run(f"{{ {transfer} document.dispatchEvent(new {kind}, {{{field}: t}})) }}")
        assert tab.text("#error").startswith("There is no picture file in that.")
        assert tab.text("#error").endswith("Received: text/plain")


@needs_browser
@pytest.mark.parametrize("ends", [(0.4, 0.0, 13.2), (99.6, 88.8, 100.0)])
def test_the_text_of_the_chart_is_never_cut(tab, photo, ends):
    look(tab, photo(1))
    value, low, high = ends
    face = {"value": value, "interval": [low, high], "distribution": [1 / 101] * 101}
    answer = {"labels": list(range(101)), "task": "age", "unit": "years", "level": 0.9}
    script = f"""import(new URL("static/chart.js", location)).then(({{ drawChart }}) => {{
      drawChart(chart, {json.dumps(face)}, {json.dumps(answer)}, "");
      const {{ x, width }} = chart.querySelector(".told").getBBox();
      return [x, chart.clientWidth - x - width];
    }})"""
    assert min(tab.run(script)) >= -0.5


@needs_browser
def test_a_saved_picture_has_the_intervals_where_there_is_room(tab):
    faces = [
        {"number": i + 1, "value": 24.5, "interval": [17.5, 30.7], "box": [x, y, 110, 110]}
        for i, (x, y) in enumerate((45 + 200 * (i % 6), 90 + 200 * (i // 6)) for i in range(30))
    ]
    answer = {"faces": faces, "width": 1200, "height": 1000, "labels": list(range(101))}
    script = f"""import(new URL("static/overlay.js", location)).then(async ({{ annotated }}) => {{
      const written = [], context = OffscreenCanvasRenderingContext2D.prototype;
      const write = context.fillText;
      context.fillText = function (text, ...place) {{
        written.push([text, parseFloat(this.font.match(/([\\d.]+)px/)[1])]);
        return write.call(this, text, ...place);
      }};
      await annotated(new OffscreenCanvas(1200, 1000), {json.dumps(answer)});
      context.fillText = write;
      return written;
    }})"""
    written = tab.run(script)
    assert [text for text, _ in written] == [f"{i}: 24.5 (17.5-30.7)" for i in range(1, 31)]
    assert min(size for _, size in written) >= 20  # a fiftieth of the picture


@needs_browser
def test_that_something_was_copied_is_seen(tab, photo):
    tab.send(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    tab.send("Emulation.setFocusEmulationEnabled", enabled=True)
    look(tab, photo(1))
    button = "document.getElementById('copy-json')"
    tab.run(f"{button}.click(); {button}.click()")
    tab.wait(f"{button}.innerText === 'Done'")
    assert json.loads(tab.run("navigator.clipboard.readText()"))["faces"][0]["number"] == 1
    assert tab.run(STATUS) == "Copy JSON: done."
    tab.wait(f"{button}.innerText === 'Copy JSON'")


@needs_browser
def test_the_wait_for_an_attention_map_is_said(tab, photo):
    look(tab, photo(1))
    tab.run("{ const ask = fetch; const wait = new Promise(go => window.answerNow = go);"
            "window.fetch = (...of) => wait.then(() => ask(...of)) }")  # fmt: skip
    tab.run("document.getElementById('attention').click()")
    assert "being computed" in tab.text("#attention-wait") and "being computed" in tab.run(STATUS)
    assert not tab.run("document.getElementById('attention-note').offsetHeight")
    tab.run("answerNow()")
    tab.wait("document.getElementById('attention-note').offsetHeight > 0")
    assert not tab.run("document.getElementById('attention-wait').offsetHeight")


@needs_browser
def test_what_an_address_without_https_does_not_have_is_said(tab, photo, server):
    look(tab, photo(1))
    tab.run("for (const name of ['mediaDevices', 'clipboard'])"
            "  Object.defineProperty(navigator, name, { value: undefined })")  # fmt: skip
    home = str(server.base_url).rstrip("/")
    for button in ("camera", "copy-json"):
        tab.run("document.getElementById('error').textContent = ''")
        tab.run(f"document.getElementById('{button}').click()")
        tab.wait("document.getElementById('error').innerText")
        assert tab.text("#error").endswith(
            f"needs a page from this machine (localhost) or by HTTPS. Received: {home}"
        )


@needs_browser
def test_without_the_server_camera_and_example_say_so(tab):
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    tab.run("document.getElementById('camera').click()")
    tab.wait("document.getElementById('camera-dialog').open")
    tab.wait("!document.getElementById('shoot').disabled")  # not before there is a picture
    assert tab.run("document.getElementById('video').readyState") >= 2
    tab.wait("document.getElementById('live-time').textContent.includes('ms a frame')")
    tab.send("Network.emulateNetworkConditions", offline=True, **network)
    try:
        tab.wait("document.getElementById('live-time').textContent.includes('cannot be reached')")
        tab.run("document.getElementById('cancel').click()")
        tab.run("document.getElementById('example').click()")
        tab.wait("document.getElementById('error').innerText.includes('example photo')")
    finally:
        tab.send("Network.emulateNetworkConditions", offline=False, **network)
    forget_refusals(tab)
