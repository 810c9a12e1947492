"""Many cheap SIP phones in one process of its own: both sides of hundreds of G.711 calls.

Callers outside come through the demo PBX's line, and extensions answer; sound flows both ways. The process is
apart so that its CPU counts apart, and it tells how late its packets were: a result is void when the phones
themselves were late. What it leaves out is what makes softphones dear: it decodes nothing, and reads of what
it hears only the times of packets, or one tone.

client: `Phones`, which a benchmark uses. __main__: the process. exchange: SIP. media: the clock of the
packets. legs: what one party sends and hears. keys: digits. sounds: what is said. messages: SIP as text.
"""

from bench.phones.client import Phones, PhonesLoad
from bench.phones.exchange import CallTimes

__all__ = ["CallTimes", "Phones", "PhonesLoad"]
