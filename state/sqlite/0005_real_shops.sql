-- Schema 5: what real shops need.

-- What to do about a break in the state it was found in; without it, what is always done about its kind.
ALTER TABLE break ADD COLUMN remedy TEXT CHECK (remedy <> '');
