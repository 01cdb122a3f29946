"""The pages beside the lessons: their tables, links and code are true."""

import re
from pathlib import Path

import pytest

from tinygrad_cnn.learn.lessons import lessons

TUTORIALS = Path(__file__).parents[2] / "tutorials"
PAGES = pytest.mark.parametrize("page", ["README.md", "TEACHERS.md"])


def text(page):
    return (TUTORIALS / page).read_text(encoding="utf-8")


def test_every_lesson_is_in_the_list():
    rows = re.findall(r"^\| (\d\d) \| \[([^]]+)\]\(en/(\S+)\) \| (\d+) \|", text("README.md"), re.MULTILINE)
    assert rows == [(each.number, each.title, each.name, str(each.minutes)) for each in lessons()]


def test_teachers_are_told_the_same_minutes():
    rows = re.findall(r"^\| (\d\d) (.+?) \| (\d+) \|", text("TEACHERS.md"), re.MULTILINE)
    assert rows == [(each.number, each.title, str(each.minutes)) for each in lessons()]


@PAGES
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", text(page)):
        path, _, anchor = target.partition("#")
        assert (TUTORIALS / path).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (TUTORIALS / path).read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


def test_the_code_for_teachers_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", text("TEACHERS.md"), re.DOTALL)
    exec(compile(code, "TEACHERS.md", "exec"), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "square.html",
        "square.json",
        "square_exercise.html",
    ]
