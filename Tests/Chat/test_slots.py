"""Slots of real chat servers, filled as real clients fill them, at a real store."""

import io
import os
import unittest
import unittest.mock

import aiohttp
from scene_case import DOMAIN, MEDIA, SceneCase
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0363 import http_upload

LIMIT_BYTES = 300_000
# One path in as many spellings as there are chat servers.
NAMES = ["photo.jpg", "Grüße & 100% + mehr.jpg", "a;b=c,d'e(f)~$!@.jpg", "日本語 の 写真.JPG"]

EJABBERD = f"""
  mod_http_upload:
    hosts: [upload.{DOMAIN}]
    access: local
    max_size: {LIMIT_BYTES}
    put_url: "${{door}}"
    get_url: "${{door}}"
    external_secret: "${{secret}}"
"""

PROSODY = "".join(f"""
Component "{name}.{DOMAIN}" "http_upload_external"
  http_upload_external_base_url = "${{door}}/"
  http_upload_external_secret = "${{secret}}"
  http_upload_external_protocol = "{name}"
  http_upload_external_file_size_limit = 104857600
""" for name in ("v1", "v2")) + f"""
Component "share.{DOMAIN}" "http_file_share"
  http_file_share_base_url = "${{door}}/"
  http_file_share_secret = "${{secret}}"
  http_file_share_size_limit = {LIMIT_BYTES}
"""


class SlotPromises:
    """What holds for the slots of every service."""

    chat_server = extra = None
    # Services that name the user, and those that only the door is charged for.
    personal, anonymous = [], []
    # Services that say how much is too much.
    limiting = []

    @classmethod
    def start(cls, scene):
        scene.start_store()
        scene.start_chat(cls.chat_server, ["alice", "bob"], cls.extra)
        scene.start_component("--max-size", str(LIMIT_BYTES))

    def services(self):
        for service in self.personal + self.anonymous:
            with self.subTest(service):
                yield service

    async def test_a_file_of_any_name_comes_back_as_what_its_extension_says(self):
        alice = await self.client("alice")
        for service in self.services():
            for name in NAMES:
                data = os.urandom(5000)
                get = await self.fill(await alice.ask_slot(service, name, len(data), "image/jpeg"), data, "image/jpeg")
                status, headers, body = await self.request("GET", get)
                self.assertEqual((status, body == data), (200, True), name)
                self.assertEqual(headers["Content-Type"], "image/jpeg")
                self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
                status, headers, _ = await self.request("HEAD", get)
                self.assertEqual((status, headers["Content-Length"]), (200, "5000"))
                status, headers, body = await self.request("GET", get, headers={"Range": "bytes=4000-"})
                self.assertEqual((status, body == data[4000:]), (206, True))

    async def test_a_slot_takes_exactly_what_was_asked_for_and_once(self):
        alice = await self.client("alice")
        for service in self.services():
            put, get, headers = await alice.ask_slot(service, "a.bin", 5000)
            headers = {"Content-Type": "application/octet-stream", **headers}
            for wrong in (4999, 5001):
                self.assertIn((await self.request("PUT", put, bytes(wrong), headers))[0], (400, 403, 413), wrong)
            self.assertEqual((await self.request("GET", get))[0], 404)
            other = (await alice.ask_slot(service, "b.bin", 5000))[0]
            swapped = other.partition("?")[0] + "?" + put.partition("?")[2]
            self.assertEqual((await self.request("PUT", swapped, bytes(5000), headers))[0], 403)
            bare = (await self.request("PUT", put.partition("?")[0], bytes(5000)))[0]
            self.assertEqual(bare, 401)
            self.assertEqual((await self.request("PUT", put, bytes(5000), headers))[0], 201)
            self.assertEqual((await self.request("PUT", put, bytes(5000), headers))[0], 409)

    async def test_slots_that_name_a_person_are_charged_to_that_person_as_tickets_are(self):
        alice, bob = await self.client("alice"), await self.client("bob")
        for service in self.services():
            before = await self.bytes_used(alice), await self.bytes_used(bob)
            await self.fill(await alice.ask_slot(service, "a.bin", 70_000), os.urandom(70_000))
            charged = await self.bytes_used(alice) - before[0], await self.bytes_used(bob) - before[1]
            self.assertEqual(charged, (70_000 if service in self.personal else 0, 0))

    async def test_a_file_that_is_too_large_gets_no_slot_and_is_told_the_limit(self):
        alice = await self.client("alice")
        for service in self.limiting:
            with self.subTest(service), self.assertRaises(IqError) as refused:
                await alice.ask_slot(service, "a.bin", LIMIT_BYTES + 1)
            error = refused.exception.iq["error"]
            self.assertEqual(error["condition"], "not-acceptable")
            limit = error.xml.find(".//{urn:xmpp:http:upload:0}max-file-size")
            self.assertEqual(limit.text, str(LIMIT_BYTES))

    async def test_omemo_pictures_of_slixmpp_go_through(self):
        alice = await self.client("alice")
        session = aiohttp.ClientSession

        def trusting(**more):
            return session(connector=aiohttp.TCPConnector(ssl=self.scene.tls), **more)

        for service in self.services():
            alice.plugin["xep_0363"].upload_service, picture = service, os.urandom(60_000)
            with unittest.mock.patch.object(http_upload, "ClientSession", trusting):
                link = await alice.plugin["xep_0454"].upload_file(
                    http_upload.Path("holiday.jpg"), input_file=io.BytesIO(picture), content_type="image/jpeg")
            url, _, fragment = link.partition("#")
            status, _, body = await self.request("GET", url.replace("aesgcm:", "https:"))
            self.assertEqual(status, 200)
            self.assertEqual(alice.plugin["xep_0454"].decrypt(io.BytesIO(body), fragment), picture)

    async def test_neither_names_nor_people_nor_words_are_in_any_byte_of_store_and_logs(self):
        alice, words = await self.client("alice"), [f"alice@{DOMAIN}", "holiday", "Bearer "]
        for service in self.services():
            slot = put, get, headers = await alice.ask_slot(service, "My holiday.jpg", 5000)
            await self.fill(slot, os.urandom(5000))
            self.assertEqual((await self.request("GET", get + "?holiday=1"))[0], 200)
            self.assertEqual((await self.request("PUT", put, bytes(5000), headers))[0], 409)
            random, _, last = put.rpartition("/")
            words += [random.rpartition("/")[2], last, *last.split("="), *headers.values()]
        found, count = self.scene.traces([word for word in words if len(word) > 6])
        self.assertEqual(found, [])
        self.assertGreater(count, len(self.personal + self.anonymous))
        # What is there is found.
        self.assertIn(("route=slot", "access.log"), self.scene.traces(["route=slot"])[0])

    async def test_clients_find_the_component(self):
        alice = await self.client("alice")
        services = await alice.plugin["xep_0030"].get_info_from_domain(domain=DOMAIN)
        media = [info for info in services if info["from"] == MEDIA]
        self.assertEqual(len(media), 1)
        for feature in ("urn:xmpp:http:upload:0", "urn:satchel:ticket:1"):
            self.assertIn(feature, media[0]["disco_info"]["features"])
        self.assertIn(("store", "file", None, "Media"), media[0]["disco_info"]["identities"])
        commands = await alice.plugin["xep_0050"].get_commands(MEDIA)
        self.assertEqual([item[1] for item in commands["disco_items"]["items"]], ["ticket"])


class EjabberdTests(SlotPromises, SceneCase):
    chat_server, extra = "ejabberd", EJABBERD
    personal = [f"upload.{DOMAIN}", MEDIA]
    limiting = personal


class ProsodyTests(SlotPromises, SceneCase):
    chat_server, extra = "prosody", PROSODY
    personal = [f"share.{DOMAIN}", MEDIA]
    anonymous = [f"v1.{DOMAIN}", f"v2.{DOMAIN}"]
    limiting = personal


if __name__ == "__main__":
    unittest.main()
