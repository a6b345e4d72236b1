"""Gunicorn's worker process: one loop for all connections, and threads for complete requests.

A thread is given a request when all of it is there, and never waits for a client to take a response; only a stream
(web/streaming.py limits their number) waits for its client, until the deadline. So slow clients hold connections and
bounded buffers, and no threads.
"""

import errno
import os
import queue
import selectors
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import structlog
from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker

from gonemaster_api.server.http.connections import Connection, Limits, Phase
from gonemaster_api.server.http.refusals import refuse
from gonemaster_api.server.http.requests import Spool, SpoolFull
from gonemaster_api.server.http.responses import ClientGone
from gonemaster_api.server.request_threads import RequestThreads
from gonemaster_api.web.body_limits import body_limit
from gonemaster_api.web.large_responses import is_large
from gonemaster_engine.open_files import raise_open_files_limit

log = structlog.get_logger(__name__)

_TURN_S = 0.5  # how often deadlines are checked
_MAX_UNSENT = 64 * 1024 * 1024  # octets of all responses that wait for their clients
_SPOOLED_BODIES = 4  # of the largest size may be in temporary files at once
_OTHER_FILES = 256  # descriptors that are not connections or bodies
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT)


class ApiWorker(Worker):
    """Serves HTTP/1.1. It takes from gunicorn the process model, the parser of heads and the framing of responses."""

    alive: bool

    def init_process(self) -> None:
        """Set up the loop in the child process, and run it."""
        settings = self.app.settings
        self._limits = Limits(
            read=settings.read_timeout,
            write=settings.write_timeout,
            idle=settings.idle_timeout,
            body_limit=partial(body_limit, settings),
            spool=Spool(_SPOOLED_BODIES * max(settings.max_body_size, settings.max_batch_body_size)),
        )
        self._threads = RequestThreads(self.cfg.threads)
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._accepting = False
        self._next_check = 0.0
        self._grace_s = float(self.cfg.graceful_timeout)
        self._max_connections = _allow_connections(self.cfg.worker_connections)
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop; finish what has begun within the graceful timeout."""
        self._selector.register(self.PIPE[0], selectors.EVENT_READ, self._drain_wakeups)
        self._accept_more(True)
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self.alive = False
        self._stop()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop without waiting for open requests. The loop does it: it is woken by the signal, and owns all state."""
        self._grace_s = 0.0
        self.alive = False

    def _stop(self) -> None:
        self._accept_more(False)
        for listener in self.sockets:
            listener.close()
        began = time.monotonic()
        while time.monotonic() < began + self._grace_s:
            for connection in [each for each in self._connections if each.phase is Phase.IDLE]:
                self._close(connection)
            if not self._connections:
                break
            self._turn()
        for connection in list(self._connections):
            self._close(connection)
        self._threads.stop()

    # The loop.

    def _turn(self) -> None:
        self.notify()
        for key, mask in self._selector.select(_TURN_S):
            self._guarded(key.data, key.fileobj, mask)
        while not self._calls.empty():
            self._calls.get()()
        if (now := time.monotonic()) >= self._next_check:
            self._next_check = now + _TURN_S
            self._accept_more(self.alive)  # others may have given descriptors back
            for connection in [each for each in self._connections if each.is_late(now)]:
                self._on_late(connection)

    def _guarded(self, target: Any, file: Any, mask: int) -> None:
        """Handle an event; an error ends one connection and never the loop."""
        try:
            if isinstance(target, Connection):
                self._on_ready(target, mask)
            else:
                target(file)
        except Exception:
            log.exception("connection failed")
            if isinstance(target, Connection):
                self._close(target)

    def _call(self, function: Callable[[], None]) -> None:
        """Let the loop call a function; for threads."""
        self._calls.put(function)
        with suppress(BlockingIOError):  # full of wake-ups
            os.write(self.PIPE[1], b".")

    def _drain_wakeups(self, descriptor: int) -> None:
        with suppress(BlockingIOError):
            os.read(descriptor, 4096)

    def _accept_more(self, wanted: bool) -> None:
        if wanted is self._accepting:
            return
        for listener in self.sockets:
            if wanted:
                listener.setblocking(False)
                self._selector.register(listener, selectors.EVENT_READ, self._accept)
            else:
                self._selector.unregister(listener)
        self._accepting = wanted

    def _accept(self, listener: Any) -> None:
        if len(self._connections) >= self._max_connections and not self._evict():
            self._accept_more(False)  # until a connection is closed
            return
        try:
            accepted, peer = listener.accept()
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                log.warning("cannot accept a connection", error=str(error))
                if not self._evict():
                    self._accept_more(False)
            return
        connection = Connection(accepted, peer, cfg=self.cfg, limits=self._limits, wake=self._on_unsent)
        self._connections.add(connection)
        self._watch(connection)

    def _evict(self) -> bool:
        """Close the connection that is the least loss, in favour of a new one; False if threads work for all."""
        waiting = [each for each in self._connections if each.phase is not Phase.HANDLING]
        if waiting:
            self._close(min(waiting, key=lambda each: each.loss))
        return bool(waiting)

    def _watch(self, connection: Connection) -> None:
        """Let the selector report what the connection waits for."""
        reads = connection.phase in (Phase.IDLE, Phase.READING, Phase.CLOSING)
        wanted = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if connection.output.size else 0)
        current = self._selector.get_map().get(connection.socket)
        if current is None:
            if wanted:
                self._selector.register(connection.socket, wanted, connection)
        elif not wanted:
            self._selector.unregister(connection.socket)
        elif current.events != wanted:
            self._selector.modify(connection.socket, wanted, connection)

    def _close(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        if connection.phase is Phase.HANDLING:  # its thread still uses it, and closes it in _on_handled
            connection.output.abort()
            connection.deadline = None
            self._watch(connection)
            return
        self._connections.discard(connection)
        with suppress(KeyError):
            self._selector.unregister(connection.socket)
        connection.close()
        if self.alive:
            self._accept_more(True)

    # What happens to a connection.

    def _on_ready(self, connection: Connection, mask: int) -> None:
        if connection not in self._connections:
            return  # closed earlier in this turn
        if mask & selectors.EVENT_WRITE:
            connection.output.flush()
            self._after_sending(connection)
        if mask & selectors.EVENT_READ and connection in self._connections:
            self._on_readable(connection)

    def _on_readable(self, connection: Connection) -> None:
        data = connection.receive()
        if data is None:
            return
        if not data:
            self._close(connection)
        elif connection.phase in (Phase.IDLE, Phase.READING):
            self._read(connection, data)

    def _read(self, connection: Connection, data: bytes) -> None:
        try:
            connection.read(data)
        except (ParseException, SpoolFull) as error:
            self._refuse(connection, error)
        except OSError as error:  # the client is gone, or there is no space or descriptor for a temporary file
            self._refuse(connection, SpoolFull(str(error)) if error.errno in _OUT_OF_RESOURCES else error)
        else:
            if connection.reader.complete:
                self._start_handling(connection)
            self._watch(connection)

    def _start_handling(self, connection: Connection) -> None:
        connection.phase, connection.deadline = Phase.HANDLING, None
        connection.output.begin_response()  # after an interim response (100 Continue)
        request = connection.reader.request
        large = is_large(self.wsgi, method=request.method, path=request.path, query=request.query)
        self._threads.submit(partial(self._handle, connection), large=large)

    def _refuse(self, connection: Connection, error: Exception) -> None:
        connection.keeps_alive = False
        connection.phase, connection.deadline = Phase.SENDING, None
        connection.output.begin_response()
        with suppress(ClientGone):
            connection.output.sendall(refuse(error, connection.peer))
        self._after_sending(connection)

    def _on_late(self, connection: Connection) -> None:
        if connection.phase is Phase.READING:
            self._refuse(connection, TimeoutError("the request was not complete in time"))
        else:
            self._close(connection)

    def _on_unsent(self, connection: Connection) -> None:
        """Take over what a thread could not send at once."""
        self._call(partial(self._limit_unsent, connection))

    def _limit_unsent(self, newest: Connection) -> None:
        self._after_sending(newest)
        unsent = sorted(
            (each for each in self._connections if each is not newest and each.output.deadline is not None),
            key=lambda each: each.output.deadline or 0,
        )
        total = newest.output.size + sum(each.output.size for each in unsent)
        for connection in unsent:
            if total <= _MAX_UNSENT:
                return
            total -= connection.output.size
            log.warning("response given up: too much waits for slow clients", remote=connection.peer[0])
            self._close(connection)

    def _after_sending(self, connection: Connection) -> None:
        if connection not in self._connections:
            return
        if connection.output.gone and connection.phase is not Phase.HANDLING:
            self._close(connection)
            return
        if connection.phase is Phase.SENDING and not connection.output.size:
            self._end_response(connection)
            return
        self._watch(connection)

    def _end_response(self, connection: Connection) -> None:
        if not connection.keeps_alive:
            connection.linger()
            self._watch(connection)
            return
        rest = connection.next_request()
        if rest:  # requests that came together (pipelining)
            self._read(connection, rest)
        else:
            self._watch(connection)

    def _on_handled(self, connection: Connection, *, keeps_alive: bool) -> None:
        connection.reader.close()
        connection.phase, connection.keeps_alive = Phase.SENDING, keeps_alive
        self._after_sending(connection)

    # In a thread.

    def _handle(self, connection: Connection) -> None:
        keeps_alive = False
        try:
            keeps_alive = self._respond(connection)
        except ClientGone:
            log.debug("client disconnected", remote=connection.peer[0])
        except Exception as error:  # noqa: BLE001 - the edge: nothing may end the thread without a trace
            self._fail(connection, error)
        finally:
            self._call(partial(self._on_handled, connection, keeps_alive=keeps_alive))

    def _respond(self, connection: Connection) -> bool:
        """Call the application and write its response; return whether the connection stays open."""
        request = connection.reader.request
        response, environ = wsgi.create(request, connection.output, connection.peer, connection.server, self.cfg)
        environ["wsgi.multithread"] = True
        environ.pop(
            "HTTP_UPGRADE", None
        )  # not taken up (RFC 9110 section 7.8); Flask has routes for WebSockets alone then
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
            environ["CONTENT_LENGTH"] = str(connection.reader.body_size)  # all of it is here (RFC 9112 section 7.1.3)
        if not self.alive:
            response.force_close()
        pieces = self.wsgi(environ, response.start_response)
        try:
            for piece in pieces:
                if response.response_length is None:
                    connection.output.wait_for_room()
                response.write(piece)
            response.close()
        except ClientGone:
            raise
        except Exception:
            if not response.headers_sent:
                raise
            log.exception("response broken off", path=request.path)
            connection.output.abort()  # the client must not take the part for the whole
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        return not response.should_close()

    def _fail(self, connection: Connection, error: Exception) -> None:
        with suppress(ClientGone):
            connection.output.sendall(refuse(error, connection.peer))


def _allow_connections(wanted: int) -> int:
    """Raise the limit of open files to what connections and their bodies may need; return how many can be served."""
    limit = raise_open_files_limit(2 * wanted + _OTHER_FILES)
    return max(16, min(wanted, (limit - _OTHER_FILES) // 2))
