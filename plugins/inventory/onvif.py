# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin onvif."""

from __future__ import annotations

DOCUMENTATION = r"""
name: onvif
short_description: ONVIF cameras that answer a WS-Discovery probe
version_added: 1.0.0
author:
  - camsec.fleet contributors (@camsec)
description:
  - Asks by WS-Discovery which ONVIF devices there are (types C(tds:Device) and C(dn:NetworkVideoTransmitter)),
    everybody in the neighbourhood by multicast, and given addresses and networks one by one, and makes inventory
    hosts of those that answer (group C(camsec_discovered)).
  - B(Nothing in an answer is authenticated.) Whoever is on the network can answer, in another device's name too, and
    claim any model or place. Therefore discovered hosts are not in the group C(camsec_cameras), on which the
    playbooks of this collection work and to which their logins are sent. Put those into it whose addresses you know,
    as in the examples, and verify them by certificate.
  - What is claimed is in variables that begin with C(onvif_), and in the groups C(onvif_model_<model>),
    C(onvif_location_<location>) and C(onvif_profile_<profile>). Strings of devices are never templates.
  - Answers to other questions, messages of more than 32767 bytes, document types and entities are not read. Devices
    are told apart by their endpoint reference.
  - No login is made, and no connection to a device.
  - The file's name ends in C(camsec_onvif.yml) or C(camsec_onvif.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: V(camsec.fleet.onvif).
    type: str
    required: true
    choices: [camsec.fleet.onvif]
  multicast:
    description:
      - Ask everybody in the neighbourhood, at 239.255.255.250 with a time to live of 1. Only devices of the networks
        that this computer is in can hear it.
    type: bool
    default: true
  interfaces:
    description:
      - From which network cards to ask by multicast, each its name, such as V(eth1), or its IPv4 address.
      - By default from the one that the computer's routes say.
    type: list
    elements: str
    default: []
  addresses:
    description:
      - Addresses to be asked one by one, IPv4 or IPv6, and networks such as V(192.0.2.0/24); at most 4096 addresses
        in all.
      - Devices need not answer this, but many do. It reaches networks behind a router.
    type: list
    elements: str
    default: []
  port:
    description: UDP port that is asked.
    type: int
    default: 3702
  repeats:
    description: How often each question is sent again, since UDP loses some; 0 to 9.
    type: int
    default: 2
  timeout:
    description:
      - Seconds to wait for answers after the last question; 0.1 to 60. Devices may take 4 seconds.
      - Where O(multicast) is off, the wait ends as soon as all O(addresses) have answered.
    type: float
    default: 5.0
  foreign_address:
    description:
      - What to do with an answer that claims only addresses of other hosts than the one that it came from.
      - V(ignore) leaves the device out, with a warning.
      - V(use) takes the device's word. Whoever is on the network can then make Ansible talk to any host. Use it only
        for devices with several addresses, on a network that you trust.
    type: str
    choices: [ignore, use]
    default: ignore
  hostname:
    description:
      - What devices are called.
      - V(address) is the address that the answer came from. Of two devices at one address the first counts, with a
        warning.
      - V(endpoint) is C(onvif-) and the UUID that the device has at all its addresses.
    type: str
    choices: [address, endpoint]
    default: address
notes:
  - A host that an earlier source made keeps the variables that it has, so that no answer replaces what you wrote.
  - Variables are C(ansible_host), C(camsec_http_port), C(camsec_https_port) as far as claimed, C(camsec_driver)
    (V(onvif)), C(onvif_endpoint), C(onvif_types), C(onvif_scopes), C(onvif_xaddrs), C(onvif_name), C(onvif_model),
    C(onvif_manufacturer), C(onvif_location), C(onvif_locations), C(onvif_profiles), C(onvif_sender) and
    C(onvif_foreign_address).
  - Multicast is in IPv4 only. A link-local IPv6 address gets the zone of the network card that the answer came
    through.
  - Tried against simulated devices only, not on hardware.
requirements:
  - lxml
"""

EXAMPLES = r"""
# site.camsec_onvif.yml; ansible-inventory -i site.camsec_onvif.yml --graph
plugin: camsec.fleet.onvif
interfaces: [eth1]
addresses: [192.0.2.0/24]
groups:
  # Only what is on your list is worked on, whatever else answers. An address is the one thing that you can check.
  camsec_cameras: ansible_host in ['192.0.2.11', '192.0.2.12']
keyed_groups:
  - prefix: maker
    key: onvif_manufacturer
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/camsec
"""

import typing as t

from ansible_collections.camsec.fleet.plugins.module_utils._core._host import InventoryHosts
from ansible_collections.camsec.fleet.plugins.module_utils._discovery.discover import QUESTION_OPTIONS, discover
from ansible_collections.camsec.fleet.plugins.module_utils._discovery.inventory import inventory_hosts
from ansible_collections.camsec.fleet.plugins.plugin_utils._inventory import FleetInventory


class InventoryModule(FleetInventory):
    """Ansible's interface."""

    NAME = "camsec.fleet.onvif"
    suffix = "camsec_onvif"

    def collect(self, path: str, kept: t.Mapping[str, t.Any]) -> InventoryHosts:
        """Ask, or remember.

        Args:
            path: The file with the options.
            kept: What an earlier run kept.

        Returns:
            The devices.
        """
        question = {name: self.option(name) for name in QUESTION_OPTIONS}
        if kept.get("question") != question:
            found = discover(question)
            self.warn(found.warnings)
            self.display.vvv(f"Discovery passed over: {found.passed_over or 'nothing'}")
            kept = {"question": question, "devices": found.devices}
        if kept["devices"]:
            self.keep(path, kept)
        return inventory_hosts(kept["devices"], hostname=self.option("hostname"))
