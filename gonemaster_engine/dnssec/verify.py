"""Verification of signatures: each distinct signature is verified once per run.

Source: RFC 4035 section 5.3, RFC 3110, RFC 6605, RFC 8080; the limits on work follow RFC 9276 and the advice after
CVE-2023-50387 (many keys with one key tag).
"""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, utils

from gonemaster_engine.dnssec import rsa
from gonemaster_engine.dnssec.denial import Nsec3, nsec3_hash
from gonemaster_engine.dnssec.records import Dnskey, Rrset, Rrsig
from gonemaster_engine.dnssec.weakness import Weakness, check_cost_us, weaknesses
from gonemaster_engine.loop_time import LoopTime

# Keys may share a key tag, a mere checksum (RFC 4034 appendix B); a validator must limit how many it tries.
_KEYS_PER_TAG = 4
_WORK_PER_RUN = 400_000  # microseconds: thousands of signatures, or a million NSEC3 iterations
_CURVE_WORK = {13: 100, 14: 330, 15: 60, 16: 140, 18: 90}  # microseconds per signature, by algorithm
_LOADING_WORK = 50  # microseconds per key
_KNOWN_WORK = 3  # microseconds for a cached verdict and its use in a test case
_ROUNDS_PER_MICROSECOND = 3
_RECORDS_PER_MICROSECOND = 2  # converted to canonical form
_DIGEST_OCTETS_PER_MICROSECOND = 400
_MLDSA44_SIGNATURE_OCTETS = 2420


class SignatureVerdict(enum.Enum):
    """The verdict on a signature, with its reason."""

    VALID = "it verifies"
    NOT_YET_VALID = "its validity starts in the future"
    EXPIRED = "its validity has ended"
    NO_KEY = "no key has its key tag"
    INVALID = "it does not verify with the key that it names"
    UNSUPPORTED_ALGORITHM = "its algorithm cannot be verified here"
    UNSUPPORTED_EXPONENT = "the RSA exponent of its key is too large to be verified here"

    @property
    def is_uncheckable(self) -> bool:
        """Whether the signature cannot be verified here."""
        return self in {SignatureVerdict.UNSUPPORTED_ALGORITHM, SignatureVerdict.UNSUPPORTED_EXPONENT}


Check: TypeAlias = Callable[[bytes, bytes], None]
"""Verify a signature over octets; raise InvalidSignature."""


class Verifier:
    """Verifies the signatures of one run and caches the verdicts.

    The work of a run is limited. When the limit is reached, `on_work_done` is called with the limit, in microseconds,
    and the record type, and may end the run; later signatures count as invalid, and later hashes as unknown. Work waits
    for a turn of the event loop that has time left.
    """

    def __init__(
        self, on_work_done: Callable[[int, str], None] = lambda work_us, rtype: None, *, turns: LoopTime | None = None
    ) -> None:
        self._on_work_done = on_work_done
        self._turns = turns or LoopTime()
        # Keyed by content, not by server: all servers of a zone send the same records, and verification is expensive.
        self._verdicts: dict[tuple[Rrset, bytes, bytes], SignatureVerdict] = {}
        self._checks: dict[tuple[int, bytes], Check | SignatureVerdict] = {}
        self._canonical: tuple[tuple[Rrset, bytes], bytes | None] | None = (
            None  # only the last one, because it can be large
        )
        self._hashes: dict[tuple[str, bytes, int], str] = {}
        self._work_left = _WORK_PER_RUN

    async def verify(
        self, rrset: Rrset, signature: Rrsig, keys: Iterable[Dnskey], *, now: int, zone: str
    ) -> SignatureVerdict:
        """Return the verdict on a signature over a set by the keys of `zone` at the time `now`."""
        if signature.is_not_yet_valid(now):
            return SignatureVerdict.NOT_YET_VALID
        if signature.is_expired(now):
            return SignatureVerdict.EXPIRED
        return await self.verify_timeless(rrset, signature, keys, zone=zone)

    async def verify_timeless(
        self, rrset: Rrset, signature: Rrsig, keys: Iterable[Dnskey], *, zone: str
    ) -> SignatureVerdict:
        """Return the verdict on a signature over a set by the keys of `zone`, ignoring the validity period."""
        if not is_supported(signature.algorithm):
            return SignatureVerdict.UNSUPPORTED_ALGORITHM
        named = [key for key in keys if key.tag == signature.tag]
        if not named:
            return SignatureVerdict.NO_KEY
        verdict = SignatureVerdict.INVALID
        for key in named[:_KEYS_PER_TAG]:
            found = await self._verify_by(rrset, signature, key, zone=zone)
            if found is SignatureVerdict.VALID:
                return found
            if found is not SignatureVerdict.INVALID:
                verdict = found
        return verdict

    async def is_valid(self, rrset: Rrset, signature: Rrsig, keys: Iterable[Dnskey], *, now: int, zone: str) -> bool:
        """Return whether a signature is valid at the time `now`."""
        return await self.verify(rrset, signature, keys, now=now, zone=zone) is SignatureVerdict.VALID

    async def _verify_by(self, rrset: Rrset, signature: Rrsig, key: Dnskey, *, zone: str) -> SignatureVerdict:
        # The signer must be the zone itself (RFC 4035 section 5.3.1): signatures of other zones prove nothing.
        if signature.algorithm != key.algorithm or signature.signer != zone or signature.covered != rrset.type:
            return SignatureVerdict.INVALID
        inputs = (rrset, signature.rdata, key.rdata)
        self._turns.spend(_KNOWN_WORK)
        await self._turns.wait()
        verdict = self._verdicts.get(inputs)
        if verdict is None:
            verdict = self._verdicts[inputs] = self._compute(rrset, signature, key)
        return verdict

    def _compute(self, rrset: Rrset, signature: Rrsig, key: Dnskey) -> SignatureVerdict:
        check = self._check_of(key)
        if isinstance(check, SignatureVerdict):
            return check
        # After the check for unsupported keys, so that these are reported as unsupported even if no work is left.
        if not self._charge(_work(key) + _work_of_set(rrset), "RRSIG"):
            return SignatureVerdict.INVALID
        signed = self._signed(rrset, signature)
        if signed is None:
            return SignatureVerdict.INVALID
        try:
            check(signature.signature, signed)
        except (InvalidSignature, ValueError):
            return SignatureVerdict.INVALID
        except UnsupportedAlgorithm:
            return SignatureVerdict.UNSUPPORTED_ALGORITHM
        return SignatureVerdict.VALID

    def _signed(self, rrset: Rrset, signature: Rrsig) -> bytes | None:
        part = (rrset, signature.signed)
        if self._canonical is None or self._canonical[0] != part:
            self._canonical = (part, rrset.canonical(signature))
        return self._canonical[1]

    def _check_of(self, key: Dnskey) -> Check | SignatureVerdict:
        identity = (key.algorithm, key.key)
        check = self._checks.get(identity)
        if check is None:
            self._turns.spend(_LOADING_WORK)
            check = self._checks[identity] = _load(key)
        return check

    async def weaknesses(self, key: Dnskey) -> tuple[Weakness, ...]:
        """Return the weaknesses of a key.

        Waits for its turn, because a server may send dozens that take milliseconds each.
        """
        await self._turns.wait()
        return (
            weaknesses(key.algorithm, key.key) if self._charge(check_cost_us(key.algorithm, key.key), "DNSKEY") else ()
        )

    async def nsec3_label(self, name: str, record: Nsec3) -> str | None:
        """Return the NSEC3 hash of a name as a label, with the parameters of a record; None if it is not computed."""
        if record.algorithm != 1:
            return None
        identity = (name, record.salt, record.iterations)
        if identity not in self._hashes:
            await self._turns.wait()
        label = self._hashes.get(identity)
        if label is None:
            if not self._charge(1 + record.iterations // _ROUNDS_PER_MICROSECOND, "NSEC3"):
                return None
            label = self._hashes[identity] = nsec3_hash(name, salt=record.salt, iterations=record.iterations)
        return label

    async def nsec3_matching(self, name: str, records: Iterable[Nsec3]) -> Nsec3 | None:
        """Return the record that matches the name, or None."""
        for record in records:
            if await self.nsec3_label(name, record) == record.label:
                return record
        return None

    async def nsec3_covers(self, name: str, records: Iterable[Nsec3]) -> bool:
        """Return whether one of these records covers the name."""
        for record in records:
            label = await self.nsec3_label(name, record)
            if label is not None and record.covers(label):
                return True
        return False

    def _charge(self, work_us: int, rtype: str) -> bool:
        """Charge work on records of a type to the run; return False if the run has no work left."""
        if self._work_left <= 0:
            self._on_work_done(_WORK_PER_RUN, rtype)
            return False
        self._work_left -= work_us
        self._turns.spend(work_us)
        return True


def is_supported(algorithm: int) -> bool:
    """Return whether signatures of the given algorithm can be verified."""
    return algorithm in rsa.ALGORITHMS or algorithm in _LOADERS


def _work(key: Dnskey) -> int:
    if key.algorithm not in rsa.ALGORITHMS:
        return _CURVE_WORK.get(key.algorithm, 1)
    # The exponentiation needs one squaring per bit of the exponent, and its cost is quadratic in the size of the
    # modulus.
    found = rsa.rsa_key(key.key)
    return 1 + found.exponent_bits * (found.bits // 256) ** 2 // 10 if found else 1


def _work_of_set(rrset: Rrset) -> int:
    octets = sum(map(len, rrset.rdatas))
    return len(rrset.rdatas) // _RECORDS_PER_MICROSECOND + octets // _DIGEST_OCTETS_PER_MICROSECOND


def _load(key: Dnskey) -> Check | SignatureVerdict:
    try:
        if key.algorithm in rsa.ALGORITHMS:
            return _load_rsa(key)
        return _LOADERS[key.algorithm](key.key)
    except ValueError:  # not a point on the curve, or of a different length
        return SignatureVerdict.INVALID
    except UnsupportedAlgorithm:
        return SignatureVerdict.UNSUPPORTED_ALGORITHM


def _load_rsa(key: Dnskey) -> Check | SignatureVerdict:
    found = rsa.rsa_key(key.key)
    if found is None:
        return SignatureVerdict.INVALID
    # RFC 3110 allows them, but the work grows with each bit; OpenSSL rejects them, too, for moduli over 3072 bits.
    if found.exponent_bits > rsa.EXPONENT_MAX_BITS:
        return SignatureVerdict.UNSUPPORTED_EXPONENT
    if not found.is_plausible:
        return SignatureVerdict.INVALID
    algorithm = key.algorithm

    def check(signature: bytes, signed: bytes) -> None:
        if not rsa.verifies(found, signature, signed=signed, algorithm=algorithm):
            raise InvalidSignature

    return check


def _load_curve(curve: ec.EllipticCurve, digest: hashes.HashAlgorithm, octets: int) -> Callable[[bytes], Check]:
    scheme = ec.ECDSA(digest)

    def load(key: bytes) -> Check:
        if len(key) != 2 * octets:
            raise ValueError("the point has another length")
        # A DNSKEY contains only x and y (RFC 6605 section 4); the library expects the octet of uncompressed points.
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + key)

        def check(signature: bytes, signed: bytes) -> None:
            if len(signature) != 2 * octets:
                raise InvalidSignature
            # DNSSEC concatenates r and s; the library expects them in DER.
            r, s = int.from_bytes(signature[:octets]), int.from_bytes(signature[octets:])
            public.verify(utils.encode_dss_signature(r, s), signed, scheme)

        return check

    return load


def _load_ed25519(key: bytes) -> Check:
    return ed25519.Ed25519PublicKey.from_public_bytes(key).verify


def _load_ed448(key: bytes) -> Check:
    return ed448.Ed448PublicKey.from_public_bytes(key).verify


def _load_mldsa44(key: bytes) -> Check:
    public = _mldsa44_class().from_public_bytes(key)

    def check(signature: bytes, signed: bytes) -> None:
        if len(signature) != _MLDSA44_SIGNATURE_OCTETS:
            raise InvalidSignature
        public.verify(signature, signed)

    return check


def _mldsa44_class() -> Any:
    """Return the class of ML-DSA-44 keys.

    Raises:
      UnsupportedAlgorithm: the installed cryptography does not have it (the oldest supported version lacks it).
    """
    try:
        module = importlib.import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
        return module.MLDSA44PublicKey
    except (ImportError, AttributeError) as error:
        raise UnsupportedAlgorithm("no ML-DSA") from error


_LOADERS: dict[int, Callable[[bytes], Check]] = {
    13: _load_curve(ec.SECP256R1(), hashes.SHA256(), 32),
    14: _load_curve(ec.SECP384R1(), hashes.SHA384(), 48),
    15: _load_ed25519,
    16: _load_ed448,
    18: _load_mldsa44,
}
