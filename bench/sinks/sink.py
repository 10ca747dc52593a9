"""A server that takes uploads in and throws them away: the same one for both sides.

    python -m bench.sinks.sink [--tls server.pem] [--rate BYTES_A_SECOND] [--together COUNT]

Its first line says the port; then one line for each upload: its bytes, the seconds from the
accepted connection to the last byte, and the CPU seconds that this process used meanwhile.
"""

import argparse
import json
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Sequence

BUFFER = 256 * 1024
BURST_SECONDS = 0.01
"""What a sleep that took too long may be made up for."""
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n"
    b'Connection: close\r\n\r\n{"id": "1"}'
)


class Link:
    """So many bytes a second go through, whoever sends them; 0: as many as come."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._free = 0.0

    def passed(self, count: int) -> None:
        """Return when the link is free again."""
        if not self._rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now - BURST_SECONDS) + count / self._rate
            wait = self._free - now
        if wait > 0:
            time.sleep(wait)


class Sink:
    """Takes in one upload after the other on each connection's own thread."""

    def __init__(self, tls: ssl.SSLContext | None, link: Link, together: int) -> None:
        """Bodies are read as soon as `together` uploads have begun."""
        self._tls = tls
        self._link = link
        self._begun = threading.Barrier(together)

    def take(self, raw: socket.socket) -> None:
        """One upload, from the accepted connection to our answer."""
        began, cpu = time.monotonic(), time.process_time()
        try:
            with self._tls.wrap_socket(raw, server_side=True) if self._tls else raw as connection:
                count = self._read(connection)
                took, cpu = time.monotonic() - began, time.process_time() - cpu
                _tell({"bytes": count, "seconds": took, "cpu": cpu})
                connection.sendall(ANSWER)
        except OSError as error:
            _tell({"error": repr(error)})

    def _read(self, connection: socket.socket) -> int:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := connection.recv(BUFFER)):
                raise ConnectionError("no request")
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        announced = LENGTH.search(head)
        if announced is None:
            raise ConnectionError("an upload without Content-Length")
        self._begun.wait()
        return self._discard(connection, int(announced[1]) - len(body)) + len(body)

    def _discard(self, connection: socket.socket, length: int) -> int:
        """How many bytes came; fewer than `length` when the other side hung up."""
        buffer, got, unpaced = bytearray(BUFFER), 0, 0
        while got < length and (count := connection.recv_into(buffer)):
            got += count
            unpaced += count
            if unpaced >= BUFFER:
                self._link.passed(unpaced)
                unpaced = 0
        return got


def _tell(line: dict[str, float | str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls")
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--together", type=int, default=1)
    asked = parser.parse_args(words)
    context = None
    if asked.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(asked.tls)
    sink = Sink(context, Link(asked.rate), asked.together)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        _tell({"port": server.getsockname()[1]})
        while True:
            connection, _ = server.accept()
            threading.Thread(target=sink.take, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:])
