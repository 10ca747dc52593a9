"""Ports that nobody else uses, below the ephemeral range, because of a trap on loopback.

A client that reconnects to a closed port inside the ephemeral range may be given that very port as
its own source, connect to itself and so block the server's bind. Below 32768 that cannot happen.
"""

import random
import socket
from collections.abc import Collection

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 31_999


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the loopback port now (TIME_WAIT does not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Tell whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port(taken: Collection[int] = ()) -> int:
    """Pick a free port at random, so that two checkouts choosing at once rarely meet."""
    for port in random.sample(range(LOWEST, HIGHEST + 1), 500):
        if port not in taken and is_free(port):
            return port
    raise RuntimeError(f"no free port between {LOWEST} and {HIGHEST} on {LOOPBACK}")


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """Pick several different free ports."""
    chosen: list[int] = []
    while len(chosen) < count:
        chosen.append(free_port([*taken, *chosen]))
    return chosen
