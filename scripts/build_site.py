"""Builds the site of the docs into site/ and checks it; `make docs` calls it.

python scripts/build_site.py

Needs the extra `docs`. Pages are gathered in build/website, and built there by Zensical. The first
build fetches LiteRT for the page that runs in the browser; without a network that page lacks it.
The exit status is 1 where a link, a page, an anchor or a reference of a docstring leads nowhere.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from website import check, commands, in_browser, models, pages, reference

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "website"
SITE = ROOT / "site"
MODELS, REFERENCE = "      - MODELS\n", "      - REFERENCE\n"


def main() -> None:
    """Build the site, and end with what is wrong with it."""
    for needed in ("zensical", "mkdocstrings_handlers"):
        if find_spec(needed) is None:
            sys.exit(
                f'The site needs {needed}. Allowed: pip install -e ".[docs]", on Python 3.11 or '
                f"newer. Received: Python {sys.version.split()[0]} without it"
            )
    stage(WORK)
    try:
        in_browser.add_runtime(WORK / "pages" / "try")
    except OSError as error:
        print(
            f"Do not publish this site: its try/index.html lacks LiteRT ({error})", file=sys.stderr
        )
    build(WORK)
    found = check.problems(WORK / "html")
    if found:
        sys.exit("\n".join([*found, f"{len(found)} problems: the site was not replaced"]))
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(WORK / "html", SITE)
    print(f"{len(list(SITE.rglob('*.html')))} pages: {SITE.relative_to(ROOT)}/index.html")


def stage(work: Path) -> None:
    """Write all that the site is built from into the folder `work`."""
    shutil.rmtree(work, ignore_errors=True)
    to = work / "pages"
    pages.gather(to)
    pages.write(to / "models" / "index.md", models.models_page())
    written = {"reference/commands.md": commands.commands_page(), **reference.reference_pages()}
    for place, text in written.items():
        pages.write(to / place, text)
    in_browser.stage(to / "try")
    shutil.copyfile(ROOT / "docs" / "site.css", to / "site.css")
    pages.write(work / "mkdocs.yml", settings())


def settings() -> str:
    """Return docs/site.yml with the cards of the models and the reference's pages."""
    text = (ROOT / "docs" / "site.yml").read_text(encoding="utf-8")
    cards = "".join(f"      - {name}: models/{name}.md\n" for name in pages.models())
    reference_lines = "".join(
        f"      - {title}: reference/{name}.md\n" for name, (title, _) in reference.PAGES.items()
    )
    for mark, lines in ((MODELS, cards), (REFERENCE, reference_lines)):
        if mark not in text:
            raise ValueError(
                f"A line of docs/site.yml is missing. Allowed: {mark!r}. Received: none"
            )
        text = text.replace(mark, lines)
    return text


def build(work: Path) -> None:
    """Let Zensical make pages of HTML; its exit status, where it is not 0, ends the script."""
    # `scripts` for the extension that reads docstrings, which Zensical imports by name.
    paths = os.pathsep.join([str(ROOT / "scripts"), os.environ.get("PYTHONPATH", "")])
    words = [sys.executable, "-m", "zensical", "build", "--config-file", work / "mkdocs.yml"]
    result = subprocess.run(
        [*words, "--strict", "--clean"],
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
        capture_output=True,
    )
    print(result.stdout.strip(), file=sys.stderr)
    if result.returncode:
        sys.exit(f"{result.stderr.strip()}\nThe site was not replaced")
    pages.write(work / "html" / "search.js", search_script(work / "html"))


def search_script(site: Path) -> str:
    """Return the script that a page loads instead of search.json when it is opened as a file.

    Such a page may neither fetch the index nor run the search from a file: the script has both.
    """
    index = (site / "search.json").read_text(encoding="utf-8")
    (worker,) = (site / "assets" / "javascripts" / "workers").glob("search.*.js")
    text = json.dumps(worker.read_text(encoding="utf-8"))
    return (
        f"var __index = {index};\n"
        "window.Worker = class extends Worker {\n"
        f"  constructor() {{ super(URL.createObjectURL(new Blob([{text}]))); }}\n"
        "};\n"
    )


if __name__ == "__main__":
    main()
