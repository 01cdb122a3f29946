"""What the pages in docs/ show is what happens."""

import doctest
import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_print_what_they_show(page):
    session = doctest.DocTestParser().get_doctest(
        "\n".join(blocks(page, "pycon")), {}, page.name, str(page), 0
    )
    assert session.examples
    assert doctest.DocTestRunner().run(session).failed == 0


def test_programs_run():
    page, namespace = PAGES[0].parent / "speed.md", {}
    for code in blocks(page, "python"):
        exec(compile(code, str(page), "exec"), namespace)
    assert namespace["losses"][-1] < namespace["losses"][0]
    assert namespace["train_step"].plan is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target
