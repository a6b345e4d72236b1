"""Gunicorn's worker process: one loop for all connections, and threads for complete requests.

A thread is given a request when all of it is there, and never waits for a client to take a response; only a CSV file
(web/streaming.py limits their number) waits for its client, until the deadline. Connections of event streams are handed
over to the hub of live events behind the headers. So slow clients hold connections and bounded buffers, and no threads.
"""

import errno
import heapq
import os
import queue
import selectors
import signal
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

from gonemaster_api.server.http.admission import BodyAdmission
from gonemaster_api.server.http.connections import Connection, Limits, Phase
from gonemaster_api.server.http.event_outlet import EventOutlet
from gonemaster_api.server.http.refusals import OVERLOADED, refuse, refuse_overload
from gonemaster_api.server.http.requests import Room, Spool, SpoolFull
from gonemaster_api.server.http.responses import ClientGone
from gonemaster_api.server.http.waiting import WaitingRequests
from gonemaster_api.server.request_threads import RequestThreads
from gonemaster_api.state import NAME
from gonemaster_api.web.body_limits import BODY_IS_CUT
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.large_responses import is_large
from gonemaster_api.web.request_deadlines import HAS_LEFT
from gonemaster_api.web.shared_responses import ARRIVED
from gonemaster_api.web.streaming import HANDS_OVER, WATCH, Watch
from gonemaster_engine.open_files import raise_open_files_limit

log = structlog.get_logger(__name__)

_TURN_S = 0.5  # how often deadlines are checked
_WAITING_TURN_S = 0.05  # and while requests wait for a thread
_MAX_UNSENT = 64 * 1024 * 1024  # octets of all responses that wait for their clients
_SPOOLED_BODIES = 4  # of the largest size may be in temporary files at once
_BUSY = (Phase.HANDLING, Phase.SENDING)  # of a connection from which nothing is read
_OTHER_FILES = 256  # descriptors that are not connections or bodies
_EVICTED_AT_ONCE = 4
_FIRST_REQUEST_S = 1.0  # a connection accepted just before a stop gets so long to send its request
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT)


class ApiWorker(Worker):
    """Serves HTTP/1.1. It takes from gunicorn the process model, the parser of heads and the framing of responses."""

    alive: bool
    SIGNALS = [number for number in Worker.SIGNALS if number != signal.SIGHUP]  # noqa: RUF012 - as in the base class

    def init_process(self) -> None:
        """Set up the loop in the child process, and run it."""
        settings = self.app.settings
        self._limits = Limits(
            read=settings.read_timeout,
            write=settings.write_timeout,
            idle=settings.idle_timeout,
            admit=self._admit,
        )
        largest = max(settings.max_body_size, settings.max_batch_body_size)
        self._bodies = BodyAdmission(settings, known=Spool(_SPOOLED_BODIES * largest), others=Spool(largest))
        self._threads = RequestThreads(self.cfg.threads)
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._waiting: WaitingRequests[Connection] = WaitingRequests()
        self._accepting = False
        self._next_check = 0.0
        self._next_notice = 0.0
        self._turn_began = 0.0
        self._grace_s = float(self.cfg.graceful_timeout)
        self._max_connections = _allow_connections(self.cfg.worker_connections)
        super().init_process()

    def init_signals(self) -> None:
        """Set up the signals of gunicorn, and SIGHUP, which must at no time end the process."""
        signal.signal(signal.SIGHUP, self.handle_hangup)
        super().init_signals()
        signal.siginterrupt(signal.SIGHUP, False)

    def handle_hangup(self, sig: int, frame: FrameType | None) -> None:
        """Read the tokens of the configuration again. Before there is an application they were not read yet."""
        application = getattr(self, "wsgi", None)
        if application is not None:
            application.extensions[NAME].keyring.reread_soon()

    def run(self) -> None:
        """Serve until told to stop; finish what has begun within the graceful timeout."""
        self._selector.register(self.PIPE[0], selectors.EVENT_READ, self._drain_wakeups)
        self._accept_more(True)
        log.info("serving", pid=os.getpid())
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
            spares = time.monotonic() < began + _FIRST_REQUEST_S
            for connection in [each for each in self._connections if each.phase is Phase.IDLE]:
                if not (spares and connection.awaits_first):
                    self._close(connection)
            if not self._connections:
                break
            self._turn()
        for connection in list(self._connections):
            self._close(connection)
        self._threads.stop()

    # The loop.

    def _turn(self) -> None:
        if time.monotonic() >= self._next_notice:  # a system call; gunicorn looks once a second, and waits for long
            self._next_notice = time.monotonic() + _TURN_S
            self.notify()
        events = self._selector.select(_WAITING_TURN_S if len(self._waiting) else _TURN_S)
        self._turn_began = time.monotonic()
        for key, mask in events:
            self._guarded(key.data, key.fileobj, mask)
        while not self._calls.empty():
            self._calls.get()()
        if len(self._waiting):
            self._threads.adapt()
        for connection, _waited_s in self._waiting.take_overdue():
            self._refuse_overload(connection)
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

    def _admit(self, request: Any) -> Room:
        return self._bodies.room(request, self.wsgi.extensions[NAME].keyring)

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
        """Close the connections that are the least loss, in favour of new ones; False if threads work for all.

        One descriptor would go to the next connection, and none be left for a request that opens a file.
        """
        waiting = [each for each in self._connections if each.phase is not Phase.HANDLING]
        for connection in heapq.nsmallest(_EVICTED_AT_ONCE, waiting, key=lambda each: each.loss):
            self._close(connection)
        return bool(waiting)

    def _watch(self, connection: Connection) -> None:
        """Let the selector report what the connection waits for.

        One that waits for nothing, while a thread works for it, stays as it is until something comes (`_on_ready`): as
        a rule nothing does before the response, and two system calls a request are saved.
        """
        reads = connection.phase not in _BUSY
        wanted = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if connection.output.size else 0)
        current = self._selector.get_map().get(connection.socket)
        if current is None:
            if wanted:
                self._selector.register(connection.socket, wanted, connection)
        elif not wanted:
            if current.events != selectors.EVENT_READ or connection.output.gone:
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
        connection.end_stream()
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
            if connection.phase in _BUSY:
                self._selector.unregister(connection.socket)  # it is read when the response is complete
                self._watch(connection)
            else:
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
        connection.phase, connection.deadline, connection.arrived = Phase.HANDLING, None, time.monotonic()
        connection.output.begin_response()  # after an interim response (100 Continue)
        request = connection.reader.request
        large = is_large(self.wsgi, method=request.method, path=request.path, query=request.query)
        if large:  # these may wait: they are few, and each takes long
            self._threads.submit(partial(self._handle, connection), large=True)
        elif self._waiting.is_too_much(self._turn_began):  # at that time it was there, if the loop is late
            self._refuse_overload(connection)
        else:
            future = self._threads.submit(partial(self._handle, connection), large=False)
            self._waiting.add(connection, future, self._turn_began)

    def _refuse_overload(self, connection: Connection) -> None:
        """Answer a complete request at once, without a thread; the connection stays open."""
        self._waiting.count_refused()
        request = connection.reader.request
        http_metrics(self.wsgi).count_refusal(
            self.wsgi, method=request.method, path=request.path, status=OVERLOADED.status, code=OVERLOADED.code
        )
        keeps_alive = self.alive and not request.should_close()
        with suppress(ClientGone):
            connection.output.sendall(refuse_overload(keeps_alive=keeps_alive))
        self._on_handled(connection, keeps_alive=keeps_alive)

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

    def _on_stream_begun(self, connection: Connection, outlet: EventOutlet, on_end: Callable[[], None]) -> None:
        connection.begin_stream(on_end)
        if outlet.finished:  # the hub was quicker than the thread
            self._on_stream_ended(connection)
        else:
            self._after_sending(connection)

    def _on_stream_ended(self, connection: Connection) -> None:
        if connection in self._connections and connection.phase is Phase.STREAMING:
            connection.phase = Phase.SENDING
            connection.end_stream()
            self._after_sending(connection)

    def _on_handled(self, connection: Connection, *, keeps_alive: bool) -> None:
        connection.reader.close()
        connection.phase, connection.keeps_alive = Phase.SENDING, keeps_alive
        self._after_sending(connection)

    # In a thread.

    def _handle(self, connection: Connection) -> None:
        handled: Callable[[], None] = partial(self._on_handled, connection, keeps_alive=False)
        try:
            handled = self._respond(connection)
        except ClientGone:
            log.debug("client disconnected", remote=connection.peer[0])
        except Exception as error:  # noqa: BLE001 - the edge: nothing may end the thread without a trace
            self._fail(connection, error)
        finally:
            self._call(handled)

    def _respond(self, connection: Connection) -> Callable[[], None]:
        """Call the application and write its response; return what the loop is to do then."""
        request = connection.reader.request
        response, environ = self._create(connection)
        pieces = self.wsgi(environ, response.start_response)
        watch = environ.get(WATCH)
        try:
            if watch is not None:
                return self._hand_over(connection, response, pieces, watch)
            if response.response_length is None:
                for piece in pieces:
                    connection.output.wait_for_room()
                    response.write(piece)
                response.close()
            else:
                with connection.output.together():
                    for piece in pieces:
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
            if watch is None and hasattr(pieces, "close"):
                pieces.close()
        return partial(self._on_handled, connection, keeps_alive=not response.should_close())

    def _create(self, connection: Connection) -> tuple[Any, dict[str, Any]]:
        """Return gunicorn's response and the environment of a request."""
        request = connection.reader.request
        response, environ = wsgi.create(request, connection.output, connection.peer, connection.server, self.cfg)
        environ["wsgi.multithread"] = True
        environ[HANDS_OVER] = True
        environ[ARRIVED] = connection.arrived
        environ[HAS_LEFT] = connection.has_left
        environ[BODY_IS_CUT] = connection.reader.is_cut
        environ.pop(
            "HTTP_UPGRADE", None
        )  # not taken up (RFC 9110 section 7.8); Flask has routes for WebSockets alone then
        if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None:
            environ["CONTENT_LENGTH"] = str(connection.reader.body_size)  # all of it is here (RFC 9112 section 7.1.3)
        if not self.alive:
            response.force_close()
        return response, environ

    def _hand_over(self, connection: Connection, response: Any, pieces: Any, watch: Watch) -> Callable[[], None]:
        """Send the beginning of a stream, and let the hub of live events send the rest; no thread waits for it."""
        response.force_close()
        try:
            for piece in pieces:
                response.write(piece)
            ended = partial(self._call, partial(self._on_stream_ended, connection))
            outlet = EventOutlet(connection.output, chunked=response.chunked, ended=ended)
            leave = watch(outlet)
        except BaseException:
            pieces.close()
            raise

        def on_end() -> None:
            leave()
            pieces.close()  # the stream's place among others is free, and its line in the access log is written

        return partial(self._on_stream_begun, connection, outlet, on_end)

    def _fail(self, connection: Connection, error: Exception) -> None:
        with suppress(ClientGone):
            connection.output.sendall(refuse(error, connection.peer))


def _allow_connections(wanted: int) -> int:
    """Raise the limit of open files to what connections and their bodies may need; return how many can be served."""
    limit = raise_open_files_limit(2 * wanted + _OTHER_FILES)
    return max(16, min(wanted, (limit - _OTHER_FILES) // 2))
