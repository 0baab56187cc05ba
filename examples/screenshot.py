"""Makes the picture of the comparison page in the README, and checks the page on the way.

    pip install playwright && playwright install chromium     # or have chromium on PATH
    python examples/screenshot.py docs/compare.png

Two committed reference reports are compared, the page is opened in headless
Chromium at 1280 and at 400 pixels width, light and dark, and anything that a
reader should not meet ends the script: a message on the console, a request to
anywhere, a page wider than the window.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from quantunet_hls.compare import compare, open_designs
from quantunet_hls.compare.page import page
from quantunet_hls.compare.rules import parse_rule
from quantunet_hls.compare.verdicts import judge

FOLDER = Path(__file__).parents[1] / "reports" / "reference"
REPORTS = [FOLDER / f"brain_tumor_w4a6_b8d3_{board}.json" for board in ("zcu104", "kv260")]
RULES = ("cycles_per_frame>+2%", "lut>+5%", "layer:*.dsp>+0")
WIDTHS = (1280, 400)
PICTURE_HEIGHT = 2000


def visit(browser: Browser, file: Path, width: int, scheme: Any, picture: Path | None) -> list[str]:
    """Open the page, take its picture where one is wanted, and tell what a reader should not meet."""
    faults: list[str] = []
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.on("console", lambda message: faults.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: faults.append(f"error: {error}"))
    tab.on("request", lambda request: None if request.url == file.as_uri() or request.url.startswith("data:")
           else faults.append(f"request: {request.url}"))
    tab.goto(file.as_uri(), wait_until="networkidle")
    wide = tab.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        faults.append(f"{wide} pixels wide")
    if picture is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=picture, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": PICTURE_HEIGHT})
    tab.close()
    return [f"{width} pixels, {scheme}: {fault}" for fault in faults]


def main(picture: Path) -> int:
    """Write the picture; the exit code is 1 where the page has a fault."""
    comparison = compare(open_designs(REPORTS))
    html = page(comparison, [verdict for rule in RULES for verdict in judge(parse_rule(rule), comparison)])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        file = Path(folder) / "compare.html"
        file.write_text(html, encoding="utf-8")
        browser = tools.chromium.launch(executable_path=shutil.which("chromium"))
        faults = []
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                wanted = picture if (width, scheme) == (WIDTHS[0], "light") else None
                faults += visit(browser, file, width, scheme, wanted)
        browser.close()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or f"No fault at {WIDTHS} pixels; {picture} written.\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
