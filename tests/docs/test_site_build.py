"""The whole site builds, strictly, and nothing of it comes from elsewhere or leads nowhere."""

import json

import pytest

from tests.scripts_case import load_script

pytestmark = pytest.mark.slow


@pytest.fixture
def build():
    reason = "the site needs the extra docs, which takes Python 3.11 or newer"
    pytest.importorskip("zensical", reason=reason)
    pytest.importorskip("mkdocstrings_handlers.python", reason=reason)
    return load_script("build_site")


def test_the_site_builds(build, tmp_path):
    from website import check, pages

    build.stage(tmp_path / "work")
    build.build(tmp_path / "work")
    html = tmp_path / "work" / "html"
    assert check.problems(html) == []
    assert "predict_age" in (html / "reference" / "predict.html").read_text(encoding="utf-8")
    for name in pages.models():
        assert (html / "models" / f"{name}.html").exists()
    everything = "".join(path.read_text(encoding="utf-8") for path in html.rglob("*.html"))
    assert str(build.ROOT) not in everything
    script = (html / "search.js").read_text(encoding="utf-8")  # for pages that are opened as files
    index, _ = json.JSONDecoder().raw_decode(script.removeprefix("var __index = "))
    assert index == json.loads((html / "search.json").read_text(encoding="utf-8"))


@pytest.fixture
def page(build, tmp_path):
    """What builds a site of two pages, one of them with the text given."""

    def built(text):
        folder = tmp_path / "pages"
        folder.mkdir()
        (folder / "data.md").write_text("# Data\n\n## Records\n", encoding="utf-8")
        (folder / "index.md").write_text(f"# Home\n\n{text}\n", encoding="utf-8")
        settings = build.settings().partition("\nnav:")[0].replace("extra_css: [site.css]", "")
        (tmp_path / "mkdocs.yml").write_text(settings, encoding="utf-8")
        build.build(tmp_path)

    return built


def test_a_page_whose_links_hold_is_built(page, tmp_path):
    name = "keras_dldl.labels.LabelGrid"
    page(f"[x](data.md#records)\n\n::: {name}\n\n[`y`][{name}]")
    assert (tmp_path / "html" / "index.html").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[x](nowhere.md)", "strict flag"),
        ("[x](data.md#nowhere)", "strict flag"),
        ("[`x`][keras_dldl.nowhere]", "strict flag"),
        ("::: keras_dldl.nowhere", "keras_dldl.nowhere"),
    ],
)
def test_a_page_with_a_link_to_nowhere_is_not(page, text, reason):
    with pytest.raises(SystemExit, match=reason):
        page(text)
