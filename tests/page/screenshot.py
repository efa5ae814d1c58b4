"""The picture of the page at the top of the README, its answers, from the runs of `make eval`.

`make screenshot` runs `python -m tests.page.screenshot docs/report.png`; more arguments are runs to show.
"""

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.page.provision import CHROMIUM_NEEDED, chromium

MOST_BYTES = 200_000
WIDTH, HEIGHT, SCALE = 1180, 800, 2
# Debian's fallback for system-ui is DejaVu Sans, which is wider than what most readers see in their browsers.
_FONT = 'body, svg text { font-family: "Liberation Sans", Arial, Helvetica, sans-serif !important }'


def main() -> None:
    """Write the picture of the newest runs, or of those that are named.

    Raises:
        SystemExit: there is no browser or no run, or the picture is too large.
    """
    out, *runs = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        made = subprocess.run([sys.executable, "-m", "harness.cli", "report", *runs, "-o", page], check=False)
        if made.returncode:
            raise SystemExit("The picture shows the runs of make eval, so run that first.")
        picture = shrunk(_photograph(page))
    Path(out).write_bytes(picture)
    print(f"{out}: {len(picture) / 1000:.0f} kB")  # noqa: T201  (its output)


def shrunk(png: bytes, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the picture with as many colours as fit into so many bytes.

    Raises:
        SystemExit: even 16 colours take more.
    """
    image = Image.open(BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        written = BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(written, format="png", optimize=True)
        if written.tell() <= most_bytes:
            return written.getvalue()
    raise SystemExit(f"The picture takes more than {most_bytes / 1000:.0f} kB even with {colours} colours.")


def _photograph(page: Path) -> bytes:
    if (executable := chromium()) is None:
        raise SystemExit(CHROMIUM_NEEDED)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=executable) as browser:
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE, offline=True, bypass_csp=True
        )
        tab = context.new_page()
        tab.goto(page.as_uri())
        tab.add_style_tag(content=_FONT)
        end = tab.evaluate("document.querySelector('#answers').getBoundingClientRect().bottom")
        return tab.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": end}, full_page=True)


if __name__ == "__main__":
    main()
