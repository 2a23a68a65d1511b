# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PKI: a certificate authority in a directory, its ledger, issuing, renewal. Knows neither Ansible nor sockets."""

from __future__ import annotations
