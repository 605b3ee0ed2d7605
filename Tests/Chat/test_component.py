"""What the component grants and refuses, beside a real chat server and a real store."""

import asyncio
import calendar
import email.utils
import os
import re
import sys
import time
import unittest

from scene_case import DOMAIN, MEDIA, SceneCase
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

from media_component import NAME_BYTES, PURPOSE, UPLOAD, clean_name, escaped, judge_quota, parse_options, told
from servers import HERE

QUOTA_BYTES = 300 * 1024
OTHER = f"""
VirtualHost "other.{DOMAIN}"
"""


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class ComponentTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store("--bytes-per-subject", str(QUOTA_BYTES))
        scene.start_prosody(["alice", "bob", "carol"], OTHER)
        # As people paste it.
        scene.start_component("--store", f"{scene.store}/")

    def request_with(self, client, purpose, **attributes):
        iq = client.make_iq_get(ito=MEDIA)
        request = iq["http_upload_request"]
        request["filename"], request["size"] = "a.bin", "5000"
        request.xml.append(ET.Element(f"{{{PURPOSE}}}{purpose}", attributes))
        return iq.send()

    async def refused(self, answer):
        with self.assertRaises(IqError) as refused:
            await answer
        error = refused.exception.iq["error"]
        return error["type"], error["condition"], error

    async def test_a_full_quota_says_when_to_come_back(self):
        alice = await self.client("alice")
        for part in (200_000, 100_000):
            await self.fill(await alice.ask_slot(MEDIA, "a.bin", part), os.urandom(part))
        kind, condition, error = await self.refused(alice.ask_slot(MEDIA, "a.bin", 100_000))
        self.assertEqual((kind, condition), ("wait", "resource-constraint"))
        again = calendar.timegm(time.strptime(error.xml.find(f"{{{UPLOAD}}}retry").get("stamp"), "%Y-%m-%dT%H:%M:%SZ"))
        month = 30 * 86400
        self.assertLess(abs(again - time.time() - month), 120)
        kind, condition, error = await self.refused(alice.ask_slot(MEDIA, "a.bin", QUOTA_BYTES + 1))
        self.assertEqual((kind, condition), ("modify", "not-acceptable"))
        self.assertEqual(error.xml.find(f".//{{{UPLOAD}}}max-file-size").text, str(QUOTA_BYTES))
        # What is left can still be had.
        await self.fill(await alice.ask_slot(MEDIA, "a.bin", 5000), os.urandom(5000))

    async def test_an_ephemeral_file_ends_when_its_sender_says(self):
        bob = await self.client("bob")
        end = int(time.time()) + 3600
        slot = (await self.request_with(bob, "ephemeral", **{"expire-before": stamp(end)}))["http_upload_slot"]
        headers = {header["name"]: header["value"] for header in slot["put"]["headers"]}
        get = await self.fill((slot["put"]["url"], slot["get"]["url"], headers), os.urandom(5000))
        _, headers, _ = await self.request("GET", get)
        self.assertEqual(email.utils.parsedate_to_datetime(headers["Sunset"]).timestamp(), end)
        answer = await self.request_with(bob, "message")
        self.assertTrue(answer["http_upload_slot"]["put"]["url"])

    async def test_nothing_is_promised_for_ever_and_no_time_that_is_none_or_has_passed(self):
        bob = await self.client("bob")
        for purpose in ("profile", "permanent"):
            self.assertEqual((await self.refused(self.request_with(bob, purpose)))[:2], ("cancel", "not-acceptable"))
        for time_given in ("tomorrow", "2020-01-01T00:00:00Z"):
            answer = self.request_with(bob, "ephemeral", **{"expire-before": time_given})
            self.assertEqual((await self.refused(answer))[:2], ("modify", "bad-request"), time_given)

    async def test_sizes_that_are_none_are_refused(self):
        bob = await self.client("bob")
        for size in ("", "-1", "1e3", "٣", "9" * 40):
            answer = await self.refused(bob.ask_slot(MEDIA, "a.bin", size))
            self.assertEqual(answer[:2], ("modify", "bad-request"), size)

    async def start_another(self, *arguments, **files):
        """A component with other files or arguments: its process, which ends with the test."""
        folder, password = self.scene.folder, self.scene.folder / "component/password"
        files = {"password": password, "door-secret": folder / "slots/chat.secret",
                 "ticket-key": self.scene.ticket_key, **files}
        process = await asyncio.create_subprocess_exec(
            sys.executable, HERE / "media_component.py", "--server", f"127.0.0.1:{self.scene.components}",
            "--address", MEDIA, "--domain", DOMAIN, "--store", self.scene.store, "--audience", "media.example",
            "--ca-file", self.scene.certificate, "--patience", "900",
            *(word for name, path in files.items() for word in (f"--{name}-file", path)), *arguments,
            stderr=asyncio.subprocess.PIPE)
        self.addAsyncCleanup(process.wait)
        self.addCleanup(lambda: process.returncode is None and process.terminate())
        return process

    async def test_what_keeps_a_component_from_serving_is_said_in_a_line(self):
        missing, wrong = self.scene.folder / "missing", self.scene.folder / "wrong"
        wrong.write_text("a wrong password\n")
        for files, why in (({"password": missing}, str(missing)), ({"ticket-key": wrong}, f"{wrong} is not an Ed25519")):
            process = await self.start_another(**files)
            errors = (await process.communicate())[1].decode()
            self.assertEqual((process.returncode, errors.count("\n")), (1, 1), errors)
            self.assertIn(why, errors)
        process = await self.start_another("--store", "media.example")
        self.assertIn("expected a URL such as https://media.example", (await process.communicate())[1].decode())
        process = await self.start_another(password=wrong)
        self.assertIn("the chat server ended the stream: not-authorized", (await process.stderr.readline()).decode())

    async def test_what_the_store_does_not_take_is_said_at_the_start(self):
        other, key = self.scene.folder / "other.secret", self.scene.folder / "other.pem"
        other.write_text("s" * 40)
        self.scene.openssl("genpkey", "-algorithm", "ed25519", "-out", key)
        tickets, slots = "the store takes no tickets from here: ", "the store takes no slots from here: "
        for arguments, files, line in (
            ((), {"door-secret": other}, f"{slots}status 403: The word of the chat server is not for this upload: "
                                         "No secret of this door has signed the word"),
            (("--door", "other"), {}, f"{slots}status 404: Not found"),
            ((), {"ticket-key": key}, f"{tickets}status 401: The ticket is not valid here: The ticket was rejected: "
                                      "no key of that name (kid) is configured here"),
            (("--audience", "another"), {}, f"{tickets}status 401: The ticket is not valid here: "
                                            "The ticket was rejected: it is for another audience (aud)"),
            (("--store", "http://127.0.0.1:1"), {}, f"{tickets}ClientConnectorError: Cannot connect to host 127.0.0.1:1"),
        ):
            process = await self.start_another(*arguments, **files)
            self.assertIn(line, (await process.stderr.readline()).decode())
            process.terminate()
        # The one of the scene has nothing to say but when the chat server went, and slixmpp has nothing to warn of.
        lines = set(self.scene.component.log.read_text().splitlines())
        self.assertLessEqual(lines, {"media_component: disconnected; trying again"})

    async def test_users_of_other_domains_get_neither_slot_nor_ticket(self):
        other = f"other.{DOMAIN}"
        self.scene.register_prosody("carol", other)
        carol = await self.client("carol", other)
        self.assertEqual((await self.refused(carol.ask_slot(MEDIA, "a.bin", 5000)))[:2], ("auth", "forbidden"))
        self.assertEqual((await self.refused(carol.ask_ticket(MEDIA)))[:2], ("auth", "forbidden"))

    async def test_a_ticket_names_store_and_end_and_is_valid_there(self):
        bob = await self.client("bob")
        form = await bob.ask_ticket(MEDIA)
        self.assertEqual(form["server"], self.scene.store)
        self.assertLess(abs(int(form["expires"]) - time.time() - 12 * 3600), 60)
        self.assertGreaterEqual(await self.bytes_used(bob), 0)

    async def test_it_comes_back_after_the_chat_server(self):
        carol = await self.client("carol")
        await carol.ask_slot(MEDIA, "a.bin", 5000)
        await carol.log_out()
        self.scene.restart_prosody()
        carol = await self.client("carol")
        end = time.monotonic() + 60
        while True:
            try:
                await carol.ask_slot(MEDIA, "a.bin", 5000)
                break
            except IqError:
                self.assertLess(time.monotonic(), end, "the component stays away")
        self.assertEqual(await carol.find_tickets(), MEDIA)
        info = (await carol.plugin["xep_0030"].get_info(MEDIA))["disco_info"]
        self.assertEqual(len(info.xml.findall("{jabber:x:data}x")), 1, "it tells its limit once")
        self.assertGreater(int((await carol.ask_ticket(MEDIA))["expires"]), time.time())


class WithoutStoreTests(SceneCase):
    @classmethod
    def start(cls, scene):
        scene.start_store()
        scene.start_prosody(["alice"])
        scene.start_component()
        scene.stop(scene.store_server)

    async def test_slots_are_given_while_nobody_can_be_asked_for_quotas(self):
        alice = await self.client("alice")
        self.assertTrue((await alice.ask_slot(MEDIA, "a.bin", 5000))[0].startswith(self.scene.door))


class RuleTests(unittest.TestCase):
    def test_the_unit_names_settings_that_there_are_and_files_that_it_is_given(self):
        unit = (HERE / "media-component.service").read_text().replace("\\\n", " ")
        command = re.search(r"^ExecStart=(.*)$", unit, re.M)[1].split()
        self.assertEqual(command[1], "/opt/media/media_component.py")
        options = parse_options(command[2:])
        given = {f"%d/{name}" for name in re.findall(r"^LoadCredential=([^:]+):/etc/media/\1$", unit, re.M)}
        files = {str(value) for name, value in vars(options).items() if name.endswith("_file") and value}
        self.assertEqual((files, len(files)), (given, 3))

    def test_what_a_problem_says_follows_its_status(self):
        for given, expected in [
            ('{"title": "A.", "detail": "B."}', ": A: B"), ('{"title": "A"}', ": A"), ("{}", ""), ("[]", ""), ("", ""),
            ("<html>", ""), ('{"title": 7}', ""),
        ]:
            self.assertEqual(told(given), expected)

    def test_names_become_one_segment_of_a_path(self):
        for given, expected in [
            ("photo.jpg", "photo.jpg"), ("../../etc/passwd", "_._etc_passwd"), ("a/b\\c.png", "a_b\\c.png"),
            ("..", "file."), (".", "file."), (".bashrc", "file.bashrc"), ("new\nline\x7f.txt", "new_line_.txt"),
            ("no extension", "no extension"), ("x." + "y" * 40, "x." + "y" * 40),
        ]:
            self.assertEqual(clean_name(given), expected)

    def test_long_names_keep_their_extension(self):
        for letter in "aß日𝄞":
            name = clean_name(letter * 2000 + ".jpeg")
            self.assertTrue(name.endswith(letter + ".jpeg"))
            self.assertLessEqual(len(escaped(name)), NAME_BYTES)

    def test_a_quota_is_judged_as_the_store_does(self):
        def quota(used=0, reserved=0, limit=None, leases=0, next_end=None):
            told = {"bytes": {"used": used, "reserved": reserved}, "leases": {"used": leases, "limit": 10},
                    "leases_made": {"used": 0}, "uploads": {"used": 0, "limit": 5}}
            if limit is not None:
                told["bytes"]["limit"] = limit
            if next_end is not None:
                told["next_end"] = next_end
            return told

        for given, size, condition, text in [
            (quota(), 10**12, None, None),
            (quota(used=90_000, limit=100_000), 10_000, None, None),
            (quota(used=90_000, limit=100_000), 10_001, "resource-constraint", "00:01:40"),
            (quota(used=97_000, limit=100_000), 1, "resource-constraint", "00:01:40"),
            (quota(reserved=96_000, limit=100_000, next_end=86400), 5000, "resource-constraint", "1970-01-02"),
            (quota(limit=100_000), 100_001, "not-acceptable", "100000"),
            (quota(leases=9), 1, None, None),
            (quota(leases=10), 1, "resource-constraint", "00:01:40"),
        ]:
            refusal = judge_quota(given, size, 40)
            self.assertEqual(refusal and refusal.condition, condition)
            self.assertIn(text or "", refusal.text if refusal else "")


if __name__ == "__main__":
    unittest.main()
