"""Mail into the log: at which account, once, with its files; what fits none waits for its user."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Contact
from crm.trail.persons import Person, erase_person
from service import mails, storage
from service.enums import MailState
from service.mails import MailRefused
from service.models import Attachment, IncomingMail, Interaction, MailAddress
from tests.factories import make_account, make_attachment, make_contact, make_superuser, make_team_member, make_user
from tests.service.letters import forwarded_as_file, letter

PDF = b"%PDF-1.7\n1 0 obj\n"
WANG, MEI = "wang@customer.example", "mei@us.example"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT, settings.MAIL_IN_DOMAIN = tmp_path, "in.us.example"
    return tmp_path / storage.FOLDER


@pytest.fixture
def mei(db):
    return make_user(email=MEI.upper(), first_name="Mei", last_name="Lin")


@pytest.fixture
def wang(mei):
    return make_contact(account=make_account(owner=mei), email="Wang@Customer.example")


def receive(user, raw=None, **fields):
    return mails.receive(raw=raw or letter(**fields), user=user, now=timezone.now())


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_mail_is_logged_at_the_account_of_who_wrote_it(mei, wang, media):
    done = receive(mei, files=[("报价.pdf", "application/pdf", PDF), ("run.exe", "application/pdf", b"MZ")])

    made = Interaction.objects.get()
    assert (made.account, made.kind, made.held_on, made.logged_by) == (wang.account, "email", date(2024, 1, 15), mei)
    assert (list(made.their_people.all()), list(made.our_people.all())) == ([wang], [mei])
    assert made.summary.startswith(
        "Prices for March\n\nWe agree on 42.\n\nNot kept of this mail:\nrun.exe: Files of this type"
    )
    assert [(one.name, one.media_type) for one in made.attachments.all()] == [("报价.pdf", "application/pdf")]
    assert (done.is_new, done.interactions, len(done.refused)) == (True, [made], 1)
    row = IncomingMail.objects.get()
    assert (row.state, row.text, row.sender, row.stored_as) == (MailState.LOGGED, "", "", "")
    assert len(files(media)) == 1


def test_what_i_write_is_logged_at_the_account_of_who_gets_it(mei, wang):
    receive(mei, sender=MEI, to=f"{WANG}, log+x@in.us.example")

    assert Interaction.objects.get().account == wang.account


def test_the_same_mail_is_logged_once_however_often_and_for_whom_it_comes(mei, wang):
    mate = make_user(email="mate@us.example")
    make_team_member(account=wang.account, user=mate)

    first, again, theirs = receive(mei), receive(mei), receive(mate)

    made = Interaction.objects.get()
    assert [one.is_new for one in (first, again, theirs)] == [True, False, True]
    assert again.interactions == theirs.interactions == [made]
    assert set(made.our_people.all()) == {mei, mate}
    receive(mei, message_id="<two@customer.example>")
    receive(mei, message_id="")
    receive(mei, message_id="")
    assert Interaction.objects.count() == 3


def test_a_forwarded_mail_belongs_to_who_wrote_the_first_one(mei, wang):
    text = f"See below\n\n---------- Forwarded message ---------\nFrom: Wang <{WANG}>\nTo: <{MEI}>\n\nWe agree."

    receive(mei, sender=MEI, to="log+x@in.us.example", text=text, message_id="<a@us>")
    receive(mei, raw=forwarded_as_file(letter(), sender=MEI, to="log+x@in.us.example", message_id="<b@us>"))

    assert [one.account for one in Interaction.objects.all()] == [wang.account] * 2


def test_a_mail_to_two_customers_is_logged_at_both_and_a_copy_at_neither(mei, wang):
    other = make_contact(account=make_account(owner=mei), email="li@other.example")
    third = make_contact(account=make_account(owner=mei), email="zhao@third.example")

    receive(mei, sender=MEI, to=f"{WANG}, li@other.example", cc="zhao@third.example")
    assert set(Interaction.objects.values_list("account", flat=True)) == {wang.account_id, other.account_id}

    receive(mei, sender=MEI, to="nobody@x.example", cc="zhao@third.example", message_id="<two@us>")
    assert Interaction.objects.filter(account=third.account).count() == 1


def test_what_fits_no_account_of_mine_waits_and_keeps_everything(mei, media):
    hidden = make_contact(email=WANG)  # of an account that Mei does not see

    done = receive(mei, files=[("offer.pdf", "application/pdf", PDF)])

    assert not Interaction.objects.exists()
    row = done.mail
    assert (row.state, row.subject, row.sender, row.text) == ("waiting", "Prices for March", WANG, "We agree on 42.")
    assert mails.candidates(row, mei) == []
    assert files(media) == [row.stored_as]
    assert storage.sweep(now=timezone.now() + timedelta(days=9)) == 0

    account = make_account(owner=mei)
    make_contact(account=account, email=WANG)
    assert mails.candidates(row, mei) == [account]
    with transaction.atomic():
        done = mails.assign(mail=row, account=account, now=timezone.now())
    made = Interaction.objects.get()
    assert (made.account, made.held_on, [one.name for one in made.attachments.all()]) == (
        account, date(2024, 1, 15), ["offer.pdf"],
    )  # fmt: skip
    assert [one.email for one in made.their_people.all()] == [WANG]
    assert hidden not in made.their_people.all()
    with pytest.raises(MailRefused, match="dealt with"):
        mails.assign(mail=row, account=account, now=timezone.now())


def test_an_address_that_several_accounts_know_decides_nothing(mei, wang):
    other = make_contact(account=make_account(owner=mei), email=WANG)

    done = receive(mei)
    assert done.mail.state == MailState.WAITING
    assert mails.candidates(done.mail, mei) == sorted([wang.account, other.account], key=lambda one: one.sort_key)

    sure = make_contact(account=other.account, email="sure@customer.example")
    receive(mei, cc="", to=f"{MEI}, sure@customer.example", message_id="<two@x>")
    made = Interaction.objects.get()
    assert (made.account, set(made.their_people.all())) == (other.account, {other, sure})


def test_a_mail_put_aside_is_forgotten_and_may_come_again(mei, media, django_capture_on_commit_callbacks):
    row = receive(mei).mail
    with django_capture_on_commit_callbacks(execute=True):
        mails.put_aside(mail=row)

    row.refresh_from_db()
    assert (row.state, row.subject, row.text, row.stored_as, files(media)) == ("aside", "", "", "", [])
    assert receive(mei).mail.state == MailState.WAITING
    assert IncomingMail.objects.count() == 1


def test_the_line_from_has_no_authority(mei, wang):
    stranger = make_user(email="stranger@us.example")

    done = receive(stranger, sender=MEI, to=WANG)  # a forged From, at the stranger's own address

    assert not Interaction.objects.exists()
    assert (done.mail.user, done.mail.state) == (stranger, MailState.WAITING)


def test_an_address_is_of_one_user_until_it_is_renewed(mei):
    address = mails.address_of(mei)
    assert mails.address_of(mei) == address
    assert mails.user_of(["x@y.example", address.upper()]) == mei

    new = mails.renew_address(mei)

    assert mails.user_of([address]) is None
    assert mails.user_of([new]) == mei
    assert mails.user_of([new.replace("in.us", "out.us")]) is None
    assert mails.user_of([f"log+@{'in.us.example'}", "log+%@in.us.example"]) is None
    mei.is_active = False
    mei.save()
    assert mails.user_of([new]) is None


def test_without_a_domain_there_is_no_address(mei, settings):
    settings.MAIL_IN_DOMAIN = ""

    assert mails.address_of(mei) == ""
    assert mails.user_of(["log+x@", "log+x"]) is None
    assert not MailAddress.objects.exists()


def test_limits_and_rights(mei, wang, settings):
    settings.MAIL_IN_MAX_MB = 1
    with pytest.raises(MailRefused, match="larger than 1 MB"):
        receive(mei, text="x" * (1 << 20) + "x")
    with pytest.raises(MailRefused, match="no mail"):
        receive(mei, raw=b"hello")
    with pytest.raises(MailRefused, match="may not log"):
        receive(make_user(role="analyst"))
    assert not IncomingMail.objects.exists()


def test_a_long_text_comes_whole_as_a_file_and_too_many_files_are_named(mei, wang, settings):
    settings.ATTACHMENTS_PER_INTERACTION = 2
    long = "\n".join(f"line {number}" for number in range(2000))

    receive(mei, text=long, files=[(f"{n}.pdf", "application/pdf", PDF) for n in range(3)])

    made = Interaction.objects.get()
    assert len(made.summary) <= 4000
    assert "The whole text is among the files." in made.summary
    assert "2.pdf: there are too many files" in made.summary
    assert [one.name for one in made.attachments.all()] == ["0.pdf", "mail.txt"]
    assert storage.bytes_of(made.attachments.last().stored_as).decode() == long


def test_a_day_to_come_becomes_today(mei, wang):
    receive(mei, date="Mon, 15 Jan 2990 09:30:00 +0800")
    receive(mei, date="", message_id="<two@x>")

    assert set(Interaction.objects.values_list("held_on", flat=True)) == {timezone.localdate()}


def test_nothing_is_left_where_logging_fails(mei, wang, media, monkeypatch):
    def broken(**_fields):
        raise OSError("disk full")

    monkeypatch.setattr(mails, "log_interaction", broken)
    with pytest.raises(OSError, match="disk full"):
        receive(mei)

    assert not IncomingMail.objects.exists()
    assert not files(media)


def test_statements_do_not_grow_with_people(mei, wang, django_assert_max_num_queries):
    receive(mei, message_id="<warm@x>")
    counts = []
    for number in (1, 30):
        people = [
            make_contact(account=wang.account, email=f"p{number}-{n}@customer.example").email for n in range(number)
        ]
        with django_assert_max_num_queries(80) as asked:
            receive(mei, to=", ".join([MEI, *people]), message_id=f"<{number}@x>")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_an_erasure_takes_files_and_waiting_mails_along(mei, media, django_capture_on_commit_callbacks):
    contact = make_contact(account=make_account(owner=mei), name="Xenon Zhao", email="xenon.zhao@customer.example")
    text = make_attachment(account=contact.account, name="Minutes Xenon Zhao.txt", content=b"Xenon Zhao said yes")
    picture = make_attachment(account=contact.account, name="scan.jpg", content=b"\xff\xd8\xff\xe0Xenon Zhao")
    other = make_attachment(account=contact.account, name="plain.txt", content=b"Nothing")
    Contact.objects.filter(pk=contact.pk).update(email="")
    waits = receive(mei, sender="x@y.example", text="Xenon Zhao asked", message_id="<w@x>").mail
    stays = receive(mei, sender="x@y.example", text="Somebody else", message_id="<v@x>").mail

    with django_capture_on_commit_callbacks(execute=True):
        erasure = erase_person(Person("contact", contact.pk), by=make_superuser(), reason="Asked")

    text.refresh_from_db()
    content = storage.bytes_of(text.stored_as)
    assert (text.name, content, text.size) == ("Minutes erased.txt", b"erased said yes", len(b"erased said yes"))
    assert storage.bytes_of(other.stored_as) == b"Nothing"
    assert storage.bytes_of(picture.stored_as).endswith(b"Xenon Zhao")
    assert {name: erasure.counts[name] for name in ("files", "files_left", "mails")} == {
        "files": 1, "files_left": 1, "mails": 1,
    }  # fmt: skip
    states = [IncomingMail.objects.get(pk=one.pk).state for one in (waits, stays)]
    assert states == ["aside", "waiting"]
    assert Attachment.objects.get(pk=text.pk).sha256 != other.sha256
