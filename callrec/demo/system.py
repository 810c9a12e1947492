"""Starts and stops a whole system in one folder: PBX, S3, database, controller and desk, all on 127.0.0.1."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from callrec.app import App
from callrec.catalogue import facilities, rules
from callrec.configuration import Answers, write_file
from callrec.demo.pbx import OUTSIDE, PHONES, DemoPbx, PbxPorts
from callrec.demo.processes import Child
from callrec.demo.s3 import CONTROLLER, DESK, PURGE, DemoS3
from callrec.desk.client import RemoteDesk
from callrec.errors import Unreachable
from callrec.files import make_folder, write_whole
from callrec.model.office import Extension, Facility
from callrec.model.rules import Mode, Rule, Scope
from callrec.resources import shipped
from callrec.settings_file import load
from callrec.spool import status

FACILITIES = {"shiba": "芝地区総合支所", "azabu": "麻布地区総合支所"}
START_SECONDS = 30
Tell = Callable[[str], None]


@dataclass
class DemoSystem:
    """The demo's parts, started and stopped together. A context manager. Raises DemoFailed.

    `tell` is called with the name of each part before it is started.
    """

    home: Path
    database_url: str = ""
    answer_first: bool = False  # decision 5
    """Off: the demo's outside line passes early media on, so that a call costs nothing before it is answered,
    and a busy phone is told by signalling."""
    ports: PbxPorts = field(default_factory=PbxPorts.usual_or_free)
    tell: Tell = lambda text: None
    program: tuple[str, ...] = (sys.executable, "-m", "callrec")
    """The words that run callrec; of one that is installed elsewhere, others."""
    controller: Child | None = None
    desk: Child | None = None

    def __post_init__(self) -> None:
        self.home = self.home.absolute()
        self.config = self.home / "callrec.toml"
        # Not at home: other accounts of the machine are to reach it, and nothing else.
        self.socket = Path(tempfile.gettempdir(), f"callrec-demo-desk-{secrets.token_hex(4)}", "desk.sock")
        self.database_url = self.database_url or f"sqlite:///{self.home}/catalogue.db"

    def __enter__(self) -> DemoSystem:
        make_folder(self.home)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self.tell("PBX")
        self.pbx = DemoPbx(self.home / "pbx", self.ports)
        self.pbx.configure()
        shutil.copytree(shipped("prompts"), self.home / "pbx/prompts", dirs_exist_ok=True)
        self.pbx.start()
        self.tell("S3")
        self.s3 = DemoS3(self.home / "s3")
        self.s3.start()
        self.tell("catalogue")
        self.app = self._catalogue()
        self.tell("controller")
        self.start_controller()
        self.tell("desk")
        self.start_desk()

    def stop(self) -> None:
        """Ends what was started, desk and controller first."""
        for part in (self.desk, self.controller, getattr(self, "s3", None), getattr(self, "pbx", None)):
            if part:
                part.stop()
        shutil.rmtree(self.socket.parent, ignore_errors=True)
        if hasattr(self, "app"):
            self.app.close()

    def start_controller(self, *options: str) -> None:
        """Starts callrec serve and waits until it watches the PBX. Raises DemoFailed."""
        command = [*self._callrec("serve"), *options]
        self.controller = Child("callrec serve", command, self.home / "controller.log")
        self.controller.wait_until(self._watching, START_SECONDS, "the link of callrec with the PBX")

    def start_desk(self) -> None:
        """Starts callrec desk and waits until it answers. Raises DemoFailed."""
        self.desk = Child("callrec desk", self._callrec("desk"), self.home / "desk.log")
        self.desk.wait_until(self._answering, START_SECONDS, "the start of callrec desk")

    def _callrec(self, command: str) -> list[str]:
        return [*self.program, "--config", str(self.config), command]

    def _answering(self) -> bool:
        try:
            return bool(RemoteDesk(self.socket).version())
        except Unreachable:
            return False

    def _watching(self) -> bool:
        assert self.controller is not None
        told = status.read(self.home / "spool")
        return bool(told.get("link_up")) and told.get("pid") == self.controller.pid

    def _catalogue(self) -> App:
        """Writes callrec.toml, and makes the database, with an office of one rule; returns the app."""
        write_file(self.config, self._answers())
        write_whole(self.home / "purge.env", self._purge_keys().encode())
        app = App(load(str(self.config)))
        app.make_spool()
        app.keys.first("demo", app.now)
        app.database.upgrade()
        with app.database.begin() as connection:
            who = {"who": "demo", "at": app.now}
            for code, name in FACILITIES.items():
                facilities.add_facility(connection, Facility(code, name), **who)  # type: ignore[arg-type]
            for number, code in PHONES.items():
                facilities.add_extension(connection, Extension(number, code), **who)  # type: ignore[arg-type]
            rules.add(connection, _first_rule(app), **who)  # type: ignore[arg-type]
        return app

    def _answers(self) -> Answers:
        return Answers(
            database_url=self.database_url,
            spool=str(self.home / "spool"),
            pbx="demo",
            ari_url=self.pbx.ari_url,
            ari_password=self.pbx.ari_password,
            ami_port=str(self.pbx.ports.ami),
            ami_password=self.pbx.ami_password,
            s3_url=self.s3.endpoint_url,
            bucket=self.s3.bucket,
            access_key=self.s3.keys[CONTROLLER].access_key,
            secret_key=self.s3.keys[CONTROLLER].secret_key,
            desk_access_key=self.s3.keys[DESK].access_key,
            desk_secret_key=self.s3.keys[DESK].secret_key,
            prompts=str(self.home / "pbx/prompts"),
            pbx_prompts=str(self.pbx.inside / "prompts"),
            answer_first=self.answer_first,
            desk_socket=str(self.socket),
        )

    def _purge_keys(self) -> str:
        """Returns the variables that `callrec purge` alone is given, as a systemd unit reads them."""
        keys = self.s3.keys[PURGE]
        return (
            f"CALLREC_DESTRUCTION__ACCESS_KEY={keys.access_key}\n"
            f"CALLREC_DESTRUCTION__SECRET_KEY={keys.secret_key}\n"
        )

    def description(self) -> dict[str, object]:
        """Returns everything a softphone or a test needs to know, as plain JSON, with passwords."""
        accounts = [
            {
                "username": name,
                "password": password,
                "extension": None if name == OUTSIDE else name,
                "facility": PHONES.get(name),
            }
            for name, password in self.pbx.sip_passwords.items()
        ]
        children = {
            "asterisk": self.pbx.child,
            "s3": self.s3.child,
            "controller": self.controller,
            "desk": self.desk,
        }
        return {
            "sip": {
                "host": "127.0.0.1",
                "port": self.pbx.ports.sip,
                "transport": "udp",
                "accounts": accounts,
            },
            "ari": {"url": self.pbx.ari_url, "username": "callrec", "password": self.pbx.ari_password},
            "ami": {
                "host": "127.0.0.1",
                "port": self.pbx.ports.ami,
                "username": "callrec",
                "password": self.pbx.ami_password,
            },
            "s3": {
                "endpoint_url": self.s3.endpoint_url,
                "bucket": self.s3.bucket,
                "access_key": self.s3.access_key,
                "secret_key": self.s3.secret_key,
            },
            "database_url": self.database_url,
            "config": str(self.config),
            "desk": {"socket": str(self.socket)},
            "pids": {name: child.pid for name, child in children.items() if child},
        }


def _first_rule(app: App) -> Rule:
    return Rule(
        id=0,
        version=0,
        scope=Scope.FACILITY,
        target="shiba",
        mode=Mode.AUTOMATIC,
        changed_at=app.now,
        changed_by="",
    )
