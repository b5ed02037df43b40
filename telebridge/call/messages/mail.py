"""The e-mail with a message that a caller left, and the SMTP server that it is given to.

Follows RFC 5322 (the e-mail) and RFC 5321 and 8314 (SMTP, with TLS from the beginning or by STARTTLS).

One rule: the same message has the same `Message-ID` each time it is sent, so that a mailbox can know a second copy.
"""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from telebridge.call.messages.message import CallerMessage
from telebridge.timing.epoch import instant

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """How e-mails are sent.

    Args:
        host: The SMTP server; empty when none is sent.
        port: Its port.
        security: `starttls`, `tls` from the first byte, or `none`.
        user: Who logs in; empty for nobody.
        password: Theirs.
        sender: The address that e-mails come from.
        to: Who gets the messages of flows that do not say.
        timeout_seconds: For each answer of the server.
    """

    host: str = ""
    port: int = 587
    security: Security = "starttls"
    user: str = ""
    password: str = ""
    sender: str = ""
    to: tuple[str, ...] = ()
    timeout_seconds: float = 10.0

    def send(self, mail: EmailMessage) -> None:
        """Give an e-mail to the server; it waits for the network.

        Raises:
            OSError: The server cannot be reached, or refuses it (`smtplib.SMTPException` is an `OSError`).
        """
        context = ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_seconds, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)
        with server:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)


def mail_of(message: CallerMessage, audio: bytes, *, sender: str) -> EmailMessage:
    """The e-mail with a message: who called, when, how long it is, and the WAV file."""
    note = message.note
    minutes, seconds = divmod(round(note.length_ms / 1000), 60)
    recorded = instant(note.recorded_at)
    caller = _header(note.from_number) or "an unknown number"
    mail = EmailMessage()
    mail["Subject"] = f"Message from {caller} ({minutes}:{seconds:02})"
    mail["From"] = sender
    mail["To"] = ", ".join(addresses_in(message.mail_to))
    mail["Date"] = format_datetime(recorded)
    mail["Message-ID"] = f"<{note.id}@{sender.rpartition('@')[2].rstrip('>') or 'telebridge'}>"
    mail.set_content(
        f"Caller:   {caller}\n"
        f"Called:   {_header(note.to_number)}\n"
        f"Recorded: {recorded:%Y-%m-%d %H:%M} UTC\n"
        f"Length:   {minutes}:{seconds:02}\n"
        f"Flow:     {_header(note.flow)}\n"
        f"Call:     {note.call_sid}\n"
    )
    mail.add_attachment(audio, maintype="audio", subtype="wav", filename=f"{note.id}.wav")
    return mail


def addresses_in(written: str) -> list[str]:
    """The addresses of a text with commas between."""
    return [address.strip() for address in written.split(",") if address.strip()]


def _header(text: str) -> str:
    """A text of the telephone network as it may stand in a header."""
    return " ".join("".join(letter for letter in text if letter.isprintable()).split())
