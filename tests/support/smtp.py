"""An SMTP server on loopback that takes e-mails, or answers as it is told."""

import asyncio
from contextlib import asynccontextmanager
from email import message_from_bytes, policy

from telebridge.call.messages.mail import MailServer


class Smtp:
    """Answers each e-mail with the next of `answers`, then with 250; keeps those that it took."""

    def __init__(self, *answers):
        self.answers, self.mails, self.port = list(answers), [], 0

    @property
    def mail_server(self):
        return MailServer("127.0.0.1", self.port, "none", sender="desk@example.com", to=("office@example.com",))

    async def talk(self, reader, writer):
        def say(line):
            writer.write(f"{line}\r\n".encode())

        say("220 test")
        while line := (await reader.readline()).decode().strip():
            match line.split()[0].upper():
                case "DATA":
                    say("354 go on")
                    content = await reader.readuntil(b"\r\n.\r\n")
                    answer = self.answers.pop(0) if self.answers else "250 taken"
                    if answer.startswith("250"):
                        self.mails.append(message_from_bytes(content[:-5], policy=policy.default))
                    say(answer)
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 ok")
        writer.close()


@asynccontextmanager
async def smtp(*answers):
    """The server, listening."""
    server = Smtp(*answers)
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0, limit=1 << 24)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
