"""One file for a room of 256, each with an OMEMO device of their own: minutes of making keys, so a long test."""

import asyncio
import json
import os
import shutil
import unittest

from scene_case import DOMAIN, MEDIA, SceneCase
from slixmpp import JID

from story import PHOTO, Person, digest, stored_files

MEMBERS = [f"member{number}" for number in range(255)]
ROOM = f"crowd@conference.{DOMAIN}"
# Beyond this ejabberd ends a connection.
STANZA_BYTES = 256 << 10
AT_ONCE = 8
WAIT_SECONDS = 900


async def each(people, work):
    """Does something for all of them, a few at a time; what came of it, in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(person):
        async with places:
            return await work(person)

    return await asyncio.gather(*map(one, people))


@unittest.skipUnless("SATCHEL_SOAK" in os.environ, "takes minutes: set SATCHEL_SOAK")
class CrowdTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store("--delivery-grace", "1s")
        scene.start_chat("ejabberd", ["alice", *MEMBERS])
        scene.start_component()

    async def open_room(self, alice):
        """A room in which only its owner is told who is there: 256 people would be told of 256."""
        await alice.chat.open_room(ROOM, [])
        form = alice.chat.plugin["xep_0004"].make_form("submit")
        form.add_field("FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/muc#roomconfig")
        form.add_field("muc#roomconfig_membersonly", value="0")
        form.add_field("muc#roomconfig_maxusers", value="300")
        form.add_field("muc#roomconfig_presencebroadcast", ftype="list-multi", value=["moderator"])
        await alice.chat.plugin["xep_0045"].set_room_config(JID(ROOM), form)

    async def test_one_upload_and_one_encryption_serve_a_room_of_256(self):
        alice, *members = everybody = [Person(self.scene, name) for name in ["alice", *MEMBERS]]
        # One after the other: ejabberd refuses keys of several new devices that are published at once.
        for person in everybody:
            await person.come_online()
            self.addAsyncCleanup(person.chat.log_out)
        await self.open_room(alice)
        await each(members, lambda person: person.chat.enter_room(ROOM))
        await alice.chat.learn_devices([person.address for person in members])

        ticket = alice.folder / "ticket"
        ticket.write_text((await alice.chat.ask_ticket(MEDIA))["ticket"])
        ticket.chmod(0o600)
        alice.environment.update(SATCHEL_SERVER=self.scene.store, SATCHEL_TICKET_FILE=str(ticket))
        del alice.environment["SATCHEL_SERVERS"]
        shutil.copyfile(PHOTO, alice.folder / "photo.jpg")
        message = (await alice.satchel("send", "photo.jpg", "--recipients", str(len(members)))).strip()
        await alice.satchel("prepare", "photo.jpg", "-o", "prepared.jpg")
        self.assertEqual(stored_files(self.scene), {json.loads(message)["sha256"]}, "one upload")

        sent = await alice.chat.say(ROOM, message, [person.address for person in members])
        self.assertEqual(sent.wraps, len(members))
        self.assertLess(len(sent.xml.encode()), STANZA_BYTES)

        async def read(person):
            received = await asyncio.wait_for(person.chat.events["message"].get(), WAIT_SECONDS)
            self.assertTrue(received.is_encrypted)
            self.assertEqual(received.body, message)
            return await person.open(received.body, "photo.jpg")

        photo = digest((alice.folder / "prepared.jpg").read_bytes())
        self.assertEqual(set(await each(members, read)), {photo})
        state = await alice.status(message)
        self.assertEqual(len(state["received"]), len(members))
        self.assertEqual(len({receipt["recipient"] for receipt in state["received"]}), len(members))
        print(f"a room of {len(everybody)}: a stanza of {len(sent.xml.encode())} bytes")
        while self.scene.status(json.loads(message)["url"]) != 410:
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
