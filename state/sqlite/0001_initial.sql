-- Schema 1 of reconciled's store.
--
-- Times are nanoseconds since 1970 in UTC. Amounts are minor units of the shop's currency. A machine's state is the
-- word of the codec. Every table is keyed by shop: one database may hold several.
-- No name, address or e-mail has a column here.
--
-- In what every effect writes (intent, journal), words are compared one by one: for a list of three and more SQLite
-- builds and drops a table of its own each time.

-- The shop, and the identity that the first pass bound it to.
CREATE TABLE shop (
    name        TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    environment TEXT,
    region      TEXT,
    shop_id     TEXT,
    currency    TEXT CHECK (length(currency) = 3),
    read_at     INTEGER,
    CHECK ((environment IS NULL) = (region IS NULL)
        AND (environment IS NULL) = (shop_id IS NULL)
        AND (environment IS NULL) = (currency IS NULL)
        AND (environment IS NULL) = (read_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER shop_keeps_its_identity BEFORE UPDATE OF name, environment, region, shop_id ON shop
WHEN OLD.environment IS NOT NULL AND (OLD.name IS NOT NEW.name OR OLD.environment IS NOT NEW.environment
    OR OLD.region IS NOT NEW.region OR OLD.shop_id IS NOT NEW.shop_id)
BEGIN SELECT RAISE(ABORT, 'a bound shop keeps its identity'); END;

-- The kill switch.
CREATE TABLE stop_switch (
    shop    TEXT NOT NULL PRIMARY KEY REFERENCES shop (name),
    stopped INTEGER NOT NULL CHECK (stopped IN (0, 1)),
    since   INTEGER,
    actor   TEXT,
    note    TEXT
) STRICT, WITHOUT ROWID;

-- The end of each shop's journal, written in the transaction that appends to it.
CREATE TABLE journal_head (
    shop TEXT NOT NULL PRIMARY KEY REFERENCES shop (name),
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT, WITHOUT ROWID;

-- Up to where the shop's lists were read, and the policy under which every quiet order was last looked through.
CREATE TABLE cursor (
    shop     TEXT NOT NULL PRIMARY KEY REFERENCES shop (name),
    orders   INTEGER,
    invoices INTEGER,
    policy   TEXT
) STRICT, WITHOUT ROWID;

-- One run of the reconciler.
CREATE TABLE pass (
    no         INTEGER PRIMARY KEY,
    shop       TEXT NOT NULL REFERENCES shop (name),
    id         TEXT NOT NULL CHECK (length(id) = 36),
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    complete   INTEGER CHECK (complete IN (0, 1)),
    UNIQUE (shop, id)
) STRICT;

-- Calls left per window, as the servers last said.
CREATE TABLE budget (
    shop  TEXT NOT NULL REFERENCES shop (name),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (shop, name)
) STRICT, WITHOUT ROWID;

-- When the service's next passes are due, so that a restart neither loses one nor runs one twice.
CREATE TABLE agenda (
    shop     TEXT NOT NULL PRIMARY KEY REFERENCES shop (name),
    poll_due INTEGER NOT NULL,
    full_due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people were told about, by the way they were told, so that a restart does not tell it again.
CREATE TABLE told (
    shop          TEXT NOT NULL REFERENCES shop (name),
    channel       TEXT NOT NULL CHECK (channel IN ('command', 'post')),
    subject       TEXT NOT NULL CHECK (subject <> ''),
    kind          TEXT NOT NULL,
    order_number  TEXT,
    credit_number TEXT,
    amount        INTEGER,
    since         INTEGER NOT NULL,
    told_at       INTEGER NOT NULL,
    PRIMARY KEY (shop, channel, subject)
) STRICT, WITHOUT ROWID;

-- Every order that a list named, whoever its payment is: what was listed against what was read.
CREATE TABLE listed (
    shop         TEXT NOT NULL REFERENCES shop (name),
    order_id     INTEGER NOT NULL CHECK (order_id >= 0),
    number       TEXT,
    updated_at   INTEGER,
    is_klarna    INTEGER CHECK (is_klarna IN (0, 1)),
    read_version INTEGER,
    unread       INTEGER NOT NULL CHECK (unread IN (0, 1)),
    changed_at   INTEGER NOT NULL,
    PRIMARY KEY (shop, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX listed_unread ON listed (shop, changed_at, order_id) WHERE unread = 1;

-- Every invoice that a list named, so that a late or repeated list row is recognised.
CREATE TABLE listed_invoice (
    shop       TEXT NOT NULL,
    id         INTEGER NOT NULL CHECK (id >= 0),
    order_id   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (shop, id),
    FOREIGN KEY (shop, order_id) REFERENCES listed (shop, order_id)
) STRICT, WITHOUT ROWID;

-- One Klarna order of the shop. Its state is NULL until it was first decided.
CREATE TABLE shop_order (
    shop            TEXT NOT NULL REFERENCES shop (name),
    id              INTEGER NOT NULL CHECK (id >= 0),
    number          TEXT NOT NULL,
    klarna_order_id TEXT,
    total           INTEGER,
    state           TEXT CHECK (state <> ''),
    captured        INTEGER NOT NULL DEFAULT 0,
    refunded        INTEGER NOT NULL DEFAULT 0,
    -- The most that any read of this Klarna order showed: what went back never comes again, whatever a late read says.
    most_refunded   INTEGER NOT NULL DEFAULT 0,
    quiet_since     INTEGER NOT NULL,
    look_at         INTEGER CHECK (look_at >= 0),
    touched_at      INTEGER,
    decided_in      INTEGER REFERENCES pass (no),
    PRIMARY KEY (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX shop_order_number ON shop_order (shop, number);
CREATE INDEX shop_order_klarna ON shop_order (shop, klarna_order_id) WHERE klarna_order_id IS NOT NULL;
CREATE INDEX shop_order_decided ON shop_order (shop, decided_in, id) WHERE decided_in IS NOT NULL;
-- By whole hours, so that the due orders are found in the order of their ids without sorting all of them.
CREATE INDEX shop_order_due ON shop_order (shop, look_at / 3600000000000, id, look_at) WHERE look_at IS NOT NULL;

CREATE TRIGGER shop_order_stays BEFORE DELETE ON shop_order
BEGIN SELECT RAISE(ABORT, 'an order is never deleted'); END;

-- The last thing each side said about an order, and when. `version` orders the answers of one side.
CREATE TABLE fact (
    shop     TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    side     TEXT NOT NULL CHECK (side IN ('shop', 'klarna')),
    version  INTEGER NOT NULL,
    read_at  INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (shop, order_id, side),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT;

CREATE TABLE credit_invoice (
    shop       TEXT NOT NULL,
    id         INTEGER NOT NULL CHECK (id >= 0),
    order_id   INTEGER NOT NULL,
    number     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state <> ''),
    amount     INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (shop, id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX credit_invoice_order ON credit_invoice (shop, order_id);
CREATE INDEX credit_invoice_number ON credit_invoice (shop, number);

CREATE TRIGGER credit_invoice_stays BEFORE DELETE ON credit_invoice
BEGIN SELECT RAISE(ABORT, 'a credit invoice is never deleted'); END;

-- The durable decision to cause one effect. Everything above `state` never changes.
CREATE TABLE intent (
    shop            TEXT NOT NULL,
    id              TEXT NOT NULL CHECK (length(id) = 36),
    order_id        INTEGER NOT NULL,
    klarna_order_id TEXT,
    kind            TEXT NOT NULL CHECK (
        kind = 'refund' OR kind = 'mark_paid' OR kind = 'cancel' OR kind = 'release' OR kind = 'capture'
        OR kind = 'extend'),
    reference       TEXT NOT NULL,
    credit_id       INTEGER,
    credit_number   TEXT,
    amount          INTEGER NOT NULL CHECK (amount >= 0 AND (kind <> 'refund' OR amount > 0)),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    generation      INTEGER NOT NULL CHECK (generation >= 0),
    key             TEXT NOT NULL CHECK (length(key) = 36),
    payload         TEXT NOT NULL,
    planned_at      INTEGER NOT NULL,
    seen_before     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (
        state = 'planned' OR state = 'sending' OR state = 'confirmed' OR state = 'rejected' OR state = 'unknown'
        OR state = 'withdrawn' OR state = 'abandoned'),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    first_sent_at   INTEGER,
    last_sent_at    INTEGER,
    -- What the two were before the last claim, for an attempt that is taken back.
    first_before    INTEGER,
    last_before     INTEGER,
    not_before      INTEGER,
    absent_since    INTEGER,
    made            TEXT,
    -- A Klarna read has shown what was made.
    visible         INTEGER NOT NULL DEFAULT 0 CHECK (visible IN (0, 1)),
    said_status     INTEGER,
    said_code       TEXT,
    said_message    TEXT,
    said_correlation TEXT,
    correlation_id  TEXT,
    ended_at        INTEGER,
    PRIMARY KEY (shop, id),
    CHECK ((credit_id IS NULL) = (credit_number IS NULL)),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id),
    FOREIGN KEY (shop, credit_id) REFERENCES credit_invoice (shop, id)
) STRICT;

CREATE UNIQUE INDEX intent_open ON intent (shop, order_id, kind, reference)
    WHERE state = 'planned' OR state = 'sending' OR state = 'unknown';
CREATE UNIQUE INDEX intent_key ON intent (shop, key);
CREATE INDEX intent_order ON intent (shop, order_id);
CREATE INDEX intent_sending ON intent (shop) WHERE state = 'sending';
CREATE INDEX intent_lost_payment ON intent (shop) WHERE kind = 'mark_paid' AND state = 'unknown';
CREATE INDEX intent_planned_at ON intent (shop, planned_at, amount)
    WHERE kind = 'refund' AND state <> 'rejected' AND state <> 'withdrawn' AND state <> 'abandoned';
CREATE INDEX intent_first_sent_at ON intent (shop, first_sent_at, amount)
    WHERE kind = 'refund' AND first_sent_at IS NOT NULL
    AND state <> 'rejected' AND state <> 'withdrawn' AND state <> 'abandoned';

CREATE TRIGGER intent_stays BEFORE DELETE ON intent
BEGIN SELECT RAISE(ABORT, 'an intent is never deleted'); END;

CREATE TRIGGER intent_content_never_changes
BEFORE UPDATE OF shop, id, order_id, klarna_order_id, kind, reference, credit_id, credit_number, amount, currency,
    generation, key, payload, planned_at, seen_before ON intent
BEGIN SELECT RAISE(ABORT, 'the content of an intent never changes'); END;

CREATE TRIGGER intent_starts_planned BEFORE INSERT ON intent WHEN NEW.state <> 'planned'
BEGIN SELECT RAISE(ABORT, 'an intent starts planned'); END;

CREATE TRIGGER intent_moves_legally BEFORE UPDATE OF state ON intent
WHEN NOT (
    (OLD.state = 'planned' OR OLD.state = 'unknown')
        AND (NEW.state = 'sending' OR NEW.state = 'confirmed' OR NEW.state = 'abandoned')
    OR OLD.state = 'planned' AND NEW.state = 'withdrawn'
    OR OLD.state = 'sending'
        AND (NEW.state = 'confirmed' OR NEW.state = 'rejected' OR NEW.state = 'planned' OR NEW.state = 'unknown')
)
BEGIN SELECT RAISE(ABORT, 'an intent cannot move that way'); END;

-- Refunds per whole hour, by when they were planned and by when they were first sent, without the rejected and the
-- abandoned: what a rolling ceiling adds up. Kept by the triggers below.
CREATE TABLE spent (
    shop   TEXT NOT NULL,
    clock  TEXT NOT NULL CHECK (clock IN ('planned', 'sent')),
    hour   INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (shop, clock, hour)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER intent_counts_when_planned AFTER INSERT ON intent WHEN NEW.kind = 'refund'
BEGIN
    INSERT INTO spent (shop, clock, hour, amount)
    VALUES (NEW.shop, 'planned', NEW.planned_at / 3600000000000, NEW.amount)
    ON CONFLICT (shop, clock, hour) DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER intent_counts_when_sent AFTER UPDATE OF first_sent_at ON intent
WHEN NEW.kind = 'refund' AND NEW.first_sent_at IS NOT NULL AND OLD.first_sent_at IS NOT NEW.first_sent_at
    AND NEW.state <> 'rejected' AND NEW.state <> 'withdrawn' AND NEW.state <> 'abandoned'
BEGIN
    INSERT INTO spent (shop, clock, hour, amount)
    VALUES (NEW.shop, 'sent', NEW.first_sent_at / 3600000000000, NEW.amount)
    ON CONFLICT (shop, clock, hour) DO UPDATE SET amount = amount + excluded.amount;
END;

CREATE TRIGGER intent_counts_no_more_as_sent AFTER UPDATE OF first_sent_at, state ON intent
WHEN NEW.kind = 'refund' AND OLD.first_sent_at IS NOT NULL
    AND OLD.state <> 'rejected' AND OLD.state <> 'withdrawn' AND OLD.state <> 'abandoned'
    AND (OLD.first_sent_at IS NOT NEW.first_sent_at
        OR NEW.state = 'rejected' OR NEW.state = 'withdrawn' OR NEW.state = 'abandoned')
BEGIN
    UPDATE spent SET amount = amount - OLD.amount
    WHERE shop = OLD.shop AND clock = 'sent' AND hour = OLD.first_sent_at / 3600000000000;
END;

CREATE TRIGGER intent_counts_no_more AFTER UPDATE OF state ON intent
WHEN NEW.kind = 'refund' AND (NEW.state = 'rejected' OR NEW.state = 'withdrawn' OR NEW.state = 'abandoned')
    AND OLD.state <> 'rejected' AND OLD.state <> 'withdrawn' AND OLD.state <> 'abandoned'
BEGIN
    UPDATE spent SET amount = amount - OLD.amount
    WHERE shop = OLD.shop AND clock = 'planned' AND hour = OLD.planned_at / 3600000000000;
END;

-- A human's consent to one effect, by its id; the effect may not be an intent yet.
CREATE TABLE approval (
    shop     TEXT NOT NULL,
    intent   TEXT NOT NULL CHECK (length(intent) = 36),
    order_id INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (shop, intent),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX approval_order ON approval (shop, order_id);

-- What a human said a refund without our reference was for.
CREATE TABLE attribution (
    shop     TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    refund   TEXT NOT NULL,
    target   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (shop, order_id, refund),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

-- Orders for which a human withholds every effect.
CREATE TABLE hold (
    shop     TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (shop, order_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

-- A difference that outlived its grace: durable, aged, worked on by a human.
CREATE TABLE break (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    shop          TEXT NOT NULL,
    order_id      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,
    credit_number TEXT,
    amount        INTEGER,
    message       TEXT NOT NULL,
    opened_at     INTEGER NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('open', 'acknowledged', 'resolved', 'cleared')),
    closed_at     INTEGER,
    note          TEXT,
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT;

CREATE INDEX break_open ON break (shop, opened_at) WHERE status IN ('open', 'acknowledged');
CREATE INDEX break_order ON break (shop, order_id, status);

CREATE TRIGGER break_stays BEFORE DELETE ON break
BEGIN SELECT RAISE(ABORT, 'a break is never deleted'); END;

-- The differences that the last decision on each order saw; those past their grace name their break.
CREATE TABLE difference (
    shop          TEXT NOT NULL,
    order_id      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,
    first_seen    INTEGER NOT NULL,
    break         INTEGER REFERENCES break (id),
    PRIMARY KEY (shop, order_id, kind, subject),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

-- Every change of every state, appended in the transaction that made it; `hash` covers the row and the one before.
CREATE TABLE journal (
    shop      TEXT NOT NULL REFERENCES shop (name),
    seq       INTEGER NOT NULL CHECK (seq > 0),
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    cause     TEXT NOT NULL,
    entity    TEXT NOT NULL CHECK (
        entity = 'shop' OR entity = 'order' OR entity = 'credit_invoice' OR entity = 'intent' OR entity = 'break'),
    entity_id TEXT NOT NULL,
    order_id  INTEGER,
    event     TEXT NOT NULL,
    before    TEXT NOT NULL,
    after     TEXT NOT NULL,
    detail    TEXT NOT NULL,
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (shop, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX journal_order ON journal (shop, order_id) WHERE order_id IS NOT NULL;

CREATE TRIGGER journal_is_not_edited BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_not_shortened BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- What a large shop looks like, for SQLite's planner. Without figures it believes that a shop has ten orders, and reads
-- all of them where an index would name one. Each figure: rows, rows per shop, rows per further column of the index.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('listed', 'listed', '1000000 1000000 1'),
    ('listed', 'listed_unread', '1000 1000 2 1'),
    ('listed_invoice', 'listed_invoice', '1000000 1000000 1'),
    ('shop_order', 'shop_order', '1000000 1000000 1'),
    ('shop_order', 'shop_order_number', '1000000 1000000 1'),
    ('shop_order', 'shop_order_klarna', '1000000 1000000 1'),
    ('shop_order', 'shop_order_decided', '1000000 1000000 1000 1'),
    ('shop_order', 'shop_order_due', '1000000 1000000 1000 1 1'),
    ('fact', 'sqlite_autoindex_fact_1', '2000000 2000000 2 1'),
    ('credit_invoice', 'credit_invoice', '200000 200000 1'),
    ('credit_invoice', 'credit_invoice_order', '200000 200000 1'),
    ('credit_invoice', 'credit_invoice_number', '200000 200000 1'),
    ('intent', 'sqlite_autoindex_intent_1', '400000 400000 1'),
    ('intent', 'intent_open', '1000 1000 2 1 1'),
    ('intent', 'intent_key', '400000 400000 1'),
    ('intent', 'intent_order', '400000 400000 2'),
    ('intent', 'intent_sending', '100 100'),
    ('intent', 'intent_lost_payment', '100 100'),
    ('intent', 'intent_planned_at', '200000 200000 10 1'),
    ('intent', 'intent_first_sent_at', '200000 200000 10 1'),
    ('approval', 'approval', '1000 1000 1'),
    ('approval', 'approval_order', '1000 1000 1'),
    ('attribution', 'attribution', '1000 1000 1 1'),
    ('hold', 'hold', '100 100 1'),
    ('break', 'break_open', '100 100 1'),
    ('break', 'break_order', '10000 10000 2 1'),
    ('difference', 'difference', '10000 10000 1 1 1'),
    ('journal', 'journal', '5000000 5000000 1'),
    ('journal', 'journal_order', '5000000 5000000 5');
ANALYZE sqlite_schema;
