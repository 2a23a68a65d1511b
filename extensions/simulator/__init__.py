# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulator of recorders and cameras: real HTTP(S) servers on loopback that enforce what the manuals say.

It imports nothing of the collection's plugins, so that it can judge them.
"""

from __future__ import annotations
