"""Fixtures of the tests of the pages: a real satcheld, the real command, and Chromium."""

import os
import pathlib
import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from parts import Command, PageHost, Store, link_of, photo

PROGRAMS = pathlib.Path(os.environ.get("SATCHEL_PROGRAMS", "/nonexistent"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# A name of this machine that browsers do not know for one.
ELSEWHERE = "elsewhere.test"
# The words of these are errors of the browser itself, not answers of a server.
POLICY_WORDS = re.compile(r"Content Security Policy|Refused to|TrustedScript|blocked by CORS|Uncaught", re.I)


def pytest_collection_modifyitems(items):
    needed = {"SATCHEL_PROGRAMS": (PROGRAMS / "satcheld").exists(), "chromium": CHROMIUM}
    missing = [what for what, is_there in needed.items() if not is_there]
    for item in items if missing else []:
        item.add_marker(pytest.mark.skip(reason=f"{' and '.join(missing)} cannot be had here"))


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    names = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", names])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """A store to which anybody may upload."""
    with Store(PROGRAMS / "satcheld", tmp_path_factory.mktemp("store"), "--allow-anonymous-uploads") as store:
        yield store


@pytest.fixture(scope="session")
def host():
    """Serves the pages alone, from an origin of its own."""
    with PageHost() as host:
        yield host


@pytest.fixture
def command(store, tmp_path):
    return Command(PROGRAMS / "satchel", store, tmp_path)


@pytest.fixture
def visit(browser):
    """Opens pages in a profile of their own, and looks at the end at what every one of them said and asked for."""
    visits = []

    def open_profile(**options):
        visits.append(Visit(browser.new_context(**{"locale": "en-US", **options})))
        return visits[-1]

    yield open_profile
    for each in visits:
        each.end()


class Visit:
    """A person's browser: a context with what its pages have written and requested."""

    def __init__(self, context):
        self.context, self.words, self.requests = context, [], []
        context.on("console", lambda message: self.words.append(message.text))
        context.on("weberror", lambda error: self.words.append(f"Uncaught {error.error}"))
        context.on("request", lambda request: self.requests.append(request))
        self.page = context.new_page()

    def end(self):
        policy = [word for word in self.words if POLICY_WORDS.search(word)]
        asked = [request.url + str(request.headers) + (request.post_data or "" if request.method != "PUT" else "")
                 for request in self.requests if request.url.startswith("http")]
        keys = set(re.findall(r"#.*?\bk=([\w-]{43})", " ".join(str(link) for link in self.opened)))
        self.context.close()
        assert not policy, policy
        assert not [url for url in asked for key in keys if key in url], "a key was in a request"

    opened = ()

    def open(self, link):
        self.opened = (*self.opened, link)
        self.page.goto(link)
        return self.page

    def hosts(self):
        matches = (re.match(r"https?://([^/]+)", request.url) for request in self.requests)
        return {match[1] for match in matches if match}


@pytest.fixture(scope="session", autouse=True)
def away(request, browser, tmp_path_factory):
    """A store that was stopped as the tests began, and a page that has been asking for its photo since: pages try for
    most of a minute, during which the other tests run."""
    if not any("away" in item.name for item in request.session.items):
        yield None
        return
    with Store(PROGRAMS / "satcheld", tmp_path_factory.mktemp("away"), "--allow-anonymous-uploads") as store:
        command = Command(PROGRAMS / "satchel", store, tmp_path_factory.mktemp("sender"))
        message = command.send("beach.jpg", photo(90, 60))
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.add_init_script("Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })")
        page.goto(link_of(message))
        page.wait_for_selector("html[data-state=waiting]", state="attached")
        store.kill()
        page.click("#open")
        yield store, page
        context.close()
