# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a home, and uploads into it, without a network."""

from __future__ import annotations

import dataclasses as dc
import errno
import hashlib
import os
import pathlib
import threading
import typing as t

import pytest
from ansible_collections.camsec.fleet.extensions.endpoint import _home
from ansible_collections.camsec.fleet.extensions.endpoint._digests import Digests, FileKey
from ansible_collections.camsec.fleet.extensions.endpoint._home import BusyFiles, Home
from ansible_collections.camsec.fleet.extensions.endpoint._upload import Outcome, Refusal, Upload, UploadTarget


@pytest.fixture
def home(tmp_path: pathlib.Path) -> Home:
    return make_home(tmp_path)


def make_home(root: pathlib.Path, busy: BusyFiles | None = None) -> Home:
    return Home(
        str(root), temporary_names=["*.part", ".in.*"], busy=busy or BusyFiles(), digests=Digests(), durable=True
    )


def receive(
    home: Home, name: str, *blocks: bytes, digests: Digests | None = None, finish: bool = True, **options: t.Any
) -> tuple[Upload, list[Outcome]]:
    """An upload of blocks."""
    ends: list[Outcome] = []
    target = home.open_upload(f"{home.root}/{name}", **options)
    upload = Upload(target, digests=digests or Digests(), max_size=0, durable=True, keep_part=True, on_end=ends.append)
    for block in blocks:
        for start in range(0, len(block), 16384):
            piece = block[start : start + 16384]
            upload.space()[: len(piece)] = piece
            upload.filled(len(piece))
    if finish:
        upload.finish()
    else:
        upload.close("test")
    return upload, ends


@pytest.mark.parametrize("size", [0, 1, 16384, 200_000, 262_144, 5_000_000])
def test_what_arrives_is_written_and_hashed(home: Home, size: int) -> None:
    content = os.urandom(size)
    dummy, ends = receive(home, "a.mxf", content)
    path = pathlib.Path(home.root, "a.mxf")
    assert path.read_bytes() == content
    assert path.stat().st_mode & 0o777 == 0o440
    assert ends[0].sha256 == hashlib.sha256(content).hexdigest()
    assert (ends[0].complete, ends[0].size, ends[0].received) == (True, size, size)


@pytest.mark.parametrize("known", [True, False])
def test_a_resumed_upload_has_the_digest_of_the_whole(home: Home, known: bool) -> None:
    digests = Digests()
    content = os.urandom(900_000)
    receive(home, "a.part", content[:400_000], digests=digests, finish=False)
    dummy, ends = receive(home, "a.part", content[400_000:], digests=digests if known else Digests(), offset=400_000)
    assert ends[0].sha256 == hashlib.sha256(content).hexdigest()
    assert pathlib.Path(home.root, "a.part").read_bytes() == content


def test_going_on_before_the_end_cuts(home: Home) -> None:
    digests = Digests()
    receive(home, "a.part", b"x" * 100, digests=digests)
    dummy, ends = receive(home, "a.part", b"y", digests=digests, offset=10)
    assert pathlib.Path(home.root, "a.part").read_bytes() == b"x" * 10 + b"y"
    assert ends[0].sha256 == hashlib.sha256(b"x" * 10 + b"y").hexdigest()
    with pytest.raises(Refusal, match="554"):
        home.open_upload(f"{home.root}/a.part", offset=12)


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_a_full_disk_is_552(home: Home, size: int) -> None:
    """/dev/full says ENOSPC to every write."""
    ends: list[Outcome] = []
    released: list[bool] = []
    target = UploadTarget(
        path=f"{home.root}/a.mxf",
        descriptor=os.open("/dev/full", os.O_RDWR),
        offset=0,
        created=True,
        seal=True,
        release=lambda: released.append(True),
    )
    upload = Upload(target, digests=Digests(), max_size=0, durable=True, keep_part=True, on_end=ends.append)
    with pytest.raises(Refusal, match="552"):  # noqa: PT012  # early when large, at the end when small
        for dummy in range(0, size, 16384):
            upload.space()
            upload.filled(min(16384, size))
        upload.finish()
    upload.close()
    assert released == [True]
    assert ends[0].complete is False
    assert ends[0].problem == os.strerror(errno.ENOSPC)


def test_a_crash_between_the_halves_of_a_rename(home: Home) -> None:
    """Both names lead to the evidence: the temporary one may go, or be used anew, the evidence stays."""
    receive(home, "a.mxf", b"evidence")
    evidence, left = pathlib.Path(home.root, "a.mxf"), pathlib.Path(home.root, "a.part")
    os.link(evidence, left)
    receive(home, "a.part", b"new")
    assert evidence.read_bytes() == b"evidence"
    assert left.read_bytes() == b"new"
    left.unlink()
    os.link(evidence, left)
    home.remove(str(left))
    assert evidence.read_bytes() == b"evidence"


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_links(home: Home, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def no_link(*arguments: t.Any, **named: t.Any) -> t.NoReturn:
        raise OSError(code, "no links", arguments, named)

    monkeypatch.setattr(_home.os, "link", no_link)
    receive(home, "a.part", b"x")
    assert home.rename(f"{home.root}/a.part", f"{home.root}/a.mxf").evidence
    assert pathlib.Path(home.root, "a.mxf").stat().st_mode & 0o777 == 0o440
    receive(home, "b.part", b"y")
    with pytest.raises(Refusal, match="553"):
        home.rename(f"{home.root}/b.part", f"{home.root}/a.mxf")


def test_a_rename_that_fails_leaves_the_file_writable(home: Home) -> None:
    receive(home, "a.part", b"x")
    with pytest.raises(Refusal, match="553"):
        home.rename(f"{home.root}/a.part", f"{home.root}/none/a.mxf")
    assert pathlib.Path(home.root, "a.part").stat().st_mode & 0o777 == 0o640


def test_many_at_once_for_one_name(tmp_path: pathlib.Path) -> None:
    """Of twenty sessions that store the same name one gets it."""
    busy = BusyFiles()
    won: list[int] = []
    lost: list[int] = []
    start = threading.Barrier(20)

    def store(number: int) -> None:
        start.wait()
        try:
            receive(make_home(tmp_path, busy), "a.mxf", bytes([number]) * 100_000)
        except Refusal as refusal:
            lost.append(refusal.code)
        else:
            won.append(number)

    threads = [threading.Thread(target=store, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert set(lost) <= {450, 553}
    assert (tmp_path / "a.mxf").read_bytes() == bytes(won) * 100_000


def test_only_what_is_in_the_home(home: Home, tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "plain").mkdir()
    assert home.contains(str(tmp_path))
    assert home.contains(str(tmp_path / "plain" / "new"))
    assert not home.contains(str(tmp_path / "link"))
    assert not home.contains(str(tmp_path / "link" / "passwd"))
    assert not home.contains(str(tmp_path / "link" / "none" / "none"))
    assert not home.contains(f"{tmp_path}/none/../link")
    assert not home.contains(f"{tmp_path}/plain/../../x")
    assert home.contains(str(tmp_path / "none" / "none"))
    assert not home.contains(f"{tmp_path}x")
    with pytest.raises(Refusal):
        home.open_upload(str(tmp_path / "link"))
    with pytest.raises(Refusal):
        home.open_upload(str(tmp_path / "plain"))


def test_digests_forget_a_file_that_has_changed(tmp_path: pathlib.Path) -> None:
    digests = Digests(most=2)
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with path.open("rb") as file:
        assert digests.of_file(file.fileno(), "SHA-256") == hashlib.sha256(b"one").hexdigest()
    path.write_bytes(b"three")
    with path.open("rb") as file:
        assert digests.of_file(file.fileno(), "SHA-256") == hashlib.sha256(b"three").hexdigest()
    key = FileKey.of(path.stat())
    for size in range(2):
        digests.remember(FileKey(device=1, inode=size, size=1, mtime_ns=1, ctime_ns=1), "SHA-256", hashlib.sha256())
    assert digests.known(key, "SHA-256") is None


def test_a_digest_is_never_that_of_an_earlier_content(home: Home) -> None:
    """Sizes and modification times can be chosen by a client: A at T; then B, of the same size, at T too."""
    digests = home._digests
    path = pathlib.Path(home.root, "x.part")
    one, other = b"A" * 1000, b"B" * 1000

    def told() -> str:
        with path.open("rb") as file:
            return digests.of_file(file.fileno(), "SHA-256")

    receive(home, "x.part", one, digests=digests)
    home.set_time(str(path), 1_600_000_000)
    assert told() == hashlib.sha256(one).hexdigest()
    receive(home, "x.part", other, b"!", digests=digests)
    # Cut back to 1000 bytes: what their digest is, nobody knows.
    receive(home, "x.part", digests=digests, offset=1000)
    home.set_time(str(path), 1_600_000_000)
    assert told() == hashlib.sha256(other).hexdigest()
    assert home.rename(str(path), f"{home.root}/x.mxf").evidence
    status = pathlib.Path(home.root, "x.mxf").stat()
    known = digests.known(FileKey.of(status), "SHA-256")
    assert known is None or known.hexdigest() == hashlib.sha256(other).hexdigest()


def test_a_digest_goes_when_its_file_is_written(tmp_path: pathlib.Path) -> None:
    """Also those of other algorithms, and also when all times and the size stay."""
    key = FileKey(device=1, inode=1, size=1, mtime_ns=1, ctime_ns=1)
    digests = Digests()
    digests.remember(key, "SHA-512", hashlib.sha512(b"a"))
    digests.remember(key, "SHA-256", hashlib.sha256(b"a"))
    assert digests.known(key, "SHA-512") is not None
    digests.forget(key)
    digests.remember(key, "SHA-256", hashlib.sha256(b"b"))
    assert digests.known(key, "SHA-512") is None
    later = dc.replace(key, mtime_ns=2, ctime_ns=2)
    digests.remember(later, "SHA-512", hashlib.sha512(b"c"))
    assert digests.known(later, "SHA-256") is None
    digests.moved(key, later)
    assert digests.known(later, "SHA-512") is None
    # What changed a moment ago may change again within the same tick of the clock: not kept.
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with path.open("rb") as file:
        digests.of_file(file.fileno(), "CRC32")
    assert digests.known(FileKey.of(path.stat()), "CRC32") is None


def test_a_digest_follows_its_file(home: Home) -> None:
    digests = home._digests
    receive(home, "x.part", b"content", digests=digests)
    home.set_time(f"{home.root}/x.part", 1_600_000_000)
    home.rename(f"{home.root}/x.part", f"{home.root}/x.mxf")
    known = digests.known(FileKey.of(pathlib.Path(home.root, "x.mxf").stat()), "SHA-256")
    assert known is not None
    assert known.hexdigest() == hashlib.sha256(b"content").hexdigest()


def test_a_leftover_name_of_evidence_changes_nothing_of_it(home: Home) -> None:
    receive(home, "a.mxf", b"evidence")
    evidence, left = pathlib.Path(home.root, "a.mxf"), pathlib.Path(home.root, "a.part")
    os.link(evidence, left)
    before = evidence.stat().st_mtime_ns
    with pytest.raises(Refusal, match="its time stays"):
        home.set_time(str(left), 1_600_000_000)
    assert evidence.stat().st_mtime_ns == before


def test_names_that_some_file_systems_take_for_the_same(home: Home) -> None:
    """`x.PART` must not be evidence that `DELE x.part` removes; nor may two sessions write one file by two names."""
    assert home.is_temporary(f"{home.root}/x.PART")
    assert home.is_temporary(f"{home.root}/.IN.x")
    assert Home.named_temporary("a.part", ["*.PART"])
    receive(home, "x.PART", b"x")
    assert pathlib.Path(home.root, "x.PART").stat().st_mode & 0o222
    busy = BusyFiles()
    for one, other in (("/h/a.mxf", "/h/A.MXF"), ("/h/\u00fc", "/h/u\u0308"), ("/h/\u00dc", "/h/u\u0308")):
        busy.claim(one)
        with pytest.raises(Refusal, match="450"):
            busy.claim(other)
        with pytest.raises(Refusal, match="450"), busy.claimed("/h/x", other):
            pass
        busy.release(other)
    with busy.claimed("/h/a.mxf", "/h/A.mxf"):
        pass
