"""The bot to copy, beside a chat server with TLS: as it is run, and what it says where it cannot log in."""

import hashlib
import os
import pathlib
import sys
import tempfile
import unittest

from scene_case import DOMAIN, MEDIA, SceneCase

from chat_client import ChatClient, DeviceMemory
from servers import HERE, Server
from story import Person

# TLS for the clients that want it.
PROSODY = f"""
VirtualHost "{DOMAIN}"
  modules_disabled = {{ "s2s" }}
  modules_enabled = {{ "tls" }}
  ssl = {{ certificate = "${{folder}}/certificate.pem", key = "${{folder}}/certificate.key" }}
"""


class BotTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store()
        scene.start_prosody(["alice", "bot"], PROSODY)
        scene.start_component()

    def start_bot(self):
        folder = self.scene.folder / "bot"
        folder.mkdir(exist_ok=True)
        self.scene.write_secret("bot.password", self.scene.passwords["bot"])
        bot = self.scene.start(Server("bot", [
            sys.executable, HERE / "bot.py", f"bot@{DOMAIN}", self.scene.folder / "bot.password", folder,
            "127.0.0.1", self.scene.c2s,
        ], self.scene.folder, {
            "PATH": f"{self.scene.programs}:{os.environ['PATH']}", "HOME": str(folder),
            "SSL_CERT_FILE": str(self.scene.certificate), "SATCHEL_CA_FILE": str(self.scene.certificate)}))
        self.assertEqual(bot.first_line(), "ready")
        return bot

    async def test_it_sends_back_what_it_is_sent_and_is_the_same_device_after_a_restart(self):
        alice = Person(self.scene, "alice")
        await alice.come_online()
        self.addAsyncCleanup(alice.chat.log_out)
        form = await alice.chat.ask_ticket(MEDIA)
        ticket = alice.folder / "ticket"
        ticket.touch(mode=0o600)
        ticket.write_text(form["ticket"])
        alice.environment.update(SATCHEL_SERVER=form["server"], SATCHEL_TICKET_FILE=str(ticket))
        devices = set()
        for number in range(2):
            bot = self.start_bot()
            (alice.folder / "note.txt").write_text(f"a note {number}")
            await alice.chat.learn_devices([f"bot@{DOMAIN}"])
            sent = await alice.chat.say(f"bot@{DOMAIN}", await alice.satchel("send", "note.txt"))
            self.assertEqual((await alice.chat.wait("receipt"))[0], sent.id)
            received = await alice.chat.wait("message")
            self.assertTrue(received.is_encrypted)
            self.assertEqual(await alice.open(received.body, f"back-{number}"),
                             hashlib.sha256(f"a note {number}".encode()).hexdigest())
            devices.add(sent.xml.count("<key "))
            self.scene.stop(bot)
            self.assertNotIn("Traceback", bot.log.read_text())
        self.assertEqual(devices, {1}, "a bot that forgot itself would be a second device")
        self.assertEqual((self.scene.folder / "bot/omemo").stat().st_mode & 0o777, 0o600)

    async def test_a_client_says_what_keeps_it_from_logging_in(self):
        alice, place, password = f"alice@{DOMAIN}/test", ("127.0.0.1", self.scene.c2s), self.scene.passwords["alice"]
        stranger, doubter, client = ChatClient(alice, "wrong"), ChatClient(alice, password), ChatClient(alice, password)
        with self.assertLogs("slixmpp", "ERROR"), self.assertRaisesRegex(PermissionError, "password is refused"):
            await stranger.log_in(*place, ca_file=self.scene.certificate)
        with self.assertLogs("slixmpp", "ERROR"), self.assertRaisesRegex(ConnectionError, "CERTIFICATE_VERIFY_FAILED"):
            await doubter.log_in(*place)
        await client.log_in(*place, ca_file=self.scene.certificate)
        self.assertIsNotNone(client.socket.version())
        await client.log_out()


class MemoryTests(unittest.IsolatedAsyncioTestCase):
    async def test_what_a_device_remembers_is_in_its_file(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        memory = DeviceMemory(folder / "memory")
        await memory.store("a", {"b": [1, None]})
        await memory.store("c", "d")
        await memory.delete("c")
        again = DeviceMemory(folder / "memory")
        self.assertEqual((await again.load("a")).from_just(), {"b": [1, None]})
        self.assertTrue((await again.load("c")).is_nothing)
        self.assertEqual([path.name for path in folder.iterdir()], ["memory"])


if __name__ == "__main__":
    unittest.main()
