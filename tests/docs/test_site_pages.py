"""Pages are gathered with links that fit the site; generated ones say what the code says."""

import importlib

import pytest

from tests.scripts_case import load_script

build_site = load_script("build_site")
from website import check, commands, models, pages  # noqa: E402


@pytest.fixture
def checkout(tmp_path):
    """A checkout of four pages and a table of figures."""
    files = {
        "README.md": "# R\n## Shipped models\n",
        "CONTRIBUTING.md": "# C",
        "CHANGELOG.md": "[a](docs/a.md#h), [r](README.md)",
        "docs/a.md": "# A page\n## H\n[r](../README.md), [m](../README.md#shipped-models), "
        "[card](../saved_models/tiny/CARD.md#how), [top](#h), [b.md](b.md), [n](n.json), "
        "[code](../x.py), [out](https://example.org), `[code](no.md)`",
        "docs/b.md": "# The other page\n",
        "docs/n.json": "{}",
        "x.py": "",
        "saved_models/tiny/CARD.md": "# tiny\n## How\n[a](../../docs/a.md)",
        "saved_models/tiny/metrics.json": "{}",
        "saved_models/unfinished/CARD.md": "# no figures yet",
    }
    for name, text in files.items():
        pages.write(tmp_path / name, text)
    return tmp_path


def test_links_are_those_of_the_site(checkout):
    to = checkout / "site"
    pages.gather(to, checkout)
    assert (to / "a.md").read_text() == (
        "# A page\n## H\n[r](index.md), [m](models/index.md), [card](models/tiny.md#how), "
        "[top](#h), [The other page](b.md), [n](n.json), [code](files/x.py), "
        "[out](https://example.org), `[code](no.md)`"
    )
    assert (to / "changelog.md").read_text() == "[a](a.md#h), [r](index.md)"
    assert (to / "models" / "tiny.md").read_text().endswith("[a](../a.md)")
    assert (to / "n.json").exists() and (to / "files" / "x.py").exists()
    assert not (to / "models" / "unfinished.md").exists()


@pytest.mark.parametrize("target", ["c.md", "../../outside.md"])
def test_a_link_that_leads_nowhere_is_named(checkout, target):
    pages.write(checkout / "docs" / "b.md", f"[x]({target})")
    with pytest.raises(ValueError, match=r"docs/b.md leads nowhere\. Allowed: .* Received: "):
        pages.gather(checkout / "site", checkout)


def test_the_page_of_the_models_has_every_card_and_group():
    page = models.models_page()
    for name in pages.models():
        assert f"[`{name}`]({name}.md)" in page and f"### {name}" in page
    assert "saved_models/" not in page
    assert "| by | group | faces | MAE, years |" in page


def test_the_page_of_the_commands_has_all_commands_and_options():
    page = commands.commands_page()
    for command in ("prepare", "records verify", "explain occlusion", "import-torch7", "serve"):
        assert f" keras-dldl {command}\n" in page
    assert "`--learning-rate FLOAT`\n:   Highest learning rate." in page
    assert "UNSET" not in page


def test_help_texts_are_no_markdown():
    assert commands.escaped("a *.jpg <b> `x*`") == r"a \*.jpg \<b\> `x*`"
    assert list(commands.paragraphs("one\n\n\b\na  b\nc")) == ["one\n", "```text\na  b\nc\n```\n"]


def test_the_reference_has_every_public_name():
    pytest.importorskip("griffe", reason="the reference needs the extra docs (Python 3.11)")
    from website import reference

    known = {
        module: set(wanted or reference.public(module))
        for _, modules in reference.PAGES.values()
        for module, wanted in modules.items()
    }
    assert set(reference.top_names()) <= set(reference.paths())
    for path in sorted((build_site.ROOT / "keras_dldl").glob("*/__init__.py")):
        part = path.parent.name
        names = set(getattr(importlib.import_module(f"keras_dldl.{part}"), "__all__", ()))
        shown = [found for module, found in known.items() if module.split(".")[0] == part]
        missing = names - set().union(*shown)
        assert not missing, f"give them a place in scripts/website/reference.py: {part} {missing}"


def test_docstrings_become_markdown():
    pytest.importorskip("griffe", reason="the reference needs the extra docs (Python 3.11)")
    from website.docstrings import shown

    text = (
        "See `LabelGrid`, `train`.\n\nCall arguments:\n    y: (B,).\n        More.\n\n>>> f()\n1\n"
    )
    assert shown(text) == (
        "See [`LabelGrid`][keras_dldl.LabelGrid], `train`.\n\n"
        "**Call arguments:**\n\n- `y`: (B,).\n        More.\n\n```pycon\n>>> f()\n1\n```\n"
    )
    assert shown("A `LabelGrid`.", own="LabelGrid") == "A `LabelGrid`."


def test_the_check_of_the_site_finds_what_is_wrong(tmp_path):
    pages.write(tmp_path / "a.html", '<h1 id="x"></h1><a href="b/c.html#y">1</a><a href="d.html">2')
    pages.write(tmp_path / "b" / "c.html", '<a href="../a.html#x">3</a><a href="../b/">4</a>')
    pages.write(tmp_path / "b" / "index.html", '<script src="https://example.org/s.js"></script>')
    pages.write(tmp_path / "t.html", "<p>| a | b |</p>")
    pages.write(tmp_path / "s.css", "a { background: url('https://example.org/f.woff') }")
    assert check.problems(tmp_path) == [
        "a.html: b/c.html#y leads nowhere",
        "a.html: d.html leads nowhere",
        "b/index.html: https://example.org/s.js is fetched from elsewhere",
        "t.html: a row of a table stands outside it",
        "s.css: https://example.org/f.woff is fetched from elsewhere",
    ]
    assert "must have pages" in check.problems(tmp_path / "none")[0]
