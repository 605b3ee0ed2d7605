"""Profanity, a client that knows nothing of Satchel, sends and saves pictures with OMEMO. Driven through tmux."""

import asyncio
import io
import os
import shutil
import subprocess
import time
import unittest

from scene_case import DOMAIN, MEDIA, SceneCase

PROGRAMS = [shutil.which(name) for name in ("profanity", "tmux")]
WAIT_SECONDS = 40


class Terminal:
    """A program on a terminal that nobody looks at."""

    def __init__(self, folder, command, environment):
        self.tmux = ["tmux", "-S", f"{folder}/terminal", "-f", "/dev/null"]
        subprocess.run([*self.tmux, "new-session", "-d", "-x", "200", "-y", "50", command], check=True, env=environment)

    def type(self, line):
        subprocess.run([*self.tmux, "send-keys", "-l", line], check=True)
        subprocess.run([*self.tmux, "send-keys", "Enter"], check=True)

    def text(self):
        return subprocess.run([*self.tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True).stdout

    async def shows(self, what):
        await until(lambda: what in self.text(), lambda: f"“{what}” is not on the screen:\n{self.text()}")

    def close(self):
        subprocess.run([*self.tmux, "kill-server"], check=False)


async def until(is_so, otherwise):
    """Looks again until something is so."""
    end = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(otherwise())
        await asyncio.sleep(0.05)


@unittest.skipUnless(os.environ.get("SATCHEL_SOAK"), "runs in scripts/soak")
@unittest.skipUnless(all(PROGRAMS), "needs profanity and tmux")
class ProfanityTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store()
        scene.start_ejabberd(["alice", "bob"])
        scene.start_component()

    def open_profanity(self):
        """Profanity with an account, in a home of its own."""
        home = self.scene.folder / "home"
        for name in ("certificates", "data/profanity", "config", "temporary"):
            (home / name).mkdir(parents=True)
        shutil.copy(self.scene.certificate, home / "certificates")
        subprocess.run(["openssl", "rehash", home / "certificates"], check=True)
        (home / "data/profanity/accounts").write_text(
            f"[alice]\nenabled=true\njid=alice@{DOMAIN}\nresource=profanity\nserver=127.0.0.1\nport={self.scene.c2s}\n"
            f"tls.policy=disable\npassword={self.scene.passwords['alice']}\n")
        terminal = Terminal(home, "profanity -a alice", {
            **os.environ, "HOME": str(home), "XDG_DATA_HOME": f"{home}/data", "XDG_CONFIG_HOME": f"{home}/config",
            "TMPDIR": f"{home}/temporary", "LC_ALL": "C.UTF-8"})
        self.addCleanup(terminal.close)
        return home, terminal

    async def test_it_sends_and_saves_pictures(self):
        bob = await self.client("bob", encrypts=True)
        home, alice = self.open_profanity()
        picture, other = os.urandom(150_000), os.urandom(90_000)
        (home / "picture.jpg").write_bytes(picture)
        await alice.shows("logged in successfully")
        for line, answer in [(f"/tls certpath set {home}/certificates", "Certificate path set"),
                             ("/omemo trustmode blind", "trusted automatically"),
                             # It trusts its own device as the server tells of it: from then on others can find it.
                             ("/omemo gen", "Blind trust for alice")]:
            alice.type(line)
            await alice.shows(answer)
        await bob.learn_devices([f"alice@{DOMAIN}"])

        sealed, fragment = bob.plugin["xep_0454"].encrypt(io.BytesIO(other))
        get = await self.fill(await bob.ask_slot(MEDIA, "other.jpg", len(sealed)), sealed)
        link = bob.plugin["xep_0454"].format_url(get, fragment)
        await bob.say(f"alice@{DOMAIN}", "here it is")
        alice.type(f"/msg bob@{DOMAIN}")
        await alice.shows("here it is")
        alice.type("/omemo start")
        await alice.shows("[OMEMO]")
        alice.type(f"/url save {link} {home}/saved.jpg")
        saved = home / "saved.jpg"
        await until(lambda: saved.exists() and saved.read_bytes() == other, lambda: f"not saved:\n{alice.text()}")

        alice.type(f"/sendfile {home}/picture.jpg")
        received = await bob.wait("message")
        self.assertTrue(received.is_encrypted)
        url, _, fragment = received.body.partition("#")
        self.assertTrue(url.startswith(self.scene.door.replace("https:", "aesgcm:")), url)
        status, headers, body = await self.request("GET", url.replace("aesgcm:", "https:"))
        self.assertEqual((status, headers["Content-Type"]), (200, "image/jpeg"))
        self.assertEqual(bob.plugin["xep_0454"].decrypt(io.BytesIO(body), fragment), picture)


if __name__ == "__main__":
    unittest.main()
