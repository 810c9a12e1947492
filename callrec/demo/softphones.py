"""SIP phones made of software: they register, ring, talk in tones and keep what they hear.

A thin synchronous front of baresip's asyncio binding (decision 8). One `Switchboard` a process: baresip has
one SIP stack a process. Sound is 16-bit mono PCM at the rate the call negotiated. Times are of
time.monotonic().
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import numpy as np
from baresip import (
    Account,
    AudioNotActive,
    AudioRestarted,
    BaresipError,
    Call,
    CallState,
    Config,
    Event,
    Runtime,
    StackEvent,
    UserAgent,
)
from numpy.typing import NDArray

T = TypeVar("T")
Samples = NDArray[np.int16]

TICK_SECONDS = 0.02
AHEAD_SECONDS = 0.2
"""How much sound baresip is given in advance."""
LOUDNESS = 8000
ANSWER_SECONDS = 20.0
IN_FLIGHT = "already in flight"
"""What baresip says of a change of the sound that it cannot ask for yet: one of before is not answered."""
RTP_PORTS = "rtp_ports 10000-19999\n"
"""Its own ports for sound. By itself baresip takes any, also one that a PBX is about to listen on for SIP."""


class Talk:
    """One call at one phone: what it says, what it heard, and when. Times are 0.0 until they happen."""

    def __init__(self, switchboard: Switchboard, call: Call, say: Sound | None) -> None:
        self._switchboard, self.call, self.sound = switchboard, call, say
        self.established, self.ended = threading.Event(), threading.Event()
        self.ringing = threading.Event()
        self.established_at = self.ended_at = self.ringing_at = 0.0
        self.heard_since = 0.0
        self.rate = 0
        self._heard = bytearray()
        self.digits: list[str] = []
        self.close_reason = ""
        call.on(self._on_event)
        call.on_dtmf(lambda digit: self.digits.append(digit.digit))

    # --- what the test does

    def answer(self) -> None:
        """Answers the call. Raises TimeoutError when it is not established in time."""
        self._switchboard.run(self.call.answer())
        self.wait_established()

    def reject(self, busy: bool = True) -> None:
        self._switchboard.run(self.call.reject())

    def hangup(self) -> None:
        """Ends the call; nothing happens when the other side has ended it already. Raises TimeoutError."""
        with suppress(BaresipError):
            self._switchboard.run(self.call.hangup())
        if not self.ended.wait(5):
            raise TimeoutError("the call did not end within 5 s")

    def press(self, digits: str) -> None:
        self._switchboard.run(self.call.send_dtmf(digits))

    def hold(self) -> None:
        self._ask(self.call.hold)

    def resume(self) -> None:
        self._ask(self.call.resume)

    def transfer(self, number: str, *, replaces: str = "") -> None:
        """Sends the other party to this number, without asking there before (REFER).

        `replaces`: the SIP dialog whose place it takes there, such as one that rings still.
        """
        place = f"?Replaces={quote(replaces)}" if replaces else ""
        self._switchboard.run(self.call.transfer(f"sip:{number}@{self._switchboard.server}{place}"))

    def connect_with(self, consultation: Talk) -> None:
        """Connects the parties of the two calls, after a consultation; this phone is then out of both."""
        self._switchboard.run(self.call.attended_transfer(consultation.call))

    def wait_established(self, seconds: float = ANSWER_SECONDS) -> None:
        """Returns once the call is answered. Raises TimeoutError."""
        if not self.established.wait(seconds):
            raise TimeoutError(f"not answered within {seconds:g} s ({self.close_reason})")

    def wait_ended(self, seconds: float = ANSWER_SECONDS) -> None:
        """Returns once the call has ended. Raises TimeoutError."""
        if not self.ended.wait(seconds):
            raise TimeoutError(f"the call did not end within {seconds:g} s")

    def heard(self) -> Samples:
        """Returns all that was heard so far, mono, at `rate` Hz."""
        return np.frombuffer(bytes(self._heard), dtype=np.int16)

    def _ask(self, change: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Asks for another direction of the sound, once what was asked before it is answered."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return self._switchboard.run(change())
            except BaresipError as error:
                if IN_FLIGHT not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    # --- what the SIP stack tells

    def _on_event(self, event: StackEvent) -> None:
        now = time.monotonic()
        if event.event is Event.CALL_RINGING:
            self.ringing_at = self.ringing_at or now
            self.ringing.set()
        elif event.event is Event.CALL_ESTABLISHED:
            self.established_at = now
            self.established.set()
        elif event.event is Event.CALL_CLOSED:
            self.ended_at, self.close_reason = now, event.text or ""
            self.ended.set()

    def pump(self) -> None:
        """Moves sound both ways; called every 20 ms by the switchboard."""
        try:
            info = self.call.audio.info()
            if info.rx_ready:
                self._listen(info.rx_sample_rate)
            if info.tx_ready and self.sound:
                self._speak(info.tx_sample_rate, info.tx_buffered)
        except (AudioNotActive, AudioRestarted):
            pass

    def _listen(self, rate: int) -> None:
        pcm = self.call.audio.read(1 << 16)
        if pcm and not self.heard_since:
            self.heard_since, self.rate = time.monotonic(), rate
        self._heard += pcm

    def _speak(self, rate: int, buffered: int) -> None:
        assert self.sound is not None
        missing = int(rate * AHEAD_SECONDS) - buffered // 2
        if missing > 0:
            self.call.audio.write(self.sound.take(missing, rate).tobytes())


class Sound:
    """An endless tone, optionally interrupted: `on` seconds of tone, `off` of silence."""

    def __init__(self, hertz: float, *, on: float = 1.0, off: float = 0.0) -> None:
        self.hertz, self.on, self.off = hertz, on, off
        self._position = 0

    def take(self, count: int, rate: int) -> Samples:
        """Returns the next `count` samples at `rate` Hz."""
        seconds = (self._position + np.arange(count)) / rate
        self._position += count
        wave = LOUDNESS * np.sin(2 * np.pi * self.hertz * seconds)
        return (wave * (seconds % (self.on + self.off) < self.on)).astype(np.int16)


class Phone:
    """One SIP account. What it says in calls that ring here is `next_sound`, unless it picks up otherwise."""

    def __init__(self, switchboard: Switchboard, agent: UserAgent, server: str) -> None:
        self._switchboard, self._agent, self._server = switchboard, agent, server
        self.calls: queue.Queue[Talk] = queue.Queue()
        self.next_sound: Sound | None = None
        agent.on_incoming(self._on_incoming)

    def dial(self, number: str, say: Sound | None = None, headers: dict[str, str] | None = None) -> Talk:
        """Calls a number; returns at once, the Talk tells how it goes."""

        async def start() -> Talk:
            with self._switchboard.overheard() as early:
                call = await self._agent.dial(f"sip:{number}@{self._server}", headers)
                talk = self._switchboard.adopt(call, say)
            for event in early:
                call._on_stack_event(event)
            return talk

        return self._switchboard.run(start())

    def wait_ring(self, seconds: float = ANSWER_SECONDS) -> Talk:
        """Returns the next call that rings here. Raises queue.Empty when none does in time."""
        return self.calls.get(timeout=seconds)

    def pick_up(self, say: Sound | None = None, seconds: float = ANSWER_SECONDS) -> Talk:
        """Answers the next call that rings here, and returns it."""
        talk = self.wait_ring(seconds)
        talk.sound = say
        talk.answer()
        return talk

    def _on_incoming(self, call: Call) -> None:
        talk = self._switchboard.adopt(call, self.next_sound)
        talk.ringing_at = time.monotonic()
        self.calls.put(talk)


class Switchboard:
    """The SIP stack of this process and its phones. A context manager."""

    def __init__(self, server: str, port: int) -> None:
        self.server = f"{server}:{port}"
        self._talks: list[Talk] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sip-agents", daemon=True)

    def __enter__(self) -> Switchboard:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 40) -> T:
        """Runs a coroutine on the thread of the SIP stack; returns its result, or raises TimeoutError."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def phone(
        self,
        username: str,
        password: str,
        *,
        number: str | None = None,
        codecs: tuple[str, ...] = ("pcmu", "pcma"),
        dtmf: str = "rtpevent",
        register: bool = True,
        takes_every_number: bool = False,
        server: str = "",
    ) -> Phone:
        """Makes a phone with this account. `number` is what it writes into From (default: the user name).

        With `takes_every_number` it rings whichever number of its account is called, as a network does.
        `server` is another PBX than the switchboard's: host and port.
        """
        server = server or self.server
        account = Account(
            user=number or username,
            auth_user=username,
            domain=server,
            password=password,
            audio_codecs=codecs,
            dtmf_mode=dtmf,  # type: ignore[arg-type]
            reg_interval=600 if register else 0,
            extra_params=("catchall=yes",) if takes_every_number else (),
        )

        async def create() -> Phone:
            agent = await UserAgent.create(self._runtime, account)
            if register:
                await agent.register()
            return Phone(self, agent, server)

        return self.run(create())

    def hang_up_all(self) -> None:
        """Ends every call there is."""
        for talk in [each for each in self._talks if not each.ended.is_set()]:
            talk.hangup()

    @contextmanager
    def overheard(self) -> Iterator[list[StackEvent]]:
        """Collects what the SIP stack tells in the meantime.

        A call that is answered at once is established before baresip's `dial()` has returned it, and the call
        itself is told only of what happens afterwards.
        """
        events: list[StackEvent] = []
        self._runtime.subscribe(events.append)
        try:
            yield events
        finally:
            self._runtime.unsubscribe(events.append)

    def adopt(self, call: Call, say: Sound | None) -> Talk:
        """Makes a Talk of a call of baresip's, and moves its sound from now on."""
        talk = Talk(self, call, say)
        self._talks.append(talk)
        return talk

    async def _start(self) -> None:
        self._runtime = Runtime()
        await self._runtime.start(
            Config(net_interface="127.0.0.1", max_concurrent_calls=None, extra_config_text=RTP_PORTS)
        )
        self._pump = self._loop.create_task(self._pump_all())

    async def _stop(self) -> None:
        self._pump.cancel()
        await self._runtime.close()

    async def _pump_all(self) -> None:
        while True:
            for talk in list(self._talks):
                talk.pump()
                if talk.call.state is CallState.CLOSED:
                    self._talks.remove(talk)
            await asyncio.sleep(TICK_SECONDS)
