import io
import re

import pytest
from rich.console import Console

from tinygrad_cnn.train import Callback, ProgressBar


@pytest.fixture
def shown(make_trainer, train_loader, test_loader):
    """What three epochs print on a console."""

    def show(loader=test_loader, callbacks=(), **options):
        text = io.StringIO()
        bar = ProgressBar(Console(file=text, width=80, highlight=False, **options))
        make_trainer(callbacks=[bar, *callbacks]).fit(train_loader, loader, epochs=3)
        return text.getvalue()

    return show


def test_a_log_file_gets_one_plain_line_an_epoch(shown):
    first, *rest = shown().splitlines()
    assert re.fullmatch(
        r"epoch 1/3  loss \d\.\d{4}  accuracy \d+\.\d %  test \d\.\d{4}  \d+\.\d %  [\d,]+ images/s",
        first,
    )
    assert len(rest) == 2


def test_without_test_images_nothing_is_said_about_them(shown):
    assert "test" not in shown(loader=None)


def test_a_terminal_sees_the_bar_move_in_one_line_of_80(shown):
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown(force_terminal=True))
    for part in (" 0%", "images/s", "loss", "accuracy", "left", "epoch 3/3"):
        assert part in text
    moving = [line for line in re.split(r"[\r\n]+", text) if "left" in line]
    assert moving
    assert max(map(len, moving)) <= 80
    assert "…" not in text


def test_the_terminal_is_given_back_after_an_error(make_trainer, train_loader):
    class Fail(Callback):
        def on_step_end(self, trainer, step):
            raise ValueError("in a callback")

    text = io.StringIO()
    bar = ProgressBar(Console(file=text, force_terminal=True))
    with pytest.raises(ValueError, match="in a callback"):
        make_trainer(callbacks=[bar, Fail()]).fit(train_loader, epochs=1)
    assert "\x1b[?25h" in text.getvalue()  # the cursor is shown again
