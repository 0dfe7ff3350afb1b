-- Format version 1. Generations, times (milliseconds since 1970) and counts are integers; names are absolute, in ASCII.

-- Counts up with every change that the plan store's users can see.
CREATE TABLE store (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO store (only_row, revision) VALUES (1, 0);

-- `granted` is the highest generation that was ever granted or seen at a target. It never falls, whatever is pruned.
CREATE TABLE zone (
    id      INTEGER PRIMARY KEY,
    origin  TEXT NOT NULL UNIQUE,
    granted INTEGER NOT NULL DEFAULT 0,
    floor   INTEGER NOT NULL DEFAULT 0
) STRICT;

-- `delta` leads here from the parent's content, and from the empty zone where the parent is 0. No two plans have one
-- parent: history is linear.
CREATE TABLE plan (
    zone           INTEGER NOT NULL REFERENCES zone (id),
    generation     INTEGER NOT NULL,
    parent         INTEGER NOT NULL CHECK (parent < generation),
    digest         BLOB NOT NULL CHECK (length(digest) = 32),
    attempt        BLOB NOT NULL CHECK (length(attempt) = 16),
    changed_owners INTEGER NOT NULL,
    provenance     TEXT NOT NULL,
    delta          BLOB NOT NULL,
    PRIMARY KEY (zone, generation),
    UNIQUE (zone, parent),
    UNIQUE (zone, attempt)
) STRICT;

-- The whole content of a plan, so that nothing below it is needed to read it.
CREATE TABLE checkpoint (
    zone       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    content    BLOB NOT NULL,
    PRIMARY KEY (zone, generation),
    FOREIGN KEY (zone, generation) REFERENCES plan (zone, generation) ON DELETE CASCADE
) STRICT;

-- The last report on each target.
CREATE TABLE target (
    zone      INTEGER NOT NULL REFERENCES zone (id),
    id        TEXT NOT NULL,
    live      INTEGER NOT NULL,
    base      INTEGER NOT NULL,
    floor     INTEGER NOT NULL,
    highest   INTEGER NOT NULL,
    state     TEXT NOT NULL,
    note      TEXT,
    freeze    INTEGER,
    by        TEXT NOT NULL,
    at        INTEGER NOT NULL,
    confirmed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (zone, id)
) STRICT;

CREATE TABLE demand (
    id     INTEGER PRIMARY KEY,
    zone   INTEGER NOT NULL REFERENCES zone (id),
    above  INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     INTEGER NOT NULL,
    UNIQUE (zone, above, reason)
) STRICT;

CREATE TABLE pin (
    zone       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    by         TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (zone, generation),
    FOREIGN KEY (zone, generation) REFERENCES plan (zone, generation)
) STRICT;

-- A freeze is in force while it is not lifted. Neither table ever loses a row, so no id comes twice.
CREATE TABLE freeze (
    id     INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE TABLE lifted (
    id INTEGER PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- The fence records of targets that live in a process and not in a place of their own. Only their owner reads `record`.
CREATE TABLE fence (
    zone   INTEGER NOT NULL REFERENCES zone (id),
    target TEXT NOT NULL,
    record TEXT NOT NULL,
    live   INTEGER NOT NULL,
    PRIMARY KEY (zone, target)
) STRICT;
