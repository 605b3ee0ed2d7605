#!/usr/bin/env python3
"""An XMPP component (XEP-0114) beside a media store. It answers two questions of a chat server's own users:

* "Where may I upload this file?" (XEP-0363): a slot, with a token that names user, size and end.
* "May I upload by myself?" (XEP-0050, node `ticket`): a ticket for programs that speak to the store, as `satchel` does.

Both are signed here and verified by the store alone. Needs Python 3.11, slixmpp, aiohttp and cryptography.
"""

import argparse
import asyncio
import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import secrets
import ssl
import sys
import time
import urllib.parse

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from slixmpp.componentxmpp import ComponentXMPP
from slixmpp.exceptions import XMPPError
from slixmpp.plugins import xep_0082
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import StanzaPath

UPLOAD = "urn:xmpp:http:upload:0"
PURPOSE = "urn:xmpp:http:upload:purpose:0"
# The feature of a service that hands out tickets, and the type of its form.
TICKET = "urn:satchel:ticket:1"
TICKET_SECONDS = 12 * 3600
SLOT_SECONDS = 300
# What a lease is charged at least, whatever the size of its file.
CHARGE_BYTES = 4096
# Bytes of a file's name in a URL, escaped: a store takes paths of at most 1,024.
NAME_BYTES = 900


# Words that the store verifies

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(sign, claims, **header):
    """A JWT (RFC 7519); `sign` makes its signature."""
    parts = ({"typ": "JWT", **header}, claims)
    text = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{base64url(sign(text.encode()))}"


class Words:
    """What this component may say to the store, with the secrets for it."""

    def __init__(self, options):
        self.door_secret = options.door_secret_file.read_text().rstrip("\n").encode()
        self.ticket_key = self.load_key(options.ticket_key_file)
        self.key_name = options.ticket_key_file.name.split(".")[0]
        self.audience = options.audience

    @staticmethod
    def load_key(path):
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} is not an Ed25519 private key in PEM")
        return key

    def ticket(self, user, seconds):
        """A ticket for everything that `user` may upload."""
        end = int(time.time()) + seconds
        claims = {"aud": self.audience, "sub": f"xmpp:{user}", "exp": end}
        return token(self.ticket_key.sign, claims, alg="EdDSA", kid=self.key_name), end

    def slot(self, user, slot, name, size, end):
        """The right to fill one slot with `size` bytes, which are kept until `end`."""
        claims = {"sub": user, "slot": slot, "filename": name, "filesize": size,
                  "exp": int(time.time()) + SLOT_SECONDS, "expires": end}
        return token(lambda text: hmac.digest(self.door_secret, text, "sha256"), claims, alg="HS256")


def pseudonym(address):
    """What the store knows a person by: SHA-1 of the bare address, as in the slots of ejabberd."""
    return hashlib.sha1(address.bare.encode()).hexdigest()


def clean_name(name):
    """The name as one segment of a path: no control characters, no slash, not too long, with its extension."""
    name = re.sub(r"[/\x00-\x1f\x7f-\x9f]", "_", name)
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 16:
        stem, dot, extension = name, "", ""
    stem = stem.strip(".") or "file"
    while len(escaped(stem + dot + extension)) > NAME_BYTES:
        stem = stem[:-1]
    return stem + dot + extension


def escaped(name):
    return urllib.parse.quote(name, safe="")


# What is refused

class Refusal(Exception):
    """An error of XEP-0363: type, condition, text, and an element of its own with text or attributes."""

    def __init__(self, kind, condition, text, element=None):
        super().__init__(text)
        self.kind, self.condition, self.text, self.element = kind, condition, text, element

    def send(self, request):
        reply = request.reply(clear=True)
        error = reply["error"]
        error["type"], error["condition"], error["text"] = self.kind, self.condition, self.text
        if self.element is not None:
            error.append(self.element)
        reply.send()


def too_large(limit):
    element = ET.Element(f"{{{UPLOAD}}}file-too-large")
    ET.SubElement(element, f"{{{UPLOAD}}}max-file-size").text = str(limit)
    return Refusal("modify", "not-acceptable", f"at most {limit} bytes", element)


def no_room(when):
    stamp = datetime.datetime.fromtimestamp(when, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Refusal("wait", "resource-constraint", f"your quota is used up until {stamp}",
                   ET.Element(f"{{{UPLOAD}}}retry", stamp=stamp))


def judge_quota(quota, size, now):
    """A refusal if the store would refuse `size` bytes more for this quota, as `GET /quota` tells it."""
    held, charge = quota["bytes"], max(size, CHARGE_BYTES)
    limit = held.get("limit")
    if limit is not None and charge > limit:
        return too_large(limit)
    is_full = limit is not None and held["used"] + held["reserved"] + charge > limit
    for name in ("leases", "leases_made", "uploads"):
        limit = quota[name].get("limit")
        is_full = is_full or (limit is not None and quota[name]["used"] >= limit)
    # Where nothing is about to end, uploads in progress take the room: a minute, then.
    return no_room(quota.get("next_end") or now + 60) if is_full else None


def judge_purpose(request, now, end):
    """When the file's lease ends, at the latest at `end`, by the purpose that the client names (XEP-0363 §8)."""
    for element in request.xml:
        purpose = element.tag.removeprefix(f"{{{PURPOSE}}}")
        if purpose in ("profile", "permanent"):
            raise Refusal("cancel", "not-acceptable", "nothing is kept for ever here")
        if purpose == "ephemeral" and element.get("expire-before"):
            try:
                end = min(end, int(xep_0082.parse(element.get("expire-before")).timestamp()))
            except ValueError:
                raise Refusal("modify", "bad-request", "expire-before is not a time of XEP-0082") from None
            if end <= now:
                raise Refusal("modify", "bad-request", "expire-before has passed")
    return end


# The component

class MediaComponent(ComponentXMPP):
    def __init__(self, options, password, words):
        super().__init__(options.address, password, *options.server)
        self.options, self.words, self.http, self.tells_limit = options, words, None, False
        for plugin in ("xep_0004", "xep_0030", "xep_0050", "xep_0128", "xep_0199"):
            self.register_plugin(plugin)
        # For the stanzas only: its own handler takes no part in judging.
        self.register_plugin("xep_0363", {"handle_upload_requests": False})
        self.register_handler(
            CoroutineCallback("slot", StanzaPath("iq@type=get/http_upload_request"), self.answer_slot))
        self.add_event_handler("session_start", self.announce)
        self.add_event_handler("connection_failed", lambda why: complain(f"cannot reach the chat server: {why}"))
        self.add_event_handler("stream_error", lambda error: complain(
            f"the chat server ended the stream: {error['condition']} {error['text']}".rstrip()))

    async def announce(self, _):
        disco = self.plugin["xep_0030"]
        disco.add_identity(category="store", itype="file", name="Media")
        for feature in (UPLOAD, f"{PURPOSE}#message", f"{PURPOSE}#ephemeral", TICKET):
            disco.add_feature(feature)
        # Once: slixmpp 1.17 does not replace a form, but adds another, and warns.
        if not self.tells_limit:
            form = self.plugin["xep_0004"].make_form("result")
            form.add_field("FORM_TYPE", ftype="hidden", value=UPLOAD)
            form.add_field("max-file-size", value=str(self.options.max_size))
            await self.plugin["xep_0128"].add_extended_info(data=form)
            self.tells_limit = True
        self.plugin["xep_0050"].add_command(
            node="ticket", name="Ticket for the media store", handler=self.answer_ticket)
        print("ready", flush=True)

    def user(self, address):
        """The pseudonym of a user of our domains; nobody else is served."""
        if address.domain not in self.options.domain or not address.user:
            raise Refusal("auth", "forbidden", "only for users of this server")
        return pseudonym(address)

    async def answer_slot(self, iq):
        try:
            await self.give_slot(iq, self.user(iq["from"]), iq["http_upload_request"])
        except Refusal as refusal:
            refusal.send(iq)

    async def give_slot(self, iq, user, request):
        now = int(time.time())
        if not re.fullmatch(r"[0-9]{1,18}", request["size"]) or not request["filename"]:
            raise Refusal("modify", "bad-request", "a request has a filename and a size")
        size = int(request["size"])
        if size > self.options.max_size:
            raise too_large(self.options.max_size)
        end = judge_purpose(request, now, now + self.options.lifetime)
        if refusal := await self.ask_quota(user, size, now):
            raise refusal
        slot, name = secrets.token_urlsafe(18), clean_name(request["filename"])
        url = f"{self.options.store}/slots/{self.options.door}/{slot}/{escaped(name)}"
        reply = iq.reply(clear=True)
        reply["http_upload_slot"]["put"]["url"] = reply["http_upload_slot"]["get"]["url"] = url
        header = ET.SubElement(reply["http_upload_slot"]["put"].xml, f"{{{UPLOAD}}}header", name="Authorization")
        header.text = "Bearer " + self.words.slot(user, slot, name, size, end)
        reply.send()

    async def ask_quota(self, user, size, now):
        """A refusal if the store has no room for this user. If it does not say so, it judges the upload itself."""
        status, answer = await self.ask_store("GET", "/quota", self.words.ticket(user, 60)[0])
        if status == 200:
            return judge_quota(answer, size, now)
        complain(f"the store does not tell quotas: {answer}")
        return None

    async def ask_store(self, method, path, word, body=None):
        """The status of the store's answer and its JSON; or in place of that why there is none, or why it refuses."""
        headers = {"Authorization": f"Bearer {word}"}
        try:
            async with self.http.request(method, self.options.store + path, headers=headers, data=body) as answer:
                text = await answer.text()
                if answer.status == 200:
                    return 200, json.loads(text)
                return answer.status, f"status {answer.status}{told(text)}"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}".removesuffix(": ")

    async def try_words(self):
        """Shows the store a ticket and a slot's word, so that what is wrong with them is said before somebody needs them.

        Nothing is stored: the slot is for fewer bytes than are sent, which the store says of a word that is good.
        """
        user, slot = pseudonym(self.boundjid), secrets.token_urlsafe(18)
        status, why = await self.ask_store("GET", "/quota", self.words.ticket(user, 60)[0])
        if status != 200:
            complain(f"the store takes no tickets from here: {why}")
        word = self.words.slot(user, slot, "trial", 0, int(time.time()) + 60)
        status, why = await self.ask_store("PUT", f"/slots/{self.options.door}/{slot}/trial", word, b"1")
        if status != 413:
            complain(f"the store takes no slots from here: {why}")

    def answer_ticket(self, iq, session):
        try:
            ticket, end = self.words.ticket(self.user(iq["from"]), TICKET_SECONDS)
        except Refusal as refusal:
            raise XMPPError(refusal.condition, refusal.text, refusal.kind) from None
        form = self.plugin["xep_0004"].make_form("result", "Ticket for the media store")
        form.add_field("FORM_TYPE", ftype="hidden", value=TICKET)
        form.add_field("server", value=self.options.store)
        form.add_field("ticket", value=ticket)
        form.add_field("expires", value=str(end))
        session.update(payload=form, has_next=False, next=None)
        return session

    async def run(self):
        """Serves for ever; connects again when the chat server has been away."""
        tls = ssl.create_default_context(cafile=self.options.ca_file)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls),
                                         timeout=aiohttp.ClientTimeout(total=self.options.patience)) as self.http:
            await self.try_words()
            while True:
                self.connect()
                await self.disconnected
                complain("disconnected; trying again")
                await asyncio.sleep(2)


def told(problem):
    """What a problem document (RFC 9457) says, to follow the status; nothing where it is none."""
    try:
        document = json.loads(problem)
        return "".join(f": {document[name].rstrip('.')}" for name in ("title", "detail") if document.get(name))
    except (ValueError, AttributeError):
        return ""


def complain(what):
    print(f"media_component: {what}", file=sys.stderr, flush=True)


async def main():
    options = parse_options()
    try:
        password, words = options.password_file.read_text().strip(), Words(options)
    except (OSError, ValueError) as error:
        sys.exit(f"media_component: {error}")
    await MediaComponent(options, password, words).run()


def host_and_port(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise argparse.ArgumentTypeError("expected HOST:PORT")
    return host, int(port)


def base_url(text):
    """The URL of the store, to which paths are appended."""
    if not re.match(r"https?://[^/]", text):
        raise argparse.ArgumentTypeError("expected a URL such as https://media.example")
    return text.rstrip("/")


def parse_options(arguments=None):
    parser = argparse.ArgumentParser(
        description="A component beside a chat server: slots and tickets for a media store.")
    add = parser.add_argument
    add("--server", required=True, type=host_and_port, metavar="HOST:PORT", help="where the chat server takes components")
    add("--address", required=True, metavar="JID", help="the component's own address: satchel.example.org")
    add("--password-file", required=True, type=pathlib.Path, help="the password that the chat server has for it")
    add("--domain", required=True, action="append", help="whose users are served; may be repeated")
    add("--store", required=True, type=base_url, metavar="URL", help="the store's public-url: https://media.example")
    add("--audience", required=True, help="the store's ticket-audience")
    add("--door", default="chat", help="the door of the slots (default: chat)")
    add("--door-secret-file", required=True, type=pathlib.Path, help="a secret of that door")
    add("--ticket-key-file", required=True, type=pathlib.Path,
        help="an Ed25519 key in PEM, named as its public half at the store")
    add("--max-size", type=int, default=100 << 20, metavar="BYTES", help="largest file (default: 100 MiB)")
    add("--lifetime", type=int, default=30 * 86400, metavar="SECONDS",
        help="how long a file is kept (default: 30 days)")
    add("--patience", type=float, default=5, metavar="SECONDS", help="how long the store may take (default: 5)")
    add("--ca-file", help="certificates to trust for the store instead of the system's")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(main())
