"""How both pages look and behave for everybody, and what they leave behind."""

import json
import re
import shutil
import subprocess

import pytest

from parts import ABOUT, TREE, link_of, photo
from test_open import saved_by, until, wait
from test_send import choose, pick, sent

LEFT = """async () => {
  const names = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
  return [document.cookie, localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,
    (await caches.keys()).length, names.length, (await navigator.serviceWorker.getRegistrations()).length];
}"""
NAMES = [role for role in ("button", "a.button", "select", "input", "textarea", "label.button")]


@pytest.fixture
def message(command):
    return command.send("beach.jpg", photo(1200, 800))


def test_nothing_is_left_and_nobody_else_is_asked(visit, store, message):
    visitor = visit()
    page = visitor.open(link_of(message))
    wait(page, "ready")
    saved_by(page)
    assert page.evaluate(LEFT) == ["", 0, 0, 0, 0, 0, 0]
    page = visitor.open(f"{store.url}/send")
    choose(page, "note.txt", b"words", "text/plain")
    sent(page)
    assert page.evaluate(LEFT) == ["", 0, 0, 0, 0, 0, 0]
    assert visitor.hosts() == {store.listen}


def test_a_private_file_is_gone_after_the_visit(visit, store, command):
    """A film of more than 32 MiB is opened into a file of the browser, and the next visit finds nothing of it."""
    visitor = visit()
    message = command.send("data.bin", bytes(33 * 2 ** 20))
    page = visitor.open(link_of(message, t="video/mp4", f="film.mp4"))
    page.click("#open")
    wait(page, "ready")
    assert page.evaluate(LEFT)[5] == 1
    page.goto(f"{store.url}/send")
    page.wait_for_selector("html[data-state=ready]", state="attached")
    page.goto(link_of(message, t="video/mp4", f="film.mp4"))
    page.click("#open")
    wait(page, "ready")
    assert page.evaluate(LEFT)[5] == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_too_wide_too_small_or_without_a_name(visit, store, message, width, scheme):
    visitor = visit(viewport={"width": width, "height": 700}, color_scheme=scheme)

    def check(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for element in page.query_selector_all(", ".join(NAMES)):
            if element.is_visible() and not element.evaluate("e => e.matches('#file, .unseen')"):
                box = element.bounding_box()
                assert box["height"] >= 45.9, element.inner_text()
                assert element.evaluate("e => (e.textContent || e.labels?.length || e.title) ? 1 : 0"), "it has no name"
        assert not low_contrast(page)

    page = visitor.open(link_of(message, f="a-very-long-name-" * 10 + ".jpg"))
    wait(page, "ready")
    check(page)
    check(visitor.open(link_of({**message, "sha256": "ab" * 32})))
    page = visitor.open(f"{store.url}/send")
    check(page)
    pick(page, "beach.jpg", photo(800, 600), "image/jpeg")
    check(page)
    page.click("#stop")
    choose(page, "beach.jpg", photo(800, 600), "image/jpeg")
    sent(page)
    check(page)


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_choice_is_cut(visit, store, width, locale):
    page = visit(viewport={"width": width, "height": 800}, locale=locale).open(f"{store.url}/send")
    pick(page, "note.txt", b"words", "text/plain")
    # A field as wide as its longest choice takes.
    cut = page.eval_on_selector_all("select", """all => all.filter(field => {
      const wide = field.cloneNode(true);
      wide.style.cssText = 'position: absolute; width: auto';
      field.after(wide);
      const isCut = wide.offsetWidth > field.offsetWidth;
      wide.remove();
      return isCut;
    }).map(field => field.id)""")
    assert not cut


def low_contrast(page):
    """Text whose colour stands out from its ground by less than 4.5 : 1."""
    return page.evaluate("""() => {
      const parts = colour => colour.match(/[\\d.]+/g).map(Number);
      const light = colour => parts(colour).slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, at) => sum + value * [0.2126, 0.7152, 0.0722][at], 0);
      const ground = element => {
        for (let e = element; e; e = e.parentElement) {
          const colour = getComputedStyle(e).backgroundColor;
          if ((parts(colour)[3] ?? 1) > 0) return colour;
        }
        return 'rgb(255, 255, 255)';
      };
      return [...document.querySelectorAll('h1, p, button, a, label, textarea, select, option, .tile')]
        .filter(element => element.checkVisibility() && element.textContent.trim()).map(element => {
          const pair = [light(getComputedStyle(element).color), light(ground(element))].sort((a, b) => b - a);
          return [element.textContent.slice(0, 40), (pair[0] + 0.05) / (pair[1] + 0.05)];
        }).filter(([, ratio]) => ratio < 4.5);
    }""")


def press_until(page, selector):
    """Tabs to an element, and looks whether its focus can be seen."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return page.evaluate("""() => {
              const styles = [document.activeElement, document.activeElement.nextElementSibling].filter(Boolean);
              return styles.some(element => parseFloat(getComputedStyle(element).outlineWidth) >= 2
                && getComputedStyle(element).outlineStyle !== 'none');
            }""")
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_everything_is_done_by_keyboard(visit, store, command):
    message = command.send("note.txt", b"words by keyboard")
    page = visit().open(link_of(message))
    wait(page, "waiting")
    assert press_until(page, "#open")
    with page.expect_download():
        page.keyboard.press("Enter")
    wait(page, "ready")
    page = visit().open(f"{store.url}/send")
    assert press_until(page, "#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"words"})
    wait(page, "chosen")
    page.keyboard.press("Enter")
    wait(page, "sent")
    assert page.evaluate("document.activeElement.id") == "copy"
    assert press_until(page, "#revoke")
    page.keyboard.press("Enter")
    wait(page, "revoked")


def test_what_is_going_on_is_told_to_those_who_listen(visit, store, message):
    visitor = visit()
    for address in (link_of(message), f"{store.url}/send"):
        page = visitor.open(address)
        assert page.get_attribute("#status", "role") == "status"
        assert page.get_attribute("#bar", "aria-labelledby") == "status"
        assert page.evaluate("document.querySelectorAll('h1').length") == 1


def test_a_page_without_script_names_the_command(visit, store, message):
    visitor = visit(java_script_enabled=False)
    said = visitor.open(link_of(message)).inner_text("noscript")
    assert "run satchel open in a terminal, paste the whole link and press Enter." in said
    assert "satchel send FILE" in visitor.open(f"{store.url}/send").inner_text("noscript")


def test_previews_of_links_learn_nothing(visit, message):
    page = visit(java_script_enabled=False).open(link_of(message))
    assert page.get_attribute("meta[name=robots]", "content") == "noindex, nofollow"
    assert not page.query_selector("meta[property], meta[name=description]")
    assert page.title() == "An encrypted file"


def test_every_language_has_the_words_of_english():
    if not shutil.which("node"):
        pytest.skip("node cannot be had here")
    script = "import('./Web/words.mjs').then(({ BOTH, OPEN, SEND }) => console.log(JSON.stringify({ BOTH, OPEN, SEND })))"
    done = subprocess.run(["node", "-e", script], cwd=TREE, capture_output=True, text=True, check=True)
    tables = json.loads(done.stdout)
    for name, table in tables.items():
        for language, words in table.items():
            assert set(words) == set(table["en"]), (name, language)
            for key, text in words.items():
                assert set(re.findall(r"\{\d\}", text)) == set(re.findall(r"\{\d\}", table["en"][key])), (language, key)
    for page, own in (("open", "OPEN"), ("send", "SEND")):
        sources = "".join((TREE / "Web" / name).read_text() for name in (f"{page}.html", f"{page}.mjs", "page.mjs"))
        said = {first or second for first, second in re.findall(r"\bsay\('([\w.-]+)'|data-say=\"([\w.-]+)\"", sources)}
        assert not said - set(tables["BOTH"]["en"]) - set(tables[own]["en"])


def test_the_policy_of_each_page_names_nothing_but_what_is_in_it():
    for name in ("open.html", "send.html"):
        policy = dict(part.split(" ", 1) for part in ABOUT[name]["policy"].split("; "))
        assert policy["default-src"] == "'none'" and policy["connect-src"] == "'self'"
        assert re.fullmatch(r"'sha256-[\w+/]{43}=' 'wasm-unsafe-eval'", policy["script-src"])
        assert policy["require-trusted-types-for"] == "'script'" and policy["trusted-types"] == "satchel"
