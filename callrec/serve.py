"""The running controller: its threads, from the first check to an orderly end.

One thread watches the PBX, one archives, and one keeps house once a second: it takes up changed
rules, gives the PBX its copy of them, and writes down how things stand.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog

from callrec.app import App
from callrec.archive.archiver import Archiver
from callrec.errors import CallrecError, CatalogueUnreachable, PbxUnreachable, Refused
from callrec.pbx.ari import wait_for_app_to_go
from callrec.pbx.transport import AriRefused
from callrec.recording import journal, mirror
from callrec.recording.controller import Controller

log = structlog.get_logger()

TICK_SECONDS = 0.5
MIRROR_SECONDS = 60.0
APP_GRACE_SECONDS = 3.0
"""How long Asterisk may need to notice that a controller that was killed is gone."""
STATUS = "status.json"


class Service:
    """One controller process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._journal_lock = threading.Lock()
        self._started_at = datetime.now(UTC)
        self._catalogue_away = False
        self._mirrored_at = float("-inf")

    def prepare(self, *, takeover: bool) -> None:
        """Checks that nobody else does this work and that the parts answer. Raises CallrecError."""
        self._app.database.require_current()
        self._app.spool.lock()
        self._app.pbx.version()
        if not takeover and not wait_for_app_to_go(self._app.pbx, APP_GRACE_SECONDS):
            raise Refused(
                "another callrec serve is connected to this PBX as {app}: stop it, or use --takeover",
                app=self._app.settings.pbx.app,
            )
        self._office = self._app.office()
        self._board = self._app.board(self._office)
        for draft in self._app.spool.drafts():
            self._board.restore(draft)
        self._archiver: Archiver = self._app.archiver()
        self._controller = Controller(
            self._app.pbx,
            self._board,
            self._app.spool,
            answer_first=self._app.settings.prompts.answer_first,
            work_waits=self._archiver.wake,
            read_journal=self._read_journal,
        )

    def run(self) -> None:
        """Works until `stop`, or until another controller takes the PBX over."""
        threads = [
            threading.Thread(target=self._controller.run, name="watch"),
            threading.Thread(target=self._archiver.run, name="archive"),
        ]
        for thread in threads:
            thread.start()
        while not self._stopping.wait(TICK_SECONDS) and not self._controller.replaced.is_set():
            self._keep_house()
        self._controller.stop()
        self._archiver.stop()
        for thread in threads:
            thread.join()
        self._write_status(running=False)
        self._app.database.close()
        log.info("ended")

    def stop(self) -> None:
        """Asks `run` to end. Recordings under way go on in the PBX."""
        self._stopping.set()

    # --- keeping house

    def _keep_house(self) -> None:
        for step in (self._controller.tick, self._reload, self._mirror, self._write_status):
            try:
                step()
            except (CallrecError, OSError) as error:
                log.warning("keeping house", step=step.__name__, problem=str(error))
            except Exception:
                log.exception("a bug: please report it", step=step.__name__)

    def _reload(self) -> None:
        """Takes up changed rules; calls under way keep the decision they have."""
        try:
            changed = self._app.revision() != self._office.revision
            if changed:
                self._office = self._app.office()
                self._board.world = replace(self._board.world, office=self._office)
                self._mirrored_at = float("-inf")
                log.info("rules changed", revision=self._office.revision)
            self._catalogue(away=False)
        except CatalogueUnreachable as error:
            self._catalogue(away=True, problem=str(error))

    def _catalogue(self, *, away: bool, problem: str = "") -> None:
        if away and not self._catalogue_away:
            log.error("the database is away; the rules last seen stay in force", problem=problem)
        self._catalogue_away = away

    def _mirror(self) -> None:
        """Gives the PBX its copy of the rules, after a change and every minute (hours may matter)."""
        if not self._controller.link_up or time.monotonic() - self._mirrored_at < MIRROR_SECONDS:
            return
        self._mirrored_at = time.monotonic()
        wanted = mirror.entries(
            self._office,
            self._app.sounds,
            datetime.now(UTC),
            answer_first=self._app.settings.prompts.answer_first,
        )
        with self._app.ami() as ami:
            changed = mirror.synchronise(ami, wanted)
        if changed:
            log.info("the PBX has its copy of the rules", changed=changed)

    def _write_status(self, *, running: bool = True) -> None:
        path = self._app.spool.directory / STATUS
        partial = path.with_name(STATUS + ".partial")
        partial.write_text(json.dumps(self._status(running)))
        partial.replace(path)

    def _status(self, running: bool) -> dict[str, Any]:
        return {
            "running": running,
            "pid": os.getpid(),
            "at": datetime.now(UTC).isoformat(),
            "started_at": self._started_at.isoformat(),
            "pbx": self._app.settings.pbx.name,
            "link_up": self._controller.link_up,
            "link_changed_at": self._controller.link_changed_at.isoformat(),
            "catalogue_away": self._catalogue_away,
            "revision": self._office.revision,
            "live": [{"extension": extension, "id": id_} for extension, id_ in self._controller.live()],
            "problems": self._archiver.problems(),
        }

    # --- what the dialplan did in our place

    def _read_journal(self) -> None:
        try:
            with self._journal_lock, self._app.ami() as ami:
                for key, value in ami.tree(journal.FAMILY).items():
                    if self._take_over(key, value):
                        ami.delete(journal.FAMILY, key)
        except (CallrecError, OSError) as error:
            log.error("the dialplan's journal cannot be read now", problem=str(error))

    def _take_over(self, key: str, value: str) -> bool:
        """Whether the line was understood and is safe in the spool."""
        try:
            line = journal.parse(key, value)
        except ValueError as error:
            log.error("a line of the journal makes no sense", key=key, value=value, problem=str(error))
            return False
        call = journal.call_of(line, self._office, self._app.settings.pbx.name, self._app.prompt_of)
        draft = journal.draft_of(line, call)
        if draft:
            self._app.spool.hand_over(draft)
        else:
            self._app.spool.save_call(call)
            self._drop_empty(journal.files(line))
        self._archiver.wake()
        log.info("a call the dialplan stood in for", call=call.id, recorded=bool(draft))
        return True

    def _drop_empty(self, names: list[str]) -> None:
        """MixMonitor makes files for unanswered calls too; there is nothing in them."""
        for name in names:
            try:
                self._app.pbx.delete_stored(name)
            except (AriRefused, PbxUnreachable) as error:
                log.warning("an empty file stays on the PBX", name=name, problem=str(error))
