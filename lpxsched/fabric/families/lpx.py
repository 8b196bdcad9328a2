"""LPX racks: trays of fully connected chips, a spine of equal positions, racks in a chain or a ring."""

from __future__ import annotations

from itertools import combinations

from lpxsched.fabric.families.wiring import Wiring, as_pairs, host_pairs


def lpx(racks: int, trays: int, chips_per_tray: int, chips_per_host: int, *, ring: bool) -> Wiring:
    """Return the wiring of LPX racks.

    Every two chips of a tray are joined (class ``tray``), every two chips of equal position in two trays of a rack
    (``spine``), chips of equal place in neighbouring racks (``rack``), each chip to the FPGA of its part of the tray
    (``host``), and FPGAs of equal number in two trays of a rack (``fpga``).
    """
    shape = (trays, chips_per_tray) if racks == 1 else (racks, trays, chips_per_tray)
    rack_chips = trays * chips_per_tray
    chips = racks * rack_chips
    hosts, to_hosts = host_pairs(shape, chips_per_host)
    hosts_per_tray = hosts // (racks * trays)
    neighbours = [(rack, rack + 1) for rack in range(racks - 1)] + ([(0, racks - 1)] if ring and racks > 2 else [])
    tray_starts = range(0, chips, chips_per_tray)
    rack_starts = range(0, chips, rack_chips)
    pairs = {
        "tray": [(start + a, start + b) for start in tray_starts for a, b in combinations(range(chips_per_tray), 2)],
        "spine": [
            (start + a * chips_per_tray + position, start + b * chips_per_tray + position)
            for start in rack_starts
            for a, b in combinations(range(trays), 2)
            for position in range(chips_per_tray)
        ],
        "rack": [(a * rack_chips + chip, b * rack_chips + chip) for a, b in neighbours for chip in range(rack_chips)],
        "fpga": [
            (chips + (rack * trays + a) * hosts_per_tray + k, chips + (rack * trays + b) * hosts_per_tray + k)
            for rack in range(racks)
            for a, b in combinations(range(trays), 2)
            for k in range(hosts_per_tray)
        ],
    }
    joined = {name: as_pairs(listed) for name, listed in pairs.items() if listed}
    return Wiring(shape, hosts, joined | {"host": to_hosts})
