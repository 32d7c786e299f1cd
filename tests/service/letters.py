"""Mails for tests, as they come over the wire."""

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any


def letter(**fields: Any) -> bytes:
    """A mail from Wang Li to Mei; ``files`` are (name, type, bytes), ``html`` beside or in place of ``text``."""
    told = {
        "sender": "Wang Li <wang@customer.example>",
        "to": "mei@us.example",
        "cc": "",
        "subject": "Prices for March",
        "text": "We agree on 42.",
        "html": "",
        "date": "Mon, 15 Jan 2024 09:30:00 +0800",
        "message_id": "<one@customer.example>",
        "files": (),
    } | fields
    message = EmailMessage(policy=SMTP)
    for header, name in (
        ("From", "sender"), ("To", "to"), ("Cc", "cc"), ("Subject", "subject"), ("Date", "date"), ("Message-ID", "message_id"),
    ):  # fmt: skip
        if told[name]:
            message[header] = told[name]
    if told["text"]:
        message.set_content(told["text"])
    if told["html"] and told["text"]:
        message.add_alternative(told["html"], subtype="html")
    elif told["html"]:
        message.set_content(told["html"], subtype="html")
    for name, kind, content in told["files"]:
        main, _slash, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def forwarded_as_file(inner: bytes, **fields: Any) -> bytes:
    from email import message_from_bytes, policy

    outer = message_from_bytes(letter(**fields), policy=policy.default)
    outer.add_attachment(message_from_bytes(inner, policy=policy.default))
    return outer.as_bytes()
