#!/usr/bin/env python3
"""Recomputes the journal of a reconciled store, independently of the program that wrote it, and holds signed
checkpoints against it. Standard library only. See docs/checkpoints.md for what it computes.

    verify-journal.py COPY SHOP [KEY CHECKPOINT...]

COPY is written by `reconciled store backup COPY`, KEY is the line of `reconciled audit key`. Prints what holds and
what does not, and the row at which it breaks. Exit status 0 intact, 1 broken, 3 not to be read."""
import base64, hashlib, os, sqlite3, struct, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

def row_hash(before, shop, seq, at, order, *fields):
    text = [struct.pack(">Q", len(field)) + field for field in (shop.encode(), *fields)]
    number = b"\0" if order is None else b"\1" + struct.pack(">q", order)
    return sha(b"reconciled-journal-v1", before, struct.pack(">qq", seq, at), number, *text)

def push(peaks, leaf):
    height, node = 0, sha(b"\0", leaf)
    while peaks and peaks[-1][0] == height:
        height, node = height + 1, sha(b"\1", peaks.pop()[1], node)
    peaks.append((height, node))

def root(peaks):
    whole = peaks[-1][1] if peaks else sha()
    for _, left in reversed(peaks[:-1]):
        whole = sha(b"\1", left, whole)
    return whole

def journal(copy, shop, sizes):
    """The trees at `sizes` as far as the chain holds, how far that is, and why not further."""
    db = sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)
    db.text_factory = bytes
    before, seq, peaks, trees = bytes(32), 0, [], {0: sha()}
    for *row, kept in db.execute("SELECT seq, at, order_id, actor, cause, entity, entity_id, event, before, after, detail, "
                                 "hash FROM journal WHERE shop = ? ORDER BY seq", (shop,)):
        if row[0] != seq + 1:
            return trees, seq, f"row {seq + 1} is missing"
        if row_hash(before, shop, *row) != kept:
            return trees, seq, f"row {seq + 1} does not hash to what it says"
        before, seq = kept, seq + 1
        push(peaks, kept)
        trees.update({seq: root(peaks)} if seq in sizes else {})
    head = db.execute("SELECT seq, hash FROM journal_head WHERE shop = ?", (shop,)).fetchone()
    return trees, seq, None if head == (seq, before) else f"row {seq + 1}: the journal does not end where its head says"

def add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return (a[0] * b[1] + b[0] * a[1]) * pow(1 + t, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P

def times(k, point):
    total = (0, 1)
    while k:
        total, point, k = add(total, point) if k & 1 else total, add(point, point), k >> 1
    return total

def point(raw):
    y, odd = int.from_bytes(raw, "little") & 2**255 - 1, raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    roots = [x for x in (pow(square, (P + 3) // 8, P) * f % P for f in (1, pow(2, (P - 1) // 4, P))) if x * x % P == square]
    return (roots[0] if roots[0] & 1 == odd else P - roots[0]), y

def is_signed(key, text, sig):
    base, s = point((4 * pow(5, -1, P) % P).to_bytes(32, "little")), int.from_bytes(sig[32:], "little")
    k = int.from_bytes(hashlib.sha512(sig[:32] + key + text).digest(), "little")
    return len(sig) == 64 and s < L and times(s, base) == add(point(sig[:32]), times(k, point(key)))

def claim(verifier, path):
    """The size and root that the key's signature covers."""
    name, _, key = verifier.split("+", 2)
    key = base64.b64decode(key, validate=True)
    body, tail = open(path, encoding="utf-8", newline="").read().rsplit("\n\n", 1)
    mark = f"\u2014 {name} "
    sigs = [base64.b64decode(line[len(mark):]) for line in tail.splitlines() if line.startswith(mark)]
    text, ours = f"{body}\n".encode(), sha(name.encode(), b"\n", key)[:4]
    if body.split("\n")[0] != name or not any(s[:4] == ours and is_signed(key[1:], text, s[4:]) for s in sigs):
        raise ValueError("it is not signed with this key")
    return int(body.split("\n")[1]), base64.b64decode(body.split("\n")[2], validate=True)

def main(copy, shop, verifier=None, *paths):
    if os.path.exists(f"{copy}-wal") and os.path.getsize(f"{copy}-wal"):
        raise ValueError(f"{copy} is in use: make a copy with `reconciled store backup`")
    claims = [(path, *claim(verifier, path)) for path in paths]
    trees, size, why = journal(copy, shop, {size for _, size, _ in claims})
    print(f"BROKEN {why}" if why else f"the journal of {shop} holds: {size} rows")
    broken = why is not None
    for path, signed, wanted in claims:
        holds = trees.get(signed) == wanted
        cut = f"signed at {signed} rows, the journal holds for {size}" if signed not in trees else "rewritten since"
        print(f"{path} holds" if holds else f"BROKEN {path}: {cut}")
        broken |= not holds
    return 1 if broken else 0

if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (ValueError, TypeError, IndexError, OSError, sqlite3.Error, struct.error, UnicodeError) as error:
        sys.exit(print(f"cannot be read: {error}", file=sys.stderr) or 3)
