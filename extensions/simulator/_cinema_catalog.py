# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cinema cameras' models, their cipher suites, and names and values of the maker's SDK."""

from __future__ import annotations

import enum
import re
import typing as t

__all__ = [
    "ACCESS_POINTS",
    "CINEMA_MODELS",
    "ENUMERATIONS",
    "ConnectionError_",
    "ConnectionStatus",
    "JobStatus",
    "account_problem",
]

# OpenSSL's names, in the order of the guide; the maker says nothing of the order on the wire.
_FIFTEEN: t.Final = (
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-SHA", "AES256-GCM-SHA384", "AES256-SHA256", "AES128-SHA256",
    "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256",
    "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES256-SHA256", "DHE-RSA-AES256-SHA", "DHE-RSA-AES128-SHA256",
)  # fmt: skip
_THIRTEEN: t.Final = tuple(suite for suite in _FIFTEEN if suite not in ("AES128-SHA", "AES256-GCM-SHA384"))

#: What each model offers as an FTPES client; TLS 1.2 is its newest.
CINEMA_MODELS: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "MPC-2610": _FIFTEEN,
    "PXW-Z300": _THIRTEEN,
    "PXW-Z380": _THIRTEEN,
}


class ServiceType(enum.IntEnum):
    FTP = 1


class PassiveMode(enum.IntEnum):
    Off = 1
    On = 2


class SecureProtocol(enum.IntEnum):
    Off = 1
    On_FTPS = 2
    On_SFTP = 3


class DirectoryHierarchyType(enum.IntEnum):
    Standard = 1
    SameAsInCamera = 2


class OverwriteType(enum.IntEnum):
    Overwrite = 1
    NotOverwrite = 2


class RootCertificateErrorSetting(enum.IntEnum):
    Connect = 1
    NotConnect = 2


class JobStatus(enum.IntEnum):
    """CrFTPJobStatus."""

    Waiting = 0x100
    Transferring = 0x200
    Completed = 0x400
    Aborted = 0x800
    OtherErr = 0x10000
    DestAuthFailed = 0x10001
    ServerCapacityOver = 0x10002
    FileAccessErr = 0x10003
    DestCertErr = 0x10004
    MediaAccessErr = 0x10005
    DestConnErr = 0x10006
    DestServerErr = 0x10007
    UploadErr = 0x10008
    DestCertNotValid = 0x10009
    DestCertExpired = 0x1000A
    PASVNotSupport = 0x1000B
    ChunkTransErr = 0x1000C


class ConnectionStatus(enum.IntEnum):
    """CrFTPConnectionStatus."""

    Connecting = 1
    Connected = 2
    Connected_ServerError = 3
    ConnectionError = 4


class ConnectionError_(enum.StrEnum):  # noqa: N801  # the name without the underscore is Python's own
    """CrFTPConnectionErrorInfo; its values are not public."""

    FTPServerSettingNotSet = "FTPServerSettingNotSet"
    FTPServerSettingError = "FTPServerSettingError"
    FTPServerSevered = "FTPServerSevered"
    CertificateError = "CertificateError"
    DirectoryCreateError = "DirectoryCreateError"
    AuthorityError = "AuthorityError"
    FTPServerOverCapacity = "FTPServerOverCapacity"


#: Fields of CrFTPServerSetting that take one of a few values.
ENUMERATIONS: t.Final[t.Mapping[str, type[enum.IntEnum]]] = {
    "serviceType": ServiceType,
    "passiveMode": PassiveMode,
    "secureProtocol": SecureProtocol,
    "directoryHierarchyType": DirectoryHierarchyType,
    "overwriteType": OverwriteType,
    "rootCertificateErrorSetting": RootCertificateErrorSetting,
}

#: FTP-23: what an access point's security can be; the camera connects to no other.
ACCESS_POINTS: t.Final = ("None", "WPA2", "WPA3")

_ACCOUNT: t.Final = re.compile(r"[A-Za-z0-9!%+,\-.=_]+")


def account_problem(user: str, password: str) -> str:
    """Why the camera does not take an account (FTP-20, FTP-21); empty when it does. Shows no password."""
    if not 1 <= len(user) <= 16 or not _ACCOUNT.fullmatch(user):
        return "The user name is 1 to 16 letters, digits and ! % + , - . = _ (FTP-20)."
    good = 8 <= len(password) <= 16 and _ACCOUNT.fullmatch(password)
    if not good or not re.search(r"[A-Za-z]", password) or not re.search(r"[0-9]", password):
        return "The password is 8 to 16 letters, digits and ! % + , - . = _, with a letter and a digit (FTP-21)."
    return ""
