# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One conversation: bounded in size and time, no redirects, one try of a login, nothing of the environment."""

from __future__ import annotations

import gzip
import pathlib
import re
import socket
import time
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import (
    CamsecError,
    ConnectError,
    InputError,
    LoginError,
    ProtocolError,
    TrustError,
)
from ansible_collections.camsec.fleet.plugins.module_utils._transport import _session
from ansible_collections.camsec.fleet.plugins.module_utils._transport._connection import Endpoint, Trust
from ansible_collections.camsec.fleet.plugins.module_utils._transport._frame import parse_frame
from ansible_collections.camsec.fleet.plugins.module_utils._transport._session import Answer, DeviceSession, Refused

from .conftest import PASSWORD, Exchange, Identity, Server, answer, session, unauthorized

Serve = t.Callable[..., Server]
FOREVER = 20.0


def logged_in(reply: bytes) -> t.Callable[[Exchange], None]:
    """Asks for the login first."""

    def script(exchange: Exchange) -> None:
        exchange.send(reply if "Authorization: Digest" in exchange.head else unauthorized())

    return script


def failure(server: Server, kind: type[CamsecError], **options: t.Any) -> CamsecError:
    with session(server, **options) as open_session, pytest.raises(kind) as caught:
        open_session.read("/cgi-bin/get_https")
    error = caught.value
    assert error.__class__ is kind
    assert error.message.startswith("cam011: ")
    assert PASSWORD not in error.message
    assert "\n" not in error.message
    assert error.__suppress_context__ or error.__cause__ is None
    return error


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_an_answer_of_one_mebibyte_is_read_and_a_longer_one_is_not(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.send(answer(b"x" * (1 << 20))))
    with session(server) as open_session:
        assert len(open_session.read("/").body) == 1 << 20
    error = failure(serve(lambda exchange: exchange.send(answer(b"x" * ((1 << 20) + 1)))), ProtocolError)
    assert error.found == "more than 1 MiB"


@pytest.mark.parametrize("status", [200, 401, 302, 503])
def test_an_endless_answer_ends_at_one_mebibyte_whatever_its_status(serve: Serve, status: int) -> None:
    """The library itself would read the answer with the challenge without a bound."""
    sent = 0

    def script(exchange: Exchange) -> None:
        nonlocal sent
        head = f"HTTP/1.1 {status} x\r\n" + 'WWW-Authenticate: Digest realm="c", qop="auth", nonce="n"\r\n'
        exchange.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        while not exchange.ended.is_set():
            exchange.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            sent += 65536

    error = failure(serve(script), ProtocolError)
    assert error.found == "more than 1 MiB"
    assert sent < 20 << 20


@pytest.mark.parametrize(
    "drip",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"",
    ],
    ids=["with a length", "until it closes", "in the head", "from the first byte"],
)
def test_an_answer_that_drips_is_cut_after_three_timeouts(serve: Serve, drip: bytes) -> None:
    """Each byte comes in time, the whole never does."""

    def script(exchange: Exchange) -> None:
        exchange.send(drip)
        while not exchange.ended.wait(0.05):
            exchange.send(b"x")

    begin = time.monotonic()
    error = failure(serve(script), ProtocolError, timeout=0.2)
    assert time.monotonic() - begin < 1.5
    assert error.found == "an answer that does not end"
    assert error.expected == "a whole one within 0.6 s"


def test_a_dripping_answer_over_tls_is_cut_too(serve: Serve, identity: Identity) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while not exchange.ended.wait(0.05):
            exchange.send(b"x")

    server = serve(script, tls=identity.context)
    begin = time.monotonic()
    error = failure(server, ProtocolError, scheme="https", trust=Trust(ca_path=identity.path), timeout=0.2)
    assert time.monotonic() - begin < 1.5
    assert error.found == "an answer that does not end"


def test_a_silent_device_is_given_up_after_the_timeout(serve: Serve) -> None:
    error = failure(serve(lambda exchange: exchange.ended.wait(FOREVER)), ConnectError, timeout=0.2)
    assert error.found == "no answer within 0.2 s"


def test_a_device_that_never_shakes_hands_is_given_up_after_the_timeout(serve: Serve, identity: Identity) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = serve(lambda _exchange: None)
    server.port = listener.getsockname()[1]
    error = failure(server, ConnectError, scheme="https", trust=Trust(ca_path=identity.path), timeout=0.2)
    assert error.found == "no answer within 0.2 s"
    listener.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
    ids=["body", "chunk", "head", "nothing", "another protocol"],
)
def test_half_an_answer_is_no_answer(serve: Serve, raw: bytes) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(raw)
        exchange.connection.shutdown(socket.SHUT_RDWR)

    server = serve(script)
    with session(server) as open_session, pytest.raises((ConnectError, ProtocolError)) as caught:
        parse_frame(open_session.read("/x"), device="cam011", subject="/x", required=("live",))
    assert caught.value.found
    assert server.connections == 1


def test_a_compressed_answer_is_not_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(b"\0" * (50 << 20))
    server = serve(lambda exchange: exchange.send(answer(bomb, more="Content-Encoding: gzip\r\n")))
    with session(server) as open_session:
        assert open_session.read("/").body == bomb
    assert "accept-encoding: identity" in server.requests[0].lower()


def test_an_html_page_is_not_an_answer(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.send(answer(b"<html>It works!</html>", kind="text/html")))
    with session(server) as open_session:
        page = open_session.read("/cgi-bin/get_https")
    with pytest.raises(ProtocolError, match=r"cam011: answer to /x: found an HTML page without live, expected KEY=VAL"):
        parse_frame(page, device="cam011", subject="/x", required=("live",))


def test_the_frame_of_the_wire_contract_is_read() -> None:
    body = "\ufeff<HTML>\r\nlive=http\r\nname=a=b \r\nempty=\r\n</HTML>\r\n".encode()
    read = Answer(status=200, content_type="text/plain", body=body)
    fields = parse_frame(read, device="cam011", subject="/x", required=("live",))
    assert fields == {"live": "http", "name": "a=b", "empty": ""}


# -- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve: Serve, status: int) -> None:
    other = serve(lambda exchange: exchange.send(answer()))
    server = serve(logged_in(answer(status=status, more=f"Location: http://127.0.0.1:{other.port}/x\r\n")))
    error = failure(server, ProtocolError)
    assert error.found == f"a redirect to http://127.0.0.1:{other.port}/x"
    assert other.connections == 0


# -- the login -------------------------------------------------------------------------------------------------------


def test_a_refused_login_is_tried_once(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.send(unauthorized(f"n{exchange.number}")))
    error = failure(server, LoginError)
    assert "tried once only" in error.message
    assert ["Authorization" in head for head in server.requests] == [False, True]


def test_a_stale_nonce_is_no_wrong_login(serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        wanted = "n1" if exchange.number < 4 else "n2"
        exchange.send(answer() if f'nonce="{wanted}"' in exchange.head else unauthorized(wanted))

    with session(serve(script)) as open_session:
        assert [open_session.read("/").status for dummy in range(4)] == [200] * 4


def test_the_password_is_not_on_the_wire(serve: Serve) -> None:
    server = serve(logged_in(answer()))
    with session(server) as open_session:
        open_session.write("/cgi-bin/set_https", form={"live": "https"})
    assert not any(PASSWORD in head for head in server.requests)


def test_no_accept_header_that_looks_like_a_browsers(serve: Serve) -> None:
    server = serve(logged_in(answer()))
    with session(server) as open_session:
        open_session.read("/")
    assert not any(re.search(r"(?im)^accept:", head) for head in server.requests)


# -- busy devices ----------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_session, "_BUSY_PAUSE", 0.01)


@pytest.mark.usefixtures("hasty")
def test_a_busy_device_is_asked_again_for_a_read(serve: Serve) -> None:
    busy = answer(b"<HTML><BODY><H1>Busy</H1></BODY></HTML>", status=503, kind="text/html")
    server = serve(lambda exchange: exchange.send(answer() if exchange.number > 3 else busy))
    with session(server) as open_session:
        assert open_session.read("/").status == 200
    assert len(server.requests) == 4


@pytest.mark.usefixtures("hasty")
def test_a_device_that_stays_busy_is_given_up_after_three_timeouts(serve: Serve) -> None:
    busy = answer(b"<HTML><BODY><H1>Busy\nnow</H1></BODY></HTML>", status=503, kind="text/html")
    begin = time.monotonic()
    error = failure(serve(lambda exchange: exchange.send(busy)), Refused, timeout=0.1)
    assert 0.3 <= time.monotonic() - begin < 1.5
    assert error.found == "status 503 (Busy now)"


@pytest.mark.parametrize(
    "what",
    [{"params": {"mode": "delete"}}, {"form": {"live": "https"}}, {"uploads": [("fileName", "c.pem", b"x")]}],
    ids=["query", "form", "upload"],
)
def test_a_write_is_sent_once_to_a_busy_device(serve: Serve, what: dict[str, t.Any]) -> None:
    server = serve(lambda exchange: exchange.send(answer(status=503)))
    with session(server) as open_session, pytest.raises(Refused):
        open_session.write("/cgi-bin/set_https", **what)
    assert len(server.requests) == 1


def test_several_files_go_in_one_request(serve: Serve) -> None:
    server = serve(lambda exchange: exchange.send(answer()))
    with session(server) as open_session:
        open_session.write("/a", params={"b": "c"}, uploads=[("one", "1.pem", b"first"), ("two", "2.pem", b"second")])
    assert server.requests[0].startswith("POST /a?b=c ")
    for part in (b'name="one"; filename="1.pem"', b"\r\n\r\nfirst\r\n", b'name="two"; filename="2.pem"', b"second"):
        assert part in server.bodies[0]


def test_a_write_whose_answer_is_lost_is_not_sent_again(serve: Serve) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.number == 1:
            exchange.send(answer())
        else:
            exchange.connection.shutdown(socket.SHUT_RDWR)

    server = serve(script)
    with session(server) as open_session:
        open_session.read("/cgi-bin/get_https")
        with pytest.raises(ConnectError):
            open_session.write("/cgi-bin/set_https", form={"live": "https"})
    assert [head.split()[1] for head in server.requests] == ["/cgi-bin/get_https", "/cgi-bin/set_https"]


def test_an_error_of_the_device_brings_its_own_sentence(serve: Serve) -> None:
    page = b"<HTML><HEAD><TITLE>400</TITLE></HEAD><BODY><H1>HTTPS-21: make a CSR.</H1></BODY></HTML>"
    error = failure(serve(logged_in(answer(page, status=400, kind="text/html"))), Refused)
    assert error.found == "status 400 (HTTPS-21: make a CSR.)"


# -- the environment -------------------------------------------------------------------------------------------------


def test_proxies_netrc_and_ca_bundles_of_the_environment_are_ignored(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, identity: Identity
) -> None:
    proxy = serve(lambda exchange: exchange.send(answer()))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", identity.path)
    monkeypatch.setenv("CURL_CA_BUNDLE", identity.path)
    monkeypatch.setenv("SSL_CERT_FILE", identity.path)

    server = serve(logged_in(answer()))
    with session(server) as open_session:
        open_session.read("/")
    assert all("Basic" not in head for head in server.requests)
    assert 'username="admin"' in server.requests[1]
    secure = serve(logged_in(answer()), tls=identity.context)
    failure(secure, TrustError, scheme="https", trust=Trust(ca_path=_another(tmp_path, identity)))
    assert proxy.connections == 0


def _another(tmp_path: pathlib.Path, _identity: Identity) -> str:
    from .conftest import _identity as make

    return make(tmp_path, "another", "127.0.0.1").path


# -- trust -----------------------------------------------------------------------------------------------------------


def test_a_ca_vouches_for_the_device(serve: Serve, identity: Identity) -> None:
    server = serve(logged_in(answer()), tls=identity.context)
    with session(server, scheme="https", trust=Trust(ca_path=identity.path)) as open_session:
        open_session.read("/")
        assert open_session.peer is not None
        assert open_session.peer.protocol == "TLSv1.3"
    assert server.connections == 1


def test_a_certificate_of_another_name_is_not_trusted(serve: Serve, misnamed: Identity) -> None:
    server = serve(logged_in(answer()), tls=misnamed.context)
    error = failure(server, TrustError, scheme="https", trust=Trust(ca_path=misnamed.path))
    assert "mismatch" in error.found
    assert server.requests == []


def test_a_pin_is_used_instead_of_the_ca_and_of_the_name(serve: Serve, identity: Identity, misnamed: Identity) -> None:
    server = serve(logged_in(answer()), tls=misnamed.context)
    pins = ("0" * 64, misnamed.pin)
    with session(server, scheme="https", trust=Trust(ca_path=identity.path, spki_sha256=pins)) as open_session:
        open_session.read("/")
    other = Trust(ca_path=misnamed.path, spki_sha256=(identity.pin,))
    error = failure(server, TrustError, scheme="https", trust=other)
    assert misnamed.pin in error.found


def test_nothing_is_sent_before_the_pin_is_checked(serve: Serve, identity: Identity) -> None:
    server = serve(logged_in(answer()), tls=identity.context)
    failure(server, TrustError, scheme="https", trust=Trust(spki_sha256=("0" * 64,)))
    assert server.requests == []


def test_a_new_connection_of_the_same_session_is_checked_again(
    serve: Serve, identity: Identity, misnamed: Identity
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(answer())
        exchange.connection.shutdown(socket.SHUT_RDWR)

    server = serve(script, tls=identity.context)
    with session(server, scheme="https", trust=Trust(spki_sha256=(identity.pin,))) as open_session:
        open_session.read("/")
        server._tls = misnamed.context
        time.sleep(0.05)
        with pytest.raises(TrustError):
            open_session.read("/")
    assert len(server.requests) == 1


def test_https_without_anything_to_trust_by_is_refused(serve: Serve, identity: Identity) -> None:
    server = serve(logged_in(answer()), tls=identity.context)
    with pytest.raises(InputError, match="cam011: trust: found neither a CA nor a pin"):
        session(server, scheme="https", trust=Trust())
    assert server.connections == 0


@pytest.mark.parametrize(("content", "found"), [(None, "No such file"), ("nothing", "no certificate in PEM form")])
def test_a_ca_file_that_is_none(serve: Serve, tmp_path: pathlib.Path, content: str | None, found: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    server = serve(logged_in(answer()))
    with pytest.raises(InputError) as caught:
        session(server, scheme="https", trust=Trust(ca_path=str(path)))
    assert found in caught.value.message
    assert str(path) in caught.value.message


def test_the_cause_of_an_earlier_failure_is_not_taken_for_this_ones(serve: Serve, identity: Identity) -> None:
    """The way back begins while the failure of the way there is still being handled."""
    server = serve(logged_in(answer()), tls=identity.context)
    closed = serve(lambda _exchange: None)
    closed.close()
    try:
        session(server, scheme="https", trust=Trust(spki_sha256=("0" * 64,))).read("/")
    except TrustError:
        error = failure(closed, ConnectError)
        assert error.found == "Connection refused"


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "url"),
    [("192.0.2.1", "http://192.0.2.1:80"), ("::1", "http://[::1]:80"), ("cam.example", "http://cam.example:80")],
)
def test_the_url_of_an_endpoint(host: str, url: str) -> None:
    assert Endpoint(scheme="http", host=host, port=80).url == url


def test_an_ipv6_device_is_asked_under_its_bracketed_name(serve: Serve) -> None:
    try:
        server = serve(logged_in(answer()), address="::1")
    except OSError:
        pytest.skip("NOT TESTED over IPv6: ::1 cannot be had")
    with session(server, host="::1") as open_session:
        assert open_session.read("/cgi-bin/get_https", {"a": "b"}).status == 200
    assert f"Host: [::1]:{server.port}" in server.requests[0]
    assert server.requests[0].startswith("GET /cgi-bin/get_https?a=b HTTP/1.1")


def test_a_name_that_does_not_resolve() -> None:
    endpoint = Endpoint(scheme="http", host="cam.invalid", port=80)
    from .conftest import CREDENTIALS

    one = DeviceSession(device="cam011", endpoint=endpoint, credentials=CREDENTIALS, trust=Trust(), timeout=1)
    with one, pytest.raises(ConnectError, match=r"cam011: HTTP connection to cam\.invalid port 80"):
        one.read("/")
