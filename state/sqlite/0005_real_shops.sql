-- Schema 5: what real shops need.

-- What to do about a break in the state it was found in; without it, what is always done about its kind.
ALTER TABLE break ADD COLUMN remedy TEXT CHECK (remedy <> '');
ALTER TABLE break ADD COLUMN offer_intent TEXT;
ALTER TABLE break ADD COLUMN offer_amount INTEGER CHECK ((offer_amount IS NULL) = (offer_intent IS NULL));

-- The edition of the rules under which the order was last judged. What an earlier version concluded is read and judged
-- again once, in a look that acts on nothing; those orders are read behind what the lists name.
ALTER TABLE shop_order ADD COLUMN rules INTEGER NOT NULL DEFAULT 1 CHECK (rules >= 1);
UPDATE shop_order SET look_at = 0;
UPDATE listed SET unread = 1, changed_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000000000
    WHERE unread = 0 AND EXISTS (SELECT 1 FROM shop_order AS o WHERE o.shop = listed.shop AND o.id = listed.order_id);
CREATE INDEX shop_order_rules ON shop_order (shop, rules);

-- A look back at what an earlier version had concluded opened it.
ALTER TABLE break ADD COLUMN looking_back INTEGER NOT NULL DEFAULT 0 CHECK (looking_back IN (0, 1));
CREATE INDEX break_looking_back ON break (shop, id) WHERE looking_back = 1;

-- Of a capture: the credit invoices that lowered it, as a JSON list of [id, amount]. What is decided later rests on that,
-- and not on two companies' clocks. Captures from before this schema have none.
ALTER TABLE intent ADD COLUMN left_out TEXT;

-- Credit invoices of which a human said that they name what never left, each with its amount then.
CREATE TABLE never_sent (
    shop      TEXT NOT NULL,
    order_id  INTEGER NOT NULL,
    credit_id INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    note      TEXT NOT NULL,
    PRIMARY KEY (shop, credit_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX never_sent_order ON never_sent (shop, order_id);

-- Lightspeed's cluster: each numbers its shops by itself. NULL until the first pass of this version.
ALTER TABLE shop ADD COLUMN cluster TEXT CHECK (cluster <> '');

CREATE TRIGGER shop_keeps_its_cluster BEFORE UPDATE OF cluster ON shop
WHEN OLD.cluster IS NOT NULL AND OLD.cluster IS NOT NEW.cluster
BEGIN SELECT RAISE(ABORT, 'a bound shop keeps its identity'); END;

-- One shop, one set of books, whatever it is called.
CREATE UNIQUE INDEX shop_is_one ON shop (cluster, shop_id, environment, region) WHERE cluster IS NOT NULL;

-- What the configuration calls a shop now, where its rows are kept under an earlier name.
CREATE TABLE shop_name (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> '' AND name <> shop),
    shop TEXT NOT NULL UNIQUE REFERENCES shop (name)
) STRICT, WITHOUT ROWID;

-- What of an order Klarna is to take, as a human said, and the total that it was said of.
CREATE TABLE accepted_share (
    shop     TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0 AND amount <= total),
    total    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (shop, order_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

-- What Klarna said about the Klarna orders that a shop order names, where it names several. Without a body Klarna does
-- not know it, and said so in these words. `anothers`: a reference that is another order's number.
CREATE TABLE candidate (
    shop            TEXT NOT NULL,
    order_id        INTEGER NOT NULL,
    klarna_order_id TEXT NOT NULL,
    read_at         INTEGER NOT NULL,
    body            TEXT,
    said            TEXT,
    anothers        TEXT,
    PRIMARY KEY (shop, order_id, klarna_order_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

-- Which Klarna order a shop order belongs to, as a human said for good; none: no Klarna order.
CREATE TABLE link (
    shop            TEXT NOT NULL,
    order_id        INTEGER NOT NULL,
    klarna_order_id TEXT,
    at              INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    note            TEXT NOT NULL,
    PRIMARY KEY (shop, order_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX link_klarna ON link (shop, klarna_order_id);

-- Every Klarna order that a shop order names, also one that was only listed so far.
CREATE TABLE named (
    shop            TEXT NOT NULL,
    klarna_order_id TEXT NOT NULL,
    order_id        INTEGER NOT NULL,
    PRIMARY KEY (shop, klarna_order_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_order ON named (shop, order_id);
INSERT INTO named (shop, klarna_order_id, order_id)
    SELECT shop, klarna_order_id, id FROM shop_order WHERE klarna_order_id IS NOT NULL;

-- Whether a reference at Klarna names the order that is linked to it: what a shop's orders have in common.
CREATE TABLE referred (
    shop      TEXT NOT NULL,
    order_id  INTEGER NOT NULL,
    names     INTEGER NOT NULL CHECK (names IN (0, 1)),
    placed_at INTEGER NOT NULL,
    PRIMARY KEY (shop, order_id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX referred_row ON referred (shop, names, placed_at);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('referred', 'referred', '400000 400000 1'),
    ('referred', 'referred_row', '400000 400000 200000 1'),
    ('named', 'named', '400000 400000 1 1'),
    ('named', 'named_order', '400000 400000 1'),
    ('link', 'link_klarna', '1000 1000 1'),
    ('candidate', 'candidate', '10000 10000 2 1'),
    ('link', 'link', '1000 1000 1');
-- A list named a credit invoice of the order that is not paid: it is read before everything else.
ALTER TABLE listed ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1));

CREATE INDEX listed_urgent ON listed (shop, changed_at, order_id) WHERE unread = 1 AND urgent = 1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('listed', 'listed_urgent', '100 100 2 1');
ANALYZE sqlite_schema;

-- A list named this credit invoice, and no answer about its order has contained it since.
ALTER TABLE listed_invoice ADD COLUMN owed INTEGER NOT NULL DEFAULT 0 CHECK (owed IN (0, 1));

CREATE INDEX listed_invoice_owed ON listed_invoice (shop, order_id) WHERE owed = 1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('listed_invoice', 'listed_invoice_owed', '100 100 2 1');
ANALYZE sqlite_schema;

-- Since when the shop has not found an order that it had listed.
ALTER TABLE listed ADD COLUMN missing_since INTEGER;

-- What a human gave up after it had left may have happened: it goes on counting against the rolling ceilings.
DROP TRIGGER intent_counts_no_more_as_sent;
DROP TRIGGER intent_counts_no_more;

CREATE TRIGGER intent_counts_no_more_as_sent AFTER UPDATE OF first_sent_at, state ON intent
WHEN NEW.kind = 'refund' AND OLD.first_sent_at IS NOT NULL AND OLD.state <> 'rejected' AND OLD.state <> 'withdrawn'
    AND (OLD.first_sent_at IS NOT NEW.first_sent_at OR NEW.state = 'rejected' OR NEW.state = 'withdrawn')
BEGIN
    UPDATE spent SET amount = amount - OLD.amount
    WHERE shop = OLD.shop AND clock = 'sent' AND hour = OLD.first_sent_at / 3600000000000;
END;

CREATE TRIGGER intent_counts_no_more AFTER UPDATE OF state ON intent
WHEN NEW.kind = 'refund'
    AND (NEW.state = 'rejected' OR NEW.state = 'withdrawn' OR NEW.state = 'abandoned' AND NEW.first_sent_at IS NULL)
    AND OLD.state <> 'rejected' AND OLD.state <> 'withdrawn' AND OLD.state <> 'abandoned'
BEGIN
    UPDATE spent SET amount = amount - OLD.amount
    WHERE shop = OLD.shop AND clock = 'planned' AND hour = OLD.planned_at / 3600000000000;
END;

INSERT INTO spent (shop, clock, hour, amount)
    SELECT shop, 'planned', planned_at / 3600000000000, sum(amount) FROM intent
    WHERE kind = 'refund' AND state = 'abandoned' AND first_sent_at IS NOT NULL GROUP BY 1, 3
    ON CONFLICT (shop, clock, hour) DO UPDATE SET amount = amount + excluded.amount;
INSERT INTO spent (shop, clock, hour, amount)
    SELECT shop, 'sent', first_sent_at / 3600000000000, sum(amount) FROM intent
    WHERE kind = 'refund' AND state = 'abandoned' AND first_sent_at IS NOT NULL GROUP BY 1, 3
    ON CONFLICT (shop, clock, hour) DO UPDATE SET amount = amount + excluded.amount;
