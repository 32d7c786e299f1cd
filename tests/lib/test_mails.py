"""A mail read into what is worth keeping, whatever it looks like."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.lib.mails import MOST_PARTS, UnreadableMail, read, text_of_html
from tests.service.letters import forwarded_as_file, letter


def test_a_plain_mail_is_read():
    mail = read(letter(cc="Chef <chef@customer.example>, wang@customer.example", subject="报价  三月"))

    assert mail.message_id == "one@customer.example"
    assert mail.subject == "报价 三月"
    assert mail.sent_at == datetime(2024, 1, 15, 1, 30, tzinfo=UTC)
    assert (mail.sender, mail.to) == (("wang@customer.example",), ("mei@us.example",))
    assert mail.cc == ("chef@customer.example", "wang@customer.example")
    assert mail.direct == ("wang@customer.example", "mei@us.example")
    assert mail.text == "We agree on 42."
    assert mail.files == ()


def test_html_is_read_where_there_is_no_plain_text():
    page = (
        "<html><head><title>no</title><style>p{}</style></head><body><p>Dear&nbsp;Mei,</p>"
        "<div>we <b>agree</b>\n  on 42.<br>Wang</div><script>alert(1)</script><table><tr><td>a</td><td>b</td></tr></table></body></html>"
    )

    assert read(letter(text="", html=page)).text == text_of_html(page) == "Dear Mei,\n\nwe agree on 42.\nWang\n\na\tb"
    assert read(letter(html=page)).text == "We agree on 42."
    assert text_of_html("<p>1 &lt; 2 &amp; <img src=x onerror=alert(1)>3") == "1 < 2 & 3"


def test_files_come_out_and_logos_stay_behind():
    files = [("offer.pdf", "application/pdf", b"%PDF-1"), ("报价.xlsx", "application/zip", b"PK")]
    mail = read(letter(files=files))
    assert [(part.name, part.content) for part in mail.files] == [("offer.pdf", b"%PDF-1"), ("报价.xlsx", b"PK")]

    logo = (
        b"From: a@b.example\r\nDate: Mon, 15 Jan 2024 09:30:00 +0800\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/related; boundary="x"\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<img src="cid:logo1">Hi\r\n'
        b"--x\r\nContent-Type: image/png\r\nContent-ID: <logo1>\r\n\r\nPNG\r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-ID: <other>\r\n\r\nPNG\r\n--x--\r\n"
    )
    assert [part.name for part in read(logo).files] == ["3.png"]


def test_a_mail_forwarded_as_a_file_is_read_in_place_of_the_one_around_it():
    inner = letter(files=[("offer.pdf", "application/pdf", b"%PDF-1")])
    mail = read(
        forwarded_as_file(inner, sender="mei@us.example", to="log@x.example", text="For the log", message_id="<2@us>")
    )

    assert (mail.message_id, mail.sender) == ("one@customer.example", ("wang@customer.example",))
    assert mail.text == "For the log\n\nWe agree on 42."
    assert [part.name for part in mail.files] == ["offer.pdf"]


@pytest.mark.parametrize(
    "head",
    [
        "---------- Forwarded message ---------\nFrom: Wang Li <wang@customer.example>\nDate: x\nTo: <mei@us.example>",
        "-----原始邮件-----\n发件人: 王丽 <wang@customer.example>\n发送时间: x\n收件人: mei@us.example",
        "> Von: Wang Li [mailto:wang@customer.example]\n> An: mei@us.example",
        "*寄件者：* Wang <WANG@customer.example>\n*收件者：* mei@us.example",
    ],
)
def test_the_head_of_a_mail_forwarded_within_the_text_is_read(head):
    assert read(letter(text=f"See below\n\n{head}\n\nWe agree.")).quoted == ("wang@customer.example", "mei@us.example")


def test_what_the_database_cannot_hold_is_replaced():
    mail = read(
        b"From: a@b.example\r\nSubject: a\x00b \xff\xfe\r\nContent-Type: text/plain; charset=nope\r\n\r\nx\x00y \xd6\xd0"
    )

    assert "\x00" not in mail.subject + mail.text
    assert mail.subject.encode()
    assert mail.text == "x�y 中"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n\n", b"hello", b"\x00" * 100, b"Subject: nobody\r\n\r\ntext"],
)
def test_what_is_no_mail_is_refused(raw):
    with pytest.raises(UnreadableMail, match="no mail"):
        read(raw)


def test_parts_beyond_measure_are_refused_or_left_out():
    many = "".join("--x\r\nContent-Type: text/plain\r\n\r\na\r\n" for _ in range(MOST_PARTS + 1))
    head = 'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="x"\r\n\r\n'
    with pytest.raises(UnreadableMail, match="more than 200 parts"):
        read(f"{head}{many}--x--".encode())

    deep = "From: a@b.example\r\n" + "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(3000)
    )
    with pytest.raises(UnreadableMail, match="beyond all measure"):
        read(deep.encode())


BROKEN = [
    b"Date: Mon, 99 Foo 99999 99:99", b"Date: Thu, 01 Jan 0000 00:00:00 +9999", b"Message-ID: " + b"x" * 400,
    b"From: =?utf-8?b?####?= <@>", b'From: "unclosed <a@b', b"To: a@b.example, ,;:<<>>", b"Subject: =?nope?q?x?=",
    b'Content-Type: multipart/mixed; boundary=""', b'Content-Type: text/plain; charset="\xff"', b"Content-Type: /",
    b"Content-Disposition: attachment; filename*=utf-8''%ZZ%00", b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
]  # fmt: skip


@pytest.mark.parametrize("header", BROKEN)
def test_broken_headers_never_end_the_reading(header):
    mail = read(b"From: wang@customer.example\r\n" + header + b"\r\n\r\nwords")

    assert "wang@customer.example" in mail.sender or header.startswith(b"From")
    assert len(mail.message_id) <= 255


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 30))
def test_nothing_breaks_the_reading(noise, at, cut):
    raw = letter(html="<p>x", files=[("a.pdf", "application/pdf", b"%PDF-1")])
    raw = raw[:at] + noise + raw[at + cut :]
    try:
        mail = read(raw)
    except UnreadableMail:
        return
    assert "\x00" not in mail.text + mail.subject + "".join(part.name for part in mail.files)
    (mail.text + mail.subject + mail.message_id).encode()
