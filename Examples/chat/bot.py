"""A bot that opens each file that it is sent with OMEMO, and sends it back.

    bot.py ADDRESS PASSWORD-FILE FOLDER [HOST PORT]

FOLDER is kept: it has the keys of the bot's device, so nobody else may read it. `satchel` is found by PATH.
"""

import asyncio
import os
import pathlib
import sys

from chat_client import ChatClient, DeviceMemory


async def satchel(form, folder, *arguments, given=""):
    """What `satchel` prints, with server and ticket of the component's form."""
    (folder / "ticket").write_text(form["ticket"])
    process = await asyncio.create_subprocess_exec(
        "satchel", *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SATCHEL_SERVER": form["server"], "SATCHEL_TICKET_FILE": str(folder / "ticket")})
    output, _ = await process.communicate(given.encode())
    return output.decode().strip()


async def main(address, password_file, folder, *place):
    os.umask(0o077)
    folder = pathlib.Path(folder)
    chat = ChatClient(f"{address}/bot", pathlib.Path(password_file).read_text().strip(), DeviceMemory(folder / "omemo"))
    await chat.log_in(*place)
    component = await chat.find_tickets()
    print("ready", flush=True)
    while received := await chat.events["message"].get():
        chat.confirm(received)
        form, sender = await chat.ask_ticket(component), received.stanza["from"].bare
        path = await satchel(form, folder, "open", "-", "-o", str(folder), given=received.body)
        message = path and await satchel(form, folder, "send", path, "--recipients", "1")
        await chat.learn_devices([sender])
        await chat.say(sender, message or "That is no file that I can open.")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
