-- Schema 3: what a report for a period reads: movements at Klarna with their times, what a pass could not check, and indexes over
-- the rare rows of the journal, so that a report neither reads a whole journal nor sorts one.
--
-- A report says how things stood behind one row of the journal. So whatever it reads is either never changed, or tells
-- by the sequence of a journal row since when it is so.

-- Captures and refunds at Klarna, whoever made them, each kept the first time a read showed it. `booked_at` is when it
-- was made; what was made in a period that was closed before we saw it is booked where the closed period ends.
CREATE TABLE movement (
    shop            TEXT NOT NULL,
    order_id        INTEGER NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('capture', 'refund')),
    id              TEXT NOT NULL,
    klarna_order_id TEXT NOT NULL,
    amount          INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    reference       TEXT,
    made_at         INTEGER,
    booked_at       INTEGER NOT NULL,
    -- The journal's last row when it was kept.
    seen_after      INTEGER NOT NULL CHECK (seen_after >= 0),
    PRIMARY KEY (shop, order_id, kind, id),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX movement_booked ON movement (shop, kind, booked_at, order_id, id, currency, amount, seen_after);

CREATE TRIGGER movement_is_not_edited BEFORE UPDATE ON movement
BEGIN SELECT RAISE(ABORT, 'a movement never changes'); END;

CREATE TRIGGER movement_stays BEFORE DELETE ON movement
BEGIN SELECT RAISE(ABORT, 'a movement is never deleted'); END;

INSERT INTO movement
    SELECT shop, order_id, kind, made ->> 'id', body ->> 'id', made ->> 'amount',
        CASE json_type(body, '$.currency') WHEN 'text' THEN body ->> 'currency' ELSE body ->> '$.currency.unknown' END,
        made ->> 'reference', at, coalesce(at, read_at), 0
    FROM (
        SELECT shop, order_id, 'capture' AS kind, body, read_at, value AS made,
            unixepoch(value ->> 'at') * 1000000000 AS at
        FROM fact, json_each(fact.body, '$.captures') WHERE side = 'klarna'
        UNION ALL
        SELECT shop, order_id, 'refund', body, read_at, value, unixepoch(value ->> 'at') * 1000000000
        FROM fact, json_each(fact.body, '$.refunds') WHERE side = 'klarna')
    WHERE true
    ON CONFLICT DO NOTHING;

-- What a pass could not check, and why.
CREATE TABLE unchecked (
    shop  TEXT NOT NULL,
    pass  INTEGER NOT NULL REFERENCES pass (no),
    place INTEGER NOT NULL,
    what  TEXT NOT NULL,
    why   TEXT NOT NULL,
    PRIMARY KEY (shop, pass, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX pass_ended ON pass (shop, ended_at);

-- The first row of each UTC day: of a day whose rows all came after a row of a later day (the clock was set back)
-- nothing is kept, and those rows count to the later day.
CREATE TABLE journal_day (
    shop TEXT NOT NULL REFERENCES shop (name),
    day  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (shop, day)
) STRICT, WITHOUT ROWID;

INSERT INTO journal_day
    SELECT shop, latest / 86400000000000, min(seq)
    FROM (SELECT shop, seq, max(at) OVER (PARTITION BY shop ORDER BY seq) AS latest FROM journal)
    GROUP BY 1, 2;

CREATE TRIGGER journal_begins_a_day AFTER INSERT ON journal
WHEN NOT EXISTS (SELECT 1 FROM journal_day WHERE shop = NEW.shop AND day >= NEW.at / 86400000000000)
BEGIN
    INSERT INTO journal_day (shop, day, seq) VALUES (NEW.shop, NEW.at / 86400000000000, NEW.seq);
END;

-- The rows that a report asks for by what they are about. That of the credit invoices holds all it needs of them.
CREATE INDEX journal_credit ON journal (shop, entity_id, seq, at, event, after) WHERE entity = 'credit_invoice';
CREATE INDEX journal_break ON journal (shop, entity_id, seq) WHERE entity = 'break';
CREATE INDEX journal_cancel ON journal (shop, seq) WHERE event = 'cancel_seen';
CREATE INDEX journal_closed ON journal (shop, seq) WHERE event = 'period_closed';
CREATE INDEX journal_policy ON journal (shop, seq) WHERE event = 'policy';
CREATE INDEX journal_operator ON journal (shop, seq) WHERE cause = 'operator';

-- Behind which row an intent was planned, and behind which it had its outcome.
ALTER TABLE intent ADD COLUMN planned_seq INTEGER;
ALTER TABLE intent ADD COLUMN ended_seq INTEGER;

UPDATE intent SET
    planned_seq = (SELECT min(seq) FROM journal AS j INDEXED BY journal_order
        WHERE j.shop = intent.shop AND j.order_id = intent.order_id AND j.entity = 'intent' AND j.entity_id = intent.id),
    ended_seq = (SELECT max(seq) FROM journal AS j INDEXED BY journal_order
        WHERE j.shop = intent.shop AND j.order_id = intent.order_id AND j.entity = 'intent' AND j.entity_id = intent.id
            AND j.after IN ('confirmed', 'rejected', 'withdrawn', 'abandoned'));

CREATE TRIGGER journal_dates_a_plan AFTER INSERT ON journal WHEN NEW.entity = 'intent' AND NEW.before = ''
BEGIN UPDATE intent SET planned_seq = NEW.seq WHERE shop = NEW.shop AND id = NEW.entity_id; END;

CREATE TRIGGER journal_dates_an_outcome AFTER INSERT ON journal
WHEN NEW.entity = 'intent'
    AND (NEW.after = 'confirmed' OR NEW.after = 'rejected' OR NEW.after = 'withdrawn' OR NEW.after = 'abandoned')
BEGIN UPDATE intent SET ended_seq = NEW.seq WHERE shop = NEW.shop AND id = NEW.entity_id; END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('movement', 'movement', '1200000 1200000 1 1 1'),
    ('movement', 'movement_booked', '1200000 1200000 600000 10 1 1 1 1 1'),
    ('journal', 'journal_credit', '800000 800000 4 1 1 1 1'),
    ('journal', 'journal_break', '20000 20000 2 1'),
    ('journal', 'journal_cancel', '20000 20000 1'),
    ('journal', 'journal_closed', '100 100 1'),
    ('journal', 'journal_policy', '100 100 1'),
    ('journal', 'journal_operator', '10000 10000 1'),
    ('journal_day', 'journal_day', '1000 1000 1'),
    ('unchecked', 'unchecked', '10000 10000 10 1'),
    ('pass', 'pass_ended', '100000 100000 1');
ANALYZE sqlite_schema;
