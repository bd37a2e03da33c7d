"""The pictures of the lab's page in `images/`: `python docs/lab_pictures.py` takes them anew.

They need the extras `lab` and `test`, and Chromium.
"""

from __future__ import annotations

import re
import shutil
import threading
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parent / "images"

# Name, width and height in pixels, colours, and the experiment as the page's address has it.
PICTURES = (
    ("lab-light", 1360, 1400, "light", "n=500&hidden=6:tanh,4:tanh&optimizer=adam&epochs=60"),
    (
        "lab-dark",
        1360,
        1400,
        "dark",
        "data=spirals&classes=3&n=500&noise=0.03&hidden=8:relu,8:relu,8:relu&optimizer=adam&epochs=150",
    ),
    ("lab-narrow", 420, 1400, "light", "data=sine&n=300&hidden=5:tanh&optimizer=adam&epochs=150"),
)


def take_pictures() -> None:
    """Open the lab for each picture, let it learn, and select a weight."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from chainrule.laboratory.desk import Desk
    from chainrule.laboratory.desks import Desks
    from chainrule.laboratory.server import Lab

    lab = Lab(Desks(Desk))
    server = threading.Thread(target=lab.run)
    server.start()
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, width, height, scheme, link in PICTURES:
            size: Any = {"width": width, "height": height}
            context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1)
            page = context.new_page()
            page.goto(f"{lab.local_url}#{link}")
            page.get_by_role("button", name=re.compile("^unit 2 of layer 1")).wait_for()
            page.get_by_role("button", name="Play", exact=True).click()
            page.get_by_role("button", name="Pause", exact=True).wait_for()
            page.get_by_role("button", name="Play", exact=True).wait_for(timeout=120_000)
            page.get_by_role("button", name=re.compile("^unit 2 of layer 1")).click()
            page.get_by_role("button", name=re.compile(r"^w\[1\]")).first.click()
            page.get_by_text("The chain rule for W1").first.wait_for()
            page.mouse.move(0, 0)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(500)
            path = IMAGES / f"{name}.png"
            page.screenshot(path=path, full_page=width < 1000)
            Image.open(path).quantize(192).save(path, optimize=True)  # a third of the bytes
            context.close()
        browser.close()
    lab.stop()
    server.join()


if __name__ == "__main__":
    take_pictures()
