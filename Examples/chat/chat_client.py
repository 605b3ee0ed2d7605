"""A chat client for programs: slixmpp with OMEMO. Messages, rooms, receipts, markers, the command for a ticket.

OMEMO as clients speak it today (`eu.siacs.conversations.axolotl`) encrypts the body and nothing else; so what is to be
secret stands in the body. Needs Python 3.11, slixmpp and slixmpp-omemo. `bot.py` is made with it.
"""

import asyncio
import collections
import json
import os
import pathlib
import ssl
import sys

import slixmpp
from omemo.storage import Just, Nothing, Storage
from slixmpp import JID
from slixmpp.plugins import register_plugin
from slixmpp.xmlstream import ET
from slixmpp_omemo import XEP_0384, TrustLevel

WAIT_SECONDS = 300
OMEMO = "eu.siacs.conversations.axolotl"
PUSH = "urn:xmpp:push:0"
# The feature of a service that hands out tickets.
TICKET = "urn:satchel:ticket:1"


class DeviceMemory(Storage):
    """What a device remembers of its sessions. A client that is given it again is the same device.

    It is in a file if there is a path, and in this process alone otherwise. It has the device's private keys.
    """

    def __init__(self, path=None):
        super().__init__()
        self.path = pathlib.Path(path) if path else None
        self.values = json.loads(self.path.read_text()) if self.path and self.path.exists() else {}

    async def _load(self, key):
        return Just(self.values[key]) if key in self.values else Nothing()

    async def _store(self, key, value):
        self.values[key] = value
        self.save()

    async def _delete(self, key):
        self.values.pop(key, None)
        self.save()

    def save(self):
        """Writes the whole file anew under another name first, so that there is always one that is whole."""
        if not self.path:
            return
        draft = self.path.with_name(f"{self.path.name}.new")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self.values, file)
        draft.replace(self.path)


class TrustingOMEMO(XEP_0384):
    """OMEMO that trusts each device it meets. A messenger lets people compare fingerprints."""

    default_config = {"fallback_message": "Encrypted with OMEMO; this client cannot show it.", "memory": None}

    @property
    def storage(self):
        return self.config["memory"]

    @property
    def _btbv_enabled(self):
        return True

    async def _devices_blindly_trusted(self, blindly_trusted, identifier):
        pass

    async def _prompt_manual_trust(self, manually_trusted, identifier):
        manager = await self.get_session_manager()
        for device in manually_trusted:
            await manager.set_trust(device.bare_jid, device.identity_key, TrustLevel.TRUSTED.value)


register_plugin(TrustingOMEMO)


class ChatClient(slixmpp.ClientXMPP):
    PLUGINS = ["xep_0004", "xep_0012", "xep_0030", "xep_0045", "xep_0050", "xep_0060", "xep_0163", "xep_0184",
               "xep_0203", "xep_0280", "xep_0333", "xep_0334", "xep_0359", "xep_0363", "xep_0380", "xep_0454"]

    def __init__(self, address, password, memory=None):
        """Without a memory the client does not encrypt."""
        super().__init__(address, password)
        self.encrypts = memory is not None
        for name in self.PLUGINS:
            self.register_plugin(name)
        # A receipt is sent once the message has been decrypted, not as it arrives.
        self.plugin["xep_0184"].auto_ack = False
        if self.encrypts:
            self.register_plugin("xep_0384", {"memory": memory}, module=sys.modules[__name__])
        self.events, self.trouble = collections.defaultdict(asyncio.Queue), None
        for event in ("session_start", "presence_subscribed"):
            self.add_event_handler(event, lambda what, event=event: self.events[event].put_nowait(what))
        # What keeps it from logging in: put where `log_in` waits.
        for event in ("failed_all_auth", "connection_failed", "ssl_invalid_chain"):
            self.add_event_handler(event, lambda what, event=event: self.take_failure(event, what))
        self.add_event_handler("receipt_received",
                               lambda m: self.events["receipt"].put_nowait((m["receipt"], m["from"])))
        self.add_event_handler("marker_displayed",
                               lambda m: self.events["displayed"].put_nowait((m["displayed"]["id"], m["from"])))
        self.add_event_handler("message", self.take)

    async def wait(self, event):
        """The next event of a kind."""
        try:
            return await asyncio.wait_for(self.events[event].get(), WAIT_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"{self.boundjid.bare} has waited {WAIT_SECONDS} s for {event}") from None

    async def log_in(self, host=None, port=None, tls=True, ca_file=None):
        """Connects to the server that DNS names for the address, or to `host` and `port`; raises what keeps it out.

        Whoever turns TLS off shows what is not encrypted to all on the way: on loopback only. `ca_file` names
        certificates to trust instead of the system's.
        """
        self.enable_starttls = self.enable_direct_tls = tls
        self.enable_plaintext = self.plugin["feature_mechanisms"].unencrypted_scram = not tls
        self.ca_certs = pathlib.Path(ca_file) if ca_file else None
        self.connect(host, port)
        try:
            outcome = await self.wait("session_start")
        except TimeoutError as error:
            outcome = TimeoutError(f"{error}; {self.trouble or 'the server says nothing'}")
        if isinstance(outcome, Exception):
            self.cancel_connection_attempt()
            await self.disconnect(ignore_send_queue=True)
            raise outcome
        await self.get_roster()
        if self.encrypts:
            await self.plugin["xep_0384"].get_session_manager()
        self.send_presence()
        return self

    def take_failure(self, event, what):
        """The password is refused, or the certificate is. Whatever else fails is tried again, or in another way."""
        if event == "failed_all_auth":
            self.events["session_start"].put_nowait(PermissionError(f"{self.boundjid.bare}: the password is refused"))
        elif event == "ssl_invalid_chain" or isinstance(what, ssl.SSLCertVerificationError):
            self.events["session_start"].put_nowait(ConnectionError(f"{self.boundjid.domain}: {what}"))
        self.trouble = what

    async def log_out(self):
        await self.disconnect()

    # Messages

    async def take(self, message):
        """Puts what can be read into the events as `message`: with its body, and whether it was encrypted."""
        body, is_encrypted = message["body"], self.encrypts and bool(self.plugin["xep_0384"].is_encrypted(message))
        if is_encrypted:
            body = (await self.plugin["xep_0384"].decrypt_message(message))[0]["body"]
        if body:
            self.events["message"].put_nowait(Received(message, body, is_encrypted))

    async def learn_devices(self, addresses):
        """Fetches device lists: the server does not push those of people who became contacts just now."""
        await self.plugin["xep_0384"].refresh_device_lists({JID(address) for address in addresses}, force_download=True)

    async def say(self, to, body, members=None):
        """Encrypts a body once, wraps its key for each device, sends it: to a person, or to a room with `members`."""
        message = self.make_message(mto=JID(to), mtype="groupchat" if members else "chat", mbody=body)
        message["id"] = self.new_id()
        recipients = {JID(member) for member in members or [to]}
        encrypted, errors = await self.plugin["xep_0384"].encrypt_message(message, recipients)
        if errors:
            raise RuntimeError(f"not encrypted for everybody: {errors}")
        # Beside the encrypted part: nothing of the body, only what asks for answers.
        if not members:
            encrypted["request_receipt"] = True
        encrypted.enable("markable")
        encrypted["origin_id"]["id"] = encrypted["id"]
        encrypted["eme"]["namespace"], encrypted["eme"]["name"] = OMEMO, "OMEMO"
        encrypted.send()
        return Sent(encrypted["id"], str(encrypted))

    def confirm(self, received):
        """Sends the receipt: the message is here and readable (XEP-0184)."""
        self.plugin["xep_0184"].ack(received.stanza)

    def show(self, received):
        """Sends the marker: a person has seen it (XEP-0333)."""
        self.plugin["xep_0333"].send_marker(received.stanza["from"], received.stanza["id"], "displayed")

    # Rooms

    async def open_room(self, room, members):
        """Makes a room for members only, with addresses that they can see."""
        await self.enter_room(room)
        form = self.plugin["xep_0004"].make_form("submit")
        form.add_field("FORM_TYPE", ftype="hidden", value="http://jabber.org/protocol/muc#roomconfig")
        form.add_field("muc#roomconfig_membersonly", value="1")
        form.add_field("muc#roomconfig_whois", value="anyone")
        await self.plugin["xep_0045"].set_room_config(JID(room), form)
        for member in members:
            await self.plugin["xep_0045"].set_affiliation(JID(room), "member", jid=JID(member))

    async def enter_room(self, room):
        await self.plugin["xep_0045"].join_muc_wait(JID(room), self.boundjid.user, maxstanzas=0)

    # Questions to servers

    async def find_tickets(self):
        """The service of our server that hands out tickets."""
        for info in await self.plugin["xep_0030"].get_info_from_domain(domain=self.boundjid.domain):
            if TICKET in info["disco_info"]["features"]:
                return info["from"]
        raise LookupError(f"no service of {self.boundjid.domain} hands out tickets")

    async def ask_ticket(self, component):
        """The fields of the component's form: server, ticket, and when it expires, in seconds since 1970."""
        answer = await self.plugin["xep_0050"].send_command(component, "ticket")
        return answer["command"]["form"]["values"]

    async def last_seen(self, person):
        """Seconds since somebody went offline (XEP-0012)."""
        return (await self.plugin["xep_0012"].get_last_activity(JID(person)))["last_activity"]["seconds"]

    async def enable_push(self, service, node):
        """Asks the server to tell `service` about messages for this account while nobody is there (XEP-0357)."""
        iq = self.make_iq_set()
        iq.append(ET.Element(f"{{{PUSH}}}enable", jid=service, node=node))
        await iq.send()

    async def ask_slot(self, service, name, size, content_type="application/octet-stream"):
        """What an upload service grants: URL to PUT, URL to GET, headers of the PUT."""
        answer = await self.plugin["xep_0363"].request_slot(JID(service), name, size, content_type)
        slot = answer["http_upload_slot"]
        headers = {header["name"]: header["value"] for header in slot["put"]["headers"]}
        return slot["put"]["url"], slot["get"]["url"], headers


class Received:
    def __init__(self, stanza, body, is_encrypted):
        self.stanza, self.body, self.is_encrypted = stanza, body, is_encrypted
        self.delay = stanza["delay"]["stamp"] if stanza.get_plugin("delay", check=True) else None


class Sent:
    def __init__(self, identifier, xml):
        self.id, self.xml, self.wraps = identifier, xml, xml.count("<key ")
