"""The README's Python runs as it stands, from the first block to the last."""

import re
import textwrap
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = README.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 10
    code = "\n".join(blocks)
    assert "epochs=5" in code
    namespace = {}
    exec(compile(code.replace("epochs=5", "epochs=1"), str(README), "exec"), namespace)
    printed = capsys.readouterr().out
    assert "    ✗ 03.1 · That is ŷ2" in text
    assert re.search(r"^    (✗ 03.1 .*)$", text, re.MULTILINE)[1] in printed
    assert "tensor(4.)" in printed
    assert "61,706" in printed
    assert "[1.0, 2.0, 3.0]" in printed
    shown = text[text.index("    ∂L/∂b over 3 paths") :].partition("\n\n")[0]
    assert textwrap.dedent(shown) in printed
    for name in ("lenet5.svg", "twin.svg", "lesson.html", "lesson.json"):
        assert (tmp_path / name).stat().st_size > 10_000


def test_links_and_pictures_exist():
    text = README.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    for target in targets:
        assert (README.parent / target).exists(), target
