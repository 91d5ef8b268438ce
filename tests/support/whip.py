"""A WebRTC server that takes WHIP, as a program: aiortc behind RFC 9725's two requests.

    python -m tests.support.whip PORT

Prints ``frame WIDTH HEIGHT`` for each picture, ``sound RATE CHANNELS`` for each piece of sound, and
``delete`` when the publisher says goodbye.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aioice.ice
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

TOKEN = "T0K3N"


class Server:
    """One resource for each publisher."""

    def __init__(self) -> None:
        self._peers: list[RTCPeerConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = (await read.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (each.partition(":") for each in lines)}
        body = (await read.readexactly(int(headers.get("content-length", 0)))).decode()
        answer = b"HTTP/1.1 401 Unauthorized\r\n"
        sdp = b""
        if first.startswith("DELETE"):
            answer = b"HTTP/1.1 200 OK\r\n"
            print("delete", flush=True)
        elif headers.get("authorization") == f"Bearer {TOKEN}":
            answer = b"HTTP/1.1 201 Created\r\nLocation: /whip/resource\r\n"
            answer += b"Content-Type: application/sdp\r\n"
            sdp = await self._accept(body)
        write.write(answer + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(sdp) + sdp)
        await write.drain()
        write.close()

    async def _accept(self, offer: str) -> bytes:
        peer = RTCPeerConnection()
        self._peers.append(peer)

        @peer.on("track")
        def on_track(track: Any) -> None:
            task = asyncio.ensure_future(self._watch(track))
            self._tasks.add(task)

        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        sdp: str = peer.localDescription.sdp
        return sdp.encode()

    async def _watch(self, track: Any) -> None:
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    print("sound", frame.sample_rate, len(frame.layout.channels), flush=True)
                else:
                    print("frame", frame.width, frame.height, flush=True)
        except MediaStreamError:
            return


async def main(port: int) -> None:
    """Serve for ever."""
    aioice.ice.get_host_addresses = lambda *_, **__: ["127.0.0.1"]  # nobody else is to be asked
    listening = await asyncio.start_server(Server().serve, "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
