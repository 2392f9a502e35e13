#!/usr/bin/env python3
"""Recomputes the journal of a reconciled store, without the program that wrote it, and holds signed checkpoints against
it: verify-journal.py COPY SHOP [KEY CHECKPOINT...]. docs/checkpoints.md says what is computed. COPY is made by
`reconciled store backup COPY`, KEY is the line of `reconciled audit key`. Exit status 0 intact, 1 broken, 3 unread."""
import base64, functools, hashlib, os, sqlite3, struct, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROWS = """SELECT seq, at, order_id, actor, cause, entity, entity_id, event, before, after, detail, hash
    FROM journal WHERE shop = ? ORDER BY seq"""
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

def row_hash(before, shop, seq, at, order, *fields):
    text = [struct.pack(">Q", len(field)) + field for field in (shop.encode(), *fields)]
    number = b"\0" if order is None else b"\1" + struct.pack(">q", order)
    return sha(b"reconciled-journal-v1", before, struct.pack(">qq", seq, at), number, *text)

def journal(copy, shop, sizes):
    """The trees at `sizes` as far as the chain holds, how far that is, and why not further."""
    db = sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)
    db.text_factory = bytes
    before, last, peaks, trees = bytes(32), 0, [], {0: sha()}
    for seq, *row, kept in db.execute(ROWS, (shop,)):
        if seq != last + 1 or row_hash(before, shop, seq, *row) != kept:
            return trees, last, f"row {last + 1} is missing or does not hash to what it says"
        before, last = kept, seq
        peaks.append(sha(b"\0", kept))
        while seq % 2 == 0:  # as often as two divides the size, the last two subtrees are of one height
            seq, peaks[-2:] = seq // 2, [sha(b"\1", *peaks[-2:])]
        if last in sizes:
            trees[last] = functools.reduce(lambda right, left: sha(b"\1", left, right), reversed(peaks))
    head = db.execute("SELECT seq, hash FROM journal_head WHERE shop = ?", (shop,)).fetchone()
    return trees, last, None if head == (last, before) else f"row {last + 1}: the journal does not end as its head says"

def add(a, b):
    t = D * a[0] * b[0] * a[1] * b[1] % P
    return (a[0] * b[1] + b[0] * a[1]) * pow(1 + t, -1, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - t, -1, P) % P

def times(k, point):
    rest = times(k // 2, add(point, point)) if k else (0, 1)
    return add(rest, point) if k % 2 else rest

def point(raw):
    y, odd = int.from_bytes(raw, "little") & 2**255 - 1, raw[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    roots = [pow(square, (P + 3) // 8, P) * twist % P for twist in (1, pow(2, (P - 1) // 4, P))]
    x = [root for root in roots if root * root % P == square][0]
    return (x if x % 2 == odd else P - x), y

def is_signed(key, text, sig):
    base, s = point((4 * pow(5, -1, P) % P).to_bytes(32, "little")), int.from_bytes(sig[32:], "little")
    k = int.from_bytes(hashlib.sha512(sig[:32] + key + text).digest(), "little")
    return len(sig) == 64 and s < L and times(s, base) == add(point(sig[:32]), times(k, point(key)))

def claim(verifier, path):
    """The size and root that the key's signature covers."""
    name, _, key = verifier.split("+", 2)
    key, mark = base64.b64decode(key, validate=True), f"\u2014 {name} "
    body, tail = open(path, encoding="utf-8", newline="").read().rsplit("\n\n", 1)
    sigs = [base64.b64decode(line[len(mark):]) for line in tail.splitlines() if line.startswith(mark)]
    ours, (origin, size, root) = sha(name.encode(), b"\n", key)[:4], body.split("\n")[:3]
    if origin != name or not any(s[:4] == ours and is_signed(key[1:], f"{body}\n".encode(), s[4:]) for s in sigs):
        raise ValueError("it is not signed with this key")
    return int(size), base64.b64decode(root, validate=True)

def main(copy, shop, verifier=None, *paths):
    if os.path.exists(f"{copy}-wal") and os.path.getsize(f"{copy}-wal"):
        raise ValueError(f"{copy} is in use: make a copy with `reconciled store backup`")
    claims = [(path, *claim(verifier, path)) for path in paths]
    trees, size, why = journal(copy, shop, {size for _, size, _ in claims})
    said = [f"BROKEN {why}" if why else f"the journal of {shop} holds: {size} rows"]
    said += [f"{path} holds" if trees.get(signed) == root else f"BROKEN {path}: not the {signed} rows that it signs"
             for path, signed, root in claims]
    print(*said, sep="\n")
    return any(line.startswith("BROKEN") for line in said)

if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (ValueError, TypeError, IndexError, OSError, sqlite3.Error, struct.error, UnicodeError) as error:
        sys.exit(print(f"cannot be read: {error}", file=sys.stderr) or 3)
