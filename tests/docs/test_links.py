"""No link of the docs leads nowhere, on GitHub as on the site; anchors included."""

from pathlib import Path

import pytest

from tests.scripts_case import SCRIPTS, load_script

load_script("build_site")  # makes `website` known
from website import markdown, pages  # noqa: E402

ROOT = SCRIPTS.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "saved_models").glob("*/*.md")]
)
NAV = (ROOT / "docs" / "site.yml").read_text(encoding="utf-8")


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for link in markdown.links(page.read_text(encoding="utf-8")):
        target = (page.parent / link.path).resolve() if link.path else page
        if not target.is_file():
            found.append(f"{link.target}: no such file")
        elif link.anchor and link.anchor not in markdown.anchors(target.read_text("utf-8")):
            found.append(f"{link.target}: no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page):
    assert broken(page) == []


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("b.md", "no such file"),
        ("a.md#three", "no such heading"),
        ("#two-1", "no such heading"),
        ("a.md#two", None),
        ("#one", None),
        ("https://example.org/b.md", None),
    ],
)
def test_the_check_sees_what_is_broken(tmp_path, link, reason):
    page = tmp_path / "a.md"
    page.write_text(f"# One\n## Two\n[x]({link}) and `[y](c.md)`\n```\n## Three\n[z](d.md)\n```\n")
    assert broken(page) == ([f"{link}: {reason}"] if reason else [])


def test_links_know_their_parts():
    (link,) = markdown.links("see [the `records`](data.md#records 'x').".replace(" 'x'", ""))
    assert (link.path, link.anchor) == ("data.md", "records")


@pytest.mark.parametrize("page", sorted(page.name for page in (ROOT / "docs").glob("*.md")))
def test_every_page_is_in_the_navigation(page):
    assert f" {page}\n" in NAV, f"give docs/{page} a line of `nav` in docs/site.yml"


def test_the_navigation_names_no_page_twice():
    names = [line.split()[-1] for line in NAV.partition("nav:")[2].splitlines() if ".md" in line]
    assert len(names) == len(set(names))


def test_the_site_has_all_models():
    metrics = (ROOT / "saved_models").glob("*/metrics.json")
    assert set(pages.models()) == {path.parent.name for path in metrics}
