# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Milestone XProtect VMS is made of: roles, their services and ports, certificate groups, kinds of clients."""

from __future__ import annotations

import dataclasses as dc
import typing as t

__all__ = [
    "CLIENT_KINDS",
    "CONFIGURATOR",
    "CONFIGURATOR_LOG",
    "DATA_COLLECTOR",
    "EVENT",
    "FAILOVER",
    "FETCHING",
    "GROUPS",
    "IIS",
    "IIS_APP_ID",
    "MANAGEMENT",
    "MOBILE",
    "RECORDER_CONFIGURATION",
    "RECORDING",
    "ROLES",
    "SERVER",
    "STREAMING",
    "Group",
    "Role",
]

#: Certificate groups, by the names that the control interface and the fleet file use.
SERVER, STREAMING, MOBILE, EVENT = "server", "streaming_media", "mobile_server", "event_server"
#: Not one of them: the certificate that IIS has by itself at the management server's HTTPS port.
IIS: t.Final = "iis"
#: The application that HTTP.sys' table names for IIS' own bindings.
IIS_APP_ID: t.Final = "{4dc3e181-e14b-4a21-b022-59fc669b0914}"
MANAGEMENT: t.Final = "management_server"
FAILOVER: t.Final = "failover_recording_server"
RECORDING: t.Final = ("recording_server", FAILOVER)
#: Servers that fetch streams from recording servers (VMS-03).
FETCHING: t.Final = (MANAGEMENT, "mobile_server", "event_server", "lpr_server")

_FOLDER: t.Final = "C:\\Program Files\\Milestone"
CONFIGURATOR: t.Final = f"{_FOLDER}\\Server Configurator\\ServerConfigurator.exe"
# FIELD: the file, its element and its attributes. INFERRED: that they are about the group of the streams, that a
# failover recording server has them too, and that a renewed certificate taken up by itself leaves them as they are.
RECORDER_CONFIGURATION: t.Final = "C:\\ProgramData\\Milestone\\XProtect Recording Server\\RecorderConfig.xml"
# INFERRED: that it writes a log file is known, where is not.
CONFIGURATOR_LOG: t.Final = "C:\\ProgramData\\Milestone\\Server Configurator\\Logs\\ServerConfigurator.log"


@dc.dataclass(frozen=True, kw_only=True)
class Group:
    """A certificate group: its GUID (OFFICIAL), and how ServerConfigurator's list calls it (INFERRED)."""

    guid: str
    title: str
    #: The application that HTTP.sys' table names (INFERRED); empty: the service speaks TLS itself.
    app_id: str = ""


GROUPS: t.Final[t.Mapping[str, Group]] = {
    SERVER: Group(
        guid="84430eb7-847c-422d-aa00-7915cd0d7a65",
        title="Server certificate",
        app_id="{84430eb7-847c-422d-aa00-7915cd0d7a65}",
    ),
    STREAMING: Group(guid="549df21d-047c-456b-958e-99e65dd8b3ec", title="Streaming media certificate"),
    MOBILE: Group(
        guid="76cfc719-a852-4210-913e-703eadab139a",
        title="Mobile streaming media certificate",
        app_id="{76cfc719-a852-4210-913e-703eadab139a}",
    ),
    EVENT: Group(guid="7e02e0f5-549d-4113-b8de-bda2c1f38dbf", title="Event server certificate"),
}


@dc.dataclass(frozen=True, kw_only=True)
class Role:
    """What runs on a server: the Windows service, and the certificate groups that it presents."""

    service: str
    groups: tuple[str, ...]
    #: What serves streams where that is a service of its own; in cold standby it starts when it takes over (OFFICIAL).
    recording_service: str = ""

    @property
    def streams(self) -> str:
        """The service that serves streams."""
        return self.recording_service or self.service


#: The services' names are INFERRED: their display names are the maker's.
ROLES: t.Final[t.Mapping[str, Role]] = {
    MANAGEMENT: Role(service="Milestone XProtect Management Server", groups=(SERVER,)),
    "recording_server": Role(service="Milestone XProtect Recording Server", groups=(SERVER, STREAMING)),
    FAILOVER: Role(
        service="Milestone XProtect Failover Server",
        groups=(SERVER, STREAMING),
        recording_service="Milestone XProtect Failover Recording Server",
    ),
    "event_server": Role(service="Milestone XProtect Event Server", groups=(SERVER, EVENT)),
    "log_server": Role(service="Milestone XProtect Log Server", groups=(SERVER,)),
    "lpr_server": Role(service="Milestone XProtect LPR Server", groups=(SERVER,)),
    "mobile_server": Role(service="Milestone XProtect Mobile Server", groups=(SERVER, MOBILE)),
}
#: Runs on every server of a VMS.
DATA_COLLECTOR: t.Final = "Milestone XProtect Data Collector Server"

#: What fetches streams, and what presents them (VMS-03, VMS-04).
CLIENT_KINDS: t.Final[t.Mapping[str, str]] = {
    "smart_client": STREAMING,
    "management_client": STREAMING,
    "open_network_bridge": STREAMING,
    "dlna_server": STREAMING,
    "interconnect_site": STREAMING,
    "mip_integration": STREAMING,
    "mobile_client": MOBILE,
    "web_client": MOBILE,
}
