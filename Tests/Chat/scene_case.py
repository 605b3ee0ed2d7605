"""What the tests beside chat servers share: a scene for each class of tests, and requests to its store."""

import json
import logging
import os
import pathlib
import sys
import unittest

import aiohttp

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Examples/chat"))

from chat_client import ChatClient, DeviceMemory  # noqa: E402
from servers import DOMAIN, Scene  # noqa: E402

# New devices are told that they are in no list yet, and asyncio tells which steps of a test took 0.1 s.
for name in ("omemo", "asyncio"):
    logging.getLogger(name).setLevel(logging.ERROR)

MEDIA = f"media.{DOMAIN}"


class SceneCase(unittest.IsolatedAsyncioTestCase):
    """Tests of one scene, which `start` furnishes."""

    @classmethod
    def setUpClass(cls):
        cls.scene = cls.enterClassContext(Scene(os.environ["SATCHEL_PROGRAMS"]))
        cls.start(cls.scene)

    @classmethod
    def start(cls, scene):
        raise NotImplementedError

    async def client(self, user, domain=DOMAIN, encrypts=False):
        """Somebody who is logged in until the test ends."""
        memory = DeviceMemory() if encrypts else None
        client = ChatClient(f"{user}@{domain}/test", self.scene.passwords[user], memory)
        await client.log_in("127.0.0.1", self.scene.c2s, tls=False)
        self.addAsyncCleanup(client.log_out)
        return client

    async def request(self, method, url, data=None, headers=None):
        """Status, headers and body of the store's answer."""
        async with aiohttp.ClientSession() as http, http.request(
                method, url, data=data, headers=headers, ssl=self.scene.tls,
                skip_auto_headers=["Content-Type"]) as answer:
            return answer.status, answer.headers, await answer.read()

    async def fill(self, slot, data, content_type="application/octet-stream"):
        put, get, headers = slot
        status, _, body = await self.request("PUT", put, data, {"Content-Type": content_type, **headers})
        self.assertEqual(status, 201, body)
        return get

    async def bytes_used(self, client):
        """What the store charges somebody for."""
        ticket = (await client.ask_ticket(MEDIA))["ticket"]
        status, _, body = await self.request(
            "GET", f"{self.scene.store}/quota", headers={"Authorization": f"Bearer {ticket}"})
        self.assertEqual(status, 200, body)
        return json.loads(body)["bytes"]["used"]
