-- Schema 4: what the operations page reads a page at a time, without walking a shop's whole history.

-- Credit invoices that are not settled yet, newest first by their id.
CREATE INDEX credit_invoice_open ON credit_invoice (shop, id)
    WHERE substr(state, 1, 4) <> 'paid' AND state <> 'cancelled';

-- A shop's passes, latest first.
CREATE INDEX pass_of_shop ON pass (shop, no);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('credit_invoice', 'credit_invoice_open', '1000 1000 1'),
    ('pass', 'pass_of_shop', '100000 100000 1');
ANALYZE sqlite_schema;
