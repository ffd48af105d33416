"""What do 200 viewers on one worker cost the program, and how soon do they see what happens?

usage: python -m tests.benchmarks.viewers    VIEWERS (200), WATCH seconds (60)

The program's own requests are asked from a process of their own, so that reading what the viewers get delays none of
them. The floor: as many clients that ask as often for a page of the program that is not there (404).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import statistics
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks import machine
from tests.journeys.server import Server

WORKERS, RATE = 4, 20  # clients of the program, and requests a second of all of them: 50 events each
MARKS = 3.7


class Client:
    """One connection that is kept, as a browser keeps it."""

    def __init__(self, port: int) -> None:
        self.port, self.reader, self.writer = port, None, None

    async def ask(self, path: str, mark: str = "") -> tuple[int, bytes, str]:
        """Status, body and ETag."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        more = f"If-None-Match: {mark}\r\n" if mark else ""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{more}\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, headers = int(head.split(" ", 2)[1]), head.lower()
        tag = headers.partition("etag: ")[2].partition("\r\n")[0]
        body = await self._body(headers) if status not in (204, 304) else b""
        if "connection: close" in headers:
            self.writer.close()
            self.writer = None
        return status, body, tag

    async def _body(self, headers: str) -> bytes:
        if "text/event-stream" in headers and "transfer-encoding" in headers:
            return b""  # a stream: its reader goes on by itself
        length = int(headers.partition("content-length: ")[2].partition("\r\n")[0])
        return await self.reader.readexactly(length)


async def program(port: int, seconds: float) -> list[float]:
    """Asks the program's own route, at a steady rate: the seconds of each."""
    took = list[float]()
    ends = time.perf_counter() + seconds
    await asyncio.gather(*(_asks(port, ends, took) for _ in range(WORKERS)))
    return took


async def _asks(port: int, ends: float, took: list[float]) -> None:
    client = Client(port)
    while (begun := time.perf_counter()) < ends:
        await client.ask("/work")
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(max(0.0, WORKERS / RATE - took[-1]))


def asked(port: int, seconds: float) -> list[float]:
    return asyncio.run(program(port, seconds))


class Trial:
    """taken: since when the marker's connection is out. late: seconds until each viewer saw it, by kind."""

    def __init__(self, server: Server) -> None:
        self.server, self.port = server, server.port
        self.taken: float | None = None
        self.late: dict[str, list[float]] = {"streamed": [], "polled": []}
        self.kinds = {"streamed": 0, "polled": 0}
        self.over = asyncio.Event()

    async def marks(self) -> None:
        client = Client(self.port)
        while not self.over.is_set():
            _, body, _ = await client.ask("/mark")
            self.taken = time.perf_counter() if body == b"1" else None
            await asyncio.sleep(MARKS)

    async def stranger(self, number: int) -> None:
        """As often as a viewer who polls, and nothing to draw."""
        await asyncio.sleep(2.0 * number / 200)
        client = Client(self.port)
        while not self.over.is_set():
            await client.ask("/nothing")
            await asyncio.sleep(2.0)

    async def viewer(self, number: int) -> None:
        await asyncio.sleep(2.0 * number / 200)
        client = Client(self.port)
        status, *_ = await client.ask("/ops/stream?topics=pools")
        if status == 200:
            self.kinds["streamed"] += 1
            await self._stream(client)
        else:
            self.kinds["polled"] += 1
            await self._poll(client)

    async def _stream(self, client: Client) -> None:
        seen = None
        text = b""
        while not self.over.is_set():
            text += await client.reader.read(65536)
            *events, text = text.split(b"\n\n")
            for event in events:
                if b"event: pools" in event:
                    seen = self._note("streamed", event, seen)

    async def _poll(self, client: Client) -> None:
        seen, mark = None, ""
        while not self.over.is_set():
            _, body, tag = await client.ask("/ops/stream/now?topics=pools", mark)
            mark = tag or mark
            if body:
                seen = self._note("polled", body, seen)
            await asyncio.sleep(2.0)

    def _note(self, kind: str, text: bytes, seen: float | None) -> float | None:
        part = text.partition(b'aria-label="Pool marker"')[2].partition(b"</section>")[0]
        if self.taken is not None and self.taken != seen and b"<b>1</b> in use" in part:
            self.late[kind].append(time.perf_counter() - self.taken)
            return self.taken
        return seen


async def run(server: Server, seconds: float, *, viewers: int = 0, strangers: int = 0) -> tuple[Trial, list[float]]:
    trial = Trial(server)
    tasks = [asyncio.create_task(trial.marks())]
    tasks += [asyncio.create_task(trial.viewer(number)) for number in range(viewers)]
    tasks += [asyncio.create_task(trial.stranger(number)) for number in range(strangers)]
    with concurrent.futures.ProcessPoolExecutor(1) as apart:
        took = await asyncio.get_running_loop().run_in_executor(apart, asked, server.port, seconds)
    trial.over.set()
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    if failed := [end for end in ends if isinstance(end, Exception)]:
        raise failed[0]
    return trial, took


def quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=1000)[int(share * 1000) - 1] if len(values) > 1 else float("nan")


def memory(server: Server) -> float:
    """Of all its processes, in MB."""
    processes = [psutil.Process(server.process.pid)]
    processes += processes[0].children(recursive=True)
    return sum(each.memory_info().rss for each in processes) / 1e6


def main() -> None:
    viewers, seconds = int(os.environ.get("VIEWERS") or 200), float(os.environ.get("WATCH") or 60)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder), "-w 1", app="tests.benchmarks.viewers_guest:app", ready=False) as server,
    ):
        server.wait_until_ready(status=404)
        asyncio.run(run(server, 5.0, viewers=10))  # warm
        _, alone = asyncio.run(run(server, seconds))
        _, floor = asyncio.run(run(server, seconds, strangers=viewers))
        before = memory(server)
        trial, watched = asyncio.run(run(server, seconds, viewers=viewers))
        during = memory(server)
        asyncio.run(run(server, 10.0))
        print(f"One worker, {viewers} viewers for {seconds:g} s, {RATE * 50} events a second; {machine.line()}\n")
        print("| | alone | with as many 404s | with viewers |\n| --- | --- | --- | --- |")
        for words, share in (("p50", 0.5), ("p95", 0.95)):
            cells = " | ".join(f"{1e3 * quantile(took, share):.1f}" for took in (alone, floor, watched))
            print(f"| the program's own requests, {words} ms | {cells} |")
        print(f"| memory, MB (10 s after they left: {memory(server):.0f}) | | {before:.0f} | {during:.0f} |")
        for kind, late in trial.late.items():
            told = f"p50 {quantile(late, 0.5):.2f} s, p99 {quantile(late, 0.99):.2f} s"
            print(f"\n{trial.kinds[kind]} {kind}: an event is on the screen after {told} ({len(late)} sightings).")


if __name__ == "__main__":
    main()
