"""Tokens for tests, and headers that carry them."""

from collections.abc import Mapping

from gonemaster_api.auth.tokens import digest_of, new_token

READ, OPERATE, ADMIN = new_token(), new_token(), new_token()
# In the form of `auth.admin_tokens`; a token without scope is an administrator's.
CONFIGURED = f"reader:read={digest_of(READ)},operator:operate={digest_of(OPERATE)},boss={digest_of(ADMIN)}"


def bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}
