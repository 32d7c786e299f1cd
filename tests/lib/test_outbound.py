"""Calls to other systems: every spelling of a private address is refused before a byte leaves, and no redirect is followed."""

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from crm.lib import outbound
from crm.lib.outbound import Door, OutboundFailed, OutboundRefused, check_url, post, resolve

OPEN = Door(is_open=True)
# 60 and more spellings of addresses that are not of the open internet.
PRIVATE = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
    "017700000001", "0x7f.1", "127.0.0.1.", "0", "0.0.0.0", "0x0", "localhost", "LOCALHOST", "localhost.", "LocalHost",
    "10.0.0.1", "10.255.255.255", "167772161", "0x0a000001", "012.0.0.1", "172.16.0.1", "172.31.255.254", "0xac100001",
    "192.168.0.1", "192.168.1", "3232235521", "0xc0a80001", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376", "100.64.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.0.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]",
    "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd12:3456::1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:db8::1]", "[ff02::1]", "[2001:0:53aa:64c:0:fffe:80ff:fffe]",
    "１２７.0.0.1", "127。0。0。1", "⑫7.0.0.1",
]  # fmt: skip
SPELLED_WRONG = [
    "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
    "https:///path", "https://", "javascript:alert(1)", "https://user@example.com/", "https://user:word@example.com/",
    "https://example.com\\@127.0.0.1/", "https://exa mple.com/", "https://example.com/\r\nX: y", "https://example.com:0/",
    "https://example.com:99999/", "https://example.com/#part", "data:text/plain,x", "https://example.com/\t", "",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_no_spelling_of_a_private_address_is_called(host, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_args: pytest.fail("a byte may leave"))

    with pytest.raises((OutboundRefused, OutboundFailed)):
        post(f"https://{host}/hook", body=b"{}", headers={}, door=OPEN)


@pytest.mark.parametrize("url", SPELLED_WRONG)
def test_an_address_that_is_none_is_refused_with_a_reason(url):
    with pytest.raises(OutboundRefused, match=r"\w"):
        check_url(url, OPEN)


def test_nothing_leaves_while_the_door_is_shut():
    with pytest.raises(OutboundRefused, match="OUTBOUND=1"):
        post("https://example.com/", body=b"", headers={}, door=Door(is_open=False))


def test_one_private_address_among_those_of_a_name_is_enough(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.5")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)

    with pytest.raises(OutboundRefused, match="private network"):
        resolve(check_url("https://two-faced.example/", OPEN), OPEN)


def test_the_call_goes_to_the_address_that_was_judged(monkeypatch):
    """A name that answers with a private address the second time is asked once only."""
    asked = []

    def answer(host, *_args, **_kwargs):
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    called = []
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection",
        lambda address, *_args, **_kwargs: called.append(address) or (_ for _ in ()).throw(OSError("no network")),
    )

    with pytest.raises(OutboundFailed):
        post("https://rebinding.example/", body=b"", headers={}, door=OPEN)

    assert asked == ["rebinding.example"]
    assert {host for host, _port in called} == {"93.184.216.34"}


@contextmanager
def listening(status=200, headers=()):
    """A receiver on this machine; gives its port and what it was sent."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"x" * 5000)

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()


def test_a_host_that_an_operator_named_is_called_inside_the_network_too():
    with listening() as (port, got):
        door = Door(is_open=True, private_hosts=outbound.hosts([f"127.0.0.1:{port}"]))
        answer = post(f"http://127.0.0.1:{port}/hook?x=1", body=b"hello", headers={"A": "b"}, door=door)

    assert answer.status == 200
    assert len(answer.text) == outbound.ANSWER_BYTES
    [(path, headers, body)] = got
    assert (path, headers["A"], headers["Host"], body) == ("/hook?x=1", "b", f"127.0.0.1:{port}", b"hello")


def test_naming_one_port_opens_no_other():
    door = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1:8443"]))

    with pytest.raises(OutboundRefused):
        post("https://127.0.0.1:9443/", body=b"", headers={}, door=door)


def test_a_redirect_is_an_answer_and_not_followed():
    with listening() as (inner, reached), listening(302, [("Location", f"http://127.0.0.1:{inner}/")]) as (port, _got):
        door = Door(is_open=True, private_hosts=outbound.hosts([f"127.0.0.1:{port}"]))
        answer = post(f"http://127.0.0.1:{port}/", body=b"", headers={"Content-Length": "0"}, door=door)

    assert answer.status == 302
    assert reached == []


def test_nobody_there_is_a_failure_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        door = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1"]))
        with pytest.raises(OutboundFailed, match="refused"):
            post(f"http://127.0.0.1:{port}/", body=b"", headers={}, door=door)
