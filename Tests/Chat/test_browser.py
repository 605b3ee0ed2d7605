"""Chromium doing what a chat client in a page does (Converse): PUT and GET across origins, with their preflights."""

import http.server
import json
import os
import shutil
import subprocess
import threading
import unittest

from scene_case import DOMAIN, MEDIA, SceneCase
from test_slots import PROSODY

CHROMIUM = shutil.which("chromium")
# Uploads by XMLHttpRequest, for its progress, and reads by fetch; what came of it goes back to the test.
PAGE = """<!doctype html><meta charset=utf-8><script>
const put = slot => new Promise(done => {
    const request = new XMLHttpRequest();
    request.open("PUT", slot.put);
    request.setRequestHeader("Content-Type", "image/jpeg");
    for (const [name, value] of Object.entries(slot.headers)) request.setRequestHeader(name, value);
    request.onloadend = () => done(request.status);
    request.send(new Uint8Array(slot.size).fill(7));
});
const run = async slot => {
    const told = {put: await put(slot)};
    const answer = await fetch(slot.get), body = new Uint8Array(await answer.arrayBuffer());
    told.get = answer.status;
    told.intact = body.length == slot.size && body.every(byte => byte == 7);
    const part = await fetch(slot.get, {headers: {Range: "bytes=100-199"}});
    told.part = [part.status, (await part.arrayBuffer()).byteLength];
    told.again = await put(slot);
    told.missing = (await fetch(slot.get + "x")).status;
    return told;
};
fetch("slots").then(answer => answer.json()).then(async slots => {
    const told = [];
    for (const slot of slots) told.push(await run(slot).catch(error => String(error)));
    await fetch("told", {method: "POST", body: JSON.stringify(told)});
});
</script>"""


class Page(http.server.BaseHTTPRequestHandler):
    """The page, what it works on, and what it tells."""

    def do_GET(self):
        body = json.dumps(self.server.slots) if self.path == "/slots" else PAGE
        self.answer(body.encode(), "application/json" if self.path == "/slots" else "text/html")

    def do_POST(self):
        self.server.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"", "text/plain")
        self.server.has_told.set()

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@unittest.skipUnless(CHROMIUM, "needs chromium")
class BrowserTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store()
        scene.start_prosody(["alice"], PROSODY)
        scene.start_component()

    async def test_a_page_of_another_origin_uploads_and_reads(self):
        alice, slots, size = await self.client("alice"), [], 50_000
        for service in (MEDIA, f"share.{DOMAIN}", f"v1.{DOMAIN}", f"v2.{DOMAIN}"):
            put, get, headers = await alice.ask_slot(service, "Grüße & mehr.jpg", size, "image/jpeg")
            slots.append({"put": put, "get": get, "headers": headers, "size": size})
        told = self.visit(slots)
        expected = {"put": 201, "get": 200, "intact": True, "part": [206, 100], "again": 409, "missing": 404}
        self.assertEqual(told, [expected] * 4)
        preflights = (self.scene.folder / "access.log").read_text().count("method=OPTIONS")
        self.assertGreaterEqual(preflights, 4, "the browser asked before it uploaded")

    def visit(self, slots):
        """Lets the browser run the page over these slots; what it told."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        server.slots, server.has_told = slots, threading.Event()
        threading.Thread(target=server.serve_forever).start()
        browser = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
             f"--user-data-dir={self.scene.folder}/browser", f"http://127.0.0.1:{server.server_port}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": str(self.scene.folder)})
        try:
            self.assertTrue(server.has_told.wait(120), "the browser told nothing")
            return server.told
        finally:
            os.killpg(browser.pid, 9)
            browser.wait()
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    unittest.main()
