"""Put first on PYTHONPATH by the tests: their processes reach this machine and no other, and seldom look for garbage.

Dozens of kernels and workers import torch. With Python's own thresholds the collector looks through all that they have
imported again and again: a twentieth of their time.
"""

import gc
import ipaddress
import socket


def _local(address: object) -> bool:
    if not isinstance(address, tuple):  # a Unix socket's path
        return True
    try:
        return ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return address[0] in ("localhost", "")


def _guarded(name: str) -> None:
    connect = getattr(socket.socket, name)

    def local_only(self: socket.socket, address: object) -> object:
        if not _local(address):
            raise OSError(f"the course fetches nothing, but something tried to reach {address}")
        return connect(self, address)

    setattr(socket.socket, name, local_only)


_guarded("connect")
_guarded("connect_ex")
gc.set_threshold(100_000, 50, 100)
