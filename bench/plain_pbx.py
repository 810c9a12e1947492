"""A PBX beside callrec's, on which an admin records: by MixMonitor, with a command for what comes after.

It has the same configuration, with the same keys in the dialplan, and no controller. What its MixMonitor runs
after a call is told through a pipe to programs outside of its root: there are `lame`, the AWS command line
and `sqlite3`.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from callrec.demo.pbx import DemoPbx, PbxPorts
from callrec.demo.s3 import DemoS3

NOT_RECORDED, MIXMONITOR, MIXMONITOR_STEREO, PROGRAMS = "3001", "3002", "3003", "3004"
"""The numbers: a call that is not recorded, one that MixMonitor mixes into a WAV, one that it records in
stereo (which it can into raw samples only), and one with what comes after the mixed one."""
PIPE = "over"
DIALPLAN = """
[from-outside](+)
exten => {plain},1,Dial(PJSIP/2101,30,tT)
exten => {mixed},1,MixMonitor(${{UNIQUEID}}.wav)
 same => n,Dial(PJSIP/2101,30,tT)
exten => {stereo},1,MixMonitor(${{UNIQUEID}}.raw,D)
 same => n,Dial(PJSIP/2101,30,tT)
exten => {after},1,MixMonitor(${{UNIQUEID}}.wav,,echo ^{{UNIQUEID}} > {pipe})
 same => n,Dial(PJSIP/2101,30,tT)
"""
AFTERWARDS = """
set -e
wav=$FOLDER/$1.wav mp3=$FOLDER/$1.mp3
lame --quiet $wav $mp3
aws --endpoint-url $ENDPOINT s3 cp --quiet $mp3 s3://$BUCKET/plain/$1.mp3
row="'$1', datetime('now'), $(stat -c %s $mp3)"
sqlite3 -cmd '.timeout 60000' $DATABASE "insert into recordings values ($row)"
rm $wav $mp3
"""
TABLE = "create table recordings (id text primary key, at text, bytes integer)"
PATH = "/usr/local/bin:/usr/bin:/bin"


class PlainPbx:
    """One PBX, and what is done after its calls. `cpu_seconds` and `done` tell of that."""

    def __init__(self, home: Path, s3: DemoS3) -> None:
        self.pbx, self._home, self._s3 = DemoPbx(home / "pbx", PbxPorts.free()), home, s3
        self.cpu_seconds, self.done, self._failed = 0.0, 0, 0
        self._lock = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[PlainPbx]:
        """Starts it, and ends it."""
        self.pbx.configure()
        pipe = self.pbx.home / PIPE
        os.mkfifo(pipe)
        plan = DIALPLAN.format(
            plain=NOT_RECORDED,
            mixed=MIXMONITOR,
            stereo=MIXMONITOR_STEREO,
            after=PROGRAMS,
            pipe=self.pbx.inside / PIPE,
        )
        with (self.pbx.home / "etc/extensions.conf").open("a") as file:
            file.write(plan)
        subprocess.run(["sqlite3", str(self._home / "cdr.db"), TABLE], check=True)
        self.pbx.start()
        # Open for both, it never ends while nobody writes.
        descriptor = os.open(pipe, os.O_RDWR)
        threading.Thread(target=self._listen, args=(descriptor,), daemon=True).start()
        try:
            yield self
        finally:
            self.pbx.stop()

    def clear(self) -> None:
        """Removes what was recorded and nobody wants. Raises AssertionError where a program has failed."""
        assert not self._failed, "lame, aws or sqlite3 has failed"
        for path in (self.pbx.home / "spool/monitor").glob("*"):
            with suppress(FileNotFoundError):
                path.unlink()

    def _listen(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as told:
            for line in told:
                threading.Thread(target=self._afterwards, args=(line.strip(),), daemon=True).start()

    def _afterwards(self, call: str) -> None:
        command = ["sh", "-c", AFTERWARDS, "sh", call]
        process = subprocess.Popen(command, env=self._environment(), stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        with self._lock:
            self.cpu_seconds += usage.ru_utime + usage.ru_stime
            self.done += 1
            self._failed += status != 0

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": PATH,
            "FOLDER": str(self.pbx.home / "spool/monitor"),
            "DATABASE": str(self._home / "cdr.db"),
            "ENDPOINT": self._s3.endpoint_url,
            "BUCKET": self._s3.bucket,
            "AWS_ACCESS_KEY_ID": self._s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self._s3.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
