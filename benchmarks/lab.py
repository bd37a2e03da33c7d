"""How smoothly the lab's page shows a network that learns, in a Chromium without a window.

``python -m benchmarks.lab`` starts `chainrule lab` in a process of its own, opens a network of
three layers of eight units on 500 points, lets it learn at full speed, and counts for some seconds
how many frames the page draws and how many mini-batches are learned. It needs the extras `lab` and
`test`, and Chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from typing import Any

from chainrule.laboratory.front import module

EXPERIMENT = "n=500&hidden=8:tanh,8:tanh,8:tanh&batch_size=10&optimizer=adam"
LAB = "from chainrule.cli import main; main()"

# The page tells the lab of each frame that it has drawn; this counts the messages.
COUNTER = """
window.framesDrawn = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  if (new TextDecoder().decode(bytes.slice(4, 100)).includes('"seen"')) window.framesDrawn += 1;
  return send.call(this, data);
};
"""


def look(browser: Any, address: str, seconds: float) -> dict[str, float]:
    """Open the page, let it learn, and return what was counted."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.add_init_script(COUNTER)
    begun = time.perf_counter()
    page.goto(f"{address}#{EXPERIMENT}")
    page.get_by_role("button", name=re.compile("^unit 8 of layer 3")).wait_for()
    loaded = time.perf_counter() - begun
    page.get_by_role("button", name="Play", exact=True).click()
    time.sleep(1)
    begun, frames, steps = time.perf_counter(), drawn(page), learned(page)
    time.sleep(seconds)
    frames, steps = drawn(page) - frames, learned(page) - steps
    taken = time.perf_counter() - begun
    # Or the desk would learn on for a while, in case that the page comes back
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    context.close()
    return {"load": loaded, "frames": frames / taken, "steps": steps / taken}


def drawn(page: Any) -> int:
    """Return how many frames the page has drawn."""
    return int(page.evaluate("window.framesDrawn"))


def learned(page: Any) -> int:
    """Return at which mini-batch the page says that it is."""
    shown = page.locator("dt:text-is('Step') + dd").inner_text()
    return int(re.sub(r"\D", "", shown))


def main() -> None:
    """Measure some times, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    print(f"the page's module has {len(module().encode()):,} bytes", flush=True)
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, "lab", "--no-browser"], stdout=subprocess.PIPE, text=True
    )
    assert lab.stdout is not None
    address = re.search(r"http\S+", lab.stdout.readline())
    assert address is not None
    found = []
    try:
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for _ in range(options.repeats):
                found.append(look(browser, address[0], options.seconds))
                print(
                    "loaded in {load:.2f} s, {frames:.0f} frames/s, {steps:,.0f} steps/s".format(
                        **found[-1]
                    ),
                    f"load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
            browser.close()
    finally:
        lab.terminate()
        lab.wait()
    medians = {name: statistics.median(each[name] for each in found) for name in found[0]}
    print(
        "median: loaded in {load:.2f} s, {frames:.0f} frames/s, {steps:,.0f} steps/s".format(
            **medians
        )
    )


if __name__ == "__main__":
    main()
