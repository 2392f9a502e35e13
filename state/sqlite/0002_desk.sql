-- Schema 2: what several operators need who share one desk.

-- Who works on a break.
ALTER TABLE break ADD COLUMN assigned TEXT CHECK (assigned <> '');

-- Who proposed what another operator approved; NULL where one operator was enough.
ALTER TABLE approval ADD COLUMN proposed_by TEXT CHECK (proposed_by <> '');

-- One operator's wish that a refund goes which needs two. Bound to the effect by its id, which is made of its content,
-- and to the amount; the second operator's consent ends it, and so does a day.
CREATE TABLE proposal (
    shop     TEXT NOT NULL,
    intent   TEXT NOT NULL CHECK (length(intent) = 36),
    order_id INTEGER NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount > 0),
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL CHECK (actor <> ''),
    note     TEXT NOT NULL,
    PRIMARY KEY (shop, intent),
    FOREIGN KEY (shop, order_id) REFERENCES shop_order (shop, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX proposal_order ON proposal (shop, order_id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('proposal', 'proposal', '100 100 1'),
    ('proposal', 'proposal_order', '100 100 1');
ANALYZE sqlite_schema;
