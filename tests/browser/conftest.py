"""A real browser for the pages: Playwright drives the Chromium of the system.

Every page that a test opens is watched: an error in its console, or a request for anything but the page
itself, fails the test.
"""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page from the disk: `open_page(html, width=..., color_scheme=..., ...)`."""
    contexts, complaints = [], []

    def open(html, *, width=1280, height=900, before=None, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        own = path.as_uri()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))

        def watch(request):
            if request.url != own and not request.url.startswith(("about:", "blob:file:")):
                complaints.append(f"request: {request.url}")

        page.on("request", watch)
        if before is not None:
            before(page)
        page.goto(own)
        return page

    yield open
    for context in contexts:
        context.close()
    assert complaints == []
