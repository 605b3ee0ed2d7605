"""What a bot with slixmpp does with files (XEP-0454). slixmpp knows nothing of this client.

Usage: slixmpp_files.py encrypt PLAIN FILE URL      writes FILE and prints the link to it at URL
       slixmpp_files.py decrypt FILE LINK PLAIN     writes PLAIN
"""
import signal
import sys

from slixmpp.plugins.xep_0454 import XEP_0454

# A loop without an end in there shall not outlive the test.
signal.alarm(300)
kind, first, second, third = sys.argv[1:5]
if kind == "encrypt":
    with open(first, "rb") as file:
        payload, fragment = XEP_0454.encrypt(file)
    with open(second, "wb") as file:
        file.write(payload)
    print(XEP_0454.format_url(third, fragment))
else:
    with open(first, "rb") as file:
        plain = XEP_0454.decrypt(file, second.partition("#")[2])
    with open(third, "wb") as file:
        file.write(plain)
