"""Runs the demo's PBX: a whole small Asterisk in one folder, on ports of 127.0.0.1.

An Asterisk that is installed is used, else one is downloaded (asterisk/get) and run in a mount namespace of
its own.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from callrec.asterisk_files.installing import prepared
from callrec.asterisk_files.plan import Wishes
from callrec.asterisk_files.writing import carry_out
from callrec.demo.ports import free_port, keep
from callrec.demo.processes import Child
from callrec.errors import DemoFailed
from callrec.files import make_folder, write_whole
from callrec.resources import shipped

CHROOT_RUN = Path("/run/callrec")
"""Where the folder of the PBX is seen by an Asterisk that runs in a root of its own."""
PHONES = {"2101": "shiba", "2102": "shiba", "2201": "azabu"}
"""The extensions, each with the facility it belongs to."""
OUTSIDE = "outside"
"""The account that stands for the public network."""
FOLDERS = ("hold", "etc", "lib", "spool/recording", "run", "log", "cache")
BOOT_SECONDS = 30


def new_password() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class PbxPorts:
    """The ports of the PBX on 127.0.0.1."""

    sip: int
    http: int
    ami: int

    @classmethod
    def free(cls) -> PbxPorts:
        """Returns ports that nobody uses, for a PBX beside others."""
        return cls(sip=free_port(socket.SOCK_DGRAM), http=free_port(), ami=free_port())

    @classmethod
    def usual_or_free(cls) -> PbxPorts:
        """Returns 5060 for SIP and 5038 for AMI where they are free: a softphone expects them."""
        sip = 5060 if keep(5060, socket.SOCK_DGRAM) else free_port(socket.SOCK_DGRAM)
        return cls(sip=sip, http=free_port(), ami=5038 if keep(5038) else free_port())


@dataclass
class DemoPbx:
    """One Asterisk. `home` holds its configuration, database, recordings and log.

    Raises DemoFailed when there is no Asterisk, and when it does not come up.
    """

    home: Path
    ports: PbxPorts = field(default_factory=PbxPorts.usual_or_free)
    ari_password: str = field(default_factory=new_password)
    ami_password: str = field(default_factory=new_password)
    sip_passwords: dict[str, str] = field(
        default_factory=lambda: {name: new_password() for name in (*PHONES, OUTSIDE)}
    )

    def __post_init__(self) -> None:
        self.root = provide_asterisk()
        self.inside = self.home if self.root == Path("/") else CHROOT_RUN
        self.child: Child | None = None

    @property
    def ari_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}/ari"

    def configure(self) -> None:
        """Writes the configuration folder: the demo's files, then callrec's includes on top."""
        self.make_folders()
        for source in shipped("asterisk/demo").glob("*.conf"):
            write_whole(self.home / "etc" / source.name, self.filled(source.read_text()).encode())
        write_whole(self.home / "hold/hold.wav", shipped("asterisk/demo/hold.wav").read_bytes())
        write_whole(self.home / "etc" / "pjsip_accounts.conf", self._accounts().encode())
        self._install_includes()

    def make_folders(self) -> None:
        for folder in FOLDERS:
            make_folder(self.home / folder)

    def start(self) -> None:
        """Starts Asterisk and waits until it is fully booted."""
        self.child = Child("asterisk", self._command(), self.home / "asterisk.log")
        self.child.wait_until(self._booted, BOOT_SECONDS, "the start of Asterisk")

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def cli(self, command: str) -> str:
        """Returns the output of one command of Asterisk's own console."""
        arguments = ["asterisk", "-C", str(self.inside / "etc/asterisk.conf"), "-rx", command]
        done = subprocess.run(self._inside(arguments), capture_output=True, text=True, check=False)
        return done.stdout

    def _booted(self) -> bool:
        return "fully booted" in self.cli("core waitfullybooted")

    def filled(self, text: str) -> str:
        """Returns the text of one of the demo's files with its folders and ports in it."""
        values = {
            "RUN": str(self.inside),
            "DATA": self._find("usr/share/asterisk", "var/lib/asterisk"),
            "MODULES": self._find("usr/lib/*/asterisk/modules", "usr/lib*/asterisk/modules"),
            "SIP_PORT": str(self.ports.sip),
            "RTP_FIRST": "20000",
            "RTP_LAST": "29999",
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def _find(self, *patterns: str) -> str:
        """Returns the first folder below the root that fits, as Asterisk sees it. Raises DemoFailed."""
        for pattern in patterns:
            for found in sorted(self.root.glob(pattern)):
                return "/" + str(found.relative_to(self.root))
        raise DemoFailed(
            "Asterisk's folder {pattern} is not below {root}", pattern=patterns[0], root=self.root
        )

    def _accounts(self) -> str:
        blocks = [_account(name, password) for name, password in self.sip_passwords.items()]
        return "\n".join(blocks)

    def _install_includes(self) -> None:
        passwords = {"ari_password": self.ari_password, "ami_password": self.ami_password}
        wishes = Wishes(str(self.ports.http), str(self.ports.ami), passwords)
        etc = self.home / "etc"
        carry_out(prepared(etc, wishes).changes, etc)

    def _command(self) -> list[str]:
        # -p: no packet waits for what else this machine does. Where it may not, Asterisk starts without.
        return self._inside(["asterisk", "-f", "-p", "-C", str(self.inside / "etc/asterisk.conf")])

    def _inside(self, arguments: list[str]) -> list[str]:
        """Returns the command that does `arguments` where Asterisk is, in its own root if it has one."""
        if self.root == Path("/"):
            return [shutil.which(arguments[0]) or arguments[0], *arguments[1:]]
        script = _CHROOT.format(
            root=shlex.quote(str(self.root)),
            home=shlex.quote(str(self.home)),
            run=CHROOT_RUN,
            command=shlex.join(arguments),
        )
        return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]


# The mounts live in a mount namespace of their own: nothing stays mounted behind the process, and
# the folder can be removed without reaching into /dev of the machine. Every step is an exec, so the
# pid is Asterisk's.
_CHROOT = """
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
mount -t tmpfs tmpfs {root}/run
mkdir -p {root}{run}
mount --bind {home} {root}{run}
exec chroot {root} {command}
"""


def _account(name: str, password: str) -> str:
    template, extra = ("line", "") if name == OUTSIDE else ("phone", f'callerid = "{name}" <{name}>\n')
    return (
        f"[{name}]({template})\nauth = {name}\naors = {name}\n{extra}"
        f"\n[{name}](account)\nusername = {name}\npassword = {password}\n"
        f"\n[{name}](registration)\n"
    )


def provide_asterisk() -> Path:
    """Returns the root of a real Asterisk of version 20 or later; installs one when there is none.

    Raises DemoFailed when that cannot be done.
    """
    done = subprocess.run([str(shipped("asterisk/get"))], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailed("no Asterisk could be installed; see the lines above")
    return Path(done.stdout.strip())
