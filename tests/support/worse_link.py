"""A link that delays and loses frames, for kernels without netem; as root.

`worse_link.py ONE OTHER DELAY_MS JITTER_MS LOSS_PERCENT` passes frames between two ports. `worse_link.py --plain PORT`
lets a port send whole frames with their checksums: the kernel usually leaves this work to a network card, which a
virtual port lacks.
"""

import ctypes
import fcntl
import heapq
import random
import select
import socket
import struct
import sys
import time

_EVERY_PROTOCOL, _OUTGOING = 3, 4  # ETH_P_ALL, PACKET_OUTGOING of linux/if_packet.h
_SIOCETHTOOL = 0x8946
_CHECKSUMS, _TCP_SEGMENTS, _SEGMENTS = 0x17, 0x1F, 0x24  # ETHTOOL_STXCSUM, _STSO, _SGSO of linux/ethtool.h
_FRAME = 65_536


def send_plainly(port: str) -> None:
    """Let the kernel compute checksums and segment packets before it sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_TCP_SEGMENTS, _SEGMENTS, _CHECKSUMS):
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sP", port.encode(), ctypes.addressof(value)))


def pass_frames(one: str, other: str, delay_s: float, jitter_s: float, loss: float) -> None:
    """Pass frames both ways until the process is stopped; frames may be reordered, as on such a link."""
    ports = []
    for name in (one, other):
        port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_PROTOCOL))
        port.bind((name, 0))
        ports.append(port)
    across = {ports[0]: ports[1], ports[1]: ports[0]}
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    number = 0
    while True:
        pause = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
        ready, _, _ = select.select(ports, [], [], pause)
        for port in ready:
            frame, origin = port.recvfrom(_FRAME)
            if origin[2] != _OUTGOING and random.random() >= loss:
                number += 1
                due = time.monotonic() + delay_s + random.uniform(-jitter_s, jitter_s)
                heapq.heappush(waiting, (due, number, across[port], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, port, frame = heapq.heappop(waiting)
            try:
                port.send(frame)
            except OSError as error:  # the frame arrived too late, or the buffer is full: lost
                print(error, file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1] == "--plain":
        send_plainly(sys.argv[2])
    else:
        milliseconds = [float(word) / 1000 for word in sys.argv[3:5]]
        pass_frames(sys.argv[1], sys.argv[2], milliseconds[0], milliseconds[1], float(sys.argv[5]) / 100)
