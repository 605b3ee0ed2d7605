#!/usr/bin/env python3
"""Slots that the component beside a chat server gives in a second, next to those of the chat server itself.

    .build/chat/bin/python3 Benchmarks/chat_slots.py --programs FOLDER [--slots 2000]

Clients ask over loopback, one after the other on each of eight connections. The component signs a token and asks the
store for the user's quota, each time. What a core can do follows from the processor time that the component took:
clients, chat server and store need theirs as well, on the same machine. The bound: 100 slots for each second of the
component's processor.
"""

import argparse
import asyncio
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Examples/chat"))

from chat_client import ChatClient  # noqa: E402
from servers import DOMAIN, Scene  # noqa: E402
from side_by_side import processor_seconds, resident_bytes  # noqa: E402

CLIENTS = 8
BOUND = 100
MEDIA = f"media.{DOMAIN}"
OWN = f"upload.{DOMAIN}"
EXTRA = {
    "ejabberd": f"""
  mod_http_upload: {{hosts: [{OWN}], access: local, put_url: "${{door}}", external_secret: "${{secret}}"}}
""",
    "prosody": f"""
Component "{OWN}" "http_file_share"
  http_file_share_base_url = "${{door}}/"
  http_file_share_secret = "${{secret}}"
  http_file_share_daily_quota = 1e15
""",
}


async def ask(clients, service, count):
    """Seconds for `count` slots."""
    async def some(client):
        for number in range(count // CLIENTS):
            await client.ask_slot(service, f"photo {number}.jpg", 100_000, "image/jpeg")

    start = time.monotonic()
    await asyncio.gather(*map(some, clients))
    return time.monotonic() - start


async def measure(scene, server, count):
    clients = [ChatClient(f"alice@{DOMAIN}/{number}", scene.passwords["alice"]) for number in range(CLIENTS)]
    await asyncio.gather(*(client.log_in("127.0.0.1", scene.c2s, tls=False) for client in clients))
    for service in (OWN, MEDIA):
        await ask(clients, service, CLIENTS)
    own = count / await ask(clients, OWN, count)
    before = processor_seconds(scene.component.process.pid)
    media = count / await ask(clients, MEDIA, count)
    a_core = count / (processor_seconds(scene.component.process.pid) - before)
    print(f"{server:9} own {own:6.0f}/s   component {media:6.0f}/s   ratio {media / own:4.2f}   "
          f"a core of the component's own {a_core:6.0f}/s   "
          f"{resident_bytes(scene.component.process.pid) / 1e6:3.0f} MB")
    await asyncio.gather(*(client.log_out() for client in clients))
    return a_core


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--slots", type=int, default=2000)
    options = parser.parse_args()
    missed = []
    for server in ("ejabberd", "prosody"):
        with Scene(options.programs) as scene:
            scene.start_store("--address-request-rate", "none", "--subject-request-rate", "none")
            scene.start_chat(server, ["alice"], EXTRA[server])
            scene.start_component()
            if asyncio.run(measure(scene, server, options.slots)) < BOUND:
                missed.append(server)
    if missed:
        sys.exit(f"chat_slots: fewer than {BOUND} slots a second beside {', '.join(missed)}")


if __name__ == "__main__":
    main()
