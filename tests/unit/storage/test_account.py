# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FTP-20 and FTP-21: what the camera takes as user name and password; the rules and the Jinja tests."""

from __future__ import annotations

import pytest
from ansible_collections.camsec.fleet.plugins.module_utils._core._errors import RuleError
from ansible_collections.camsec.fleet.plugins.module_utils._core._secret import Secret
from ansible_collections.camsec.fleet.plugins.module_utils._storage.rules import check_password, check_user_name
from ansible_collections.camsec.fleet.plugins.test.ftpes_camera_password import TestModule as PasswordTests
from ansible_collections.camsec.fleet.plugins.test.ftpes_camera_user_name import TestModule as NameTests

is_name = NameTests().tests()["ftpes_camera_user_name"]
is_password = PasswordTests().tests()["ftpes_camera_password"]


@pytest.mark.parametrize("name", ["a", "admin", "A" * 16, "!%+,-.=_", "0123456789", "dit-cart_1"])
def test_names_that_are_taken(name: str) -> None:
    assert is_name(name)
    check_user_name(name, device="camera")


@pytest.mark.parametrize(
    "name", ["", "A" * 17, "ad min", "admin\n", "é", "a@b", "a/b", "a*", "\u0661", None, 7, ["admin"]]
)
def test_names_that_are_refused(name: object) -> None:
    assert not is_name(name)
    if isinstance(name, str):
        with pytest.raises(RuleError, match=r"expected 1 to 16 characters of letters.*\[FTP-20\]") as caught:
            check_user_name(name, device="camera")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("password", ["abcdefg1", "A1!%+,-.=_", "1234567a", "z" * 15 + "9"])
def test_passwords_that_are_taken(password: str) -> None:
    assert is_password(password)
    check_password(Secret(password), device="camera")


@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("", "fewer than 8"), ("abcdef1", "fewer than 8"), ("a1" * 8 + "a", "more than 16"), ("abcdefgh", "no digit"),
        ("12345678", "no letter"), ("!%+,-.=_", "no letter"), ("abc 1234", "other characters"), ("pässword1", "other"),
        ("abcdefg\u0661", "other characters"), ("abcdefg1\n", "other characters"),
    ],
)  # fmt: skip
def test_passwords_that_are_refused(password: str, found: str) -> None:
    assert not is_password(password)
    with pytest.raises(RuleError, match=f"password: found {found}") as caught:
        check_password(Secret(password), device="camera")
    assert not password or password not in str(caught.value)
    assert "[FTP-21]" in str(caught.value)


def test_anything_else_is_no_password() -> None:
    assert not is_password(None)
    assert not is_password(12345678)
