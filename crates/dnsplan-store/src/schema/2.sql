-- Format version 2: writer roles. A row is never deleted, and its floor never falls.

-- `record` is a leadership record as text. Nothing under an epoch below `floor` is accepted; `position` counts what was.
-- `beat` and `beats` are what the holder says of itself while it is there, and only failure detectors go by them.
CREATE TABLE role (
    scope    TEXT PRIMARY KEY,
    record   TEXT,
    floor    INTEGER NOT NULL DEFAULT 0,
    position INTEGER NOT NULL DEFAULT 0,
    beat     TEXT,
    beats    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER role_floor_stays BEFORE UPDATE OF floor ON role WHEN new.floor < old.floor
BEGIN
    SELECT raise(ABORT, 'the floor of a role never falls');
END;
CREATE TRIGGER role_stays BEFORE DELETE ON role
BEGIN
    SELECT raise(ABORT, 'a role is never deleted');
END;
