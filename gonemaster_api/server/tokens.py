"""The command `gonemaster-server auth`, which manages the tokens in the database."""

import getpass
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from marshmallow import ValidationError

from gonemaster_api.auth.listing import ListedToken, listed_tokens
from gonemaster_api.auth.tokens import digest_of, new_token, token_id
from gonemaster_api.rest.fields import Instant
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import TokenExists
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations import runner
from gonemaster_db.service.access import add_token, clear_tokens, revoke_token
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.config.credential_types import LABEL_RULE, is_label
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings


class AuthRefused(Exception):
    """The command changed nothing; the message states the reason."""


@dataclass(frozen=True)
class AuthOptions:
    """The options of `auth add-token`."""

    label: str = ""
    scope: tuple[str, ...] = ()
    expires_at: str = ""
    only_print: bool = False


def run_auth(action: tuple[str, ...], settings: Settings, options: AuthOptions) -> int:
    """Run `add-token`, `list`, `revoke` or `clear`, and return the exit status.

    Raises:
        AuthRefused: nothing could be done.
        StoreError: the database is unavailable.
    """
    match action:
        case ("add-token",):
            return add(settings, options)
        case ("list",):
            return show(settings)
        case ("revoke", name):
            return revoke(settings, name)
    return clear(settings)


def add(settings: Settings, options: AuthOptions) -> int:
    """Create a token, store its digest, and print the token, which is shown only once."""
    if not is_label(options.label):
        raise AuthRefused(f"--label must be {LABEL_RULE}")
    expires_at = _expiry(options)
    secret = new_token()
    digest = digest_of(secret)
    if not options.only_print:
        with closing(_current_store(settings)) as store:
            _store(store, digest, options, expires_at)
    scopes = f":{'+'.join(options.scope)}" if options.scope else ""
    lines = {"token": secret, "id": token_id(digest), "hash": f"{options.label}{scopes}={digest}"}
    sys.stdout.write("".join(f"{name + ':':<7}{value}\n" for name, value in lines.items()))
    sys.stdout.flush()
    note = "it is valid once the hash is in auth.admin_tokens" if options.only_print else "it is valid within a second"
    print(f"The token is shown this once; {note}.", file=sys.stderr)
    return 0


def _expiry(options: AuthOptions) -> datetime | None:
    """Return when the token expires. Raises AuthRefused."""
    if not options.expires_at:
        return None
    if options.only_print:
        raise AuthRefused("--expires-at: a token of auth.admin_tokens does not expire; omit --only-print")
    try:
        moment: datetime = Instant().deserialize(options.expires_at)
    except ValidationError as error:
        raise AuthRefused(f"--expires-at {error.messages[0]}") from error
    if moment <= utcnow():
        raise AuthRefused("--expires-at must be in the future")
    return moment


def _store(store: Store, digest: str, options: AuthOptions, expires_at: datetime | None) -> None:
    with store.transaction() as session:
        now = utcnow()
        try:
            add_token(session, digest, label=options.label, scopes=options.scope, now=now, expires_at=expires_at)
        except TokenExists as error:
            raise AuthRefused(
                f"there is a token {options.label!r}; revoke it first, or choose another label"
            ) from error
        facts = {
            "label": options.label,
            "scopes": list(options.scope),
            "expires_at": expires_at and expires_at.isoformat(),
        }
        record_action(session, "token.add", who=_actor(), now=now, target=token_id(digest), details=facts)


def show(settings: Settings) -> int:
    """Print all tokens, including revoked ones."""
    lines = _lines(settings)
    form = "{:<13} {:<20} {:<14} {:<22} {:<17} {:<17} {:<17} {}\n"
    sys.stdout.write(form.format("ID", "LABEL", "SCOPES", "SOURCE", "ADDED", "EXPIRES", "LAST USE", "REVOKED"))
    for line in lines:
        shown = (line.id, line.label or "-", "+".join(line.shown_scopes), "+".join(line.sources))
        times = (line.created_at, line.expires_at, line.last_used_at, line.revoked_at)
        sys.stdout.write(form.format(*shown, *map(_time, times)))
    return 0


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%MZ") if moment else "-"


def revoke(settings: Settings, name: str) -> int:
    """Revoke a token by its id or label, including tokens of the configuration. Its sessions end as well."""
    lines = _lines(settings)
    found = [line for line in lines if line.id == name] or [
        line for line in lines if line.label == name and line.revoked_at is None
    ]
    if not found:
        raise AuthRefused(f"no such token: {name[:64]!r}; gonemaster-server auth list shows all tokens")
    if len(found) > 1:
        ids = ", ".join(line.id for line in found)
        raise AuthRefused(f"several tokens have the label {name!r}; specify the id of one: {ids}")
    with closing(_current_store(settings)) as store:
        first = _revoke(store, found[0])
    outcome = "revoked" if first else "was revoked before"
    sys.stdout.write(f"{found[0].id} {found[0].label or '-'} {outcome}\n")
    return 0


def _revoke(store: Store, line: ListedToken) -> bool:
    with store.transaction() as session:
        now = utcnow()
        first = revoke_token(session, line.digest, label=line.label, scopes=line.scopes, now=now)
        if first:
            record_action(session, "token.revoke", who=_actor(), now=now, target=line.id, details={"label": line.label})
    return first


def clear(settings: Settings) -> int:
    """Remove all tokens from the database.

    Without other tokens the service is open after its next start, on loopback.
    """
    if settings.admin_tokens:
        raise AuthRefused(
            "auth.admin_tokens contains tokens, some possibly revoked: remove them from the setting first"
        )
    with closing(_current_store(settings)) as store, store.transaction() as session:
        count = clear_tokens(session)
        record_action(session, "token.clear", who=_actor(), now=utcnow(), count=count)
    sys.stdout.write(f"{count} tokens removed; running processes need tokens until they start again\n")
    return 0


def _lines(settings: Settings) -> list[ListedToken]:
    """Return the tokens of configuration and database, one line for each digest."""
    with closing(_current_store(settings)) as store, store.read_only() as session:
        return listed_tokens(session, settings.admin_tokens)


def _current_store(settings: Settings) -> Store:
    """Open the database. An empty database gets its tables, so that tokens can be added before the first start.

    Raises:
        StoreOutdated: this release does not work with the tables.
    """
    store = open_store(store_settings(settings))
    try:
        if runner.current_revision(store) is None:
            runner.upgrade(store)
        runner.check_schema(store)
    except BaseException:
        store.close()
        raise
    return store


def _actor() -> str:
    """Return the actor for the audit log. Token labels cannot contain a colon, so the value is distinct from labels."""
    try:
        return f"command:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name, as in containers
        return "command:"
