#!/usr/bin/env python3
"""Measures the pages in Chromium, each figure beside a page that only fetches or sends the same bytes, in one run.

Usage: .build/pages/bin/python3 Benchmarks/pages.py --programs FOLDER [--megabytes 500] [--rounds 5]

The smaller file has a fifth of that and must be too large for memory as well (over 64 MiB).

Needs Chromium and what need_pages_tests in scripts/prepare.sh installs. Exits with 1 if a bound is missed.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TREE / "Tests/Pages"))

from playwright.sync_api import sync_playwright  # noqa: E402

from parts import Command, Memory, Store, link_of, photo, profile  # noqa: E402

PHOTO = TREE / "Tests/ImagingTests/Pictures/blue-marble.jpg"
PHOTO_SECONDS, SEND_SECONDS, OPEN_RATE, GROWTH_MIB = 0.6, 0.6, 40, 64
# Tells when the page got where it should, in its own time.
WATCH = """
const watch = new MutationObserver(() => {
  const { state, shown } = document.documentElement.dataset;
  if ((shown || state === 'sent' || state === 'ready') && !globalThis.reached) globalThis.reached = performance.now();
});
watch.observe(document, { attributes: true, subtree: true });
delete globalThis.showSaveFilePicker;
"""
CHOSEN = """globalThis.reached = 0;
document.querySelector('#send').addEventListener('click', () => { globalThis.chosen = performance.now(); }, true);"""
FETCH = """async url => {
  const start = performance.now(), reader = (await fetch(url, { cache: 'no-store' })).body.getReader();
  while (!(await reader.read()).done);
  return (performance.now() - start) / 1000;
}"""
# In requests of 8 MiB, as the page does.
UPLOAD = """async ([store, mebibytes]) => {
  const start = performance.now(), piece = crypto.getRandomValues(new Uint8Array(65536));
  const head = { 'Tus-Resumable': '1.0.0' }, size = mebibytes * 2 ** 20;
  piece.set([0x53, 0x42, 0x4c, 0x42, 1, 1, 16, 0]);
  const blob = new Blob(Array.from({ length: size / piece.length }, () => piece));
  const made = await fetch(store + '/uploads', { method: 'POST', headers: { ...head, 'Upload-Length': String(size) } });
  for (let at = 0; at < size; at += 2 ** 23) {
    await fetch(made.headers.get('Location'), { method: 'PATCH', body: blob.slice(at, at + 2 ** 23), headers: {
      ...head, 'Upload-Offset': String(at), 'Content-Type': 'application/offset+octet-stream' } });
  }
  return (performance.now() - start) / 1000;
}"""


class Scene:
    def __init__(self, playwright, store, command, folder):
        self.playwright, self.store, self.command, self.folder = playwright, store, command, folder

    @contextlib.contextmanager
    def visit(self, address):
        """A page in a profile that nothing is known of, and the browser's first process."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder, profile(self.playwright, folder) as (context, process):
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(address)
            yield page, process

    def photo_shown(self, message):
        with self.visit(link_of(message)) as (page, _):
            page.wait_for_selector("html[data-shown=img]", state="attached")
            return page.evaluate("globalThis.reached / 1000")

    def fetched(self, url):
        with self.visit(f"{self.store.url}/healthz") as (page, _):
            return page.evaluate(FETCH, url)

    def sent(self, file):
        """Seconds from sending a file to its link, and the link."""
        with self.visit(f"{self.store.url}/send") as (page, _):
            page.evaluate(CHOSEN)
            page.set_input_files("#file", file)
            page.click("#send")
            page.wait_for_selector("html[data-state=sent]", state="attached")
            seconds = page.evaluate("(globalThis.reached - globalThis.chosen) / 1000")
            return seconds, page.input_value("#link")

    def uploaded(self, mebibytes):
        with self.visit(f"{self.store.url}/healthz") as (page, _):
            return page.evaluate(UPLOAD, [self.store.url, mebibytes])

    def opened(self, link):
        """Seconds from the button to the file, and the growth of memory in MiB."""
        with self.visit(link) as (page, process):
            page.wait_for_selector("#open")
            with Memory(process) as memory:
                page.evaluate("globalThis.reached = 0; globalThis.begun = performance.now()")
                page.click("#open")
                page.wait_for_selector("html[data-state=ready]", state="attached")
            return page.evaluate("(globalThis.reached - globalThis.begun) / 1000"), memory.grown


missed = []


def row(name, figure, reference, bound=None, kept=True):
    print(f"| {name} | {figure} | {reference} | {bound or '–'} | {'yes' if kept else 'no'} |")
    if not kept:
        missed.append(name)


def seconds_of(rounds, measure):
    return statistics.median(measure() for _ in range(rounds))


def measure(scene, options, folder):
    print("| what | page | only fetched or sent | to hold | held |\n|---|---|---|---|---|")
    message = scene.command.send("marble.jpg", PHOTO.read_bytes())
    shown = seconds_of(options.rounds, lambda: scene.photo_shown(message))
    bare = seconds_of(options.rounds, lambda: scene.fetched(message["url"]))
    row(f"photo of {message['media']['size'] // 1000} kB, link to shown, cold", f"{shown:.2f} s", f"{bare:.2f} s",
        f"{PHOTO_SECONDS} s", shown <= PHOTO_SECONDS)
    large = folder / "large.jpg"
    large.write_bytes(photo(4000, 3000, quality=99))
    took = seconds_of(options.rounds, lambda: scene.sent(large)[0])
    row(f"send a photo of {large.stat().st_size / 1e6:.1f} MB", f"{took:.2f} s", "–", f"{SEND_SECONDS} s",
        took <= SEND_SECONDS)
    grown = {}
    for megabytes in (options.megabytes // 5, options.megabytes):
        file = folder / "data.bin"
        with file.open("wb") as stream:
            for _ in range(megabytes):
                stream.write(os.urandom(10 ** 6))
        sending, link = scene.sent(file)
        plain = scene.uploaded(-(-megabytes * 10 ** 6 // 2 ** 23) * 8)
        row(f"send {megabytes} MB", f"{megabytes / sending:.0f} MB/s", f"{megabytes / plain:.0f} MB/s")
        opening, grown[megabytes] = scene.opened(link)
        fetching = scene.fetched(link.split("#")[0].replace("/open/", "/"))
        row(f"open {megabytes} MB", f"{megabytes / opening:.0f} MB/s, memory + {grown[megabytes]:.0f} MiB",
            f"{megabytes / fetching:.0f} MB/s", f"{OPEN_RATE} MB/s", megabytes / opening >= OPEN_RATE)
    first, last = grown.values()
    row("growth of memory with the file", f"{last - first:.0f} MiB", "–", f"{GROWTH_MIB} MiB",
        last - first <= GROWTH_MIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=lambda path: pathlib.Path(path).resolve(), required=True)
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = pathlib.Path(name)
        with Store(options.programs / "satcheld", folder, "--allow-anonymous-uploads") as store:
            print(f"Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
            measure(Scene(playwright, store, Command(options.programs / "satchel", store, folder), folder), options, folder)
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()
