# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a rotation has come, whatever it was interrupted by; and the trust files that tell it."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import pathlib
import typing as t

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._call import Call
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import InputError
from ansible_collections.camsec.fleet.plugins.module_utils._pki import modules
from ansible_collections.camsec.fleet.plugins.module_utils._pki._authority import CertificateAuthority, Issued
from ansible_collections.camsec.fleet.plugins.module_utils._pki._rotation import (
    Rotation,
    Situation,
    VmsServer,
    progress,
)
from ansible_collections.camsec.fleet.plugins.module_utils._pki._seen import Issue, KnownAuthority, Seen
from ansible_collections.camsec.fleet.plugins.module_utils._pki._stopping import Card

from .conftest import PASSPHRASE, openssl

NOW = dt.datetime.now(dt.UTC)
YEAR = NOW + dt.timedelta(days=365)


@dc.dataclass(frozen=True)
class Pair:
    """Two authorities and a certificate of each."""

    old: CertificateAuthority
    new: CertificateAuthority
    old_leaf: Issued
    new_leaf: Issued

    def known(self, authority: CertificateAuthority, *names: str, **how: t.Any) -> KnownAuthority:
        issued = tuple(
            Issue(
                serial_number=f"{number:x}",
                device=name,
                sha256=f"{number:064x}",
                spki_sha256="",
                not_after=how.get("until", YEAR),
                issued_at=NOW,
                revoked=how.get("revoked", ""),
            )
            for number, name in enumerate(names, 1)
        )
        return KnownAuthority(
            name=str(authority.directory),
            root=authority.root_certificate,
            intermediate=authority.intermediate_certificate,
            issued=issued,
        )

    def hashes(self, *authorities: CertificateAuthority) -> frozenset[str]:
        return frozenset(one.sha256 for authority in authorities for one in authority.chain)

    def camera(self, leaf: Issued | None, **how: t.Any) -> Seen:
        return Seen(device="cam", address="192.0.2.11", certificate=leaf.facts if leaf else None, **how)

    def recorder(self, *authorities: CertificateAuthority) -> Seen:
        return Seen(device="rec", address="192.0.2.1", dialect="recorder", trusted=self.hashes(*authorities))

    def server(self, leaf: Issued | None, *authorities: CertificateAuthority, **how: t.Any) -> VmsServer:
        """It trusts roots alone, whatever is between them and its certificate."""
        return VmsServer(
            name="recording01",
            trusted=frozenset(authority.root_certificate.sha256 for authority in authorities),
            presented=dict.fromkeys(("server", "streaming_media"), leaf.facts) if leaf else {},
            **how,
        )

    def situation(self, **how: t.Any) -> Situation:
        """In the middle: both are trusted, one camera of the new authority."""
        given: dict[str, t.Any] = {
            "old": self.known(self.old),
            "new": self.known(self.new),
            "old_file": self.hashes(self.old, self.new),
            "new_file": self.hashes(self.old, self.new),
            "devices": (self.recorder(self.old, self.new), self.camera(self.new_leaf)),
            "cards": (),
            "without": frozenset(),
            "now": NOW,
        }
        return Situation(**{**given, **how})

    def stage(self, **how: t.Any) -> Rotation:
        return progress(self.situation(**how))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = []
    for name in ("Old", "New"):
        home = tmp_path_factory.mktemp(name)
        made.append(
            CertificateAuthority.create(
                home / "ca",
                passphrase=PASSPHRASE,
                common_name=name,
                key_type="ecdsa",
                intermediate_common_name=f"{name} Issuer" if name == "Old" else "",
            )
        )
    leaves = [
        one.issue_with_new_key(passphrase=PASSPHRASE, device="cam", subject_alt_names=["192.0.2.11"], key_type="ecdsa")[
            1
        ]
        for one in made
    ]
    return Pair(*made, *leaves)


def kinds(found: Rotation) -> tuple[list[str], list[str]]:
    return [one.kind for one in found.left], [one.kind for one in found.held_up]


def test_the_stages_follow_from_files_and_handshakes(pair: Pair) -> None:
    o, n = pair.old, pair.new
    shows_old = (pair.recorder(o), pair.camera(pair.old_leaf))
    half = (pair.recorder(o, n), pair.camera(pair.old_leaf))
    only = pair.hashes
    before = pair.stage(new=None, old_file=only(o), new_file=frozenset(), devices=shows_old)
    made = pair.stage(old_file=only(o), new_file=only(n), devices=shows_old)
    first_file = pair.stage(old_file=only(o), devices=shows_old)
    recorders = pair.stage(devices=shows_old)
    reissue = pair.stage(devices=half)
    drop = pair.stage()
    begun = pair.stage(new_file=only(n))
    nearly = pair.stage(new_file=only(n), devices=(pair.recorder(n), pair.camera(pair.new_leaf)))
    done = pair.stage(new_file=only(n), old_file=only(n), devices=(pair.recorder(n), pair.camera(pair.new_leaf)))
    stages = [one.stage for one in (before, made, first_file, recorders, reissue, drop, begun, nearly, done)]
    assert stages == ["trust"] * 4 + ["reissue"] + ["drop"] * 3 + ["done"]
    assert kinds(before) == (["authority", "device"], ["device"])
    assert kinds(made) == (["trust_file", "trust_file", "recorder", "device"], ["device"])
    assert kinds(first_file)[0] == ["trust_file", "recorder", "device"]
    assert kinds(recorders)[0] == ["recorder", "device"]
    assert kinds(reissue) == (["device"], ["device"])
    assert kinds(drop) == (["recorder", "trust_file", "trust_file"], [])
    assert kinds(nearly)[0] == ["trust_file"]
    assert kinds(done) == ([], [])
    assert [one.may_drop for one in (reissue, drop, begun, nearly, done)] == [False, True, True, True, False]


def test_what_holds_the_old_root_up(pair: Pair) -> None:
    root = {pair.old.root_certificate.sha256: YEAR}
    both = {**root, pair.new.root_certificate.sha256: YEAR}
    fine = pair.camera(pair.new_leaf)
    lost = pair.camera(None, problem="cam: no answer.")
    cases: list[tuple[dict[str, t.Any], list[str]]] = [
        ({"cards": (Card(name="A001", anchors=root),)}, ["card"]),
        ({"cards": (Card(name="A001", anchors=both),)}, []),
        ({"devices": (lost,)}, ["unread"]),
        ({"devices": (fine,), "old": pair.known(pair.old, "ftp")}, ["certificate"]),
        ({"old": pair.known(pair.old, "cam", "192.0.2.11")}, []),  # its handshake tells
        ({"old": pair.known(pair.old, "ftp"), "new": pair.known(pair.new, "ftp")}, []),
        ({"old": pair.known(pair.old, "ftp", revoked="superseded")}, []),
        ({"old": pair.known(pair.old, "ftp", until=NOW - dt.timedelta(days=1))}, []),
        ({"old": pair.known(pair.old, "ftp"), "new": pair.known(pair.new, "ftp", revoked="stolen")}, ["certificate"]),
    ]
    for how, expected in cases:
        found = pair.stage(**how)
        assert kinds(found)[1] == expected, how
        assert found.may_drop == (not expected)
        names = frozenset(one.name for one in found.held_up)
        assert pair.stage(**how, without=names).may_drop


def test_a_device_that_shows_no_certificate(pair: Pair) -> None:
    """Plain HTTP excuses a device only where the ledgers do not know that it had HTTPS with the old root."""
    plain = (pair.recorder(pair.old, pair.new), pair.camera(None))
    assert pair.stage(devices=plain).may_drop
    for name in ("cam", "192.0.2.11"):
        found = pair.stage(devices=plain, old=pair.known(pair.old, name))
        assert kinds(found)[1] == ["unread"]
        assert f"but the old ledger knows 1 for {name}, valid until" in found.held_up[0].text
        assert not found.may_drop
        assert pair.stage(devices=plain, old=pair.known(pair.old, name), without=frozenset({"cam"})).may_drop
        # The new ledger may know it by its other name.
        assert pair.stage(devices=plain, old=pair.known(pair.old, name), new=pair.known(pair.new, "cam")).may_drop
    both = pair.stage(devices=plain, old=pair.known(pair.old, "cam", "192.0.2.11"))
    assert kinds(both)[1] == ["unread"]
    for how in ({"revoked": "superseded"}, {"until": NOW - dt.timedelta(days=1)}):
        assert pair.stage(devices=plain, old=pair.known(pair.old, "cam", **how)).may_drop
    lost_again = {"old": pair.known(pair.old, "cam"), "new": pair.known(pair.new, "cam", revoked="stolen")}
    assert not pair.stage(devices=plain, **lost_again).may_drop


def test_a_camera_that_comes_back_with_the_old_certificate(pair: Pair) -> None:
    """While the drop is under way both are trusted again; after it nothing brings the old root back."""
    back = (pair.recorder(pair.new), pair.camera(pair.old_leaf))
    under_way = pair.stage(new_file=pair.hashes(pair.new), devices=back)
    assert under_way.stage == "trust"
    unread = pair.stage(
        new_file=pair.hashes(pair.new), devices=(pair.recorder(pair.new), pair.camera(None, problem="cam: gone."))
    )
    assert (unread.stage, unread.may_drop) == ("drop", False)
    after = pair.stage(new_file=pair.hashes(pair.new), old_file=pair.hashes(pair.new), devices=back)
    assert after.stage == "done"
    assert [one.name for one in after.left] == ["cam"]


def test_servers_of_the_vms_hold_up_the_stage_that_would_cut_them_off(pair: Pair) -> None:
    o, n = pair.old, pair.new
    cases: list[tuple[VmsServer, str, list[str], list[str], list[str]]] = [
        # server, stage, left, held_up, withheld
        (pair.server(pair.old_leaf, o), "trust", ["vms_server", "vms_certificate"],
         ["vms_server", "vms_certificate"], []),
        (pair.server(None), "trust", ["vms_server"], ["vms_server"], []),  # it verifies cameras all the same
        (pair.server(pair.old_leaf, o, n), "reissue", ["vms_certificate"], ["vms_certificate"], []),
        (pair.server(pair.new_leaf, o, n), "drop", ["recorder", "vms_server", "trust_file", "trust_file"], [], []),
        (pair.server(None, problem="recording01: no answer."), "drop", ["recorder", "trust_file", "trust_file"],
         ["unread"], []),
        (pair.server(None, o, n, silent=("recording01: port 7563.",)), "drop",
         ["recorder", "vms_server", "trust_file", "trust_file"], ["unread"], []),
    ]  # fmt: skip
    for server, stage, left, held_up, withheld in cases:
        found = pair.stage(servers=(server,))
        assert (found.stage, *kinds(found)) == (stage, left, held_up), server
        assert [one.kind for one in found.withheld] == withheld
        assert found.may_drop == (not held_up)
        assert pair.stage(servers=(server,), without=frozenset({"recording01"})).may_drop
    assert "It presents certificate" in pair.stage(servers=(pair.server(pair.old_leaf, o, n),)).lines[-1]
    assert "(server, streaming media)" in pair.stage(servers=(pair.server(pair.old_leaf, o, n),)).lines[-1]
    # What the old ledger knows of a server is told by its handshakes.
    in_ledger = pair.stage(servers=(pair.server(pair.new_leaf, o, n),), old=pair.known(o, "recording01"))
    assert in_ledger.may_drop


def test_nothing_is_issued_anew_while_a_server_of_the_vms_does_not_answer(pair: Pair) -> None:
    lost = pair.server(None, problem="recording01: no answer.")
    shows_old = (pair.recorder(pair.old, pair.new), pair.camera(pair.old_leaf))
    found = pair.stage(servers=(lost,), devices=shows_old)
    assert found.stage == "reissue"
    assert found.lines[0] == "stage reissue (held up)"
    assert [(one.kind, one.name) for one in found.withheld] == [("unread", "recording01")]
    assert "holds up the reissue: unread recording01: Nobody knows whether it trusts the new root:" in str(found.lines)
    given_up = pair.stage(servers=(lost,), devices=shows_old, without=frozenset({"recording01"}))
    assert given_up.lines[0] == "stage reissue (may go on)"
    # What it trusts was told; only what it presents is not known.
    silent = pair.server(None, pair.old, pair.new, silent=("recording01: port 7563.",))
    assert pair.stage(servers=(silent,), devices=shows_old).withheld == ()


def test_a_certificate_of_somebody_else_is_not_replaced_with_ours(pair: Pair, tmp_path: pathlib.Path) -> None:
    public = CertificateAuthority.create(
        tmp_path / "ca", passphrase=PASSPHRASE, common_name="Public", key_type="ecdsa", intermediate_common_name=""
    )
    dummy, leaf = public.issue_with_new_key(
        passphrase=PASSPHRASE, device="mobile", subject_alt_names=["vms.example"], key_type="ecdsa"
    )
    both = pair.server(pair.old_leaf, pair.old, pair.new)
    assert pair.stage(servers=(both,)).replaces == ("recording01",)
    mixed = dc.replace(both, presented={**both.presented, "mobile_server": leaf.facts})
    found = pair.stage(servers=(mixed,))
    assert (found.stage, kinds(found), found.replaces) == ("reissue", (["vms_certificate"], ["vms_certificate"]), ())
    assert "somebody else's too" in found.left[0].text
    alone = pair.server(leaf, pair.old, pair.new)
    assert (pair.stage(servers=(alone,)).replaces, pair.stage(servers=(alone,)).may_drop) == ((), True)


def test_the_drop_is_through_once_no_server_trusts_the_old_root(pair: Pair) -> None:
    o, n = pair.old, pair.new
    devices = (pair.recorder(n), pair.camera(pair.new_leaf))
    over: dict[str, t.Any] = {"new_file": pair.hashes(n), "old_file": pair.hashes(n), "devices": devices}
    done = pair.stage(**over, servers=(pair.server(pair.new_leaf, n),))
    assert (done.stage, kinds(done)) == ("done", ([], []))
    assert "1 servers of the VMS present certificates of it alone" in done.done
    begun = {**over, "old_file": pair.hashes(o, n)}
    assert kinds(pair.stage(**begun, servers=(pair.server(pair.new_leaf, o, n),)))[0] == ["vms_server", "trust_file"]
    # One that lacks the new root by then is mended first.
    assert pair.stage(**begun, servers=(pair.server(pair.old_leaf, o),)).stage == "trust"
    # One that comes back after the end brings nothing back to the others.
    back = pair.stage(**over, servers=(pair.server(pair.old_leaf, o),))
    assert (back.stage, kinds(back)) == ("done", (["vms_certificate", "vms_server"], []))
    assert not back.may_drop
    assert "the old root is trusted nowhere" not in back.done
    reissued = pair.stage(**over, servers=(pair.server(pair.new_leaf, o, n),))
    assert (reissued.stage, reissued.may_drop) == ("drop", True)


def test_the_same_authority_twice_is_refused(pair: Pair) -> None:
    with pytest.raises(InputError, match=r"new authority: found the root of .*, expected another authority"):
        pair.stage(new=pair.known(pair.old))


def trust(authority: CertificateAuthority, *others: CertificateAuthority, check: bool = False) -> dict[str, t.Any]:
    return modules.trust(
        Call(
            params={
                "authority_directory": str(authority.directory),
                "trusted_authority_directories": [str(one.directory) for one in others],
            },
            check_mode=check,
        )
    )


def test_a_trust_file_in_the_order_that_was_asked_for(pair: Pair, tmp_path: pathlib.Path) -> None:
    path = pathlib.Path(pair.new.trusted_path)
    before = path.read_text()
    assert trust(pair.new, pair.new, pair.old, check=True)["changed"]
    assert path.read_text() == before
    assert trust(pair.new, pair.new, pair.old)["changed"]
    assert path.read_text() == pair.new.own_pem + pair.old.own_pem
    assert path.stat().st_mode & 0o777 == 0o644
    assert not trust(pair.new, pair.new, pair.old)["changed"]
    for number, leaf in enumerate((pair.old_leaf, pair.new_leaf)):
        (tmp_path / f"{number}.pem").write_text(leaf.pem)
        assert "OK" in openssl("verify", "-CAfile", path, tmp_path / f"{number}.pem")
    assert trust(pair.new, pair.old, pair.new)["changed"]  # the order counts
    assert trust(pair.new, pair.new)["changed"]
    assert path.read_text() == before
    assert CertificateAuthority.open(pair.new.directory).own_pem == before


@pytest.mark.parametrize("number", [0, 2])
def test_none_or_one_twice_is_refused(pair: Pair, number: int) -> None:
    before = pathlib.Path(pair.new.trusted_path).read_text()
    with pytest.raises(InputError, match=r"trusted_authority_directories: found (none|the same authority twice)"):
        trust(pair.new, *[pair.new] * number)
    assert pathlib.Path(pair.new.trusted_path).read_text() == before
