"""The story of one photo between five people, told by real programs: store, chat server, component, five clients.

    story.py --programs FOLDER [--chat-server ejabberd|prosody]

Prints a line for each step with the seconds since the servers were up. Each step is asserted: the story fails by name.
"""

import argparse
import asyncio
import hashlib
import json
import logging
import os
import pathlib
import shutil
import signal
import sys
import time
import urllib.parse

import aiohttp
from chat_client import ChatClient, DeviceMemory
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from servers import DOMAIN, HERE, Scene
from slixmpp.componentxmpp import ComponentXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

PEOPLE = ["alice", "bob", "carol", "dave", "erin"]
PHOTO = HERE.parents[1] / "Tests/ImagingTests/Pictures/blue-marble.jpg"
# A name that says something, to look for where it must not be.
PHOTO_NAME = "Holiday with Bob.jpg"
CAPTION = "The blue marble"
ROOM = f"friends@conference.{DOMAIN}"
MEDIA = f"media.{DOMAIN}"
PUSH = f"push.{DOMAIN}"


def address(person):
    return f"{person}@{DOMAIN}"


class StepFailed(Exception):
    pass


class Teller:
    """Prints the steps, and stops the story at the first that does not hold."""

    def __init__(self):
        self.start, self.last = time.monotonic(), "the start"

    def step(self, what, **facts):
        """One step, with what has to be true of it, by name."""
        for name, is_true in facts.items():
            if not is_true:
                raise StepFailed(f"“{what}”: {name.replace('_', ' ')} does not hold")
        self.last = what
        print(f"{time.monotonic() - self.start:6.1f} s  {what}", flush=True)


class PushService(ComponentXMPP):
    """What stands between a chat server and the makers of phones; here it only remembers what it was told."""

    def __init__(self, scene):
        super().__init__(PUSH, scene.component_password, "127.0.0.1", scene.components)
        self.calls, self.ready = asyncio.Queue(), asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.ready.set())
        self.register_handler(Callback(
            "push", MatchXPath("{jabber:component:accept}iq/{http://jabber.org/protocol/pubsub}pubsub"), self.take))

    def take(self, iq):
        iq.reply(clear=True).send()
        self.calls.put_nowait(str(iq))


class Person:
    """Somebody with a folder, a chat client, and `satchel`."""

    def __init__(self, scene, name):
        self.scene, self.name, self.address = scene, name, address(name)
        self.folder = scene.folder / name
        self.folder.mkdir()
        self.memory = DeviceMemory()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SATCHEL_", "XDG_"))},
            "HOME": str(self.folder), "SATCHEL_CA_FILE": str(scene.certificate), "SATCHEL_SERVERS": scene.store,
        }

    async def come_online(self):
        self.chat = ChatClient(f"{self.address}/phone", self.scene.passwords[self.name], self.memory)
        return await self.chat.log_in("127.0.0.1", self.scene.c2s, tls=False)

    async def satchel(self, *arguments, given=""):
        """Runs `satchel` in the person's folder: what it printed."""
        process = await asyncio.create_subprocess_exec(
            self.scene.programs / "satchel", *arguments, cwd=self.folder, env=self.environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        output, errors = await process.communicate(given.encode())
        if process.returncode:
            raise StepFailed(f"satchel {arguments[0]} of {self.name}: {process.returncode}, {errors.decode().strip()}")
        return output.decode()

    async def open(self, message, name):
        """Opens a message; the digest of what it holds."""
        await self.satchel("open", "-", "-o", name, given=message)
        return digest((self.folder / name).read_bytes())

    async def status(self, message):
        return json.loads(await self.satchel("status", "-", "--json", given=message))


def digest(data):
    return hashlib.sha256(data).hexdigest()


async def tell(scene, teller):
    alice, bob, *others = everybody = [Person(scene, name) for name in PEOPLE]
    push = PushService(scene)
    push.connect()
    await push.ready.wait()
    for person in everybody:
        await person.come_online()
    try:
        await one_to_one(teller, scene, alice, bob, push)
        await room_of_five(teller, scene, alice, everybody)
        await last_seen(teller, alice, bob)
        await a_client_that_knows_nothing(teller, scene, alice, others[0])
    finally:
        await asyncio.gather(*(person.chat.log_out() for person in everybody), return_exceptions=True)
        await push.disconnect()


async def one_to_one(teller, scene, alice, bob, push):
    photo = alice.folder / PHOTO_NAME
    shutil.copyfile(PHOTO, photo)
    component = await alice.chat.find_tickets()
    form = await alice.chat.ask_ticket(component)
    ticket = alice.folder / "ticket"
    ticket.touch(mode=0o600)
    ticket.write_text(form["ticket"])
    alice.environment.update(SATCHEL_SERVER=form["server"], SATCHEL_TICKET_FILE=str(ticket))
    alice.environment.pop("SATCHEL_SERVERS")
    hours = (int(form["expires"]) - time.time()) / 3600
    teller.step("Alice asks the component for a ticket, over XMPP", it_was_found=component == MEDIA,
                it_is_for_the_store=form["server"] == scene.store, it_lasts_half_a_day=11.9 < hours < 12.1)

    # Contacts see when somebody was last there; and bundles of keys are fetched before the first message.
    alice.chat.send_presence_subscription(pto=bob.address)
    await alice.chat.wait("presence_subscribed")
    await alice.chat.learn_devices([bob.address])
    await bob.chat.enable_push(PUSH, "phone-of-bob")
    await bob.chat.log_out()

    message = (await alice.satchel("send", PHOTO_NAME, "--caption", CAPTION, "--recipients", "1")).strip()
    media = json.loads(message)["media"]
    sizes = f"{size(photo.stat().st_size)}: compressed to {size(media['size'])}"
    teller.step(f"Alice sends a photo of {sizes}, sealed, uploaded",
                it_is_smaller=media["size"] < photo.stat().st_size, the_message_is_small=len(message.encode()) <= 4096)
    state = await alice.status(message)
    teller.step("✓ the store holds it", it_is_held=state["state"] == "held", nobody_has_it=not state["received"])

    sent = await alice.chat.say(bob.address, message)
    woken = await asyncio.wait_for(push.calls.get(), 60)
    secrets = [CAPTION, json.loads(message)["key"], json.loads(message)["url"], "alice", PHOTO_NAME]
    teller.step("Bob is offline; a push wakes his phone and holds nothing",
                it_is_for_his_phone="phone-of-bob" in woken,
                it_holds_nothing=not any(secret in woken for secret in secrets),
                the_chat_server_saw_none_of_it=not any(s in sent.xml for s in secrets if s != "alice"))

    await bob.come_online()
    received = await bob.chat.wait("message")
    original = await bob.open(received.body, "from-alice.jpg")
    prepared = digest(await prepare(alice))
    teller.step("Bob comes back, the queue delivers, he opens the photo", it_had_waited=received.delay is not None,
                it_was_encrypted=received.is_encrypted, it_is_the_photo=original == prepared)

    bob.chat.confirm(received)
    receipt = await alice.chat.wait("receipt")
    state = await alice.status(message)
    teller.step("✓✓ in the chat: he has the message; ✓✓ in `satchel status`: he has the photo",
                the_receipt_is_for_this_message=receipt[0] == sent.id, one_has_confirmed=len(state["received"]) == 1)
    bob.chat.show(received)
    shown = await alice.chat.wait("displayed")
    teller.step("blue: he has seen it", the_marker_is_for_this_message=shown[0] == sent.id)


async def prepare(person):
    """What `send` makes of the photo before it is sealed."""
    await person.satchel("prepare", PHOTO_NAME, "-o", "prepared.jpg")
    return (person.folder / "prepared.jpg").read_bytes()


async def room_of_five(teller, scene, alice, everybody):
    members = [person.address for person in everybody]
    await alice.chat.open_room(ROOM, members[1:])
    for person in everybody[1:]:
        await person.chat.enter_room(ROOM)
    await alice.chat.learn_devices(members[1:])
    before = stored_files(scene)
    message = (await alice.satchel("send", PHOTO_NAME, "--recipients", "4")).strip()
    sent = await alice.chat.say(ROOM, message, members[1:])
    teller.step("a room of five: one upload, one encryption, four wraps of its key",
                one_file_came=stored_files(scene) - before == {json.loads(message)["sha256"]},
                four_wraps=sent.wraps == 4)
    reflected = await asyncio.gather(*(person.chat.wait("message") for person in everybody[1:]))
    opened = await asyncio.gather(*(
        person.open(received.body, "from-room.jpg") for person, received in zip(everybody[1:], reflected)))
    state = await alice.status(message)
    teller.step("all four have opened it: 4 of 4",
                they_have_one_photo={digest((alice.folder / "prepared.jpg").read_bytes())} == set(opened),
                the_store_counted_four=len(state["received"]) == 4)
    url, blob = json.loads(message)["url"], json.loads(message)["sha256"]
    while scene.status(url) != 410:
        await asyncio.sleep(0.1)
    await run_gc(scene)
    teller.step("what all have is gone from the store: 410, and no file",
                its_address_answers_410=scene.status(url) == 410, its_file_is_gone=blob not in stored_files(scene))


async def last_seen(teller, alice, bob):
    await bob.chat.log_out()
    seconds = await alice.chat.last_seen(bob.address)
    teller.step(f"Bob was last seen {seconds} s ago", it_was_just_now=0 <= seconds < 60)


async def a_client_that_knows_nothing(teller, scene, alice, carol):
    """XEP-0363 and XEP-0454, as every client with OMEMO does it."""
    photo = alice.folder / PHOTO_NAME
    service = (await alice.chat.plugin["xep_0363"].find_upload_service())["from"]
    link, sealed = encrypt_for_link(photo.read_bytes())
    put, get, headers = await alice.chat.ask_slot(service, PHOTO_NAME, len(sealed), "image/jpeg")
    # The slot's random part and its token, to be looked for in the end.
    scene.slot_words = [put.split("/")[-2], headers["Authorization"].removeprefix("Bearer ")]
    status = await upload(scene, put, sealed, {**headers, "Content-Type": "image/jpeg"})
    await alice.chat.learn_devices([carol.address])
    await alice.chat.say(carol.address, get.replace("https:", "aesgcm:") + "#" + link)
    teller.step("a client that knows nothing of Satchel uploads through a slot, and sends an aesgcm: link",
                the_component_was_found=service == MEDIA, the_store_took_it=status == 201)
    received = await carol.chat.wait("message")
    opened = await open_link(carol, received.body)
    teller.step("Carol opens that link with Satchel", it_is_the_photo=opened == digest(photo.read_bytes()))


def encrypt_for_link(data):
    """What stands behind `#` in an aesgcm: link, and the bytes it is for (XEP-0454)."""
    nonce, key = os.urandom(12), AESGCM.generate_key(256)
    return (nonce + key).hex(), AESGCM(key).encrypt(nonce, data, None)


async def upload(scene, url, data, headers):
    async with aiohttp.ClientSession() as http, http.put(url, data=data, headers=headers, ssl=scene.tls) as answer:
        return answer.status


async def open_link(person, link):
    """Opens an aesgcm: link; the digest of what it holds."""
    await person.satchel("open", "-", "-o", "from-link.jpg", given=link)
    return digest((person.folder / "from-link.jpg").read_bytes())


# The store

def stored_files(scene):
    """The names of the blobs on disk."""
    return {path.name for path in (scene.folder / "store").rglob("*") if path.is_file() and len(path.name) == 64}


async def run_gc(scene):
    process = await asyncio.create_subprocess_exec(
        scene.programs / "satcheld", "gc", "--storage", scene.folder / "store", stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise StepFailed("satcheld gc failed")


def search_everything(teller, scene):
    """After the end of the store: no name of a file or person, no token, no query in any byte of store and logs."""
    # Nothing shorter: any three bytes stand somewhere in megabytes of ciphertext.
    words = [DOMAIN, *map(address, PEOPLE), ROOM, PHOTO_NAME, urllib.parse.quote(PHOTO_NAME), "Holiday", CAPTION,
             "Bearer ", scene.door_secret, *scene.slot_words]
    found, count = scene.traces(words)
    for word, name in found:
        print(f"“{word}” is in {name}", file=sys.stderr)
    teller.step(f"none of {len(words)} names, addresses and words is in the {count} files of store and logs",
                nothing_was_found=not found,
                the_log_was_written=b"route=slot" in (scene.folder / "access.log").read_bytes())


def size(count):
    return f"{count / 1000:.0f} kB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", required=True, type=pathlib.Path, help="the folder of satchel and satcheld")
    parser.add_argument("--chat-server", choices=["ejabberd", "prosody"], default="ejabberd")
    options = parser.parse_args()
    # An end by signal cleans up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Each new device is told that it is in no list yet.
    logging.getLogger("omemo").setLevel(logging.ERROR)
    start, teller = time.monotonic(), Teller()
    try:
        with Scene(options.programs) as scene:
            scene.start_store("--delivery-grace", "1s")
            scene.start_chat(options.chat_server, PEOPLE)
            scene.start_component()
            print(f"{time.monotonic() - start:6.1f} s  store, {options.chat_server} and component are up", flush=True)
            asyncio.run(tell(scene, teller))
            scene.stop(scene.component)
            scene.stop(scene.store_server)
            search_everything(teller, scene)
    except StepFailed as problem:
        sys.exit(f"story: {problem}")
    except Exception as problem:
        sys.exit(f"story: after “{teller.last}”: {type(problem).__name__}: {problem}")


if __name__ == "__main__":
    main()
