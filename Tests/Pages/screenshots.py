#!/usr/bin/env python3
"""Takes the pictures of the pages for docs/pages/, in two sizes, light and dark: a photo, choosing, a link with its code.

    .build/pages/bin/python3 Tests/Pages/screenshots.py      with SATCHEL_PROGRAMS set as for the tests
"""

import io
import pathlib
import tempfile

from PIL import Image
from playwright.sync_api import sync_playwright

from conftest import CHROMIUM, PROGRAMS
from parts import TREE, Command, Store, link_of

FOLDER = TREE / "docs/pages"
PHOTO = TREE / "Tests/ImagingTests/Pictures/blue-marble.jpg"
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
LIMIT_BYTES = 150_000


def keep(page, name):
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for quality in range(90, 40, -5):
        shot.save(FOLDER / name, quality=quality, optimize=True)
        if (FOLDER / name).stat().st_size < LIMIT_BYTES:
            return


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        folder = pathlib.Path(folder)
        with Store(PROGRAMS / "satcheld", folder, "--allow-anonymous-uploads") as store:
            message = Command(PROGRAMS / "satchel", store, folder).send("marble.jpg", PHOTO.read_bytes())
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for size, (width, height) in SIZES.items():
                for scheme in ("light", "dark"):
                    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                                  locale="en-US", device_scale_factor=1)
                    page = context.new_page()
                    page.goto(link_of(message))
                    page.wait_for_selector("html[data-shown=img]", state="attached")
                    keep(page, f"open-{size}-{scheme}.jpg")
                    page.goto(f"{store.url}/send")
                    page.set_input_files("#file", PHOTO)
                    page.wait_for_selector("html[data-state=chosen]", state="attached")
                    keep(page, f"choose-{size}-{scheme}.jpg")
                    page.click("#send")
                    page.wait_for_selector("html[data-state=sent]", state="attached")
                    keep(page, f"send-{size}-{scheme}.jpg")
                    context.close()
            browser.close()


if __name__ == "__main__":
    main()
